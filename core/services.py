"""`Services`: the one object that a front end receives.

Every operation is a method that returns an async iterator of `events.Event`.
Cancelling (closing) the iterator cancels the work on the client; a run on the VM
goes on. What the user must decide (an unknown host key, a passphrase) is an
error of `core.errors`; the front end asks and calls again with the answer.

There are three makers: `core.live.open_site` (the real thing), `core.journal.replayed`
(plays a recorded session) and `tests.fakes` (screens and speed).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .events import Event
from .site.secrets import Secret

if TYPE_CHECKING:
    from .jobs.scan.staged import StagedFile

Events = AsyncIterator[Event]


class Connection(Protocol):
    def connect(
        self,
        target: str | None = None,
        *,
        fingerprint: str | None = None,
        accept: str | None = None,
        identity: str | None = None,
        passphrase: Secret | None = None,
        password: Secret | None = None,
    ) -> Events:
        """Host-key ceremony, login, the agent, facts: ends with `Connected`.

        `target`: a VM's name, `USER@HOST[:PORT]`, or None for the site's default VM.
        With an address and no site, `SiteWritten` follows. `fingerprint` was given out of band and
        must match; `accept` is the fingerprint that the person said yes to: pinned in the site file.
        `identity` is the path of a private key, in place of what the site and ssh_config say.
        Raises ConnectError and its kin.
        """
        ...


class Checks(Protocol):
    def run(self, groups: Sequence[str] = ("ssh", "data"), *, sudo: Secret | None = None) -> Events:
        """`CheckFinished` for each check, in the catalogue's order, then `ChecksFinished`.

        `sudo`: the password of sudo on the VM, for what only root can read. Without it, root reads where sudo asks
        for none.
        """
        ...

    def plan_fix(self, ids: Sequence[str] = (), *, undo: bool = False, sudo: Secret | None = None) -> Events:
        """What a fix of the checks would do; nothing is changed. Ends with `FixPlanned`.

        `ids`: of checks; none: all that fail or warn. `undo`: the last fix is taken back, without `ids`.
        Raises RootNeeded where sudo asks for a password, FixError, UsageError for an id that is not known.
        """
        ...

    def fix(
        self, ids: Sequence[str] = (), *, agreed: str = "", undo: bool = False, sudo: Secret | None = None
    ) -> Events:
        """Does it: `FixPlanned`, the checks again (`CheckFinished`), `FixFinished`.

        `agreed`: the digest of a plan; any other is refused. What a new login does not prove is put back: by us
        (FixError), or by the VM itself within 90 s of its uptime and after a reboot (LinkLost, or whatever ends us).
        """
        ...


class Data(Protocol):
    def check(self) -> Events:
        """Each link of the path from the VM to the container: `CheckFinished`, then `ChecksFinished`."""
        ...

    def stage(self, path: str = "") -> Events:
        """`path`: a blob, a folder (trailing "/"), or "" for the site's whole prefix. Ends with `DataStaged`."""
        ...

    def list(self) -> Events:
        """`DataListed`: what is staged, who needs it, which stagings have not ended."""
        ...

    def evict(
        self,
        targets: Sequence[str] = (),
        *,
        unused_for_s: float | None = None,
        keep: int | None = None,
        agreed: Sequence[str] | None = None,
        dry: bool = False,
    ) -> Events:
        """Frees space: what it takes can be staged again. Ends with `DataEvicted`; `dry` with `DataChosen`.

        `targets`: beginnings of digests, or paths; none: all. `keep`: so many of the newest of each path stay.
        `agreed`: digests, and names of stagings, that a person saw; nothing else goes. Nothing that is needed goes.
        Raises UsageError for a target that names nothing.
        """
        ...

    def purge(
        self,
        targets: Sequence[str] = (),
        *,
        names: bool = False,
        agreed: Sequence[str] | None = None,
        dry: bool = False,
    ) -> Events:
        """Removes records for good, from every version that has some of them. Ends with `DataPurged`, a receipt in it.

        `targets`: as for `evict`. `names`: the receipt has the names of the files.
        """
        ...

    def receipts(self, *, vm: bool = False) -> Events:
        """`ReceiptsListed`: those that are kept on this machine, or `vm`: on the VM."""
        ...


class Environments(Protocol):
    def list(self) -> Events:
        """`EnvironmentsListed`."""
        ...

    def build(self, job: Path) -> Events:
        """That of a job file, which is not started: ends with `EnvironmentsListed`."""
        ...

    def prune(self, *, older_than_days: float = 30.0, wanted: Sequence[str] = ()) -> Events:
        """Removes what nobody needs; `wanted`: beginnings of hashes, whatever their age. `EnvironmentsPruned`."""
        ...


