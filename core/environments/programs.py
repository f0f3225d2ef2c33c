"""uv and pip, which are installed beside us, as processes that end with whoever waits for them."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path

CREDENTIAL = re.compile(r"://[^/\s@]+@")
LINE_BYTES = 1 << 20


class Program:
    """One start of `python -m MODULE`. After `lines` has ended: its exit `code`, what it `printed`, what it `said`.

    `given` is its stdin; with `printing`, stdout is kept apart from what it says. A credential in an address is shown
    by nothing but `printed`.
    """

    def __init__(self, words: Sequence[str], folder: Path, env: Mapping[str, str], given: str = "") -> None:
        self._words = [sys.executable, "-m", *words]
        self._folder = folder
        self._env = {**os.environ, **env}
        self._given = given.encode()
        self.code: int | None = None
        self.printed = ""
        self.said = ""

    async def lines(self, *, printing: bool = False) -> AsyncGenerator[str, None]:
        """What it says, as it comes. Closing the iterator ends the program."""
        pipe, log = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
        process = await asyncio.create_subprocess_exec(
            *self._words,
            cwd=self._folder,
            env=self._env,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe if printing else log,
            start_new_session=True,
            limit=LINE_BYTES,
        )
        assert process.stdout is not None
        saying = process.stderr if process.stderr is not None else process.stdout
        others = [asyncio.create_task(_feed(process, self._given))]
        if printing:
            others.append(asyncio.create_task(self._keep(process.stdout)))
        try:
            async for line in saying:
                text = CREDENTIAL.sub("://***@", line.decode(errors="replace"))
                self.said += text
                yield text
            await asyncio.gather(*others)
            self.code = await process.wait()
        finally:
            for task in others:
                task.cancel()
            if process.returncode is None:
                _end(process)
                await process.wait()

    async def _keep(self, stdout: asyncio.StreamReader) -> None:
        self.printed = (await stdout.read()).decode(errors="replace")


async def _feed(process: asyncio.subprocess.Process, given: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(given)
        await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has ended, and says why
    process.stdin.close()


def _end(process: asyncio.subprocess.Process) -> None:
    """With what it has started, a keyring's helper say."""
    try:
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
