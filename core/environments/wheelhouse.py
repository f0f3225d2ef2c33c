"""Packages for a VM that reaches no index: resolved and fetched here, for its Python and not for ours.

A wheelhouse is a folder with wheels and the requirements.txt that pins them. It is below the cache, by what was asked
for; it appears when it is whole, and goes when its environment is built. uv resolves, as it can do so for another
machine (pip judges markers by the Python that it runs on); pip fetches, and checks the hashes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import msgspec

from .. import threads
from ..errors import BuildError
from ..jobs import snapshot
from ..jobs.manifest import Entry, Manifest
from ..site import paths
from . import indexes, pins, refusals, stubs
from .pins import Pin
from .programs import Program
from .target import Target

FORMAT = 1  # changes when the same request gives another wheelhouse
REQUIREMENTS = "requirements.txt"
FRESH = ".new-"
KEPT_S = {True: 7 * 86400.0, False: 86400.0}  # by whether it is whole: one that no environment was built with
LOOK_S = 0.1
UV = "uv pip compile - --only-binary :all: --generate-hashes --no-header --no-annotate --no-python-downloads"
UV += " --no-progress --color never"
ADDRESSES = "uv pip compile - --emit-index-url --emit-find-links --no-header --no-python-downloads --color never"
CHOSEN = "chosen.txt"
STUBS = "installed"
OTHER_PYTHON = "warning: The requested Python version"  # would be used to build with, and nothing is built
NO_GIT = {"GIT_ALLOW_PROTOCOL": "none"}  # a wheel can say that it needs a repository, and uv starts git for it
PIP = "pip download --no-deps --require-hashes --only-binary=:all: --no-input --disable-pip-version-check"
PIP += " --progress-bar off --no-color"


class Wheelhouse:
    """`requirements`: complete, as core.environments.requirements makes them; `target`: what has to run them."""

    def __init__(self, requirements: str, target: Target) -> None:
        self._options = indexes.split(requirements)
        self._target = target
        asked = [
            FORMAT,
            sorted(requirements.splitlines()),
            target.uv(),
            target.pip_options(),
            msgspec.to_builtins(target.installed),
        ]
        self._key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
        self._base = paths.cache() / "wheelhouses"
        self.unneeded = False  # it goes with the last client that has it in use

    @property
    def folder(self) -> Path:
        return self._base / self._key

    @asynccontextmanager
    async def used(self) -> AsyncIterator[None]:
        """Meanwhile no other client takes it away; at the end this one does, where it is `unneeded`."""
        await threads.call(_swept, paths.make_private(self._base))
        async with _locked(self._base / f"{self._key}.use", shared=True) as only:
            yield
            if self.unneeded and only():
                await threads.call(shutil.rmtree, self.folder, ignore_errors=True)

    async def filled(self) -> AsyncGenerator[str, None]:
        """Lines of a log; when it has ended, `folder` is there. Raises BuildError. Closing it ends what it started."""
        paths.make_private(self._base)
        async with _locked(self._base / f"{self._key}.lock"):
            if self.folder.is_dir():
                yield f"The packages are on this machine already ({self.folder})\n"
                return
            for left in self._base.glob(f"{FRESH}{self._key[:16]}-*"):  # by a client that was killed
                await threads.call(shutil.rmtree, left, ignore_errors=True)
            temporary = Path(tempfile.mkdtemp(prefix=f"{FRESH}{self._key[:16]}-", dir=self._base))
            try:
                async with aclosing(self._fill(temporary)) as lines:
                    async for line in lines:
                        yield line
                _published(temporary, self.folder)
            finally:
                await threads.call(shutil.rmtree, temporary, ignore_errors=True)

    async def snapshot(self) -> snapshot.Snapshot:
        return await threads.call(lambda: snapshot.taken(_manifest(self.folder)))

    async def _fill(self, folder: Path) -> AsyncGenerator[str, None]:
        yield f"Resolving for {self._target.title}\n"
        pip = indexes.settings((await _done(Program(["pip", "config", "list"], folder, {}))).printed)
        lines = "".join(line + "\n" for line in indexes.for_uv(self._options, pip))
        variables = {**indexes.uv_variables(self._options, pip), **NO_GIT}
        addresses = await _done(Program(ADDRESSES.split(), folder, variables, lines))
        if addresses.code != 0:
            raise refusals.of_uv(addresses.said, self._target)
        program = await self._resolving(folder, lines, variables, indexes.flags(self._options, pip))
        async with aclosing(program.lines(printing=True)) as said:
            async for line in said:
                if not line.startswith(OTHER_PYTHON):
                    yield line
        if program.code != 0:
            raise refusals.of_uv(program.said, self._target)
        chosen = pins.read(indexes.split(program.printed.replace("\\\n", " ")).requirements)
        pins.only_wheels(chosen)
        async with aclosing(self._fetched(folder, chosen, addresses.printed)) as fetching:
            async for line in fetching:
                yield line

    async def _resolving(self, folder: Path, lines: str, variables: dict[str, str], flags: list[str]) -> Program:
        """What is installed there can be chosen, and is preferred: uv reads CHOSEN before it writes it."""
        words = [*UV.split(), *self._target.uv(), *flags]
        if self._target.installed:
            there = await threads.call(stubs.write, folder / STUBS, self._target.installed)
            (folder / CHOSEN).write_text("".join(line + "\n" for line in there))
            words += ["--find-links", str(folder / STUBS), "--output-file", CHOSEN]
        return Program(words, folder, variables, lines + "".join(line + "\n" for line in self._options.requirements))

    async def _fetched(self, folder: Path, chosen: list[Pin], addresses: str) -> AsyncGenerator[str, None]:
        await threads.call(shutil.rmtree, folder / STUBS, ignore_errors=True)
        there = {pins.canonical(name): has.version for name, has in self._target.installed.items()}
        missing = [pin for pin in chosen if there.get(pin.name) != pin.version]
        missing = pins.held(missing, pins.read(self._options.requirements))
        (folder / CHOSEN).write_text("".join(pin.line + "\n" for pin in missing))
        words = [*PIP.split(), *self._target.pip_options(), "-d", str(folder), "-r", CHOSEN]
        words += ["--no-index"] if "--no-index" in self._options.flags else []
        variables = indexes.pip_variables(indexes.split(addresses).addresses, self._options.hosts)
        program = Program(words, folder, variables)
        async with aclosing(program.lines() if missing else _nothing()) as lines:
            async for line in lines:
                yield line
        if missing and program.code != 0:
            raise refusals.of_pip(program.said)
        (folder / CHOSEN).unlink()
        await threads.call(_pin, folder, chosen, {pin.name for pin in missing})


async def _done(program: Program) -> Program:
    async with aclosing(program.lines(printing=True)) as lines:
        async for _ in lines:
            pass
    return program


async def _nothing() -> AsyncGenerator[str, None]:
    return
    yield


def _pin(folder: Path, chosen: list[Pin], fetched: set[str]) -> None:
    """Writes the requirements that install what is here, each by the hash of its file. Blocks. Raises BuildError."""
    wheels = {pins.canonical(path.name.split("-")[0]): path for path in folder.glob("*.whl")}
    lines = []
    for pin in chosen:
        if pin.name not in fetched:
            lines.append(pin.line)
        elif pin.name in wheels:
            path = wheels[pin.name]
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            lines.append(f"{pin.name}=={path.name.split('-')[1]} --hash=sha256:{digest}")
        else:
            raise BuildError(f"pip fetched no file of {pin.what}", hint="launch again")
    (folder / REQUIREMENTS).write_text("".join(line + "\n" for line in sorted(lines)))


def _published(temporary: Path, folder: Path) -> None:
    try:
        temporary.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _manifest(folder: Path) -> Manifest:
    entries = [Entry(path.name, path.stat().st_size) for path in sorted(folder.iterdir())]
    return Manifest(folder=str(folder), entries=entries, ignore_file="")


def _swept(base: Path) -> None:
    """What a client left that was killed, and what no environment was built with. Blocks."""
    for path in base.iterdir():
        try:
            if time.time() - path.lstat().st_mtime < KEPT_S[not path.name.startswith(FRESH)]:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        except FileNotFoundError:
            continue  # another client sweeps too


@asynccontextmanager
async def _locked(path: Path, *, shared: bool = False) -> AsyncIterator[Callable[[], bool]]:
    """One client at a time, or several that share it, where the platform has `flock`. Gives a question: does nobody
    else have it? Where somebody does, it is given up with that.
    """
    try:
        import fcntl
    except ImportError:  # Windows: two that want the same both fetch it, and the second finds the first's
        yield lambda: True
        return
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def taken(how: int) -> bool:
        try:
            fcntl.flock(fd, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    try:
        while not taken(fcntl.LOCK_SH if shared else fcntl.LOCK_EX):  # noqa: ASYNC110 (another process has it)
            await asyncio.sleep(LOOK_S)
        os.utime(fd)  # in use: not swept
        yield lambda: taken(fcntl.LOCK_EX)
    finally:
        os.close(fd)
