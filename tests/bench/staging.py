"""Staging beside what moves the same bytes: `curl` with as many ranges, `http.client` over as many connections.

Everything is on a memory file system, so that no disk is in the figures. Each client is a process that was started
before; the staging has its sha256, its manifest and its read-only files in the time, the floors have their files.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.agent.fetch_rate import CONNECTIONS
from core.demo import azurite, certs
from tests.lab.agent_process import AgentProcess

from .row import Part, Row, compared

MEMORY = Path("/dev/shm")
COUNT, SIZE, LARGE = 20_000, 4096, 1_000_000_000
ROUNDS = 5
SAS = "?sv=2019-07-07&sr=c&sp=rl&se=2100-01-01T00:00:00Z&sig=c3RhdGlj"


class Static:
    """The static server, and a folder for what comes of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificates = certs.make(folder, azurite.HOST)
        words = [sys.executable, "-m", "tests.bench.static", str(folder), *map(str, (COUNT, SIZE, LARGE))]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.communicate()

    def source(self) -> dict[str, Any]:
        described = azurite.Storage(self.port, "", self.certificates).described("c")
        return {**described, "credential": SAS, "api_version": "2019-07-07"}

    def curl(self) -> list[list[str]]:
        """The words of each: one range of the large blob."""
        part = -(-LARGE // CONNECTIONS)
        return [
            ["curl", "-sSf", "--cacert", str(self.certificates.root), "-o", str(self.folder / f"part{number}"),
             "--resolve", f"{azurite.HOST}:{self.port}:127.0.0.1",
             "-r", f"{number * part}-{min(LARGE, (number + 1) * part) - 1}",
             f"https://{azurite.HOST}:{self.port}/c/large.bin"]
            for number in range(CONNECTIONS)
        ]  # fmt: skip


def parts(_folder: Path) -> Iterator[Part]:
    with serving() as static, AgentProcess(static.folder / "vm") as agent:
        yield "staging of 1 GB", lambda: [_large(static, agent)]
        yield "staging of small blobs", lambda: _small(static, agent)


@contextmanager
def serving() -> Iterator[Static]:
    folder = Path(tempfile.mkdtemp(prefix="trainshed-bench-", dir=MEMORY if MEMORY.is_dir() else None))
    static = Static(folder)
    try:
        yield static
    finally:
        static.stop()
        _remove(folder)


def _remove(folder: Path) -> None:
    subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)
    shutil.rmtree(folder)


def _staged(static: Static, agent: AgentProcess, path: str, *, anew: bool = True) -> float:
    data = static.folder / "vm" / "data"
    if anew and data.exists():
        _remove(data)
    began = time.perf_counter()
    result = agent.call("data.stage", source=static.source(), path=path)
    took = time.perf_counter() - began
    assert result["reused"] != anew, "the bench did not measure what it says"
    return took * 1000


def _large(static: Static, agent: AgentProcess) -> Row:
    if shutil.which("curl") is None:
        return Row("staging of 1 GB", [_staged(static, agent, "large.bin")], "`curl`", [])

    def curl() -> float:
        began = time.perf_counter()
        running = [subprocess.Popen(words) for words in static.curl()]
        assert [each.wait() for each in running] == [0] * CONNECTIONS, "curl failed"
        took = time.perf_counter() - began
        for each in static.folder.glob("part*"):
            each.unlink()
        return took * 1000

    ours = _then_removed(static, lambda: _staged(static, agent, "large.bin"))
    name = f"`curl`, {CONNECTIONS} ranges at once"
    return compared(f"staging of 1 GB, sha256 and all, {ROUNDS} times", ours, name, curl, goal="≤ 1.25", rounds=ROUNDS)


def _then_removed(static: Static, work: Callable[[], float]) -> Callable[[], float]:
    def measured() -> float:
        took = work()
        _remove(static.folder / "vm" / "data")
        return took

    return measured


def _small(static: Static, agent: AgentProcess) -> Iterator[Row]:
    words = [sys.executable, "-m", "tests.bench.bare", str(static.port), str(static.certificates.root), str(COUNT)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bare:

        def asked(folder: str) -> float:
            assert bare.stdin is not None and bare.stdout is not None
            bare.stdin.write(folder + "\n")
            bare.stdin.flush()
            took = float(bare.stdout.readline())
            shutil.rmtree(static.folder / "bare", ignore_errors=True)
            return took

        what = f"staging of {COUNT:,} blobs of 4 KB, {ROUNDS} times"
        ours = _then_removed(static, lambda: _staged(static, agent, "many/"))
        name = f"`http.client` over {CONNECTIONS} connections"
        floor = str(static.folder / "bare")
        yield compared(what, ours, name + ", each to a file", lambda: asked(floor), goal="≤ 1.25", rounds=ROUNDS)
        yield compared(
            f"the same, {ROUNDS} times", ours, name + ", to nothing", lambda: asked(""), goal="≤ 1.25", rounds=ROUNDS
        )
        _staged(static, agent, "many/")
        second = [_staged(static, agent, "many/", anew=False) for _ in range(ROUNDS)]
        yield Row(f"a second staging of {COUNT:,} blobs", second, "none: one listing", [])
        bare.communicate()
