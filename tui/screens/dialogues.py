"""Questions that only a person can answer. Each has a safe default, and none is answered by one key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from core.site.secrets import Secret
from tui import untrusted
from tui.keys import in_field
from tui.widgets.fields import Field, SecretField
from tui.widgets.key_line import KeyLine
from tui.widgets.press import Press

Answer = TypeVar("Answer")


class Dialogue(ModalScreen[Answer | None]):
    """Escape is always the safe answer: None. `PLAIN`: it has no keys to tell of, or takes each key that is pressed."""

    PLAIN: ClassVar[bool] = False
    FOOTER: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "Close", key_display="esc", id="dialogue.cancel"),
        Binding("ctrl+c", "app.help_quit", show=False, system=True, id="dialogue.interrupt"),
        Binding("ctrl+o,J,shift+j", "app.jump", "Jump: a letter for each place", show=False, id="app.jump"),
        Binding("question_mark", "help", "Help", key_display="?", id="dialogue.help"),
    ]

    def on_mount(self) -> None:
        """Its keys cover those of the screen below, which do nothing now."""
        if self.FOOTER:
            self.mount(KeyLine())

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        found = super().active_bindings
        if in_field(self):  # letters are text
            for key, active in found.items():
                show = active.binding.show and (key == "escape" or "+" in key)
                found[key] = active._replace(binding=replace(active.binding, show=show))
        return found

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return super().check_action(action, parameters) and not (self.PLAIN and action == "help")

    def action_help(self) -> None:
        from tui import keytable

        from .help import HelpScreen

        rows = [(one.keys, one.told) for one in keytable.over(self) if one.keys and one.node is not self.app]
        self.app.push_screen(HelpScreen("this question", "", [("Here", rows)]))

    def action_give_up(self) -> None:
        self.dismiss(None)

    def dismiss(self, result: Answer | None = None) -> AwaitComplete:
        """Once: a second press may have been on its way. What lies over it is not taken away in its place."""
        if self.app.screen is not self:
            return AwaitComplete()
        return super().dismiss(result)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if not self.is_current:
            return
        if event.button.id == "cancel":
            self.dismiss(None)
        elif event.button.id == "agree":
            self.agreed()
        else:
            self.other(event.button.id or "")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.agreed()

    def agreed(self) -> None:
        raise NotImplementedError

    def other(self, id: str) -> None:
        """Another button was pressed."""


class HostKeyQuestion(Dialogue[str]):
    """The host key was never seen. Answers the fingerprint once somebody typed `yes`, or the fingerprint itself."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__()
        self.facts = {name: untrusted.plain(str(value)) for name, value in facts.items()}

    def compose(self) -> ComposeResult:
        facts = self.facts
        with VerticalScroll(classes="dialogue", can_focus=False):
            yield Static("Is this the right VM?", classes="title")
            with Horizontal(id="key"):
                yield Static(Content(facts.get("randomart", "")), id="randomart")
                with Vertical():
                    yield Static(
                        Content.assemble(
                            f"{facts.get('host')} port {facts.get('port')}, {facts.get('key_type')}\n",
                            (f"{facts.get('fingerprint')}\n\n", "bold"),
                            "Nobody has vouched for this key yet. Compare it with the one that whoever runs the VM "
                            "gives you by another way. On the VM it is printed by:\n",
                            ("ssh-keygen -lvf /etc/ssh/ssh_host_ed25519_key.pub", "$text-accent"),
                        )
                    )
            yield Static("Type yes if they are the same, or paste the fingerprint you were given:")
            yield Field(id="answer", placeholder="yes, or SHA256:…")
            yield Static(id="said")
            with Horizontal(classes="buttons"):
                yield Press("Do not trust it", id="cancel", variant="primary")
                yield Press("Trust and pin", id="agree")

    def on_mount(self) -> None:
        self.query_one("#answer").focus()

    def agreed(self) -> None:
        answer = self.query_one("#answer", Input).value.strip()
        fingerprint = self.facts.get("fingerprint", "")
        if answer.lower() == "yes" or (answer and answer == fingerprint):
            self.dismiss(fingerprint)
            return
        if answer.startswith("SHA256:"):
            said = "That is another key. Do not trust this VM before you know why."
        else:
            said = "Type the whole word yes, or press Escape."
        self.query_one("#said", Static).update(Content.styled(said, "$text-error"))
        self.query_one("#answer").focus()


class SecretQuestion(Dialogue[Secret]):
    """A passphrase or password: masked, used once, kept nowhere."""

    def __init__(self, title: str, hint: str, *, use: str = "for this login", yes: str = "Log in") -> None:
        super().__init__()
        self.asked, self.hint = untrusted.plain(title), untrusted.plain(hint)
        self.use, self.yes = use, yes

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialogue", can_focus=False):
            yield Static(Content(self.asked), classes="title")
            yield Static(Content(f"{self.hint}\nIt is used {self.use} and kept nowhere."))
            yield SecretField(id="secret")
            with Horizontal(classes="buttons"):
                yield Press(self.yes, id="agree", variant="primary")
                yield Press("Cancel", id="cancel")

    def on_secret_field_given(self) -> None:
        self.agreed()

    def agreed(self) -> None:
        text = self.query_one(SecretField).take()
        self.dismiss(Secret(text) if text else None)


class Confirmation(Dialogue[bool]):
    """Names what is about to happen and to what. The safe answer has the focus."""

    def __init__(self, title: str, text: str, *, yes: str, no: str, about: str = "") -> None:
        """`about`: by which it is found among the screens, where it may not be asked twice."""
        super().__init__()
        self.asked, self.text, self.yes, self.no, self.about = title, text, yes, no, about

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialogue", can_focus=False):
            yield Static(Content(self.asked), classes="title")
            yield Static(Content(self.text))
            with Horizontal(classes="buttons"):
                yield Press(self.no, id="cancel", variant="primary")
                yield Press(self.yes, id="agree", variant="error")

    def on_mount(self) -> None:
        self.query_one("#cancel").focus()

    def agreed(self) -> None:
        self.dismiss(True)


class TypedConfirmation(Dialogue[bool]):
    """For what cannot be taken back: `wanted` has to be typed. Escape, and Enter in an empty field, change nothing."""

    def __init__(self, title: str, text: str, wanted: str, *, yes: str) -> None:
        super().__init__()
        self.asked, self.text, self.wanted, self.yes = title, text, wanted, yes

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialogue", can_focus=False):
            yield Static(Content(self.asked), classes="title")
            yield Static(Content(self.text))
            yield Static(Content.assemble("\nType ", (self.wanted, "bold $text-accent"), " to do it:"))
            yield Field(id="answer")
            yield Static(id="said")
            with Horizontal(classes="buttons"):
                yield Press("Leave it", id="cancel", variant="primary")
                yield Press(self.yes, id="agree", variant="error")

    def on_mount(self) -> None:
        self.query_one("#answer").focus()

    def agreed(self) -> None:
        if self.query_one("#answer", Input).value.strip().upper() == self.wanted.upper():
            self.dismiss(True)
            return
        said = f"That is not {self.wanted}. Nothing was done; Escape leaves it so."
        self.query_one("#said", Static).update(Content.styled(said, "$text-error"))
        self.query_one("#answer").focus()
