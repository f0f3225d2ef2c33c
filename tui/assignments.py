"""Options that are given as KEY=VALUE."""

from __future__ import annotations

from collections.abc import Iterable

from core.errors import UsageError


def parsed(given: Iterable[str], option: str, example: str) -> dict[str, str]:
    """`inputs.lr=0.1` -> {"inputs.lr": "0.1"}; of a key that is given twice the last. Raises UsageError."""
    values: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"{option} {text!r} is not KEY=VALUE", hint=f"for example: {option} {example}")
        values[key.strip()] = value
    return values
