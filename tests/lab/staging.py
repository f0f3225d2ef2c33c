"""A VM that stages from a front, and the verdict: complete and true, or a clear error and nothing shown."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import errors
from tests.pythons import oldest

from . import network
from .agent_process import AgentProcess
from .front import StrictFront
from .front_faults import Faults
from .leaks import Search
from .made_up import Container
from .staged_files import Truth, hashes, not_whole, remove, shown

PATIENCE_S = 60.0
CLEAR = ("data", "usage", "site", "secret")  # codes of errors that say what a person can do


@dataclass(frozen=True)
class Outcome:
    result: dict[str, Any] | None = None
    error: errors.TrainshedError | None = None

    @property
    def words(self) -> str:
        return "complete" if self.result else f"{self.error} ({getattr(self.error, 'hint', '')})"


class Shed:
    """`root`: the VM's folder of trainshed. `secrets`: every credential that was used, to be searched for.

    `start`: makes an agent. `places`: more folders and files of the VM to search.
    """

    def __init__(
        self,
        root: Path,
        front: StrictFront,
        *,
        start: Callable[[Path], AgentProcess] = lambda root: AgentProcess(root, python=oldest()),
        places: Sequence[Path] = (),
    ) -> None:
        self.root, self.front = root, front
        self.data = root / "data"  # as it is seen from here
        self.secrets: list[str] = []
        self.container = Container()
        self.cable: network.Network | None = None  # its network, where it has one of its own
        self.hits: list[str] = []
        self.sent = 0  # bytes of blobs, in the case and in the one after it
        self.start = start
        self.places = [root, *places]
        self._agent: AgentProcess | None = None
        self._count = 0
        self._began = time.time()

    @property
    def agent(self) -> AgentProcess:
        if self._agent is None or self._agent.process.poll() is not None:
            self.end_agent()
            self._agent = self.start(self.root)
        return self._agent

    def end_agent(self) -> None:
        if self._agent is not None:
            self._agent.close()
            self._agent = None

    def hold(self, container: Container) -> None:
        """From now on this is what there is to stage, under a name of its own; nothing is staged."""
        self._count += 1
        self._began = time.time()
        self.container = container
        self.front.containers = {self.name: container}
        for path in self.data.iterdir() if self.data.exists() else ():
            remove(path)  # the folder may be a disk of its own

    @property
    def name(self) -> str:
        return f"case{self._count}"

    def source(self, *, key: bool = False) -> dict[str, Any]:
        """With a fresh SAS, or the account's key."""
        described = self.front.described(self.name)
        if not key:
            described["credential"] = self.front.sas(self.name, st=f"2026-01-01T00:00:{len(self.secrets) % 60:02}Z")
        if described["credential"] not in self.secrets:
            self.secrets.append(described["credential"])
        return {**described, "api_version": "2019-07-07"}

    def stage(self, path: str = "", *, key: bool = False, patience_s: float = PATIENCE_S) -> Outcome:
        agent = self.agent
        hung = threading.Timer(patience_s, agent.process.kill)
        hung.start()
        try:
            return Outcome(result=agent.call("data.stage", source=self.source(key=key), path=path))
        except errors.TrainshedError as error:
            return Outcome(error=error)
        finally:
            hung.cancel()

    def look(self) -> None:
        """While something is staged: the processes."""
        self.hits += Search(self.secrets).processes()

    # --- the verdict

    def wrong(self, outcome: Outcome, *truths: Truth, ended: bool = False) -> list[str]:
        """What is wrong, in words. `truths`: of which a complete staging has to be one; `ended`: the agent may be."""
        found = self._untrue(outcome, truths) if outcome.result else self._unclear(outcome, ended=ended)
        there = self.shown()
        for name in there:
            found += not_whole(self.data / name)
        if ended and isinstance(outcome.error, errors.LinkLost):
            if self._agent is not None:
                self._agent.process.wait(30)  # it may leave its memory on the disk
            return found
        listed = {item["digest"] for item in self.agent.call("data.list")["items"] if not item["broken"]}
        if listed != set(there):
            found.append(f"{len(listed)} are listed and {len(there)} are there")
        return found

    def shown(self) -> list[str]:
        return shown(self.data)

    def _untrue(self, outcome: Outcome, truths: Sequence[Truth]) -> list[str]:
        assert outcome.result is not None
        digest, found = outcome.result["digest"], []
        staged = hashes(self.data / digest / "files")
        if staged not in truths:
            wrong = {name for name in staged.keys() | truths[-1].keys() if staged.get(name) != truths[-1].get(name)}
            found.append(f"complete, and {len(wrong)} of {len(truths[-1])} files are wrong: {sorted(wrong)[:3]}")
        return found

    def _unclear(self, outcome: Outcome, *, ended: bool) -> list[str]:
        error = outcome.error
        code = getattr(error, "code", "")
        good = isinstance(error, errors.LinkLost) if ended else code in CLEAR and bool(getattr(error, "hint", ""))
        return [] if good else [f"not a clear error: {type(error).__name__} {code} {outcome.words}"]

    def left(self) -> list[str]:
        """What a complete staging leaves and should not."""
        names = [name for name in os.listdir(self.data) if name.startswith((".tmp", ".gone"))]
        return [f"left: {names}"] if names else []

    def leaked(self) -> list[str]:
        search = Search([*self.secrets, *(self.front.credentials - {"", "key"})])
        hits = self.hits + search.processes() + search.files(*self.places, since=self._began)
        self.hits = []
        return [f"the credential is in {hit}" for hit in hits]

    def healed(self, *, key: bool = False, patience_s: float = PATIENCE_S) -> list[str]:
        """Nothing goes wrong any more, and the next staging is complete."""
        self.front.well()
        outcome = self.stage(key=key, patience_s=patience_s)
        self.sent += sum(entry.sent for entry in self.front.faults.log if "comp=list" not in entry.path)
        if outcome.result is None:
            return [f"the next one: {outcome.words}"]
        found = self.wrong(outcome, self.container.truth())
        return [f"the next one: {text}" for text in found + self.left()]


