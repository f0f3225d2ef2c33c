"""A real agent process, spoken to over pipes instead of SSH: for tests of the agent's operations."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from core import errors
from core.agent import serve, wire

SOURCE = Path(serve.__file__).parent
Message = dict[str, Any] | bytes


def place(root: Path) -> Path:
    """Puts the agent's source below `root` as the client does; returns the folder to start it in."""
    folder = root / "agent" / serve.source_hash(str(SOURCE))
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
        made.chmod(0o755)  # the tests' other users start it too
        shutil.copytree(SOURCE, made / "agent", ignore=shutil.ignore_patterns("__pycache__"))
        try:
            made.rename(folder)  # whole at once: two clients may do this
        except OSError:
            shutil.rmtree(made)
    return folder


class AgentProcess:
    """`python3 -sSE -m agent serve ROOT`.

    `python`: the interpreter on the "VM". `prefix`: words put before it, as `setpriv …` to be another user.
    Several threads may call at once. Errors that the agent answers are raised as `core.errors` has them.
    """

    def __init__(
        self,
        root: Path,
        *,
        python: str = sys.executable,
        prefix: Sequence[str] = (),
        env: dict[str, str] | None = None,
    ) -> None:
        self.root = Path(root)
        self.process = subprocess.Popen(
            [*prefix, python, "-sSE", "-m", "agent", "serve", str(self.root)],
            cwd=place(self.root),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self._sink = self.process.stdin
        self._reader = wire.Reader(lambda size: os.read(self.process.stdout.fileno(), size))  # type: ignore[union-attr]
        self.hello = self._reader.line()
        assert self.hello.startswith(wire.MAGIC), self.hello
        self._lock = threading.Lock()
        self._last = 0
        self._queues: dict[int, queue.Queue[Any]] = {}
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def pid(self) -> int:
        return self.process.pid

    def _read(self) -> None:
        try:
            while True:
                number, message = self._reader.frame()
                waiting = self._queues.get(number)
                if waiting is not None:
                    waiting.put(message)
        except (EOFError, OSError, ValueError):
            for waiting in list(self._queues.values()):
                waiting.put(None)

    def _send(self, number: int, payload: object) -> None:
        with self._lock:
            try:
                self._sink.write(wire.encode(number, payload))
                self._sink.flush()
            except (OSError, ValueError):
                raise errors.LinkLost("the agent has ended") from None

    def stream(self, op: str, /, *, upload: Iterable[bytes] | None = None, **args: Any) -> Iterator[Message]:
        """Events and bytes as they come, then `{"result": {…}}`. Closing the iterator cancels the call."""
        with self._lock:
            self._last += 1
            number = self._last
            answers: queue.Queue[Any] = queue.Queue()
            self._queues[number] = answers
        self._send(number, {"op": op, "args": args})
        if upload is not None:
            for chunk in upload:
                self._send(number, chunk)
            self._send(number, {"end": True})
        return self._answers(number, answers)

    def _answers(self, number: int, answers: queue.Queue[Any]) -> Iterator[Message]:
        ended = False
        try:
            while not ended:
                message = answers.get()
                if message is None:
                    ended = True
                    raise errors.LinkLost("the agent has ended")
                if isinstance(message, dict) and "error" in message:
                    ended = True
                    error = message["error"]
                    raise errors.from_code(error["code"], error["title"], error["hint"], error["facts"])
                if isinstance(message, dict) and set(message) == {"credit"}:
                    continue  # about the upload, which is not held back here
                ended = isinstance(message, dict) and "result" in message
                if not ended:
                    self._send(number, {"credit": 1})
                yield message
        finally:
            self._queues.pop(number, None)
            if not ended:
                with contextlib.suppress(errors.LinkLost):
                    self._send(number, {"cancel": True})

    def call(self, op: str, /, *, upload: Iterable[bytes] | None = None, **args: Any) -> dict[str, Any]:
        """The result; events on the way are dropped."""
        for message in self.stream(op, upload=upload, **args):
            if isinstance(message, dict) and "result" in message:
                result: dict[str, Any] = message["result"]
                return result
        raise errors.LinkLost("the agent has ended")

    def close(self) -> None:
        """Ends the connection as a client does: the agent's input ends."""
        try:
            self._sink.close()
        except OSError:
            pass
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def kill(self) -> None:
        """`kill -9`, as a crash would."""
        self.process.kill()
        self.close()

    def __enter__(self) -> AgentProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
