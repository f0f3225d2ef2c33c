"""Panels beside each other, of which one can take all the room."""

from __future__ import annotations

from typing import ClassVar

from textual.containers import Container
from textual.widget import Widget


class Panels(Container):
    """The style sheet hides the others for the class `-only-ID`."""

    PANELS: ClassVar[tuple[str, ...]] = ("log", "metrics", "resources")

    def enlarge(self, focused: Widget | None) -> None:
        """The panel that has the focus, else the first, takes all the room; once more: all are there again."""
        if self.only:
            self.remove_class(f"-only-{self.only}")
            return
        inside = focused.ancestors_with_self if focused is not None else []
        panel = next((node.id for node in inside if node.id in self.PANELS), None)
        self.add_class(f"-only-{panel or self.PANELS[0]}")
        if panel is None:
            self.query_one(f"#{self.PANELS[0]}").focus()

    @property
    def only(self) -> str:
        """The id of the panel that has all the room, or empty."""
        return next((panel for panel in self.PANELS if self.has_class(f"-only-{panel}")), "")
