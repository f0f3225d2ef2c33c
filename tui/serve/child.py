"""One browser's program: a process of its own, ended with its websocket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

PATIENCE_S = 5.0
DRIVER = "tui.serve.driver:ServedDriver"
WIDEST = 1000  # columns or lines


def fitting(value: Any) -> int:
    """A number of columns or lines that a browser may say. Raises ValueError, TypeError, OverflowError."""
    return max(1, min(int(value), WIDEST))


def bounded(value: Any, usual: int) -> int:
    """The same; `usual` for what is no number."""
    try:
        return fitting(value)
    except (TypeError, ValueError, OverflowError):
        return usual


class Child(AppService):  # type: ignore[misc,unused-ignore]
    """textual-serve's, but started without a shell, and ended also where it does not listen."""

    def __init__(self, words: Sequence[str], websocket: Any) -> None:
        super().__init__(
            "",
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=websocket.close,
            download_manager=DownloadManager(),
        )
        self._words = words

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        here = Path(__file__).resolve().parents[2]
        path = os.pathsep.join(filter(None, (str(here), os.environ.get("PYTHONPATH"))))
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "tui.cli", *self._words,
            stdin=PIPE, stdout=PIPE, stderr=PIPE,
            env={**self._build_environment(width=width, height=height), "PYTHONPATH": path, "TEXTUAL_DRIVER": DRIVER},
            start_new_session=True,  # Ctrl-C here ends the websocket, which ends it in good order
        )  # fmt: skip
        self._stdin = process.stdin
        return process

    async def stop(self) -> None:
        """Politely first; nothing of it is left."""
        process, task = self._process, self._task
        if process is None:
            return
        self._task = None
        await self.send_meta({"type": "quit"})
        for end in (process.terminate, process.kill):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), PATIENCE_S)
            if process.returncode is not None:
                break
            with contextlib.suppress(ProcessLookupError):
                end()
        await process.wait()
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
