"""The commands pane: what ran on the VM, and the command line that does the same as the screen; to filter and copy."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui import untrusted
from tui.session import Command, Session

from .choices import Choices
from .fields import Field

WHERE = {"vm": "VM  ", "cli": "here"}


class CommandsPane(Vertical):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", show=False, key_display="/", id="commands.filter"),
        Binding("Y,shift+y", "copy_all", "Copy all", show=False, id="commands.copy_all"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(id="commands")
        self.session = session
        self.display = False
        self.shown: list[Command] = []

    def compose(self) -> ComposeResult:
        yield Static(id="equal")
        field = Field(id="filter", placeholder="only commands with these words; Escape shows all")
        field.display = False
        yield field
        yield Choices(id="ran")

    def on_mount(self) -> None:
        self.border_title = "Commands: Enter copies one, Y all, / filters"

    @property
    def list(self) -> Choices:
        return self.query_one("#ran", Choices)

    @property
    def field(self) -> Input:
        return self.query_one("#filter", Input)

    def tell(self, equal: str) -> None:
        """`equal`: the command line that does what the screen's main button does."""
        if not self.display:
            return
        self.query_one("#equal", Static).update(
            Content.assemble(("The same by hand (y copies)  ", "$muted"), (untrusted.plain(equal), "bold"))
        )
        self._fill()

    def _fill(self) -> None:
        wanted = self.field.value.lower().split()
        self.shown = [
            command for command in self.session.commands if all(word in command.text.lower() for word in wanted)
        ]
        options = self.list
        at_end = options.highlighted in (None, options.option_count - 1)
        before = options.highlighted
        options.clear_options()
        options.add_options([Option(_line(command)) for command in self.shown])
        if not self.shown:
            empty = "No command has these words." if self.session.commands else "Nothing was run yet."
            options.add_option(Option(Content(empty), disabled=True))
        elif at_end or before is None:
            options.highlighted = len(self.shown) - 1
        else:
            options.highlighted = min(before, len(self.shown) - 1)

    def leave_filter(self) -> bool:
        """Shows every command again; False where nothing was filtered."""
        if not self.field.display:
            return False
        self.field.value = ""
        self.field.display = False
        self.list.focus()
        self._fill()
        return True

    def action_filter(self) -> None:
        self.field.display = True
        self.field.focus()

    def action_copy_all(self) -> None:
        """As a shell would take them: a comment says where each ran."""
        from tui import report

        lines = [f"{command.text}  # {'on the VM' if command.where == 'vm' else 'here'}" for command in self.shown]
        text = untrusted.plain("\n".join(lines) + "\n")
        self.app.copy_to_clipboard(text)
        try:
            path = report.save(text, self.session.site, "commands.txt")
            kept = f", and saved in {path}"
        except OSError as error:
            kept = f"; it could not be saved ({error.strerror})"
        self._say(f"{len(lines)} sent to the terminal's clipboard{kept}")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        text = untrusted.plain(self.shown[event.option_index].text)
        self.app.copy_to_clipboard(text)
        self._say(f"Sent to the terminal's clipboard: {text}")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._fill()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.list.focus()

    def _say(self, text: str) -> None:
        self.notify(text, timeout=4, markup=False)


def _line(command: Command) -> Content:
    return Content.assemble((f"{WHERE[command.where]} $ ", "$muted"), untrusted.plain(command.text))
