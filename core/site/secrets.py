"""Secrets: found when they are needed, never written, never shown."""

from __future__ import annotations

from urllib.parse import quote
from weakref import WeakSet

SHORTEST = 4  # characters: what is shorter is found in every text


class Secret:
    """Text that does not show itself: not in a repr, a log, an exception or JSON."""

    __slots__ = ("__weakref__", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        _ALIVE.add(self)

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


_ALIVE: WeakSet[Secret] = WeakSet()


def hidden(text: str) -> str:
    """`text` without any secret that is in use now, wherever somebody's message has put it."""
    for form in sorted({form for one in _ALIVE for form in _forms(one.reveal())}, key=len, reverse=True):
        text = text.replace(form, "***")
    return text


def _forms(secret: str) -> tuple[str, ...]:
    """As it is, in an address, and in a repr."""
    if len(secret) < SHORTEST:
        return ()
    return secret, quote(secret, safe=""), quote(secret), repr(secret)[1:-1]
