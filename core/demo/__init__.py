"""The embedded site: a real sshd, a real Azurite, records, a job. All below `paths.demo()`, all on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .. import threads
from ..errors import UsageError
from ..site import paths

if TYPE_CHECKING:
    from ..site.files import Site
    from .azurite import Storage
    from .processes import Processes
    from .sshd import Server

JOB = Path(__file__).with_name("job") / "job.yml"
RECORDED = Path(__file__).with_name("journey.jsonl")  # made by `trainshed demo --headless --record`


@dataclass(frozen=True)
class DemoSite:
    """`fingerprint`: of the VM's host key, read from the key's own file. `stays`: the site was there before."""

    site: Site
    fingerprint: str
    job: Path = JOB
    stays: bool = False


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One start or stop at a time."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _up(owner: int | None) -> tuple[DemoSite, bool]:
    """(the site, whether it was started here). What a crash left is ended first. Blocks."""
    from . import site as site_file
    from .processes import Processes
    from .sshd import fingerprint

    folder = paths.make_private(paths.demo())
    with _locked(folder):
        processes = Processes(folder)
        other = processes.owned_by_another
        if other is not None:
            raise UsageError(f"the embedded site runs already, for process {other}", hint="end that one first")
        if processes.running and processes.owner is None:
            from ..site import files

            return DemoSite(files.load(folder / "site.toml"), fingerprint(folder / "host_ed25519")), False
        processes.stop()
        for log in folder.glob("*.log"):
            log.unlink()
        try:
            processes.own(owner if owner is not None else os.getpid())
            server, storage = _start(folder, processes)
            site = site_file.write(folder, server, storage)
            processes.own(owner)
        except BaseException:
            processes.stop()
            raise
        return DemoSite(site, server.fingerprint), True


def _start(folder: Path, processes: Processes) -> tuple[Server, Storage]:
    from ..data.upload import upload
    from . import azurite, dataset, sshd

    storage = azurite.start(folder, lambda words, env: processes.start("azurite", words, env), processes.forget)
    upload(storage.described(dataset.CONTAINER), dataset.files())
    server = sshd.start(folder, lambda words, env: processes.start("sshd", words, env), processes.forget)
    return server, storage


def _down() -> list[str] | None:
    """Stops the site unless another running program owns it. Blocks. As `down`."""
    from .processes import Processes

    folder = paths.demo()
    if not folder.is_dir():
        return None
    with _locked(folder):
        processes = Processes(folder)
        other = processes.owned_by_another
        if other is not None:
            raise UsageError(
                f"the embedded site belongs to process {other}", hint="end that one; the site ends with it"
            )
        going = _going(processes.vm) if processes.items else None
        processes.stop()
        (folder / "data.key").unlink(missing_ok=True)
        return going


def _going(vm: Path) -> list[str]:
    """The runs on the VM that have not ended."""
    from ..agent.states import TERMINAL, States

    last = {folder.name: States(str(folder)).last()["state"] for folder in sorted(vm.glob("runs/*"))}
    return [run for run, state in last.items() if state and state not in TERMINAL]


def to_fetch() -> str:
    """What the next start fetches first, in words; "" where nothing is missing."""
    from . import parts

    if parts.azurite_installed():
        return ""
    return f"Azurite {parts.AZURITE_VERSION}, from npm into {parts.azurite_folder()}"


async def _prepare() -> None:
    """Raises MissingPart before anything is started."""
    from . import install, parts

    await threads.call(parts.require)
    await install.azurite()


async def up() -> DemoSite:
    """Starts the site and leaves it running; finds it where it runs already. Raises MissingPart, UsageError."""
    await _prepare()
    return (await threads.call(_up, None))[0]


async def down() -> list[str] | None:
    """Stops what `up` started, runs and services on its VM included: the runs that were going. None: nothing ran."""
    return await threads.call(_down)


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[DemoSite]:
    """The embedded site for as long as the block runs; one that `up` started is used and left."""
    await _prepare()
    starting = asyncio.ensure_future(threads.call(_up, os.getpid()))
    try:
        found, ours = await asyncio.shield(starting)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            if (await starting)[1]:
                await threads.call(_down)
        raise
    try:
        yield replace(found, stays=not ours)
    finally:
        if ours:
            await asyncio.shield(asyncio.ensure_future(threads.call(_down)))
