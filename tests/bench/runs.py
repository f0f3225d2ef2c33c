"""What a run costs beside plain OpenSSH: launch, snapshot, log latency, back-fill."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from core.events import LogText, RunCreated, RunFinished
from core.jobs import manifest, snapshot, ulid
from core.live import open_site
from core.sandbox import policy
from core.site import files
from core.ssh.link import SiteLink
from tests.lab import dockerd

from .delay import door
from .host import Host, Master
from .row import Part, Row, compared_live, milliseconds, p95

FILES, FILE_BYTES = 2000, 4096
LINES, EVERY_S = 400, 0.02
BACKFILL_BYTES = 200_000_000
CHUNK = 64 * 1024
STAMPS = (
    "import sys, time\n"
    f"for _ in range({LINES}):\n"
    "    print(time.monotonic_ns(), flush=True)\n"
    f"    time.sleep({EVERY_S})\n"
)
BWRAP = (
    "bwrap --unshare-all --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 --symlink usr/bin /bin"
    " --proc /proc --dev /dev echo started"
)


async def launch_row(host: Host, master: Master, engine: str, floor: str, goal: str = "", image: str = "") -> Row:
    """From the message that creates a run to the first byte of its output, beside the bare engine."""
    link = SiteLink(files.load(host.site))
    agent = await link.agent()
    environment = (await agent.call("environments.build", image=image))["hash"] if image else None
    allowed = policy.for_job(data=False, engine=engine)

    async def ours() -> None:
        run = ulid.new()
        job = {"run": run, "name": "bench", "experiment": "bench", "command": "echo started"}
        await agent.call("runs.create", run=run, job={**job, "environment": environment}, policy=allowed)
        stream: Any = agent.stream("runs.follow", run=run)
        async with aclosing(stream) as messages:
            async for message in messages:
                if isinstance(message, bytes):
                    return

    try:
        return await compared_live(
            f"warm launch ({engine}): message to first output",
            lambda: milliseconds(ours),
            f"`{floor.split()[0]} … echo` over a ControlMaster",
            lambda: milliseconds(lambda: master.run(floor)),
            goal=goal,
        )
    finally:
        await link.close()


async def docker_row(folder: Path) -> Row:
    """On a host that has a Docker of our own. Raises SystemExit where there can be none."""
    reason = dockerd.lacking()
    if reason:
        raise SystemExit(f"bench: {reason}")
    with dockerd.running() as daemon:
        there = {"DOCKER_HOST": f"unix://{daemon.socket}"}
        host = Host(folder, there)
        run = f"docker run --rm --network none {dockerd.IMAGE} echo started"
        try:
            with Master(host, host.ssh) as master:
                return await launch_row(host, master, "docker", run, "≤ 1.3", dockerd.IMAGE)
        finally:
            host.sshd.stop()


def code_folder(folder: Path) -> None:
    """2,000 files of source text; each call makes other content, so that nothing is there already."""
    rng = random.Random(os.urandom(8))
    words = [f"name{number}" for number in range(500)]
    for number in range(FILES):
        path = folder / f"package{number % 40}" / f"module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(" ".join(rng.choices(words, k=FILE_BYTES // 8))[:FILE_BYTES])


async def snapshot_row(host: Host) -> Row:
    """All that a launch does for its code, at a round trip of 50 ms."""
    folder = host.folder / "code"
    with door(host.sshd.port, 25) as port, Master(host, host.ssh_at(port)) as master:
        link = SiteLink(files.load(host.site_at(port)))
        agent = await link.agent()

        async def send() -> None:
            code = snapshot.taken(manifest.manifest(folder, "bench"))
            assert not (await agent.call("snapshots.have", digest=code.digest))["have"]
            await agent.call("snapshots.put", digest=code.digest, upload=snapshot.chunks(code))

        async def ours() -> float:
            code_folder(folder)
            return await milliseconds(send)

        async def floor() -> float:
            code_folder(folder)
            unpack = master.command("d=$(mktemp -d) && zstd -dq | tar -x -C $d")
            pipe = 'cd "$0" && tar -c . | zstd -q | "$@"'
            return await milliseconds(lambda: _succeed(["sh", "-c", pipe, str(folder), *unpack]))

        try:
            return await compared_live(
                f"snapshot of {FILES} files at 50 ms",
                ours,
                "`tar | zstd` over a ControlMaster",
                floor,
                goal="≤ 1.2",
            )
        finally:
            await link.close()


async def _succeed(words: list[str]) -> None:
    process = await asyncio.create_subprocess_exec(*words)
    if await process.wait():
        raise SystemExit(f"bench: {words!r} failed")


Measure = Callable[[Host, Master, Any], Awaitable[Row]]


async def log_row(host: Host, master: Master, measure: Measure) -> Row:
    services = open_site(files.load(host.site), read_only=True)
    try:
        return await measure(host, master, services)
    finally:
        await services.close()


async def _launched(services: Any, host: Host, command: str, code: str = "") -> str:
    (host.folder / "src").mkdir(exist_ok=True)
    (host.folder / "src" / "main.py").write_text(code)
    job = host.folder / "job.yml"
    job.write_text(f"command: {command}\ncode: src\nenvironment: azureml:plain@latest\n")
    run = ""
    async for event in services.runs.launch(job):
        run = event.run if isinstance(event, RunCreated) else run
    return run


async def latency_row(host: Host, master: Master, services: Any) -> Row:
    """From the job's print to the client, while `tail -F` follows another writer of the same pace."""
    plain = host.folder / "plain.log"
    plain.touch()
    tail = await asyncio.create_subprocess_exec(
        *master.command(f"tail -n +1 -F {plain}"), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert tail.stdout is not None
    run = await _launched(services, host, "python3 main.py", STAMPS)
    with plain.open("ab") as out:
        writer = subprocess.Popen(["python3", "-c", STAMPS], stdout=out)
    try:
        ours, floor = await asyncio.gather(_stamped(_texts(services, run)), _stamped(_lines(tail.stdout)))
    finally:
        tail.terminate()
        await tail.wait()
        writer.wait()
    return Row("log line latency, p95", ours, "`tail -F` over a ControlMaster", floor, goal="floor + 25 ms", of=p95)


async def _texts(services: Any, run: str) -> AsyncIterator[str]:
    async with aclosing(services.runs.follow(run)) as events:
        async for event in events:
            if isinstance(event, LogText):
                yield event.text


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    while True:
        yield (await stream.read(CHUNK)).decode()


async def _stamped(texts: AsyncIterator[str]) -> list[float]:
    """Milliseconds between each stamp and its arrival."""
    found: list[float] = []
    rest = ""
    async for text in texts:
        now = time.monotonic_ns()
        *lines, rest = (rest + text).split("\n")
        found += [(now - int(line)) / 1e6 for line in lines]
        if len(found) >= LINES:
            break
    return found


async def backfill_row(host: Host, master: Master, services: Any) -> Row:
    """A log of 200 MB that is there already."""
    run = await _launched(services, host, f"'yes 0123456789abcdef | head -c {BACKFILL_BYTES}'")
    async for _ in _texts(services, run):
        pass
    log = host.sshd.home / ".trainshed" / "runs" / run / "passed.log"
    assert log.stat().st_size == BACKFILL_BYTES, log.read_bytes()[:500]

    async def ours() -> float:
        began, size = time.perf_counter(), 0
        async with aclosing(services.runs.follow(run)) as events:
            async for event in events:
                size += event.size if isinstance(event, LogText) else 0
                if isinstance(event, RunFinished):
                    break
        assert size == BACKFILL_BYTES
        return size / 1e6 / (time.perf_counter() - began)

    async def floor() -> float:
        began, size = time.perf_counter(), 0
        words = master.command(f"cat {log}")
        process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        while data := await process.stdout.read(CHUNK):
            size += len(data)
        await process.wait()
        assert size == BACKFILL_BYTES
        return size / 1e6 / (time.perf_counter() - began)

    return await compared_live(
        "log back-fill, 200 MB",
        ours,
        "`cat` over a ControlMaster",
        floor,
        rounds=5,
        unit="MB/s",
        goal="≥ 0.8",
    )


def parts(host: Host) -> Iterator[Part]:
    with Master(host, host.ssh) as master:
        yield "warm launch", lambda: [asyncio.run(launch_row(host, master, "bwrap", BWRAP))]
        yield "snapshot", lambda: [asyncio.run(snapshot_row(host))]
        yield "log latency", lambda: [asyncio.run(log_row(host, master, latency_row))]
        yield "log back-fill", lambda: [asyncio.run(log_row(host, master, backfill_row))]
