"""A whole job file, pasted or typed: kept as a file that the person names, because its paths begin beside it."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import shorten

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Paste
from textual.message import Message
from textual.widgets import Input, Label, Static, TextArea

from core.errors import TrainshedError
from core.site import paths
from tui import untrusted
from tui.widgets.fields import Field
from tui.widgets.paths import PathSuggester
from tui.widgets.press import Press

from .dialogues import Dialogue

LARGEST = 256 * 1024  # bytes: what a job file may have
LONGEST_LINE = 16 * 1024  # characters: a longer one is no YAML that a person reads, and slow to draw

HINT = 200  # characters of an error's hint: the text needs the room


def too_large(text: str, already: int = 0) -> str:
    """Why a paste cannot be taken; empty where it can. `already`: characters that are there."""
    size = len(text.encode(errors="replace"))
    line = max(map(len, text.splitlines()), default=0)
    if size + already > LARGEST:
        return f"{size:,} bytes were pasted; a job file has {LARGEST:,} at most. Nothing of it was taken."
    if line > LONGEST_LINE:
        return f"A line of {line:,} characters was pasted; {LONGEST_LINE:,} is the most. Nothing of it was taken."
    return ""


class JobText(TextArea):
    """A paste that is too large for a job file is refused before it is laid out."""

    class Refused(Message):
        def __init__(self, why: str) -> None:
            super().__init__()
            self.why = why

    def on_paste(self, event: Paste) -> None:
        why = too_large(event.text, already=len(self.text))
        if not why:
            return
        event.prevent_default()
        event.stop()
        self.post_message(self.Refused(why))


class JobPaste(Dialogue[str]):
    """Answers the path of the file that was written. `draft` and `path` are what was typed last time; `ours` are the
    files that came of it with the digests of what was written: they are written again when the text was corrected, as
    long as nobody else changed them.
    """

    def __init__(self, draft: str, path: str, ours: dict[Path, str]) -> None:
        super().__init__()
        self.draft, self.path, self.ours = draft, path, ours

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialogue roomy tall"):
            yield Static("Paste or type a job file", classes="title")
            yield JobText(self.draft, id="text", soft_wrap=False, show_line_numbers=True, compact=True)
            with Horizontal(id="keep-as"):
                yield Label("Keep it as ")
                yield Field(self.path, id="path", placeholder="such as job.yml", suggester=PathSuggester())
            yield Static("Its paths begin in that file's folder. Only you can read the file.", id="said")
            with Horizontal(classes="buttons"):
                yield Press("Keep and look", id="agree", variant="primary")
                yield Press("Cancel", id="cancel")

    def on_mount(self) -> None:
        self.query_one("#text").focus()

    @property
    def text(self) -> str:
        return self.query_one("#text", TextArea).text

    def on_job_text_refused(self, refused: JobText.Refused) -> None:
        self._say(refused.why)

    def on_text_area_changed(self) -> None:
        self.draft = self.text

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.path = event.value

    def agreed(self) -> None:
        path = self.path.strip()
        if not self.draft.strip():
            self._say("Paste the job file first: it has a command and an environment")
            self.query_one("#text").focus()
        elif not path:
            self._say("Name the file to keep it as, such as job.yml")
            self.query_one("#path").focus()
        else:
            self.run_worker(self._keep(paths.expanded(path)), exclusive=True)

    async def _keep(self, path: Path) -> None:
        from core.jobs import nearby

        text = self.draft if self.draft.endswith("\n") else f"{self.draft}\n"
        try:
            self.ours[path.absolute()] = await nearby.keep(text, path, kept=self.ours.get(path.absolute(), ""))
        except TrainshedError as error:
            self._say(f"{error.title}: {error.hint}")
            self._offer(error.facts.get("beside"))
            return
        try:
            await nearby.read(path)
        except TrainshedError as error:
            self._say(
                f"Kept in {path}, and not right yet: {error.title}. {shorten(error.hint, HINT, placeholder=' …')}"
            )
            self._go_to(error.title, path)
            return
        self.dismiss(os.fspath(path))

    def _offer(self, beside: object) -> None:
        """A name that is free, for Enter to take."""
        field = self.query_one("#path", Input)
        if isinstance(beside, str):
            field.value = beside
        field.focus()

    def _go_to(self, title: str, path: Path) -> None:
        """The cursor goes to the line that the error names."""
        area = self.query_one("#text", TextArea)
        number = title.removeprefix(f"{path}:").partition(":")[0]
        if number.isdecimal() and title.startswith(f"{path}:"):
            area.move_cursor((min(int(number), area.document.line_count) - 1, 0))
        area.focus()

    def _say(self, text: str) -> None:
        self.query_one("#said", Static).update(Content.styled(f"✗ {untrusted.plain(text)}", "$text-error"))
