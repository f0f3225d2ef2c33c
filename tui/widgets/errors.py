"""An error where it happened: title, hint, what was compared, and what can be done about it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from core.errors import HostKeyChanged, TrainshedError
from tui import untrusted

from .press import Press

# Facts that are shown without asking, by the error's class: label -> fact.
SHOWN: dict[type[TrainshedError], dict[str, str]] = {
    HostKeyChanged: {"Shown now": "seen", "Expected": "pinned", "Expected by": "source"},
}
ADVICE: dict[type[TrainshedError], str] = {
    HostKeyChanged: (
        "Somebody may stand between you and the VM. Compare with its fingerprint by another way (phone, console); only "
        "if it is the one shown now, replace the old one where it is kept. Nothing was sent: no name, key or password."
    ),
}

LABELS = {  # button: what it says, its binding, the key of that where nobody changed it
    "retry": ("Retry", "wizard.retry", "r"),
    "edit": ("Edit", "wizard.edit", "e"),
    "copy": ("Copy report", "wizard.copy", "y"),
    "details": ("Details", "wizard.details", "d"),
}


class ErrorPanel(Vertical):
    """Hidden until `tell`. Its buttons post `Asked` with retry, edit, copy or details."""

    class Asked(Message):
        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(self, *, edit: bool = True) -> None:
        """`edit`: whether there is a field to go to."""
        super().__init__(classes="error")
        self.labels = {button: label for button, label in LABELS.items() if edit or button != "edit"}
        self.display = False
        self.error: TrainshedError | None = None
        self.detailed = False

    def compose(self) -> ComposeResult:
        yield Static(id="error-text")
        with Horizontal(classes="buttons"):
            for button, (label, _, key) in self.labels.items():
                yield Press(f"{label} ({key})", id=button, variant="error" if button == "retry" else "default")

    def tell(self, error: TrainshedError, *, focus: bool = True) -> None:
        self.error, self.detailed, self.display = error, False, True
        for button, (label, id, key) in self.labels.items():
            written = self.app.key_of(id, key)  # type: ignore[attr-defined]
            self.query_one(f"#{button}", Button).label = f"{label} ({written})"
        self._draw()
        if focus:
            self.query_one("#retry").focus()

    def clear(self) -> None:
        self.error, self.display = None, False

    def toggle_details(self) -> None:
        self.detailed = not self.detailed
        self._draw()

    def _draw(self) -> None:
        error = self.error
        if error is None:
            return
        parts: list[tuple[str, str]] = [("✗ ", "$text-error"), (error.title, "bold $text-error")]
        for label, fact in SHOWN.get(type(error), {}).items():
            parts.append((f"\n  {label:<12} {error.facts.get(fact, '')}", ""))
        hint = error.hint
        for text in (hint, ADVICE.get(type(error), "")):
            parts.append((f"\n{text}" if text else "", ""))
        if self.detailed:
            parts.append((f"\ncode {error.code}, exit code {error.exit_code}", "$muted"))
            parts.append((", a retry may help" if error.retryable else "", "$muted"))
            facts = [f"\n{name}: {value}" for name, value in error.facts.items() if name != "randomart"]
            parts.append(("".join(facts), "$muted"))
        safe = [(untrusted.plain(text), style) for text, style in parts]  # some of it comes from the VM
        self.query_one("#error-text", Static).update(Content.assemble(*safe))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(self.Asked(event.button.id or ""))
