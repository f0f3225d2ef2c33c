"""Questions that only a person can answer. Each has a safe default, and none is answered by one key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from core.site.secrets import Secret
from tui import untrusted
from tui.widgets.fields import Field, SecretField
from tui.widgets.press import Press

Answer = TypeVar("Answer")


class Dialogue(ModalScreen[Answer | None]):
    """Escape is always the safe answer: None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "Cancel", id="dialogue.cancel"),
        Binding("ctrl+c", "app.help_quit", show=False, system=True, id="dialogue.interrupt"),
    ]

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

    def __init__(self, title: str, hint: str) -> None:
        super().__init__()
        self.asked, self.hint = untrusted.plain(title), untrusted.plain(hint)

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialogue", can_focus=False):
            yield Static(Content(self.asked), classes="title")
            yield Static(Content(f"{self.hint}\nIt is used for this login and kept nowhere."))
            yield SecretField(id="secret")
            with Horizontal(classes="buttons"):
                yield Press("Log in", id="agree", variant="primary")
                yield Press("Cancel", id="cancel")

    def on_secret_field_given(self) -> None:
        self.agreed()

    def agreed(self) -> None:
        text = self.query_one(SecretField).take()
        self.dismiss(Secret(text) if text else None)


class Confirmation(Dialogue[bool]):
    """Names what is about to happen and to what. The safe answer has the focus."""

    def __init__(self, title: str, text: str, *, yes: str, no: str) -> None:
        super().__init__()
        self.asked, self.text, self.yes, self.no = title, text, yes, no

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
