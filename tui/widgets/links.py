"""The path from the VM to the container, link by link, with what each took."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from core.events import CheckFinished
from tui import words


class LinkPath(Static):
    """Draws the links that were tried; the first broken one is named."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.links: list[CheckFinished] = []
        self.ended = False  # every link was tried

    def reset(self) -> None:
        self.links, self.ended = [], False

    def add(self, link: CheckFinished, start: str, end: str) -> None:
        self.links.append(link)
        self.draw(start, end)

    def end(self, start: str, end: str) -> None:
        self.ended = True
        self.draw(start, end)

    @property
    def broken(self) -> CheckFinished | None:
        return next((link for link in self.links if link.status == "fail"), None)

    def draw(self, start: str, end: str) -> None:
        width = max((len(link.title) for link in self.links), default=0)
        lines = [Content.assemble(("◆ ", "$text-accent"), start)]
        for link in self.links:
            mark = words.STATUS[link.status]
            took = words.duration(link.duration_s) if link.duration_s is not None else ""
            head = [("┃ " if link.status == "pass" else "╎ ", mark.style), (f"{mark!s:<9}", mark.style)]
            lines.append(Content.assemble(*head, f" {link.title:<{width}} {took:>7}  ", (link.evidence, "$muted")))
        whole = self.ended and self.links and self.broken is None
        lines.append(Content.assemble(("◆ " if whole else "◇ ", "$text-accent" if whole else "$muted"), end))
        self.update(Content("\n").join(lines))
