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
        empties = f"; {EMPTIES} empties it" if current else ""
        answer = await self.line(shaped(f"{label} ({hint}{empties})", current or "nothing"))
        return "" if answer == EMPTIES else answer or current

    async def sure(self, question: str) -> bool:
        """Only the whole word is a yes."""
        return await self.line(shaped(f"{question} Yes or no", "no")) in ("yes", "Yes", "YES")

    async def choose(
        self, choices: Sequence[Choice], usual: int, *, explain: bool, others: Sequence[Choice] = ()
    ) -> Choice:
        """Asks until one is chosen by its number, its word, or the beginning of its word; Enter takes the usual one.

        `others`: what is not listed, and is chosen by a word that none of `choices` begins with.
        """
        if explain:
            self._output.lines(f"  {at} {one.word}: {one.says}" for at, one in enumerate(choices, 1))
            question = "What next? Its number or word"
        else:
            question = "What next? " + ", ".join(f"{at} {one.word}" for at, one in enumerate(choices, 1))
        while True:
            answer = await self.line(shaped(question, choices[usual].word))
            found = choices[usual] if not answer else chosen(answer, choices) or other(answer, choices, others)
            if found is not None:
                return found
            text = (
                f"There is no choice {answer[:40]!r} here. Type a number from 1 to {len(choices)}, its word, or a step."
            )
            self._output.lines([text])


def shaped(question: str, usual: str) -> str:
    """Every question has this shape: in the brackets is what Enter takes."""
    return f"{question} [{usual}]: "


def chosen(answer: str, choices: Sequence[Choice]) -> Choice | None:
    """By number, word, or the beginning of one word alone."""
    answer = answer.strip().lower()
    if answer.isascii() and answer.isdigit():
        at = int(answer[:9]) - 1
        return choices[at] if 0 <= at < len(choices) else None
    begun = [one for one in choices if answer and one.word.startswith(answer)]
    exact = [one for one in begun if one.word == answer] or begun
    return exact[0] if len(exact) == 1 else None


def other(answer: str, choices: Sequence[Choice], others: Sequence[Choice]) -> Choice | None:
    """`launch`, `step launch` or `step 4`, where none of `choices` begins so."""
    word = answer.strip().lower()
    if any(one.word.startswith(word) for one in choices) or word.isdigit():
        return None
    return chosen(word.removeprefix("step "), others)


def _settle(waits: asyncio.Future[None]) -> None:
    if not waits.done():
        waits.set_result(None)
