"""3 Data: the path from the VM to the container, then the data staged on the VM."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from core import events
from tui import words
from tui.widgets.fields import Field, Row
from tui.widgets.links import LinkPath
from tui.widgets.staged import StagedBox

from .staged_acts import StagedActs
from .work import Task


class DataPane(StagedActs):
    STEP = "data"
    EMPTY = "The path was not tried yet: press Enter."

    def body(self) -> ComposeResult:
        with VerticalScroll(id="links-box", can_focus=False):
            yield LinkPath(id="links")
        yield Static(id="broken")
        yield Row(
            "Stage", Field(id="path", placeholder="optional: a blob, or a folder ending in /; empty is all of it")
        )
        yield Static(id="staged")
        yield StagedBox(id="staged-box")

    def on_mount(self) -> None:
        self.whole = False  # every link of the path held
        self.data: events.DataStaged | None = None
        self.query_one(LinkPath).draw(*self._ends())

    def shown(self) -> None:
        """Launch may have staged what its job needs meanwhile."""
        if self.session.connected is not None and not self.going:
            self.look()
        staged = self.session.staged
        if staged is None or staged is self.data or self.going:
            return
        self.data = staged
        self.panel.clear()
        self.query_one("#broken", Static).update("")
        self._show(staged)
        self.status.say("Launch staged this. Enter follows the path, then stages more.")

    def _ends(self) -> tuple[str, str]:
        return f"VM {self.session.vm}", "container of the site"

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
            links = self.query_one(LinkPath)
            links.reset()
            self.query_one("#broken", Static).update("")
            links.draw(*self._ends())
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
                self.query_one(LinkPath).add(event, *self._ends())
            case events.DataStaged():
                self.data = self.session.staged = event
                self._show(event)
            case events.Notice():
                self.say(event.text)
            case _:
                self.received(event)

    def _checked(self) -> tuple[str, str]:
        links = self.query_one(LinkPath)
        links.end(*self._ends())
        broken = links.broken
        if broken is not None:
            self.session.journey.fail(self.STEP, f"broken at {broken.title}")
            self._tell_broken(broken)
            again = self.key("wizard.retry", "r")
            return "fail", f"The path breaks at {broken.title}. Correct it, then press {again}."
        self.whole = bool(links.links)
        self.look()
        self.session.journey.stop(self.STEP)
        if self.session.read_only:
            return "pass", "The path holds. Read-only: nothing is staged."
        return "pass", "The path holds. Enter stages the data on the VM; they do not pass through this computer."

    def _tell_broken(self, link: events.CheckFinished) -> None:
        parts = [("✗ ", "$text-error"), (f"{link.title}: {link.evidence}", "bold"), (f"\n{link.fix}", "")]
        self.query_one("#broken", Static).update(Content.assemble(*parts))

    def _show(self, event: events.DataStaged) -> None:
        data = event.data
        how = "was there already" if event.reused else f"in {words.duration(event.duration_s)}"
        self.query_one("#staged", Static).update(
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
            self.query_one("#staged", Static).update("")
            self.session.journey.undone(
                self.STEP, "data removed", "the data that were staged are not on the VM any more"
            )
            self.relabel()
