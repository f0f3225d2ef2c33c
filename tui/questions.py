"""What a connection may ask a person on a terminal: is this the host key, what is the passphrase."""

from __future__ import annotations

import getpass
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from core.errors import HostKeyUnknown, PassphraseNeeded, PasswordNeeded, RootNeeded, TrainshedError
from core.site.secrets import Secret

from .output import Output
from .settings import Settings
from .text import printable

ASKED = (HostKeyUnknown, PassphraseNeeded, PasswordNeeded)
TRIES = 2
Read = Callable[[str], Awaitable[str]]  # a prompt -> what was answered


class Questions:
    """Collects the answers of one connection; an error that cannot be answered is raised on.

    `read`: where answers come from when that is not the terminal alone. Secrets are always asked there.
    """

    def __init__(self, settings: Settings, output: Output, read: Read | None = None) -> None:
        self._may_ask = read is not None or settings.may_ask
        self._read = read or _line_of_terminal
        self._output = output
        self._answers: dict[str, Any] = {}
        self._tries: dict[str, int] = {}

    async def answer(self, need: TrainshedError) -> dict[str, Any]:
        """The keyword arguments for `connect`. Raises `need` where nobody can be asked, or two tries failed."""
        self._tries[need.code] = self._tries.get(need.code, 0) + 1
        tries = 1 if isinstance(need, HostKeyUnknown) else TRIES
        if not self._may_ask:
            raise _unattended(need)
        if self._tries[need.code] > tries:
            raise need
        if isinstance(need, HostKeyUnknown):
            self._answers["accept"] = await self._compare(need)
        elif isinstance(need, PassphraseNeeded):
            self._answers["passphrase"] = self._secret(need, f"Passphrase of {need.facts.get('path', 'the key')}: ")
        else:
            who = f"{need.facts.get('user', '')}@{need.facts.get('host', '')}"
            self._answers["password"] = self._secret(need, f"Password of {who}: ")
        return dict(self._answers)

    def sudo(self, need: RootNeeded) -> Secret:
        """The password of sudo on the VM, kept nowhere. Raises `need` where nobody can be asked, or it was wrong."""
        self._tries[need.code] = self._tries.get(need.code, 0) + 1
        if not self._may_ask or self._tries[need.code] > 1:  # a server may lock an account after a few wrong ones
            raise need
        return self._secret(need, "Password of sudo on the VM: ")

    async def _compare(self, need: HostKeyUnknown) -> str:
        facts = need.facts
        fingerprint = str(facts["fingerprint"])
        self._output.note(f"{facts['host']} port {facts['port']} is not known. It shows this host key:")
        self._output.note(f"  {facts['key_type']} {fingerprint}", "strong")
        if self._output.glyphs:
            self._output.verbatim(str(facts.get("randomart", "")))
        self._output.note("Compare it with what the server's owner gives you, not with what came over this connection.")
        for _ in range(TRIES):
            said = await self._read("Is it the same? Yes, no or the fingerprint itself [no]: ")
            if said in ("yes", "Yes", "YES", fingerprint):
                return fingerprint
            if said.lower() in ("no", "n", ""):
                break
            if said.startswith("SHA256:"):
                raise HostKeyUnknown(
                    "that is not the fingerprint that the server shows",
                    hint="nothing was sent; do not connect before it is clear which one is right",
                )
        raise HostKeyUnknown("the host key was not accepted", hint="nothing was sent, nothing was written")

    def _secret(self, need: TrainshedError, prompt: str) -> Secret:
        self._output.note(need.title)
        if not _has_terminal():
            raise need
        with _interruptible():
            try:
                text = getpass.getpass(printable(prompt) + " ")
            except EOFError:
                raise need from None
        if not text:
            raise need
        return Secret(text)


def line(prompt: str) -> str:
    """What a person types."""
    with _interruptible():
        sys.stderr.write(prompt)
        sys.stderr.flush()
        return sys.stdin.readline().strip()


async def _line_of_terminal(prompt: str) -> str:
    return line(prompt)


def _has_terminal() -> bool:
    """Whether a secret can be typed without being shown: getpass would read it from a pipe, too."""
    if sys.stdin is not None and sys.stdin.isatty():
        return True
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _unattended(need: TrainshedError) -> TrainshedError:
    """The error with what to do where nobody can be asked."""
    if not isinstance(need, HostKeyUnknown) or "--fingerprint" in need.hint:
        return need
    hint = f"{need.hint.rstrip('.')}; then: trainshed connect --fingerprint SHA256:…"
    return HostKeyUnknown(need.title, hint=hint, **need.facts)


@contextmanager
def _interruptible() -> Iterator[None]:
    """asyncio turns Ctrl-C into a cancelled task, which a blocking read would not notice."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
