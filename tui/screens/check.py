"""2 Check: what was verified, with evidence; the selected one in full."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core import events
from tui import words
from tui.widgets.choices import Choices

from .pane import StepPane, Task

GROUPS = {"ssh": "SSH server", "data": "Way to the data"}


class CheckPane(StepPane):
    STEP = "check"
    EMPTY = "Nothing was checked yet: press Enter."

    def body(self) -> ComposeResult:
        with Horizontal(id="checks"):
            yield Choices(id="check-list")
            with VerticalScroll(id="check-detail", can_focus=True):
                yield Static(id="check-text")

    def on_mount(self) -> None:
        self.found: dict[str, events.CheckFinished] = {}
        self.counts: dict[str, int] = {}
        self.groups: set[str] = set()
        self.query_one("#check-detail").border_title = "Evidence"

    def primary(self) -> tuple[str, Callable[[], object]]:
        return "Check again" if self.session.journey.states["check"] != "todo" else "Check", self.check

    def cli(self) -> str:
        return self.session.line("check")

    def check(self) -> None:
        task = Task("Checking", self.cli(), lambda: self.session.services.checks.run(), self._done, retry=self.check)
        if not self.going:
            self.found, self.groups, self.counts = {}, set(), {}
            self.query_one(OptionList).clear_options()
            self.query_one("#check-text", Static).update("")
        self.operate(task)

    def receive(self, event: events.Event) -> None:
        match event:
            case events.CheckFinished():
                self._add(event)
            case events.ChecksFinished():
                self.counts = event.counts
            case events.Notice():
                self.say(event.text)
            case _:
                pass

    def _add(self, check: events.CheckFinished) -> None:
        options = self.query_one(OptionList)
        if check.group not in self.groups:
            self.groups.add(check.group)
            options.add_option(Option(Content.styled(GROUPS.get(check.group, check.group), "bold"), disabled=True))
        self.found[check.id] = check
        mark = words.STATUS[check.status]
        severity = f"{check.severity} · " if check.status in ("warn", "fail") else ""
        options.add_option(
            Option(Content.assemble((f"{mark!s:<10}", mark.style), (severity, "$muted"), check.title), id=check.id)
        )
        if options.highlighted is None and not options.get_option(check.id).disabled:
            options.highlighted = options.get_option_index(check.id)

    def _done(self) -> tuple[str, str]:
        findings = self.counts.get("fail", 0)
        text = ", ".join(f"{self.counts[status]} {status}" for status in words.STATUS if self.counts.get(status))
        note = words.plural(findings, "finding") if findings else "no finding"
        self.session.journey.finish(self.STEP, text, note)
        self._highlight_worst()
        return "warn" if findings else "pass", f"{text}, in {words.duration(self.status.elapsed)}"

    def _highlight_worst(self) -> None:
        options = self.query_one(OptionList)
        for status in ("fail", "warn"):
            for check in self.found.values():
                if check.status == status:
                    options.highlighted = options.get_option_index(check.id)
                    options.focus()
                    return
        self.focus_next_step()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        check = self.found.get(event.option_id or "")
        if check is not None:
            self.query_one("#check-text", Static).update(_detail(check))
            self.query_one("#check-detail").scroll_home(animate=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.query_one("#go-next").focus()


def _detail(check: events.CheckFinished) -> Content:
    mark = words.STATUS[check.status]
    parts: list[tuple[str, str]] = [
        (f"{mark} ", mark.style),
        (f"{check.title}\n", "bold"),
        (f"{check.id}, {check.severity}", "$muted"),
        (f", {words.duration(check.duration_s)}" if check.duration_s is not None else "", "$muted"),
    ]
    for label, text in (
        ("Found", check.evidence),
        ("Expected", check.expected),
        ("Fix", check.fix),
        ("Sources", "; ".join(check.sources)),
    ):
        if text:
            parts += [(f"\n{label}  ", "$muted"), (text, "")]
    return Content.assemble(*parts)
