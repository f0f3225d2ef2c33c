"""1 Connect: the VM's address, its host key, the login, and what it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from core import errors, events
from tui import words
from tui.widgets.fields import Field, Row
from tui.widgets.press import Press

from .pane import StepPane
from .work import Task

WELCOME = (
    "New here? The demo plays the whole journey as it was recorded, step by step as you press the keys: no VM, no "
    "network, nothing is changed. `trainshed demo` does it on real parts."
)
DEMO = "demo"  # what the program answers where that is wanted


class ConnectPane(StepPane):
    STEP = "connect"

    def body(self) -> ComposeResult:
        yield Row(
            "VM", Field(self.session.vm, id="target", placeholder="its name in the site, or azureuser@203.0.113.10")
        )
        known = self.session.fingerprint
        yield Row("Fingerprint", Field(known, id="fingerprint", placeholder="optional: SHA256:… as you were told it"))
        yield Row(
            "Key", Field(id="identity", placeholder="optional: your ssh-agent and ~/.ssh/config serve as for ssh")
        )
        if not self.session.site:
            with Vertical(id="welcome"):
                yield Static(WELCOME)
                yield Press("Play the demo", id="play-demo")
        with VerticalScroll(id="facts", can_focus=False):
            yield Static(id="facts-text")

    def on_mount(self) -> None:
        if self.session.site:
            self.status.say("Press Enter to connect.")
        else:
            self.status.say("No site yet: type an address and press Enter, or play the demo.")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The demo takes the place of this program."""
        if event.button.id == "play-demo":
            self.app.exit(DEMO)

    def focus_first(self) -> None:
        if self.value("target"):
            super().focus_first()
        else:
            self.screen.set_focus(self.query_one("#target"))

    def primary(self) -> tuple[str, Callable[[], object]]:
        return "Connect again" if self.session.connected else "Connect", self.connect

    def cli(self) -> str:
        words = [self.value("target")] if self.value("target") else []
        for option in ("fingerprint", "identity"):
            words += [f"--{option}", self.value(option)] if self.value(option) else []
        return self.session.line("connect", *words)

    def connect(self, **answers: Any) -> None:
        """`answers`: accept, passphrase, password; they live as long as the attempt."""
        target = self.value("target")
        if not target and not self.session.site:
            self.refuse("target", "Type the VM's address first, such as azureuser@203.0.113.10")
            return
        asked = {"fingerprint": self.value("fingerprint"), "identity": self.value("identity")}
        given = {name: value for name, value in asked.items() if value} | answers

        def begin() -> Any:
            return self.session.services.connection.connect(target or None, **given)

        self._answers = answers
        title = f"Connecting to {target or self.session.vm}"
        self.operate(Task(title, self.cli(), begin, self._done, retry=self.connect))

    def asks(self, error: errors.TrainshedError) -> bool:
        from .dialogues import HostKeyQuestion

        answers, self._answers = self._answers, {}
        if isinstance(error, errors.HostKeyUnknown):
            self.app.push_screen(HostKeyQuestion(error.facts), lambda said: self._go_on(error, answers, accept=said))
        elif isinstance(error, errors.PassphraseNeeded):
            self._ask(error, answers, "passphrase")
        elif isinstance(error, errors.PasswordNeeded):
            self._ask(error, answers, "password")
        else:
            return False
        return True

    def _ask(self, error: errors.TrainshedError, answers: dict[str, Any], what: str) -> None:
        from .dialogues import SecretQuestion

        whose = error.facts.get("path") or f"{error.facts.get('user')}@{error.facts.get('host')}"
        question = SecretQuestion(f"{error.title}: {whose}", error.hint)
        self.app.push_screen(question, lambda secret: self._go_on(error, answers, **{what: secret}))

    def _go_on(self, error: errors.TrainshedError, answers: dict[str, Any], **answer: Any) -> None:
        if any(value is None for value in answer.values()):
            self.session.journey.fail(self.STEP)
            self.status.end("✗", "Not connected: the question was not answered", "$text-error")
            self.show_error(error)
        else:
            self.call_later(self.connect, **answers, **answer)

    def receive(self, event: events.Event) -> None:
        match event:
            case events.Connected():
                self.session.connected = event
                self._show(event)
            case events.SiteWritten():
                self.say(f"The site {event.name} was written: {event.path}")
            case events.Notice():
                self.say(event.text)
            case _:
                pass

    def _done(self) -> tuple[str, str]:
        self._answers = {}
        found = self.session.connected
        if found is None:
            return "pass", "Connected"
        self.session.journey.finish(self.STEP, f"{found.host} {found.fingerprint}", found.facts.hostname)
        self.focus_next_step()
        return "pass", f"Connected to {found.host} as {found.user} in {words.duration(self.status.elapsed)}"

    def _show(self, found: events.Connected) -> None:
        for welcome in self.query("#welcome").results():
            welcome.display = False
        rows = _rows(found)
        lines = [Content.assemble((f"{label:<13}", "$muted"), value) for label, value in rows]
        self.query_one("#facts-text", Static).update(Content("\n").join(lines))


def _rows(found: events.Connected) -> list[tuple[str, str | tuple[str, str]]]:
    facts = found.facts
    sandbox: str | tuple[str, str] = f"{facts.sandbox} {facts.bwrap if facts.sandbox == 'bwrap' else facts.docker}"
    if not facts.sandbox:
        sandbox = (f"✗ none: {facts.sandbox_reason}", "$text-error")
    skew: str | tuple[str, str] = f"{facts.clock_skew_s:+.1f} s from this computer"
    if abs(facts.clock_skew_s) > 30:
        skew = (f"⚠ {facts.clock_skew_s:+.0f} s from this computer", "$text-warning")
    free = f"{words.size(facts.disk_free_bytes)} free of {words.size(facts.disk_total_bytes)}"
    return [
        ("Address", f"{found.user}@{found.host}:{found.port}"),
        ("Host key", f"{found.key_type} {found.fingerprint}"),
        ("Trusted by", found.trusted_by),
        ("System", f"{facts.os}, kernel {facts.kernel}, {facts.architecture}"),
        ("Machine", f"{words.plural(facts.cpus, 'CPU')}, {words.memory(facts.memory_bytes)} memory, disk {free}"),
        ("GPU", ", ".join(facts.gpus) or "none"),
        ("Python", facts.python),
        ("Sandbox", sandbox),
        ("Clock", skew),
        ("Agent", f"{found.agent}, {'placed now' if found.agent_placed else 'was there'}"),
    ]
