"""The fake runs: a launch, and a run that can be followed, left, found again and cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from core import errors, events
from core.services import Events

from . import script
from .script import NOON, RUN, Scenario

COMMAND = "python train.py --data /data/records --epochs 40 --lr 0.05"


class FakeRuns:
    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.state: events.RunState = "completed"
        self.cancelled = asyncio.Event()
        self.launches: list[tuple[Path, Mapping[str, str]]] = []

    async def _reach(self, point: str) -> None:
        held = self.scenario.hold.get(point)
        if held is not None:
            await held.wait()
        await asyncio.sleep(self.scenario.pace_s)

    async def launch(
        self, job: Path, *, settings: Mapping[str, str] | None = None, run: str | None = None, dry: bool = False
    ) -> Events:
        if not job.name.endswith((".yml", ".yaml")):
            raise errors.JobError(f"{job}: no such job file", hint="Give the path of an Azure ML command job (.yml).")
        for key in settings or {}:
            if key not in ("inputs.lr", "inputs.epochs"):
                raise errors.UsageError(f"--set {key}: {job} has no such input", hint="did you mean lr?")
        yield events.Phase(step="launch", title=f"Reading {job.name}")
        yield events.Notice(text="code: 3 files, 4.1 kB, digest 77aa01c2")
        yield events.Notice(text="input records: azureml://datastores/site/paths/samples/, staged 9f2c4be1")
        yield events.Notice(text="compute gpu-cluster is not in this site: stackvm is used", level="warning")
        yield events.Phase(step="launch", title="Resolving the command", command=COMMAND)
        await self._reach("dry")
        if dry:
            return
        self.launches.append((job, dict(settings or {})))
        yield events.DataStaged(data=script.staged("samples/"), reused=False, duration_s=0.21)
        yield events.Phase(
            step="launch", title="Building the environment", command="uv pip install -r requirements.txt"
        )
        for line in ("Resolved 14 packages in 212ms", "Installed 14 packages in 1.9s", " + scikit-learn==1.5.2"):
            yield events.BuildLog(text=line + "\n")
        await self._reach("build")
        if self.scenario.build_fails:
            raise errors.BuildError(
                "The environment cannot be built: no version of scikit-learn==9.9 was found",
                hint="Correct the conda file of the job, or map the environment in the site file.",
            )
        self.state, self.cancelled = "running", asyncio.Event()
        self.scenario.no_runs = False
        yield events.RunCreated(run=RUN, name="breast-cancer", experiment="demo", vm=self.scenario.vm, command=COMMAND)

    async def follow(self, run: str, *, offset: int = 0) -> Events:
        self._known(run)
        yield self._changed("preparing", 0)
        yield self._changed("running", 1)
        for name, text in (("epochs", str(self.scenario.epochs)), ("lr", "0.05")):
            yield events.Logged(kind="param", key=name, value=text)
        at = 0
        for epoch in range(self.scenario.epochs):
            if at >= offset:
                yield events.LogTimes(run=run, points=[(at, NOON + epoch)])
            for text in self._lines(epoch):
                size = len(text.encode())
                if at >= offset:
                    yield events.LogText(offset=at, text=text, size=size)
                at += size
            for key, value in (("loss", script.loss(epoch)), ("accuracy", script.accuracy(epoch))):
                yield events.Metric(key=key, value=value, step=epoch, time=NOON + epoch)
            if epoch == self.scenario.epochs // 2:
                if self.scenario.link_lost:
                    yield events.LinkChanged(state="lost", last_seen=NOON + 180, retry_in_s=5)
                await self._reach("lost")
                if self.scenario.link_lost:
                    yield events.LinkChanged(state="restored", last_seen=NOON + 200)
                await self._reach("half")
            if self.cancelled.is_set():
                break
            await asyncio.sleep(self.scenario.pace_s)
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

    def _known(self, run: str) -> None:
        if self.scenario.no_runs:
            raise errors.RunError("There is no run yet", hint="4 Launch starts one.")
        if run != "@latest" and not RUN.startswith(run):
            raise errors.RunError(f"There is no run {run}", hint="Give more of its name, or @latest.")

    def _info(self) -> events.RunInfo:
        return events.RunInfo(
            run=RUN,
            name="breast-cancer",
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
        yield events.RunsListed(runs=[] if self.scenario.no_runs else [self._info()])

    async def show(self, run: str) -> Events:
        self._known(run)
        yield events.RunsListed(runs=[self._info()])

    async def rerun(
        self, run: str, *, settings: Mapping[str, str] | None = None, resume: bool = False, new: str | None = None
    ) -> Events:
        self._known(run)
        yield events.Phase(step="launch", title=f"Reading run {RUN}")
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
            self._known(run)
            yield events.RunDeleted(run=RUN, bytes=81920)
        self.scenario.no_runs = True

    async def cancel(self, run: str, *, force: bool = False) -> Events:
        self._known(run)
        yield events.Phase(step="watch", title="Cancelling", command=f"kill -TERM -- -4711  # {run}")
        self.cancelled.set()
        if self.state == "running":
            self.state = "cancelled"
        yield self._changed(self.state, 30)
