"""What a run left behind, into a folder on this machine: each file whole or not at all, nothing written over unasked.

A file that is under way is `NAME.part`; a download that was cut short goes on there. What the VM says may be a lie: it
writes only what it listed, and never decides that a file which is here may be written over.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from pathlib import Path, PurePosixPath
from typing import Any

from .. import amounts, kept, threads
from ..errors import AgentError, LinkLost, UsageError
from ..events import Downloaded, Event, Notice, Phase, Progress
from ..ssh.agent import Link
from .follow import waiting_time

PART = ".part"
TRIES = 5  # of a link that is lost
EVERY_BYTES = 1 << 20  # between two events of progress
HINT = "another --to, or --force to write over them"


class Download:
    """`to`: the folder that gets `outputs/…` and `artifacts/…`."""

    def __init__(self, link: Link, run: str, to: Path, *, output: str = "", force: bool = False) -> None:
        self._link = link
        self._run = run
        self._to = to
        self._output = output
        self._force = force
        self._wanted: dict[str, int] = {}  # path -> bytes, in order
        self._total = 0
        self._done = 0
        self._same: list[str] = []
        self._ended = False  # the run: then its files grow no more

    async def events(self) -> AsyncGenerator[Event, None]:
        """Ends with Downloaded. Raises UsageError before anything is written where a file is in the way."""
        yield Phase(step="watch", title=f"Listing what run {self._run} left", command=f"trainshed download {self._run}")
        listed = await self._listed()
        for notice in _notices(listed):
            yield notice
        files = len(self._wanted)
        what = f"{amounts.plural(files, 'file')}, {amounts.size(self._total)}"
        yield Phase(step="watch", title=f"Downloading {what}, into {self._to}")
        await threads.call(kept.remember, "download", self._to)
        try:
            async with aclosing(self._fetched()) as events:
                async for event in events:
                    yield event
        except OSError as error:
            where = error.filename or self._to
            raise UsageError(f"{where} cannot be written: {error.strerror}", hint="download again goes on") from None
        yield Downloaded(
            run=self._run, folder=str(self._to), files=files, bytes=self._total, same=len(self._same),
            left=listed["models"],
        )  # fmt: skip

    async def _listed(self) -> dict[str, Any]:
        agent = await self._link.agent()
        listed = await agent.call("runs.files", run=self._run, output=self._output)
        self._wanted = {checked(path): size for path, size in listed["files"]}
        await threads.call(self._look_for_room)
        have = await threads.call(self._have)
        found = await agent.call("runs.differ", run=self._run, have=have) if have else {"same": []}
        self._ended = listed["ended"]
        self._same = [path for path in have if path in found["same"]]
        differ = sorted(have.keys() - self._same)
        if differ and not self._force:
            shown = ", ".join(differ[:3]) + (" …" if len(differ) > 3 else "")
            raise UsageError(f"{self._to} has other files of these names: {shown}", hint=HINT)
        for path in self._same:
            del self._wanted[path]
        self._total = sum(self._wanted.values())
        return listed

    def _look_for_room(self) -> None:
        for path in self._wanted:
            parents = [self._to / parent for parent in PurePosixPath(path).parents]  # the last is `to` itself
            for above in parents:
                if above.is_symlink() and above != self._to:
                    raise UsageError(f"{above} is a link: nothing is written through it", hint="another --to")
                if above.exists() and not above.is_dir():
                    raise UsageError(f"{above} is a file where a folder has to be", hint="another --to")

    def _have(self) -> dict[str, str]:
        """path -> sha256 of what is there already."""
        found = {}
        for path in self._wanted:
            place = self._to / path
            if place.is_symlink() or (place.exists() and not place.is_file()):
                raise UsageError(f"{place} is in the way: it is no file", hint="another --to")
            if place.is_file():
                with place.open("rb") as file:
                    found[path] = hashlib.file_digest(file, "sha256").hexdigest()
        return found

    async def _fetched(self) -> AsyncGenerator[Event, None]:
        left = dict(self._wanted)
        failures = 0
        while left:
            try:
                async with aclosing(self._once(left)) as events:
                    async for event in events:
                        failures = 0
                        yield event
            except LinkLost:
                failures += 1
                if failures > TRIES:
                    raise
                yield Notice(text=f"the link was lost; {len(left)} files are left", level="warning")
                await asyncio.sleep(waiting_time(failures))

    async def _once(self, left: dict[str, int]) -> AsyncGenerator[Event, None]:
        """What comes over one connection; what has come whole is taken out of `left`."""
        agent = await self._link.agent()
        asked: list[tuple[str, int]] = [(path, await threads.call(_size, self._part(path))) for path in left]
        self._done = sum(size for _, size in asked) + self._total - sum(left.values())
        file, path, said, begin = _File(), "", 0, dict(asked)
        stream: Any = agent.stream("runs.download", run=self._run, files=asked)
        try:
            async with aclosing(stream) as messages:
                async for message in messages:
                    if isinstance(message, bytes):
                        size = await threads.call(file.write, message)
                        if self._ended and size > self._wanted[path]:
                            raise AgentError(f"the VM sent more of {path} than there was", hint="download again")
                        self._done += len(message)
                        if self._done - said >= EVERY_BYTES:
                            said = self._done
                            yield self._progress()
                    elif message.get("event") == "file":
                        path = _expected(message["path"], left)
                        if message["offset"] != begin[path]:
                            raise AgentError(f"the VM sent {path} from another byte", hint="download again")
                        await threads.call(file.open, self._part(path), message["offset"])
                    elif message.get("event") == "file.end":
                        path = _expected(message["path"], [path])
                        await threads.call(file.finish, self._to / path, message["sha256"])
                        del left[path]
                    elif "result" in message and left:
                        raise AgentError(f"{len(left)} files did not come", hint="download again")
        finally:
            await threads.call(file.close)
        yield self._progress()

    def _progress(self) -> Progress:
        return Progress(title="Downloading", done=min(self._done, self._total), total=self._total, unit="bytes")

    def _part(self, path: str) -> Path:
        place = self._to / checked(path)
        return place.with_name(place.name + PART)


class _File:
    """The one that is under way."""

    def __init__(self) -> None:
        self._fd = -1
        self._place = Path()

    def open(self, part: Path, offset: int) -> None:
        self.close()
        part.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        os.ftruncate(self._fd, offset)
        os.lseek(self._fd, 0, os.SEEK_END)
        self._place = part

    def write(self, data: bytes) -> int:
        """How long it is then."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]
        return os.lseek(self._fd, 0, os.SEEK_CUR)

    def finish(self, place: Path, digest: str) -> None:
        """Raises AgentError where it is not what the VM has; then the part is removed."""
        os.lseek(self._fd, 0, os.SEEK_SET)
        with os.fdopen(self._fd, "rb", closefd=False) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(self._fd)
        self.close()
        if found != digest:
            self._place.unlink(missing_ok=True)
            raise AgentError(f"{place.name} arrived with another content than it has on the VM", hint="download again")
        self._place.replace(place)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except OSError:
        return 0


def checked(path: str) -> str:
    """A path that the VM names, if it stays below its folder. Raises AgentError."""
    parts = path.split("/")
    odd = any(part in {"", ".", ".."} or "\\" in part or not part.isprintable() for part in parts)
    if odd or parts[0] not in ("outputs", "artifacts") or len(parts) < 2:
        raise AgentError(f"the VM named a file {path!r}, which is not taken")
    return path


def _expected(path: str, known: Collection[str]) -> str:
    """Raises AgentError for a file that was not listed, or is not the one under way."""
    if path not in known:
        raise AgentError(f"the VM sent a file {path!r}, which was not asked for", hint="download again")
    return path


def _notices(listed: dict[str, Any]) -> list[Notice]:
    found = []
    if not listed["ended"]:
        found.append(Notice(text="the run has not ended: its files are taken as they are now", level="warning"))
    if listed["models"]:
        found.append(Notice(text=f"{listed['models']} files of models stay on the VM (--output NAME takes one folder)"))
    if listed["odd"]:
        found.append(Notice(text=f"{listed['odd']} files have names that are not taken", level="warning"))
    return found
