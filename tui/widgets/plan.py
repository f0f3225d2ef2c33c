"""What a launch does, and how far it is: rows with a label each, long ones wrapped below their own beginning."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from textual.content import Content
from textual.widgets import Static

from core.events import JobResolved, Notice, RunCreated, StagedData
from tui import resolved, words
from tui.resolved import Row

LABEL = 12  # columns
LISTED = 4  # of each list: the rest is counted
DIGEST = re.compile(r"\b[0-9a-f]{32,128}\b")
BYTES = re.compile(r"\b[0-9]{1,15} bytes\b|(?<=\()[0-9]{1,15}(?=\)$)")
GLYPHS = {"warning": ("⚠ ", "$text-warning"), "note": ("· ", "$muted")}
STYLES = {"main": "bold", "plain": "", "more": "$muted", "note": "$muted", "warning": "", "careful": ""}


@dataclass
class Phase:
    """`took` is None while it goes on."""

    title: str
    began: float
    command: str = ""
    took: float | None = None
    failed: bool = False


@dataclass
class Plan:
    """All that is drawn. `notes` are of a session that was recorded before a launch had a record."""

    record: JobResolved | None = None
    unlike: list[Row] = field(default_factory=list)  # how a run that it starts from differs from the job file
    notes: list[Notice] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    created: RunCreated | None = None
    every: bool = False  # every file and package by its name
    hidden: frozenset[str] = frozenset()  # inputs that are fields elsewhere
    since: list[str] = field(default_factory=list)  # what changed since the look before this one

    def begin(self, title: str, command: str, now: float) -> None:
        self.end(now)
        ours = not command or command.startswith("trainshed ")
        self.phases.append(Phase(title, now, "" if ours else command))

    def end(self, now: float, *, failed: bool = False) -> None:
        """The last phase; once."""
        for phase in self.phases[-1:]:
            if phase.took is None:
                phase.took, phase.failed = now - phase.began, failed

    def launches(self, record: JobResolved) -> None:
        """A launch of what was looked at: what the VM said then still holds."""
        if self.record is None or self.record.digest != record.digest:
            self.record = record

    def done(self, created: RunCreated) -> None:
        """The VM has all of it now."""
        self.created = created
        if self.record is not None:
            self.record = resolved.launched(self.record)

    def staged(self, data: StagedData) -> None:
        if self.record is not None:
            self.record = resolved.staged(self.record, data)


class PlanView(Static):
    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.plan = Plan()

    def on_resize(self) -> None:
        self.draw()

    def draw(self) -> None:
        """Shows `plan` as it is now."""
        width = max(self.size.width - 1, LABEL + 20)  # a blank before the scrollbar
        plan = self.plan
        lines = [*_created(plan), *(_phase(each) for each in plan.phases)]
        if lines and (plan.record or plan.notes):
            lines.append(Content(""))
        if plan.record is not None:
            listed = 1 << 30 if plan.every else resolved.LISTED
            above = resolved.since(plan.since)
            for row in above + resolved.rows(plan.record, listed=listed, hidden=plan.hidden, unlike=plan.unlike):
                lines += _row(row, width)
        else:
            lines += told(plan.notes)
        self.update(Content("\n").join(lines))


def _created(plan: Plan) -> list[Content]:
    made = plan.created
    if made is None:
        return []
    lines = [Content.assemble(("✓ run ", "$text-success"), (made.run, "bold"), f" on {made.vm}")]
    lines.append(Content.assemble(("  next: ", "$muted"), "n or 5 watches it; s starts another one from it"))
    if plan.record is None:
        lines.append(Content.assemble(("command ", "$muted"), (made.command, "bold")))
    return lines


def _phase(phase: Phase) -> Content:
    glyph, style = ("✗ ", "$text-error") if phase.failed else ("✓ ", "$text-success")
    if phase.took is None and not phase.failed:
        glyph, style = "● ", "$text-accent"
    took = "" if phase.took is None else f"  {words.duration(phase.took)}"
    command = f"\n  {phase.command}" if phase.command else ""
    return Content.assemble((glyph, style), phase.title, (took, "$muted"), (command, "$muted"))


def _row(row: Row, width: int) -> list[Content]:
    if row.kind in GLYPHS:
        head, style = GLYPHS[row.kind]
        return _hanging(Content.styled(head, style), Content.styled(row.text, STYLES[row.kind]), width)
    mark = "⚠ " if row.kind == "careful" else ""
    text = Content.assemble((mark, "$text-warning"), (row.text, STYLES[row.kind]))
    return _hanging(Content.styled(f"{row.label:<{LABEL}}", "$muted"), text, width)


def _hanging(head: Content, text: Content, width: int) -> list[Content]:
    indent = head.cell_length
    lines = text.wrap(max(width - indent, 10)) or [Content("")]
    return [Content.assemble(head if at == 0 else " " * indent, line) for at, line in enumerate(lines)]


def readable(text: str) -> str:
    """A digest by its first 12 characters, a number of bytes as a size: the whole is for the command line to show."""
    text = DIGEST.sub(lambda found: found[0][:12], text)
    return BYTES.sub(lambda found: words.size(int(found[0].removesuffix(" bytes"))), text)


def told(notes: list[Notice]) -> list[Content]:
    """The notices of a launch: the command first, of each indented list only its beginning, no hashes."""
    lines: list[Content] = []
    listed = 0
    for note in notes:
        text = readable(note.text.rstrip(" \\"))
        listed = listed + 1 if text.startswith(" ") else 0
        if text.startswith("command: "):
            command = note.text.removeprefix("command: ")  # as it is: somebody may copy it
            lines.insert(0, Content.assemble(("command ", "$muted"), (command, "bold")))
        elif text.lstrip().startswith("--hash"):
            listed -= 1
        elif listed <= LISTED:
            glyph, style = ("⚠", "$text-warning") if note.level == "warning" else ("·", "$muted")
            shade = "$muted" if listed else ""
            lines.append(Content.assemble((f"{glyph if not listed else ' '} ", style), (text, shade)))
        else:
            more = Content.styled(f"    and {listed - LISTED} more", "$muted")
            lines[-1:] = [more] if listed > LISTED + 1 else [lines[-1], more]
    return lines
