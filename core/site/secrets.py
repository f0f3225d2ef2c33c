"""Secrets: found when they are needed, never written, never shown."""

from __future__ import annotations

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
    for secret in sorted((one.reveal() for one in _ALIVE), key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, "***")
    return text
