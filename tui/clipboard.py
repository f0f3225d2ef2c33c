"""Copying, told as it is: a terminal never says whether it took what was sent to its clipboard (OSC 52).

A program of the desktop does, where there is one.
"""

from __future__ import annotations

import asyncio
import os
import shutil

from textual.app import App

# program and its words, and the variable without which it has no desktop to talk to
TOOLS = (
    (("wl-copy",), "WAYLAND_DISPLAY"),
    (("xclip", "-selection", "clipboard"), "DISPLAY"),
    (("pbcopy",), ""),
)
PATIENCE_S = 2.0
MOST = 74_994  # bytes: xterm, and others after it, take no more by OSC 52


def tool() -> tuple[str, ...] | None:
    """The words of the first program that can be used here."""
    for words, needs in TOOLS:
        if (not needs or os.environ.get(needs)) and shutil.which(words[0]):
            return words
    return None


async def copy(app: App[object], text: str) -> str:
    """Sends `text` to every clipboard there is; says what is known of it. A browser's own is the terminal's."""
    app.copy_to_clipboard(text)
    words = None if app.is_web else tool()
    if words is not None and await _given(words, text.encode("utf-8", "replace")):
        return f"Copied by {words[0]}, and sent to the terminal's clipboard"
    return "Sent to the terminal's clipboard"


async def _given(words: tuple[str, ...], data: bytes) -> bool:
    """Whether the program took it."""
    null = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.PIPE, stdout=null, stderr=null, start_new_session=True
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(PATIENCE_S):
            await process.communicate(data)
    except TimeoutError:
        process.kill()
        await process.wait()
    return process.returncode == 0
