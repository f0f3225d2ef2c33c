"""3 Data: the path from the VM to the container, then the data staged on the VM."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from core import events
from tui import words
from tui.widgets.fields import Field, Row
from tui.widgets.links import LinkPath, word
from tui.widgets.staged import StagedBox

from .staged_acts import StagedActs
from .work import Task


class DataPane(StagedActs):
    STEP = "data"
    EMPTY = "The path was not tried yet: press Enter."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "link(1)", "Next link", show=False, id="path.next"),
        Binding("up,k", "link(-1)", "Link before", show=False, id="path.before"),
    ]

    def body(self) -> ComposeResult:
        with VerticalScroll(id="links-box", can_focus=False):
            yield LinkPath(id="link-path", vm=self.session.vm)
        yield Row(
            "Stage", Field(id="path", placeholder="optional: a blob, or a folder ending in /; empty is all of it")
        )
        yield Static(id="staged", classes="-empty")
        yield StagedBox(id="staged-box")

    def on_mount(self) -> None:
        self.whole = False  # every link of the path held
        self.data: events.DataStaged | None = None

    @property
    def links(self) -> LinkPath:
        return self.query_one(LinkPath)

    def shown(self) -> None:
        """Launch may have staged what its job needs meanwhile."""
        if self.session.connected is not None and not self.going:
            self.look()
        staged = self.session.staged
        if staged is None or staged is self.data or self.going:
            return
        self.data = staged
        self.panel.clear()
        self._show(staged)
        self.status.say("Launch staged this. Enter follows the path, then stages more.")

    def primary(self) -> tuple[str, Callable[[], object]]:
        if not self.is_mounted or not self.whole:
            return "Check the path", self.check
        return ("Stage again" if self.data else "Stage on the VM"), self.stage

    def cli(self) -> str:
        if not self.whole:
            return self.session.line("check", "data")
        return self.session.line("data", "stage", *([self.value("path")] if self.value("path") else []))

    def check(self) -> None:
        if not self.going:
            self.whole = False
            self.links.vm = self.session.vm
            self.links.begin()
        line = self.session.line("check", "data")
        title = "Following the path to the data"
        self.operate(Task(title, line, lambda: self.session.services.data.check(), self._checked, retry=self.check))

    def stage(self) -> None:
        path = self.value("path")
        self.operate(
            Task(
                "Staging on the VM",
                self.cli(),
                lambda: self.session.services.data.stage(path),
                self._staged,
                retry=self.stage,
                changes=True,
            )
        )

    def retry(self) -> None:
        """The path is tried again first: that is where staging fails."""
        self.check()

    def receive(self, event: events.Event) -> None:
        match event:
            case events.CheckFinished():
                self.links.add(event)
            case events.DataStaged():
                self.data = self.session.staged = event
                self._show(event)
            case events.Notice():
                self.say(event.text)
            case _:
                self.received(event)

    def _checked(self) -> tuple[str, str]:
        self.links.end(whole=True)
        found = self.links.found
        broken = found.broken
        if broken is not None:
            self.session.journey.fail(self.STEP, f"broken at {word(broken)}")
            again = self.key("wizard.retry", "r")
            return "fail", f"The path breaks at {word(broken)}. Correct it, then press {again}."
        self.whole = bool(found.links)
        self.look()
        self.session.journey.stop(self.STEP)
        self.session.journey.withdraw(self.STEP)  # the path was what failed
        warned = words.plural(len(found.warned), "warning") if found.warned else ""
        status, holds = ("warn", f"The path holds, with {warned}.") if warned else ("pass", "The path holds.")
        if self.session.read_only:
            return status, f"{holds} Read-only: nothing is staged."
        return status, f"{holds} Enter stages the data on the VM; they do not pass through this computer."

    def failed(self) -> None:
        self._leave_path()
        self.relabel()

    def stopped(self) -> None:
        self._leave_path()
        if self.doing is not None and self.doing.changes:
            self.look()  # what came so far stays on the VM

    def how_stopped(self, task: Task) -> str:
        staging = task.changes and task.counts
        return "stopped; the next staging goes on where it was" if staging else super().how_stopped(task)

    def _leave_path(self) -> None:
        if self.links.going:
            self.links.end(whole=False)

    def action_link(self, by: int) -> None:
        if not self.links.move(by):
            self.say("No link was tried yet: Enter follows the path")

    def _show(self, event: events.DataStaged) -> None:
        data = event.data
        how = words.how_staged(event)
        box = self.query_one("#staged", Static)
        box.remove_class("-empty").update(
            Content.assemble(
                ("✓ ", "$text-success"),
                f"{data.path or 'all'}: {words.plural(data.files, 'file')}, {words.size(data.bytes)}, {how}\n",
                (f"  sha256 {data.digest}", "$muted"),
            )
        )

    def _staged(self) -> tuple[str, str]:
        data = self.data
        if data is None:
            return "warn", "Nothing was staged"
        self.session.journey.finish(self.STEP, data.data.digest, words.size(data.data.bytes))
        self.look()
        self.focus_next_step()
        return "pass", f"Staged on {self.session.vm} in {words.duration(self.status.elapsed)}"

    def gone(self, digests: set[str]) -> None:
        if self.data is not None and self.data.data.digest in digests:
            self.data = self.session.staged = None
            self.query_one("#staged", Static).add_class("-empty").update("")
            self.session.journey.undone(
                self.STEP, "data removed", "the data that were staged are not on the VM any more"
            )
            self.relabel()
