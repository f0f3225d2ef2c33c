"""The workspace: where experiments, runs and models of a site are recorded. `opened(site)` makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..errors import ConfigError
from ..events import ModelInfo, RunInfo, RunState
from ..site.files import Site

RUN_TAG = "trainshed.run"  # the ULID by which the workspace's run, and a model's origin, is found


@dataclass(frozen=True)
class Description:
    """Where a site records. `models`: how many names are registered."""

    kind: str
    location: str
    software: str
    models: int


@dataclass(frozen=True)
class Metric:
    """`time`: seconds since the epoch, on the VM's clock."""

    key: str
    value: float
    step: int
    time: float


@dataclass(frozen=True)
class Param:
    key: str
    value: str


@dataclass(frozen=True)
class Tag:
    """`value` None takes the tag away."""

    key: str
    value: str | None


Op = Metric | Param | Tag


class Workspace(Protocol):
    """Every method blocks (call it by `threads.call`), may be called from several threads, and is idempotent.

    They raise WorkspaceError where the workspace cannot be opened or refuses. A run is named by its
    ULID (a child run by the id that MLflow gave it on the VM), never by the workspace's own id.
    """

    def describe(self) -> Description: ...

    def ensure_run(self, info: RunInfo) -> None:
        """Records the run, started at `info.created`, below `info.parent` if it has one. Once, whoever asks."""
        ...

    def write(self, run: str, ops: Sequence[Op]) -> list[str]:
        """Written with the original times and steps; again makes no difference. Returns what was refused, and why."""
        ...

    def put_artifact(self, run: str, path: str, data: bytes) -> None:
        """`path`: relative, with "/"."""
        ...

    def finish(self, run: str, state: RunState, ended: float) -> None:
        """Ends the run, and child runs that are still open. A run that has ended is not touched."""
        ...

    def register(self, name: str, run: str, source: str, digest: str, tags: Mapping[str, str]) -> ModelInfo:
        """A new version of the model `name`; the same run and digest again give the version that there is."""
        ...

    def models(self) -> list[ModelInfo]:
        """The newest version of each model, by name."""
        ...

    def model(self, name: str, version: str | None = None) -> ModelInfo:
        """`version` None is the newest."""
        ...


def model_source(site: str, vm: str, run: str, name: str) -> str:
    """Where the bytes of a logged model are: they stay on the VM."""
    return f"trainshed://{site}/{vm}/runs/{run}/models/{name}"


def lineage(info: RunInfo) -> dict[str, str]:
    """The tags that say what a model came from. Several inputs: `name=digest`, by name."""
    several = ",".join(f"{name}={digest}" for name, digest in sorted(info.data.items()))
    data = next(iter(info.data.values())) if len(info.data) == 1 else several
    tags = {
        RUN_TAG: info.run,
        "trainshed.vm": info.vm,
        "trainshed.data": data,
        "trainshed.code": info.code_digest,
        "trainshed.environment": info.environment,
    }
    return {key: value for key, value in tags.items() if value}


def opened(site: Site) -> Workspace:
    """Cheap: nothing heavy is imported and nothing is opened before it is used. Raises ConfigError."""
    wanted = site.file.workspace
    if wanted.kind == "azure":
        raise ConfigError(
            "the Azure workspace is not there yet",
            hint=f'{site.path}: [workspace] kind = "local" records on this computer, or on your MLflow server',
        )
    from .local import LocalWorkspace

    return LocalWorkspace(site.state, wanted.tracking_uri)
