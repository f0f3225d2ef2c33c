"""The link of a site without SSH: a real agent process on this machine, behind the client's own RemoteAgent."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from core import threads
from core.agent import wire
from core.errors import LinkLost, Unreachable
from core.ssh.agent import Message
from core.ssh.remote import RemoteAgent

from .agent_process import place


class _Recorded(RemoteAgent):
    """Writes down what it is asked, once a call."""

    link: ProcessLink

    async def stream(self, op: str, /, **more: Any) -> AsyncIterator[Message]:
        link = self.link
        link.asked.append((op, {key: value for key, value in more.items() if key != "upload"}))
        async with aclosing(super().stream(op, **more)) as messages:  # type: ignore[type-var]
            async for message in messages:
                if op == link.answer_lost and isinstance(message, dict) and "result" in message:
                    link.answer_lost = ""
                    link.cut()
                    self.lose()
                    raise LinkLost("the connection to the VM was lost")
                yield message


class ProcessLink:
    """core.ssh.agent.Link. `cut` ends the agent as a lost connection does; the next `agent()` starts another.

    `asked`: (operation, arguments) of every call, over all connections. `unreachable`: how many of the
    next connects fail. `answer_lost`: the operation that is done, and whose answer is lost, once.
    `prefix`: words before the command, as `setpriv …`.
    """

    def __init__(self, root: Path, *, python: str = sys.executable, prefix: tuple[str, ...] = ()) -> None:
        self.root = root
        self.unreachable = 0
        self.answer_lost = ""
        self.last_seen = 0.0
        self.connects = 0
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._words = [*prefix, python, "-sSE", "-m", "agent", "serve", str(root)]
        self._process: subprocess.Popen[bytes] | None = None
        self._agent: _Recorded | None = None
        self._lock = asyncio.Lock()

    async def agent(self) -> RemoteAgent:
        async with self._lock:
            if self._agent is not None and not self._agent.lost:
                return self._agent
            await self._end()
            if self.unreachable:
                self.unreachable -= 1
                raise Unreachable("the VM cannot be reached")
            self._process, reader, hello = await threads.call(self._started)
            self.connects += 1
            self._agent = _Recorded(reader, self._process.stdin.write, hello, self._seen)  # type: ignore[union-attr]
            self._agent.link = self
            return self._agent

    def _seen(self) -> None:
        self.last_seen = time.time()

    def _started(self) -> tuple[subprocess.Popen[bytes], wire.Reader, dict[str, Any]]:
        process = subprocess.Popen(
            self._words,
            cwd=place(self.root),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
        )
        # the file, not its number: once closed, the number is that of another process's answers
        reader = wire.Reader(process.stdout.read)  # type: ignore[union-attr]
        line = reader.line()
        assert line.startswith(wire.MAGIC), line
        return process, reader, json.loads(line[len(wire.MAGIC) :])

    def cut(self) -> None:
        """`kill -9` of the agent of this connection; what it supervises lives on."""
        if self._process is not None:
            self._process.kill()

    async def close(self) -> None:
        async with self._lock:
            await self._end()

    async def _end(self) -> None:
        agent, self._agent = self._agent, None
        process, self._process = self._process, None
        if process is not None:
            process.stdin.close()  # type: ignore[union-attr]
            process.kill()
            await threads.call(process.wait)
        if agent is not None:
            await agent.close()
        if process is not None:
            process.stdout.close()  # type: ignore[union-attr]
