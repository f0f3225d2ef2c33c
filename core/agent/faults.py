"""What the agent answers when it cannot do what was asked."""

from __future__ import annotations


class Fault(Exception):
    """`code` is one of the codes of the client's error tree (core/errors.py)."""

    def __init__(self, code: str, title: str, hint: str = "", **facts: object) -> None:
        super().__init__(title)
        self.code = code
        self.title = title
        self.hint = hint
        self.facts = facts
