"""`,`: what can be set, made from the schema; each change holds at once and is written."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.keys import format_key
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui import untrusted
from tui.preferences import Resolved, keys
from tui.preferences.schema import Setting, settings
from tui.widgets.choices import Choices
from tui.widgets.press import Press

from .dialogues import Dialogue

PLACES = {  # of a binding's id, as people call it
    "app": "everywhere",
    "wizard": "everywhere",
    "dialogue": "in every question",
    "check": "in Check",
    "path": "on the path to the data",
    "compare": "in the comparison of runs",
    "compare_view": "in the comparison of runs",
    "commands": "in the list of commands",
    "curves": "in the choice of curves",
    "curve_list": "in the choice of curves",
    "data": "in Data",
    "fix": "in the fix",
    "launch": "in Launch",
    "lines": "in every list",
    "log": "in the log",
    "metrics": "in the metrics",
    "place": "on every screen over the steps",
    "run_table": "in the list of runs",
    "runs": "in the list of runs",
    "settings": "in the settings",
    "staged": "in the list of staged data",
    "watch": "in Watch",
}
KEY_TEXT = 'Its id in the file\'s [keys] is "{id}".'


@dataclass(frozen=True)
class Line:
    """One line of the list: a setting, or a binding whose key can be changed."""

    key: str
    title: str
    text: str
    setting: Setting | None = None
    bound: keys.Bound | None = None

    def shown(self, found: Resolved) -> str:
        if self.bound is not None:
            return written_keys(found.preferences.keys.get(self.bound.id) or ",".join(self.bound.keys))
        value = found.value(self.key)
        return {True: "on", False: "off"}.get(value, str(value)) if isinstance(value, bool) else str(value)

    def next(self, found: Resolved, by: int) -> Any:
        """The value after, or before, the one that holds."""
        assert self.setting is not None
        choices: tuple[Any, ...] = self.setting.choices or (False, True)
        return choices[(choices.index(found.value(self.key)) + by) % len(choices)]


def written_keys(named: str) -> str:
    """As they are on the keyboard: `?` and not question_mark."""
    return ", ".join("+".join(format_key(part) for part in key.split("+")) for key in keys.normal(named))


class SettingsScreen(Dialogue[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "turn(1)", "Next value", id="settings.next"),
        Binding("left", "turn(-1)", "Value before", id="settings.before"),
        Binding("space", "turn(1)", "Change", show=False, id="settings.change"),
        Binding("delete,backspace", "default", "Default", id="settings.default"),
    ]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialogue settings"):
            yield Static("Settings", classes="title")
            yield Choices(id="settings")
            yield Static(id="settings-text")
            yield Press("Close", id="cancel", variant="primary")

    def on_mount(self) -> None:
        self.lines = {key: Line(key, one.title, one.text, setting=one) for key, one in settings().items()}
        self._fill()
        self.query_one(Choices).focus()
        self.run_worker(self._find_keys())

    async def _find_keys(self) -> None:
        """Every screen is loaded for that, one after the other."""
        for name in keys.modules():
            for bound in keys.of_module(name):
                if bound.does:
                    text = KEY_TEXT.format(id=bound.id)
                    self.lines[f"keys.{bound.id}"] = Line(f"keys.{bound.id}", bound.does, text, bound=bound)
            await asyncio.sleep(0)
        self._fill()

    @property
    def found(self) -> Resolved:
        return self.app.settings  # type: ignore[attr-defined, no-any-return]

    def _fill(self) -> None:
        options = self.query_one(Choices)
        at = options.highlighted
        options.clear_options()
        groups: dict[str, list[Line]] = {}
        for line in self.lines.values():
            above = line.setting.group if line.setting else f"Keys {PLACES[line.bound.place]}" if line.bound else ""
            groups.setdefault(above, []).append(line)
        for above, lines in groups.items():
            if above:
                options.add_option(Option(Content.styled(above, "bold"), disabled=True))
            for line in lines:
                options.add_option(Option(self._line(line), id=line.key))
        options.highlighted = at if at is not None else 0

    def _line(self, line: Line) -> Content:
        source = self.found.source(line.key)
        return Content.assemble(
            f"{line.title:<38.38} ",
            (f"{line.shown(self.found):<18.18} ", "bold $text-accent"),
            ("" if source == "default" else source if self.found.path else "until you quit", "$muted"),
        )

    @property
    def here(self) -> Line | None:
        options = self.query_one(Choices)
        option = options.get_option_at_index(options.highlighted) if options.highlighted is not None else None
        return self.lines.get(option.id or "") if option else None

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._tell()

    def _tell(self) -> None:
        line, path = self.here, self.found.path
        if line is None:
            return
        does = "Delete: its default. "
        does += "Enter: press another key." if line.bound else "Enter or ←→ changes it."
        where = f"Written to {path}" if path else "Holds until you quit: there is no file here."
        self.query_one("#settings-text", Static).update(
            Content.assemble(
                (line.key, "bold"),
                f"  {line.text}\n",
                (f"{does} {untrusted.plain(where)}", "$muted"),
            )
        )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_turn(1)

    def action_turn(self, by: int) -> None:
        line = self.here
        if line is None:
            return
        if line.bound is not None:
            self._ask(line, line.bound)
        else:
            self._set(line, line.next(self.found, by))

    def action_default(self) -> None:
        line = self.here
        if line is not None and self.found.source(line.key) != "default":
            self._set(line, None)
        else:
            self.notify("That is its default", timeout=3)

    def _set(self, line: Line, value: Any) -> None:
        self.app.change(line.key, value)  # type: ignore[attr-defined]
        source = self.found.source(line.key)
        if source in ("flag", "environment"):
            what = "a flag" if source == "flag" else line.setting.variable if line.setting else "the environment"
            self.notify(f"Written, but {what} sets it for this start", timeout=5, markup=False)
        options = self.query_one(Choices)
        options.replace_option_prompt(line.key, self._line(line))
        self._tell()

    def _ask(self, line: Line, bound: keys.Bound) -> None:
        def pressed(key: str | None) -> None:
            if key is None:
                return
            bounds = {other.bound.id: other.bound for other in self.lines.values() if other.bound}
            wrong = keys.wrong(bound.id, key, self.found.preferences.keys, bounds)
            if wrong:
                said = wrong[0].removeprefix(f"keys.{bound.id}: ")
                self.notify(f"{said}. Nothing was changed.", severity="warning", timeout=6, markup=False)
            else:
                self._set(line, key)

        self.app.push_screen(KeyQuestion(bound), pressed)

    def agreed(self) -> None:
        self.dismiss(None)


class KeyQuestion(Dialogue[str]):
    """Answers the key that is pressed."""

    PLAIN = True
    takes_every_key = True

    def __init__(self, bound: keys.Bound) -> None:
        super().__init__()
        self.bound = bound

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialogue"):
            yield Static(Content(f"Press the new key for: {self.bound.does}"), classes="title")
            yield Static(Content(f"Its own: {written_keys(','.join(self.bound.keys))}. Escape changes nothing."))

    def on_key(self, event: Key) -> None:
        event.stop()
        self.dismiss(event.key)

    def agreed(self) -> None:
        self.dismiss(None)