@contextlib.contextmanager
def shed_of(folder: Path) -> Iterator[Shed]:
    """One whose VM has a network of its own, where there can be one. `folder`: not below /tmp, which the VM's hides."""
    with contextlib.ExitStack() as ending:
        cable = None if network.lacking() else ending.enter_context(contextlib.closing(network.Network(folder / "net")))
        front = StrictFront(folder=folder, listener=cable.listener() if cable else None)
        ending.callback(front.stop)
        start = cable.agent if cable else AgentProcess
        places = [cable.seen(path) for path in network.SCRATCH] if cable else []
        made = Shed(folder / "vm", front, start=lambda root: start(root, python=oldest()), places=places)
        made.cable = cable
        ending.callback(made.end_agent)
        yield made


@contextlib.contextmanager
def small_shed(folder: Path) -> Iterator[Shed]:
    """One whose data are on a disk of 64 MB, in a network of its own."""
    data = folder / "vm" / "data"
    data.mkdir(parents=True)
    with shed_of(folder) as shed:
        assert shed.cable is not None
        shed.cable.run("mount", "-t", "tmpfs", "-o", "size=64m,mode=700", "tmpfs", str(data))
        shed.data = shed.cable.seen(str(data))
        yield shed


def filled(small: Shed, *, at: int, pages: int) -> tuple[list[str], Outcome]:
    """Its disk becomes full but for some pages, at the download of this number: (what is wrong, how it ended)."""
    filler = small.data / "filler"

    def fill() -> None:
        status = os.statvfs(small.data)
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, status.f_bavail - pages) * status.f_bsize)

    faults = Faults(when={1 + at: fill}, latency_s=0.03)
    return carried_out(small, faults, mend=lambda: filler.unlink(missing_ok=True))


def carried_out(
    shed: Shed,
    faults: Faults,
    *,
    ends: str = "",
    key: bool = False,
    ended: bool = False,
    mend: Callable[[], object] = bool,
    patience_s: float = PATIENCE_S,
) -> tuple[list[str], Outcome]:
    """One case, to its verdict, of what the shed holds: (what is wrong, how it ended).

    `ends`: complete or error, where only one of them is right. `ended`: the agent may be. `mend`: before the next one.
    """
    before = shed.container.truth()
    shed.agent  # noqa: B018 - before the faults count
    faults.when = {1: shed.look, **faults.when}
    shed.front.faults = faults
    outcome = shed.stage(key=key, patience_s=patience_s)
    shed.sent = sum(entry.sent for entry in faults.log if "comp=list" not in entry.path)
    shed.front.well()
    mend()
    wrong = shed.wrong(outcome, before, shed.container.truth(), ended=ended)
    if ends and ends != ("complete" if outcome.result else "error"):
        wrong.append(f"should be {ends}: {outcome.words}")
    wrong += shed.healed(key=key, patience_s=patience_s)
    return wrong + shed.leaked(), outcome
