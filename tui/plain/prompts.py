"""Questions on stdin, one at a time: from a terminal, a pipe or a file of answers."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from core import threads
from core.errors import Interrupted

from ..output import Output
from ..text import printable

LONGEST = 65536  # bytes of one answer
EMPTIES = "-"


class Ended(Exception):
    """There is no more input."""


@dataclass(frozen=True)
class Choice:
    """`word` and its number choose it; `do` is what follows."""

    word: str
    says: str
    do: Callable[[], Awaitable[object]]


class Prompts:
    """`advice`: what an interruption does not stop."""

    def __init__(self, output: Output, advice: Callable[[], str]) -> None:
        self._output = output
        self._advice = advice
        self._held = b""
        self._waits: asyncio.Future[None] | None = None

    async def line(self, prompt: str) -> str:
        """One answer. Raises Ended, and Interrupted for Ctrl-C."""
        self._output.prompt(prompt)
        while b"\n" not in self._held and len(self._held) < LONGEST:
            more = await self._more()
            if not more and not self._held:
                raise Ended
            self._held += more or b"\n"
        taken, _, self._held = self._held.partition(b"\n")
        answer = printable(taken[:LONGEST].decode("utf-8", "replace"))
        if not sys.stdin.isatty():
            self._output.lines([answer])  # nothing else shows what was answered
        return answer

    async def _more(self) -> bytes:
        if sys.stdin is None:
            return b""
        loop, handle = asyncio.get_running_loop(), sys.stdin.fileno()
        self._waits = waits = loop.create_future()
        try:
            loop.add_reader(handle, _settle, waits)
        except (OSError, NotImplementedError):  # a file, which never waits
            self._waits = None
            return await threads.call(os.read, handle, LONGEST)
        try:
            await waits
        finally:
            self._waits = None
            loop.remove_reader(handle)
        return os.read(handle, LONGEST)

    def interrupt(self) -> bool:
        """Ctrl-C: whether a question was waiting; then it leaves."""
        if self._waits is None or self._waits.done():
            return False
        self._output.lines([""])
        self._waits.set_exception(Interrupted("interrupted", hint=self._advice()))
        return True

    async def field(self, label: str, current: str, hint: str) -> str:
        """What is typed; Enter keeps what is there, `-` empties it."""
        now = f"Enter keeps {current}, {EMPTIES} empties it" if current else "Enter leaves it empty"
        answer = await self.line(f"{label} ({hint}; {now}): ")
        return "" if answer == EMPTIES else answer or current

    async def sure(self, question: str) -> bool:
        """Only the whole word is a yes."""
        return await self.line(f'{question} Type "yes" or "no": ') == "yes"

    async def choose(self, choices: Sequence[Choice], usual: int, *, explain: bool) -> Choice:
        """Asks until one is chosen by its number, its word, or the beginning of its word; Enter takes the usual one."""
        if explain:
            self._output.lines(["What next?", *(f"  {at} {one.word}: {one.says}" for at, one in enumerate(choices, 1))])
            question = "Number or word"
        else:
            question = "What next? " + ", ".join(f"{at} {one.word}" for at, one in enumerate(choices, 1)) + "."
        while True:
            answer = await self.line(f"{question} [{choices[usual].word}] ")
            found = _found(answer.lower(), choices, usual)
            if found is not None:
                return found
            self._output.lines([f"There is no choice {answer[:40]!r} here. Type a number from 1 to {len(choices)}."])


def _settle(waits: asyncio.Future[None]) -> None:
    if not waits.done():
        waits.set_result(None)


def _found(answer: str, choices: Sequence[Choice], usual: int) -> Choice | None:
    if not answer:
        return choices[usual]
    if answer.isascii() and answer.isdigit():
        at = int(answer) - 1
        return choices[at] if 0 <= at < len(choices) else None
    exact = [one for one in choices if one.word == answer]
    begun = exact or [one for one in choices if one.word.startswith(answer)]
    return begun[0] if len(begun) == 1 else None
