"""Putting findings right: the exact change first, then the VM's name, then each phase until a new login proves it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static
from textual.worker import Worker

from core import events
from core.errors import RootNeeded, TrainshedError
from core.services import Events
from core.site.secrets import Secret
from tui import fixes, untrusted, words
from tui.session import Session
from tui.widgets.errors import ErrorPanel
from tui.widgets.key_line import KeyLine
from tui.widgets.press import Press
from tui.widgets.status import StatusLine

from .dialogues import SecretQuestion, TypedConfirmation
from .place import AskingPlace
from .work import heard

Mended = dict[str, events.CheckFinished]


class FixScreen(AskingPlace[Mended]):
    """`ids`: checks to put right; none: all that fails or warns. Answers those that were checked again."""

    TITLE_OF = "Fix"
    REPORT = "fix"
    DOES = (
        "What would change on the VM, line by line; nothing has changed yet. Then the VM's name is typed. The VM takes "
        "everything back by itself, after a reboot too, unless a new login works."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "fix", "Change the VM", id="fix.fix"),
        Binding("u", "undo", "The last fix back", id="fix.undo"),
        Binding("r", "again", "Plan again, or retry", id="fix.again"),
        Binding("d", "details", "Details of the error", show=False, id="fix.details"),
    ]

    def __init__(self, session: Session, ids: Sequence[str]) -> None:
        super().__init__(session)
        self.ids = list(ids)
        self.undo = False
        self.sudo: Secret | None = None  # as long as the screen is open
        self.plan: events.FixPlanned | None = None
        self.mended: Mended = {}
        self.worker: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        yield Static(self.heading(), id="header")
        with Vertical(id="fix-body"):
            yield ErrorPanel(edit=False)
            with VerticalScroll(id="fix-plan", can_focus=True):
                yield Static(id="fix-text")
            yield StatusLine(self.session.clock)
            with Horizontal(classes="buttons nav"):
                yield Press("‹ Back", id="back")
                yield Press(f"Change {self.session.vm}", id="change", variant="primary")
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one("#fix-plan").focus()
        self.look()

    def cli(self) -> str:
        return self.session.line("fix", *(["--undo"] if self.undo else self.ids))

    # The plan.

    def look(self) -> None:
        """Asks the VM what would change."""
        self.plan = None
        services = self.session.services.checks
        self.session.ran("cli", f"{self.cli()} --dry-run")
        self._start("Planning", lambda: services.plan_fix(self.ids, undo=self.undo, sudo=self.sudo), self._planned)

    def _planned(self) -> None:
        assert self.plan is not None
        lines = list(fixes.lines(self.plan, glyphs=True))
        self.query_one("#fix-text", Static).update(Content("\n").join(_dressed(line) for line in lines))
        self.query_one("#fix-plan").scroll_home(animate=False)
        if fixes.changes(self.plan):
            self.status.end("○", "Nothing was changed yet: f changes it, Escape leaves it", "$text-accent")
        else:
            self.status.end("✓", "Nothing has to be changed", "$text-success")

    # The change.

    def action_fix(self) -> None:
        plan = self.plan
        if self.session.read_only:
            self.say("Read-only: nothing is changed. Start without --read-only to do it.")
        elif self._busy() or plan is None:
            self.say("There is no plan yet" if not self._busy() else "Still going. Escape stops it.")
        elif not fixes.changes(plan):
            self.say("Nothing has to be changed")
        else:
            text = f"{fixes.summary(plan)}\n\nYour connection stays meanwhile."
            title = f"Change the SSH server of {plan.vm}?"
            question = TypedConfirmation(title, text, plan.vm, yes=f"Change {plan.vm}")
            self.app.push_screen(question, lambda yes: self._change(plan) if yes else None)

    def _change(self, plan: events.FixPlanned) -> None:
        services = self.session.services.checks
        self.session.ran("cli", self.cli())
        self._start(
            "Changing the SSH server",
            lambda: services.fix(self.ids, agreed=plan.digest, undo=self.undo, sudo=self.sudo),
            self._changed,
        )

    def _changed(self) -> None:
        self.plan = None
        if self.undo:
            self._undone()
            return
        wrong = [check for check in self.mended.values() if check.status == "fail"]
        lines = [_line(check) for check in self.mended.values()]
        self.query_one("#fix-text", Static).update(Content("\n").join(lines))
        said = f"{words.plural(len(wrong), 'check')} still failing" if wrong else "A new login works: it is kept"
        mark = words.STATUS["warn" if wrong else "pass"]
        self.status.end(mark.glyph, f"{said}. u takes it back; Escape goes back to the findings.", mark.style)

    def _undone(self) -> None:
        """What is taken back may fail again: that is no failure of this."""
        self.query_one("#fix-text", Static).update(Content("\n").join(map(_line, self.mended.values())))
        said = "The fix is taken back. u plans what can be put right; Escape goes back to the findings."
        self.status.end(words.STATUS["pass"].glyph, said, words.STATUS["pass"].style)

    def action_undo(self) -> None:
        if self._busy():
            self.say("Still going. Escape stops it.")
            return
        self.undo = not self.undo
        self.say("The last fix would be taken back; u: no" if self.undo else "The findings would be put right")
        self.look()

    def action_again(self) -> None:
        if self._busy():
            self.say("Still going. Escape stops it.")
        else:
            self.retry()

    # One operation at a time.

    def _busy(self) -> bool:
        return self.worker is not None and self.worker.is_running

    def _start(self, title: str, begin: Callable[[], Events], done: Callable[[], None]) -> None:
        self.worker = self.run_worker(self._run(title, begin, done), name=title, group="fix", exclusive=True)

    async def _run(self, title: str, begin: Callable[[], Events], done: Callable[[], None]) -> None:
        self.panel.clear()
        self.status.start(title)
        over = False
        try:
            async with heard(self.session, begin()) as stream:
                async for event in stream:
                    self._take(untrusted.event(event))
            over = True
            done()
        except RootNeeded as need:
            over = True
            self.status.end("?", f"{title}: the password of sudo is needed", "$text-accent")
            question = SecretQuestion(need.title, need.hint, use="for sudo on the VM", yes="Go on")
            self.app.push_screen(question, self._with_sudo)
        except TrainshedError as error:
            over = True
            self.status.end("✗", f"{title}: failed", "$text-error")
            self.panel.tell(error)
        finally:
            if not over and self.is_attached:
                self.status.end("–", f"{title}: stopped. What was not kept is taken back.", "$muted")

    def _with_sudo(self, given: Secret | None) -> None:
        if given is not None:
            self.sudo = given
            self.look()

    def _take(self, event: events.Event) -> None:
        match event:
            case events.Phase():
                self.status.phase(event.title)
                if event.command and not event.command.startswith("trainshed"):
                    self.session.ran("vm", event.command)
            case events.FixPlanned():
                self.plan = event
            case events.CheckFinished():
                self.mended[event.id] = event
            case events.Notice():
                self.say(event.text)
            case _:
                pass

    # Leaving, errors.

    def action_back(self) -> None:
        """One thing at a time: what is going, an error, the screen."""
        if self._busy() and self.worker is not None:
            self.worker.cancel()
        elif self.panel.error is not None:
            self.panel.clear()
            self.query_one("#fix-plan").focus()
        else:
            self.dismiss(self.mended)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id in ("back", "change"):
            event.stop()
            (self.action_back if event.button.id == "back" else self.action_fix)()

    def retry(self) -> None:
        """What failed is not done again unseen: the VM may have changed since."""
        self.look()


def _dressed(line: fixes.Line) -> Content:
    return Content.assemble(*((text, fixes.STYLES.get(style, "")) for text, style in line))


def _line(check: events.CheckFinished) -> Content:
    mark = words.STATUS[check.status]
    return Content.assemble((f"{mark!s:<10}", mark.style), f" {check.id}  {check.title}\n", (check.evidence, "$muted"))
