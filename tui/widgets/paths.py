"""Completes a path while it is typed; the right arrow takes what is offered."""

from __future__ import annotations

from textual.suggester import Suggester


class PathSuggester(Suggester):
    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        from core.jobs import nearby

        return await nearby.completed(value)
