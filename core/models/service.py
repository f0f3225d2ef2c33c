"""`services.Models` on a real site: recorded in the workspace, packaged on the VM; the bytes never come here."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING

from .. import equal, threads
from ..errors import RunError, UsageError, WorkspaceError
from ..events import Event, ModelInfo, ModelRegistered, ModelsListed, Phase, RunInfo
from ..runs import names
from ..runs.told import told
from ..site.files import Site
from ..ssh.agent import Agent, Link
from . import packages

if TYPE_CHECKING:
    from ..workspace import Workspace

STEP = "model"


class LiveModels:
    """core.services.Models over a real link and a real workspace."""

    def __init__(self, site: Site, link: Link, workspace: Workspace) -> None:
        self._site = site
        self._link = link
        self._workspace = workspace

    async def register(
        self, run: str, *, name: str | None = None, tags: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Event, None]:
        """Raises RunError for a run that has not completed or logged no model, WorkspaceError.

        `name`: of the registered model, by default the model's own. A run that logged several needs one of theirs.
        """
        yield Phase(step=STEP, title="Reading what the run logged", command=equal.command("models", "register", run))
        agent = await self._link.agent()
        info = await self._run(agent, run)
        model = chosen(info, name)
        logged = await agent.call("models.show", run=info.run, model=model)
        yield Phase(step=STEP, title=f"Registering {name or model} in the workspace")
        every = self._tags(info, model, tags or {})
        registered, existed = await threads.call(self._record, info, name or model, model, logged["digest"], every)
        yield ModelRegistered(model=registered.model, version=registered.version, tags=registered.tags, existed=existed)

    async def package(self, model: str) -> AsyncGenerator[Event, None]:
        """Raises WorkspaceError for a model that is not registered, RunError where the VM no longer has it."""
        title = f"Packaging {model} on {self._site.vm_name}"
        yield Phase(step=STEP, title=title, command=equal.command("models", "package", model))
        info = await self._version(model)
        agent = await self._link.agent()
        yield await packages.make(self._site, agent, info)

    async def list(self) -> AsyncGenerator[Event, None]:
        yield ModelsListed(models=await threads.call(self._workspace.models))

    async def show(self, model: str) -> AsyncGenerator[Event, None]:
        """`ModelsListed` with the one version of `NAME[:VERSION]`."""
        yield ModelsListed(models=[await self._version(model)])

    async def _run(self, agent: Agent, run: str) -> RunInfo:
        if not names.whole(run):
            known = (await agent.call("runs.list"))["runs"]
            run = names.resolve(run, [item["run"] for item in known])
        found = await agent.call("runs.show", run=run.strip().upper())
        return told(found, self._site.vm_name)

    async def _version(self, model: str) -> ModelInfo:
        return await threads.call(self._workspace.model, *packages.split(model))

    def _tags(self, info: RunInfo, model: str, given: Mapping[str, str]) -> dict[str, str]:
        """What a person said, below what is known: lineage is never overwritten."""
        from ..workspace import lineage

        own = {key: value for key, value in info.tags.items() if key.startswith("trainshed.")}
        return {**given, **own, **lineage(info), packages.MODEL_TAG: model}

    def _record(
        self, info: RunInfo, name: str, model: str, digest: str, tags: Mapping[str, str]
    ) -> tuple[ModelInfo, bool]:
        """(version, whether it was there). Blocks."""
        from ..workspace import model_source

        self._workspace.ensure_run(info)
        before = self._newest(name)
        source = model_source(self._site.name, self._site.vm_name, info.run, model)
        made = self._workspace.register(name, info.run, source, digest, tags)
        return made, before is not None and int(made.version) <= int(before.version)

    def _newest(self, name: str) -> ModelInfo | None:
        try:
            return self._workspace.model(name)
        except WorkspaceError:
            return None  # none yet; any other trouble the registration meets again


def chosen(info: RunInfo, name: str | None) -> str:
    """The model of the run that is meant. Raises RunError, UsageError."""
    if info.state != "completed":
        hint = (
            f"trainshed logs {info.run} shows why" if info.state in ("failed", "lost") else "wait until it is completed"
        )
        raise RunError(f"run {info.run} is {info.state}, so its model is not registered", hint=hint)
    if not info.models:
        raise RunError(
            f"run {info.run} logged no model", hint="mlflow.sklearn.log_model(model, name=…), or your flavour's"
        )
    if name in info.models:
        return name
    if len(info.models) > 1:
        raise UsageError(f"run {info.run} logged {len(info.models)} models", hint=f"--name {' | '.join(info.models)}")
    return info.models[0]
