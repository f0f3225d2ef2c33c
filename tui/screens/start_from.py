"""A recent run to start from: those of the same job or experiment first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from textual.content import Content

from core import events
from tui import untrusted, words
from tui.session import Session
from tui.widgets.press import Press

from .chooser import Chooser
from .work import heard


class Origin(NamedTuple):
    run: events.RunInfo
    resume: bool  # it begins with the run's checkpoints


class StartFrom(Chooser[Origin]):
    """`like`: (name, experiment) of the job at hand."""

    HEAD = "Start from a run"
    ABOUT = "Its code, data, environment and settings are on the VM already."
    WAITS = "Asking the VM for its runs …"

    def __init__(self, session: Session, like: tuple[str, str]) -> None:
        super().__init__(session)
        self.like = like
        self.lines: dict[str, tuple[events.RunInfo, Content]] = {}

    def buttons(self) -> list[Press]:
        resume = Press("Resume from its checkpoints", id="resume")
        return [Press("Start from it", id="agree", variant="primary"), resume]

    async def load(self) -> None:
        self.session.ran("cli", self.session.line("runs"))
        async with heard(self.session, self.session.services.runs.list()) as stream:
            async for event in stream:
                if isinstance(event, events.RunsListed):
                    self.lines = {info.run: (info, _line(info)) for info in sorted(event.runs, key=self._nearness)}

    def _nearness(self, info: events.RunInfo) -> tuple[int, float]:
        name, experiment = self.like
        return (0 if info.name == name else 1 if info.experiment == experiment else 2), -info.created

    def matching(self, words: list[str]) -> Iterable[tuple[str, str, Content]]:
        for run, (_, line) in self.lines.items():
            if all(word in line.plain.lower() for word in words):
                yield run, "", line

    def said(self, found: int, typed: str) -> str:  # noqa: ARG002
        if not self.lines:
            return "No run yet: Escape, then launch a job file."
        return f"{words.plural(found, 'run')} · ↑ ↓ choose, Enter starts from it" if found else "None of these."

    def agreed(self) -> None:
        self._answer(resume=False)

    def other(self, id: str) -> None:
        if id == "resume":
            self._answer(resume=True)

    def _answer(self, *, resume: bool) -> None:
        if self.chosen is None:
            return
        info, _ = self.lines[self.chosen]
        if resume and info.state not in events.TERMINAL:
            self.refuse("That run goes on: it can be resumed once it has ended.")
        else:
            self.dismiss(Origin(info, resume))


def _line(info: events.RunInfo) -> Content:
    mark = words.RUN[info.state]
    values = " ".join(f"{name}={value}" for name, value in info.params.items())
    return Content.assemble(
        (f"{mark!s:<13}", mark.style),
        f"{words.short(info.run)}  {words.clock(info.created, '%m-%d %H:%M')}  {untrusted.plain(info.name)}  ",
        ("can be resumed  " if info.state == "lost" else "", "$text-warning"),
        (untrusted.plain(values), "$muted"),
    )
