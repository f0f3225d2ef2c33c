"""The fake runs: a launch, and a run that can be followed, left, found again and cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from core import errors, events
from core.runs import compare
from core.runs.bound import Looks
from core.services import Events

from . import history, script
from .launches import COMMAND, asked, resolved
from .part import Part
from .script import EARLIER, NOON, RUN, Scenario


class FakeRuns(Part):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.state: events.RunState = "completed"
        self.cancelled = asyncio.Event()
        self.launches: list[tuple[Path, Mapping[str, str]]] = []
        self.before = history.earlier(scenario.earlier, scenario.vm)
        self.followed: list[tuple[str, int]] = []  # (run, from which byte)
        self.looks = Looks()
        self.ids: list[str | None] = []  # that launches were given
        self.forced: list[str] = []  # what was done to another person's run

    async def launch(
        self,
        job: Path,
        *,
        settings: Mapping[str, str] | None = None,
        run: str | None = None,
        dry: bool = False,
        seen: str = "",
    ) -> Events:
        if not job.name.endswith((".yml", ".yaml")):
            raise errors.JobError(f"{job}: no such job file", hint="Give the path of an Azure ML command job (.yml).")
        known = resolved(self.scenario, str(job), settings or {})
        yield events.Phase(step="launch", title=f"Reading {job.name}")
        yield known
        await self.reach("dry")
        if dry:
            self.looks.keep(known)
            yield self._asked(known)
            return
        self.looks.bound(seen).to_record(known)
        for text in known.warnings:
            yield events.Notice(text=text, level="warning")
        self.ids.append(run)
        self.launches.append((job, dict(settings or {})))
        yield events.DataStaged(data=script.staged("samples/"), reused=False, duration_s=0.21)
        yield events.Phase(
            step="launch", title="Building the environment", command="uv pip install -r requirements.txt"
        )
        for line in ("Resolved 14 packages in 212ms", "Installed 14 packages in 1.9s", " + scikit-learn==1.5.2"):
            yield events.BuildLog(text=line + "\n")
        await self.reach("build")
        if self.scenario.build_fails:
            raise errors.BuildError(
                "The environment cannot be built: no version of scikit-learn==9.9 was found",
                hint="Correct the conda file of the job, or map the environment in the site file.",
            )
        self.state, self.cancelled = "running", asyncio.Event()
        self.scenario.no_runs = False
        yield events.RunCreated(run=RUN, name="breast-cancer", experiment="demo", vm=self.scenario.vm, command=COMMAND)

    async def follow(self, run: str, *, offset: int = 0) -> Events:
        self.followed.append((run, offset))
        await self.reach("follow")
        self.need_vm("Is the VM up?")
        self._known(run)
        for ahead in self.scenario.queue:
            yield events.RunStateChanged(run=RUN, state="created", time=NOON - 9)
            yield events.Queued(run=RUN, ahead=ahead)
            await self.reach("queue")
        yield self._changed("preparing", 0)
        yield self._changed("running", 1)
        for name, text in (("epochs", str(self.scenario.epochs)), ("lr", "0.05")):
            yield events.Logged(kind="param", key=name, value=text)
        at = 0
        for epoch in range(0 if self.scenario.silent else self.scenario.epochs):
            if at >= offset:
                yield events.LogTimes(run=run, points=[(at, NOON + epoch)])
            for text in self._lines(epoch):
                size = len(text.encode())
                if at >= offset:
                    yield events.LogText(offset=at, text=text, size=size)
                at += size
            for key, value in (("loss", script.loss(epoch)), ("accuracy", script.accuracy(epoch))):
                yield events.Metric(key=key, value=value, step=epoch, time=NOON + epoch)
            if self.scenario.resources:
                yield script.resources(epoch)
            if epoch == self.scenario.epochs // 2:
                if self.scenario.link_lost:
                    yield events.LinkChanged(state="lost", last_seen=NOON + 180, retry_in_s=5)
                    await self.reach("wait")
                    yield events.LinkTry(attempt=3)
                await self.reach("lost")
                if self.scenario.link_lost:
                    yield events.LinkChanged(state="restored", last_seen=NOON + 200)
                await self.reach("half")
            if self.cancelled.is_set():
                break
            await asyncio.sleep(self.scenario.pace_s)
        if not self.scenario.no_model:
            yield events.Logged(kind="model", key="model")
        self._end()
        yield self._changed(self.state, 60, "exit code 1" if self.state == "failed" else "")
        yield self._finished()

    def _lines(self, epoch: int) -> list[str]:
        first = f"epoch {epoch:3d}  loss {script.loss(epoch):.4f}  accuracy {script.accuracy(epoch):.4f}\n"
        more = [
            f"  batch {batch:3d}  gradient norm {1 / (epoch + batch + 1):.5f}\n"
            for batch in range(1, self.scenario.log_lines)
        ]
        if epoch == 2:
            more.append("\x1b[33mwarning\x1b[0m: 2 columns are constant\x1b]52;c;aGk=\x07\x1b[2J\n")
        return [first, *more]

    def _end(self) -> None:
        if self.cancelled.is_set():
            self.state = "cancelled"
        elif self.scenario.run_fails:
            self.state = "failed"
        else:
            self.state = "completed"

    def _changed(self, state: events.RunState, after: float, reason: str = "") -> events.RunStateChanged:
        return events.RunStateChanged(run=RUN, state=state, time=NOON + after, reason=reason)

    def _finished(self) -> events.RunFinished:
        return events.RunFinished(
            run=RUN,
            status=self.state,
            exit_code={"completed": 0, "failed": 1}.get(self.state),
            metrics={"loss": script.loss(39), "accuracy": script.accuracy(39)},
            artifacts=["confusion.json", "model"],
            reason="exit code 1" if self.state == "failed" else "",
        )

    def _known(self, run: str) -> events.RunInfo:
        if self.scenario.no_runs and not self.before:
            raise errors.RunUnknown("There is no run yet", hint="4 Launch starts one.")
        for info in self._all():
            if run == "@latest" or info.run.startswith(run):
                return info
        raise errors.RunUnknown(f"There is no run {run}", hint="Give more of its name, or @latest.")

    def _all(self) -> list[events.RunInfo]:
        first = [self._first_try()] if self.scenario.first_try else []
        return [*([] if self.scenario.no_runs else [self._info(), *first]), *self.before]

    def _info(self) -> events.RunInfo:
        return events.RunInfo(
            run=RUN,
            name=self.scenario.name,
            experiment="demo",
            state=self.state,
            created=NOON,
            ended=NOON + 60 if self.state != "running" else None,
            vm=self.scenario.vm,
            command=COMMAND,
            engine="bwrap",
            params={"epochs": str(self.scenario.epochs), "lr": "0.05"},
            models=["model"],
        )

    async def list(self) -> Events:
        await self.reach("list")
        self.need_vm("Is the VM up?")
        if self.scenario.runs_fail:
            raise errors.AgentError("The agent did not say which runs there are", hint="r asks it again.")
        yield events.RunsListed(runs=self._all())

    def _first_try(self) -> events.RunInfo:
        changes = {"run": EARLIER, "created": NOON - 3600, "ended": NOON - 3500, "name": "first try"}
        return msgspec.structs.replace(self._info(), **changes, state="completed", params={"epochs": "30", "lr": "0.1"})

    async def metrics(self, run: str) -> Events:
        old = self.scenario.first_try and run == EARLIER
        self._known(run)
        await self.reach("metrics")
        for epoch in range(30 if old else self.scenario.epochs):
            worse = 0.05 if old else 0.0
            for key, value in (("loss", script.loss(epoch) + worse), ("accuracy", script.accuracy(epoch) - worse)):
                yield events.Metric(key=key, value=value, step=epoch, time=NOON + epoch - 3600 * old)

    async def show(self, run: str) -> Events:
        yield events.RunsListed(runs=[self._known(run)])

    async def compare(self, a: str, b: str) -> Events:
        one, other = self._known(a), self._known(b)
        yield events.Phase(step="watch", title=f"Comparing run {one.run} with {other.run}")
        await self.reach("compare")
        self.need_vm("Is the VM up?")
        texts, numbers = compare.texts(one, other), compare.numbers(one, other)
        yield events.RunsCompared(a=one, b=other, texts=texts, numbers=numbers, code=history.code(one, other))

    def _asked(self, known: events.JobResolved) -> events.JobResolved:
        self.scenario.edited, self.scenario.edited_later = self.scenario.edited_later or self.scenario.edited, ""
        if self.scenario.unreachable:
            return msgspec.structs.replace(known, not_asked="203.0.113.10 port 22: connection refused")
        return asked(known, built=self.scenario.built)

    async def rerun(
        self,
        run: str,
        *,
        settings: Mapping[str, str] | None = None,
        resume: bool = False,
        new: str | None = None,
        dry: bool = False,
        seen: str = "",
    ) -> Events:
        self._known(run)
        yield events.Phase(step="launch", title=f"Reading run {RUN}")
        known = resolved(self.scenario, "job.yml", settings or {})
        known = msgspec.structs.replace(known, job=RUN, rerun=True, resume=resume, code="kept", travels=[])
        yield known
        await self.reach("dry")
        if dry:
            self.looks.keep(known)
            yield self._asked(known)
            return
        self.looks.bound(seen).to_record(known)
        self.launches.append((Path(run), dict(settings or {})))
        self.state, self.cancelled = "running", asyncio.Event()
        yield events.RunCreated(run=RUN, name="breast-cancer", experiment="demo", vm=self.scenario.vm, command=COMMAND)

    async def download(self, run: str, *, to: Path | None = None, output: str = "", force: bool = False) -> Events:
        self._known(run)
        yield events.Phase(step="watch", title=f"Listing what run {RUN} left")
        yield events.Progress(title="Downloading", done=4100, total=4100)
        yield events.Downloaded(run=RUN, folder=str(to or RUN), files=3, bytes=4100, left=5)

    async def delete(self, runs: Sequence[str], *, force: bool = False) -> Events:
        for run in runs:
            info = self._known(run)
            self._mine(info, force)
            yield events.RunDeleted(run=info.run, bytes=81920)
            self.before = [known for known in self.before if known.run != info.run]
            self.scenario.no_runs = self.scenario.no_runs or info.run == RUN

    def _mine(self, info: events.RunInfo, force: bool) -> None:
        if info.owner == history.ANOTHER and not force:
            raise errors.RunError(f"run {info.run} is {info.owner}'s", hint="--force to do it all the same")
        self.forced += [info.run] if info.owner == history.ANOTHER else []

    async def cancel(self, run: str, *, force: bool = False) -> Events:
        info = self._known(run)
        yield events.Phase(step="watch", title="Cancelling", command=f"kill -TERM -- -4711  # {run}")
        self._mine(info, force)
        if info.run != RUN:
            ended = msgspec.structs.replace(info, state="cancelled", ended=NOON, ahead=None)
            self.before = [ended if known.run == info.run else known for known in self.before]
            yield events.RunStateChanged(run=info.run, state="cancelled", time=NOON)
            return
        self.cancelled.set()
        if self.state == "running":
            self.state = "cancelled"
        yield self._changed(self.state, 30)