class Runs(Protocol):
    def launch(
        self,
        job: Path,
        *,
        settings: Mapping[str, str] | None = None,
        run: str | None = None,
        dry: bool = False,
        seen: str = "",
    ) -> Events:
        """From a job file to a run that goes on by itself: `JobResolved` first, ends after `RunCreated`.

        `settings`: `inputs.lr` -> "0.1". `run`: a ULID made earlier; launching it again finds the first.
        `dry`: changes nothing and ends with another `JobResolved` that has what the VM said, or why it was not asked.
        `seen`: the digest of the `JobResolved` that a person looked at; what differs from it by now is not started.
        Raises JobError, JobChanged, DataError, BuildError, SandboxError, RunError.
        """
        ...

    def follow(self, run: str, *, offset: int = 0) -> Events:
        """Log, metrics and states from the beginning (the log from byte `offset`), until `RunFinished`.

        A lost link yields `LinkChanged` and is taken up again. What the job logged is
        forwarded to the workspace meanwhile.
        """
        ...

    def list(self) -> Events: ...

    def show(self, run: str) -> Events:
        """`RunsListed` with the one run. `run`: a unique prefix, or `@latest`."""
        ...

    def compare(self, a: str, b: str) -> Events:
        """Two runs side by side, their code too: ends with `RunsCompared`. Raises RunError."""
        ...

    def metrics(self, run: str) -> Events:
        """`Metric` for each value that the run has logged so far, in the order it came; nothing else.

        Of a run that goes on: what there is now. Nothing is recorded in the workspace.
        """
        ...

    def cancel(self, run: str, *, force: bool = False) -> Events:
        """Ends with the run's `RunStateChanged`; its `reason` says where it had ended before.

        Raises RunError for another person's run without `force`.
        """
        ...

    def rerun(
        self,
        run: str,
        *,
        settings: Mapping[str, str] | None = None,
        resume: bool = False,
        new: str | None = None,
        dry: bool = False,
        seen: str = "",
    ) -> Events:
        """Another run from a run's own snapshot and job: ends after `RunCreated`.

        `resume`: it begins with the checkpoints of that run, which has ended. `new`: a ULID made earlier.
        `dry` and `seen`: as for `launch`.
        """
        ...

    def download(self, run: str, *, to: Path | None = None, output: str = "", force: bool = False) -> Events:
        """Outputs and artifacts into `to` (default: a folder named by the run's ULID). Ends with `Downloaded`.

        `output`: that one alone. `force`: files that are there and differ are written over.
        """
        ...

    def delete(self, runs: Sequence[str], *, force: bool = False) -> Events:
        """Removes runs that have ended from the VM: `RunDeleted` for each. What is recorded elsewhere stays."""
        ...


class Jobs(Protocol):
    def scan(
        self,
        path: Path,
        *,
        staged: Sequence[StagedFile] = (),
        aliases: Mapping[str, str] | None = None,
        environments: Mapping[str, str] | None = None,
    ) -> Events:
        """What of a folder, job file or script could send data out, and what would travel with it.

        `ScanFinding` for each, `Progress` now and then, `ScanFinished` at last. Needs neither a site nor a VM.
        `staged`: what is on the VM, to find copies of it. `aliases`: those of the site's data. `environments`: what a
        job calls one -> the path of its requirements. Raises JobError. It informs and never protects.
        """
        ...


class Models(Protocol):
    def register(self, run: str, *, name: str | None = None, tags: Mapping[str, str] | None = None) -> Events:
        """The model that the run logged: ends with `ModelRegistered`. Twice gives the same version."""
        ...

    def package(self, model: str) -> Events:
        """`NAME[:VERSION]` as a folder that serves, on the VM: ends with `ModelPackaged`."""
        ...

    def list(self) -> Events: ...


class Deploy(Protocol):
    def start(self, model: str, *, service: str | None = None) -> Events:
        """Ends with `ServiceChanged` in state healthy; raises ServiceError."""
        ...

    def list(self) -> Events: ...

    def invoke(self, service: str, *, row: int, data: str | None = None, target: str | None = None) -> Events:
        """Asks for one prediction on a row that is picked on the VM: `Predicted`.

        `data`: a CSV in the container (default: the run's tag `trainshed.heldout`),
        `target`: its label column (default: the tag `trainshed.target`).
        """
        ...

    def stop(self, service: str) -> Events: ...


class Sites(Protocol):
    @property
    def name(self) -> str:
        """The current site's name, or "" where there is none yet."""
        ...

    @property
    def vm(self) -> str: ...

    @property
    def path(self) -> Path | None:
        """Of the site file; None where there is none (a replay, no site yet)."""
        ...


@dataclass(frozen=True)
class Services:
    site: Sites
    connection: Connection
    checks: Checks
    data: Data
    environments: Environments
    runs: Runs
    models: Models
    deploy: Deploy
    jobs: Jobs

    async def close(self) -> None:
        """Ends the connection, if there is one."""
        close = getattr(self.connection, "close", None)
        if close is not None:
            await close()
