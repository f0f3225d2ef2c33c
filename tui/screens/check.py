"""2 Check: what was verified, with evidence, by severity; the selected one in full, and what changed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from core import events
from core.checks.reports.text import KINDS, change, evidence
from core.site.secrets import Secret
from tui import words
from tui.check_list import CheckList
from tui.widgets.choices import Choices, Filter

from .dialogues import SecretQuestion
from .pane import StepPane
from .work import Task

REDRAW_S = 0.1  # while checks come in
EARLIER = "the findings are those of the check before"


class CheckPane(StepPane):
    STEP = "check"
    EMPTY = "Nothing was checked yet: press Enter."
    HIDES = frozenset({"r", "c"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/", id="check.filter"),
        Binding("f", "fix", "Fix", id="check.fix"),
        Binding("space", "mark", "Mark for a fix", show=False, key_display="space", id="check.mark"),
        Binding("u", "unmark", "Take all marks away", show=False, id="check.unmark"),
        Binding("v", "changed", "What changed", show=False, id="check.changed"),
        Binding("S,shift+s", "as_root", "Check, root's files too", show=False, id="check.as_root"),
    ]

    def body(self) -> ComposeResult:
        field = Filter(id="check-filter", placeholder="words: fail, high, data, changed, or any text; Enter: done")
        field.display = False
        yield field
        with Horizontal(id="checks"):
            yield Choices(id="check-list")
            with VerticalScroll(id="check-detail", can_focus=True):
                yield Static(id="check-text")

    def on_mount(self) -> None:
        self.list = CheckList()
        self.earlier = False  # what is shown is of the check before
        self.counts: dict[str, int] = {}
        self.since: float | None = None
        self.drawing = False
        self.marked: list[str] = []
        self.query_one("#check-detail").border_title = "Evidence"

    @property
    def options(self) -> OptionList:
        return self.query_one("#check-list", OptionList)

    @property
    def field(self) -> Input:
        return self.query_one("#check-filter", Input)

    def primary(self) -> tuple[str, Callable[[], object]]:
        return "Check again" if self.session.journey.states["check"] != "todo" else "Check", self.check

    def cli(self) -> str:
        return self.session.line("check")

    def check(self, sudo: Secret | None = None) -> None:
        """`sudo`: its password on the VM, for what only root can read; used once."""
        line = self.session.line("check", "--sudo") if sudo else self.cli()
        begin = partial(self.session.services.checks.run, sudo=sudo)
        task = Task("Checking", line, begin, self._done, retry=self.check)
        self.operate(task)

    def started(self) -> None:
        self.earlier = bool(self.list.found)

    def _first(self) -> None:
        """What was found before goes when there is something new: a check that fails takes nothing away."""
        self.earlier = False
        self.list.clear()
        self.marked.clear()
        self.counts, self.since = {}, None

    def failed(self) -> None:
        if self.earlier:
            took = words.duration(self.status.elapsed)
            self.status.end("✗", f"Checking: failed after {took}; {EARLIER}", "$text-error")

    def how_stopped(self, task: Task) -> str:
        return f"stopped; {EARLIER}" if self.earlier else super().how_stopped(task)

    def receive(self, event: events.Event) -> None:
        match event:
            case events.CheckFinished():
                if self.earlier:
                    self._first()
                self.list.add(event)
                self._draw_soon()
            case events.ChecksFinished():
                self.counts, self.since = event.counts, event.since
                self.list.compare(event.changes)
            case events.Notice():
                self.say(event.text)
            case _:
                pass

    def _draw_soon(self) -> None:
        if not self.drawing:
            self.drawing = True
            self.set_timer(REDRAW_S, self.draw)

    def draw(self) -> None:
        """The list anew; the selected check stays selected."""
        self.drawing = False
        options, here = self.options, self._here()
        lines = [line for title, checks in self.list.shown() for line in [_head(title), *map(self._line, checks)]]
        with self.app.batch_update():
            options.clear_options().add_options(lines)
            places = [number for number, line in enumerate(lines) if line.id]
            kept = [number for number in places if lines[number].id == here]
            options.highlighted = next(iter(kept or places), None)
        if not places:
            nothing = f"No check has {self.list.filter!r}. Escape takes the filter away." if self.list.found else ""
            self.query_one("#check-text", Static).update(Content(nothing))

    def _here(self) -> str:
        options = self.options
        return (options.highlighted_option.id or "") if options.highlighted_option is not None else ""

    def _line(self, check: events.CheckFinished) -> Option:
        mark = words.STATUS[check.status]
        chosen = ("◆ ", "$text-accent") if check.id in self.marked else ("", "")
        changed = self.list.changes.get(check.id)
        told = (f"{KINDS[changed.kind]} · ", "$text-accent") if changed else ("", "")
        where = ("data · ", "$muted") if check.group == "data" else ("", "")
        return Option(Content.assemble((f"{mark!s:<10}", mark.style), chosen, told, where, check.title), id=check.id)

    def tell(self) -> str:
        """The counts, in the rail too."""
        findings = self.counts.get("fail", 0)
        text = ", ".join(f"{self.counts[status]} {status}" for status in words.STATUS if self.counts.get(status))
        self.session.journey.finish(self.STEP, text, words.plural(findings, "finding") if findings else "no finding")
        return text

    def _done(self) -> tuple[str, str]:
        text, findings = self.tell(), self.counts.get("fail", 0)
        self.draw()
        self._go_to_the_worst()
        return "warn" if findings else "pass", f"{text}, in {words.duration(self.status.elapsed)}{self._changed()}"

    def _changed(self) -> str:
        """What differs from the last time, in few words."""
        if self.since is None:
            return ""
        kinds = [change.kind for change in self.list.changes.values()]
        told = ", ".join(f"{kinds.count(kind)} {word}" for kind, word in KINDS.items() if kind in kinds)
        return f"; since {words.clock(self.since, '%d %b %H:%M')}: {told or 'nothing changed'}"

    def _go_to_the_worst(self) -> None:
        worst = self.list.worst()
        if worst is None or not any(worst in checks for _, checks in self.list.shown()):
            self.focus_next_step()
            return
        self.options.highlighted = self.options.get_option_index(worst.id)
        self.options.focus()

    # Keys.

    def action_as_root(self) -> None:
        if self.going:
            self.say("Still going. Escape stops it.")
            return
        hint = "What only root can read is read too, by sudo: /etc/shadow, private host keys, all of sshd's files."
        question = SecretQuestion("The password of sudo on the VM", hint, use="for this check", yes="Check")
        self.app.push_screen(question, lambda given: self.check(given) if given else None)

    def action_filter(self) -> None:
        if not self.list.found:
            self.say("There is nothing to filter yet: Enter checks")
            return
        self.field.display = True
        self.screen.set_focus(self.field)

    def _chosen(self) -> list[str]:
        """The marked findings, else the one that is selected, where it can be put right at all."""
        if self.marked:
            return self.marked
        check = self.list.found.get(self._here())
        if check is None:
            self.say("Nothing was checked yet: Enter checks")
        elif check.group != "ssh":
            self.say("What is on the way to the data is put right by a person")
        elif check.status not in ("fail", "warn"):
            self.say(f"{check.title}: nothing was found. space marks findings, f fixes them")
        else:
            return [check.id]
        return []

    def action_mark(self) -> None:
        check = self.list.found.get(self._here())
        if check is None or check.group != "ssh" or check.status not in ("fail", "warn"):
            self.say("Only findings of the SSH server can be marked")
            return
        if check.id in self.marked:
            self.marked.remove(check.id)
        else:
            self.marked.append(check.id)
        self.draw()

    def action_unmark(self) -> None:
        self.say("All marks are gone" if self.marked else "Nothing is marked: space marks a finding")
        self.marked.clear()
        self.draw()

    def action_fix(self) -> None:
        chosen = [] if self.going else self._chosen()
        if self.going:
            self.say("Still going. Escape stops it.")
        elif chosen:
            from .fix import FixScreen

            self.app.push_screen(FixScreen(self.session, chosen), self._fixed)

    def _fixed(self, mended: dict[str, events.CheckFinished] | None) -> None:
        """What was checked again stands for what was found before."""
        if not mended:
            return
        self.list.found |= mended
        self.marked = [id for id in self.marked if id not in mended]
        self.counts = self.list.counts()
        self.draw()
        mark = words.STATUS["warn" if self.counts.get("fail") else "pass"]
        self.status.end(mark.glyph, self.tell(), mark.style)

    def action_changed(self) -> None:
        """Only what changed, or everything again."""
        if self.list.filter == "changed":
            self._show_filter("")
        elif self.list.changes:
            self._show_filter("changed")
        else:
            self.say("Nothing is compared yet" if self.since is None else "Nothing changed since the last time")

    def _show_filter(self, text: str) -> None:
        self.field.value = text
        self.field.display = bool(text)
        self.screen.set_focus(self.options)

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input is self.field:
            event.stop()
            self.list.filter = event.value
            self.draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input is self.field:
            event.stop()
            event.prevent_default()  # Textual calls the pane's too, which checks again
            self._show_filter(self.field.value)

    def leave_field(self) -> bool:
        """One thing at a time: the field, then its filter."""
        if self.screen.focused is not self.field and not self.list.filter:
            return super().leave_field()
        self._show_filter(self.field.value if self.screen.focused is self.field else "")
        return True

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        check = self.list.found.get(event.option_id or "")
        if check is not None:
            self.query_one("#check-text", Static).update(_detail(check, self.list.changes.get(check.id)))
            self.query_one("#check-detail").scroll_home(animate=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.query_one("#go-next").focus()


def _head(title: str) -> Option:
    return Option(Content.styled(title, "bold"), disabled=True)


def _detail(check: events.CheckFinished, changed: events.CheckChange | None) -> Content:
    mark = words.STATUS[check.status]
    parts: list[tuple[str, str]] = [
        (f"{mark} ", mark.style),
        (f"{check.title}\n", "bold"),
        (f"{check.id}, {check.severity}", "$muted"),
        (f", {words.duration(check.duration_s)}" if check.duration_s is not None else "", "$muted"),
    ]
    for label, text in (
        ("Changed", f"{KINDS[changed.kind]}: {change(changed)}" if changed else ""),
        ("Found", evidence(check)),
        ("Expected", check.expected),
        ("Fix", check.fix),
        ("Sources", "; ".join(check.sources)),
    ):
        if text:
            parts += [(f"\n{label}  ", "$muted"), (text, "")]
    return Content.assemble(*parts)
