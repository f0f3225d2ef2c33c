"""One job file on one engine: launched unchanged, followed to its end, and what a person would have read."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import BuildError, ConfigError, TrainshedError
from core.events import BuildLog, Event, Logged, LogText, Metric, Notice, RunCreated, RunFinished

from .lab import Engine, Lab

RUNS = "runs"
STARTS = "starts"  # and was ended by the campaign when it had said what it should
REFUSED = "refused"  # before anything on the VM was touched
NOT_BUILT = "not built"  # its environment cannot be had on the VM
FAILS = "fails"  # the job ran and ended with an error
PATIENCE_S = 900.0
SHOWN = 400  # characters of an output file


@dataclass
class Tried:
    """`said`: notices, errors and the log. `left`: what the run left: outputs with their text, metrics, parameters."""

    verdict: str = ""
    said: str = ""
    left: str = ""
    run: str = ""
    built: str = field(default="", repr=False)

    def take(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.said += f"{event.text}\n"
        elif isinstance(event, LogText):
            self.said += event.text
        elif isinstance(event, BuildLog):
            self.built += event.text
        elif isinstance(event, RunCreated):
            self.run = event.run
        elif isinstance(event, Metric):
            self.left += f"metric {event.key}\n"
        elif isinstance(event, Logged):
            self.left += f"{event.kind} {event.key}\n"
        elif isinstance(event, RunFinished):
            self.verdict = RUNS if event.status == "completed" else FAILS
            self.said += f"{event.status} {event.reason}\n"


async def attempt(lab: Lab, engine: Engine, job: Path, enough: str = "") -> Tried:
    """Raises what no job file should bring about. With `enough` the run is ended when its log has that text."""
    tried = Tried()
    try:
        async with asyncio.timeout(PATIENCE_S):
            await _launched(engine, job, tried)
            await _followed(engine, tried, enough)
    except TrainshedError as error:
        tried.verdict = REFUSED if isinstance(error, ConfigError) else NOT_BUILT
        tried.said += f"{error.title}\n{error.hint}\n"
        if not isinstance(error, ConfigError | BuildError):
            raise
    except TimeoutError:
        tried.said += f"not ended after {PATIENCE_S:.0f} s\n"
        await _ended(engine, tried.run)
    if tried.run:
        tried.left += _outputs(lab.outputs(tried.run))
    return tried


async def _launched(engine: Engine, job: Path, tried: Tried) -> None:
    async with aclosing(engine.runs.launch(job)) as events:
        async for event in events:
            tried.take(event)


async def _followed(engine: Engine, tried: Tried, enough: str) -> None:
    async with aclosing(engine.runs.follow(tried.run)) as events:
        async for event in events:
            tried.take(event)
            if enough and enough in tried.said:
                tried.verdict = STARTS
                break
    if tried.verdict == STARTS:
        await _ended(engine, tried.run)


async def _ended(engine: Engine, run: str) -> None:
    if run:
        async for _ in engine.runs.cancel(run):
            pass


def _outputs(folder: Path) -> str:
    found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return "".join(f"{path.relative_to(folder)}: {_beginning(path)}\n" for path in found)


def _beginning(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(SHOWN).decode(errors="replace").strip()
