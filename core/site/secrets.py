"""Secrets: found when they are needed, never written, never shown."""

from __future__ import annotations


class Secret:
    """Text that does not show itself: not in a repr, a log, an exception or JSON."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")
