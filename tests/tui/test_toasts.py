"""Notices: few at a time, counted, never over the field one types in, and to be read again."""

from __future__ import annotations

import pytest
from textual.geometry import Region
from textual.widgets import Input
from textual.widgets._toast import Toast, ToastHolder

from tests.fakes.script import Scenario
from tui.screens.said import SaidScreen

from .walk import Walk, make_app

pytestmark = pytest.mark.usefixtures("brisk")


def shown(walk: Walk) -> list[str]:
    return [str(toast.render()) for toast in walk.app.screen.query(Toast).results()]


def covered(walk: Walk) -> list[Region]:
    return [toast.region for toast in walk.app.screen.query(Toast).results()]


async def test_few_at_a_time_equal_ones_counted_and_all_of_them_kept() -> None:
    app = make_app(Scenario(earlier=2))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await app.wizard.complete.wait()
        walk = Walk(app, pilot)
        for text in ("One", "Two", "Two", "Three", "Three", "Three"):
            app.notify(text, markup=False)
        app.notify("It [failed]", title="Odd", severity="error", timeout=30, markup=False)
        app.notify("Four", markup=False)
        await walk.until(lambda: shown(walk) == ["Odd\nIt [failed]", "Four"])
        assert len(app.screen.query(ToastHolder)) == 2, "nothing is left of those before"
        for _ in range(3):
            app.notify("It failed again", severity="warning", markup=False)
        await walk.until(lambda: shown(walk) == ["Four", "It failed again (×3)"])

        await walk.press("5", "c", "slash")
        field = app.wizard.query_one("#filter", Input)
        await walk.until(lambda: bool(field.region) and 2 * field.region.y >= 24)
        app.notify("While one types", markup=False)
        await walk.until(lambda: "While one types" in shown(walk))
        await walk.until(lambda: all(not field.region.overlaps(region) for region in covered(walk)))
        assert max(region.bottom for region in covered(walk)) < 12
        await walk.press("escape", "escape")
        await walk.until(lambda: min(region.y for region in covered(walk)) > 12)

        await walk.press("M")
        assert isinstance(app.screen, SaidScreen)
        text = walk.screen_text()
        for said in ("✗ Odd: It [failed]", "⚠ It failed again (×3)", "Three (×3)", "Two (×2)", "One"):
            assert said in text
        assert text.index("While one types") < text.index("Odd: It") < text.index("One")
        await pilot.click("#copy")
        await walk.settled()
        assert "It failed again (×3)" in app.clipboard
        titles = {command.title for command in app.get_system_commands(app.screen_stack[0])}
        assert {"What was said in notices", "Jump: a letter for each place"} <= titles
