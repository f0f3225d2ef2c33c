"""Findings put right: chosen by number, the exact change as sentences, then the VM's name is typed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from core import events
from core.checks.reports.record import findings
from core.services import Events
from core.site.secrets import Secret

from .. import driver, fixes
from ..text import printable
from .prompts import shaped
from .step import PlainStep
from .talk import Doing

DIFF = {"+": "add", "-": "remove", " ": "stays"}


class PlainFix:
    """`step`: the check step, whose operations these are; each check that was done again goes to its `receive`."""

    def __init__(self, step: PlainStep) -> None:
        self._step, self._talk, self._session = step, step.talk, step.session
        self._plan: events.FixPlanned | None = None
        self._sudo: Secret | None = None

    async def choose(self, found: Sequence[events.CheckFinished]) -> list[str]:
        """Ids of findings; none where somebody leaves it."""
        ranked = findings(found)
        self._talk.say(*(f"  {at} {check.title}, {check.severity}, {check.id}" for at, check in enumerate(ranked, 1)))
        question = "Which are to be put right? Numbers or ids with spaces between, all, or none"
        answer = await self._talk.prompts.line(shaped(question, "all"))
        known = {str(at): check.id for at, check in enumerate(ranked, 1)} | {check.id: check.id for check in ranked}
        words = answer.replace(",", " ").split() or ["all"]
        if words == ["all"]:
            return [check.id for check in ranked]
        strange = [word for word in words if word not in known and word != "none"]
        if strange:
            self._talk.say(f"There is no finding {strange[0][:40]!r}. Nothing was changed.")
            return []
        return list(dict.fromkeys(known[word] for word in words if word in known))

    async def perform(self, ids: Sequence[str], undo: bool) -> bool:
        """The plan, the question, the change. Whether the VM was changed."""
        self._plan = self._sudo = None
        words = ("fix", "--undo") if undo else ("fix", *ids)
        title = "Planning to take the last fix back" if undo else "Planning the fix"
        planning = Doing(title, (*words, "--dry-run"), partial(self._planned, ids, undo), counts=False)
        try:
            await self._step.operate(planning)
            plan = await self._agreed()
            if plan is None:
                return False
            checks = self._session.services.checks
            begin = partial(checks.fix, ids, agreed=plan.digest, undo=undo, sudo=self._sudo)
            self._changed = False
            title = f"Changing the SSH server of {plan.vm}"
            await self._step.operate(Doing(title, words, begin, changes=True, counts=False))
            return self._changed
        finally:
            self._sudo = None

    _changed = False

    def receive(self, event: events.Event) -> None:
        """Of the planning and the change."""
        if isinstance(event, events.FixPlanned):
            self._plan = event
        elif isinstance(event, events.FixFinished):
            self._changed = True

    def _planned(self, ids: Sequence[str], undo: bool) -> Events:
        plan = self._session.services.checks.plan_fix
        asked = self._talk.job.questions
        return driver.as_root(asked, lambda sudo: plan(ids, undo=undo, sudo=sudo), self._root)

    def _root(self, sudo: Secret) -> None:
        self._sudo = sudo

    async def _agreed(self) -> events.FixPlanned | None:
        """The plan, where it changes something and somebody has typed the VM's name."""
        plan = self._plan
        if plan is None:
            return None
        self._talk.say(*told(plan))
        if not fixes.changes(plan):
            return None
        if self._session.read_only:
            self._talk.say("Read-only: nothing is changed. Start without --read-only to do it.")
            return None
        question = f"Type the name of the VM, {printable(plan.vm)}, to change it; anything else leaves it as it is"
        if await self._talk.prompts.line(shaped(question, "leave")) == plan.vm:
            return plan
        self._talk.say("Nothing was changed.")
        return None


def told(plan: events.FixPlanned) -> Iterator[str]:
    """All of a plan; what is added and removed in words, as a plus and a minus are often not read aloud."""
    if plan.undoes:
        yield f"This takes back the fix {plan.undoes}."
    for item in plan.items:
        status = "undo" if plan.undoes else item.status
        does = [f"{keyword} {value}" for keyword, value in item.settings.items()]
        does += [item.reason] if item.reason else []
        does += [f"by hand: {step}" for step in item.by_hand]
        yield f"{fixes.WORDS[status]} ({item.severity}): {item.title}, {item.id}. {'; '.join(does)}".rstrip()
    for file in plan.files:
        yield from _file(file)
    for mode in plan.modes:
        yield f"Permissions of {mode.path}: from {mode.before:04o} to {mode.after:04o}."
    yield from (f"Command on the VM: {command}" for command in plan.commands)
    yield fixes.summary(plan)


def _file(file: events.FixedFile) -> Iterator[str]:
    before, after, *lines = file.diff.splitlines() or ["", ""]
    how = "is new" if before == "--- /dev/null" else "is removed" if after == "+++ /dev/null" else "is changed"
    yield f"File {file.path} {how}:"
    yield from (f"  {DIFF[line[0]]}: {line[1:]}" for line in lines if line[:1] in DIFF)
