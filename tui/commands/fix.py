"""`trainshed fix`: shows exactly what will change, asks for the VM's name, does it, and says what it came to."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

import click

from ..options import command, pass_settings
from ..settings import Settings

if TYPE_CHECKING:
    from core import events
    from core.services import Events, Services
    from core.site.secrets import Secret

    from ..driver import Job


@command("fix")
@click.argument("checks", nargs=-1, metavar="[CHECK]...")
@click.option("--dry-run", is_flag=True, help="Show what would be done, change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask: only for checks that are named, or --undo.")
@click.option("--undo", is_flag=True, help="Take the last fix back.")
@pass_settings
def fix(settings: Settings, checks: tuple[str, ...], dry_run: bool, yes: bool, undo: bool) -> int:
    """Put right what CHECK... found; without a name, all that fails or warns.

    The VM takes back by itself, within 90 s and after a reboot, what a new login does not prove.
    """
    _demand(settings, checks, dry_run=dry_run, yes=yes, undo=undo)
    return Fix(settings, checks, undo).rehearse() if dry_run else Fix(settings, checks, undo).perform(yes=yes)


def _demand(settings: Settings, checks: tuple[str, ...], *, dry_run: bool, yes: bool, undo: bool) -> None:
    """Raises UsageError."""
    from core.errors import UsageError

    if not dry_run:
        settings.refuse_if_read_only("fix")
    if undo and checks:
        raise UsageError("fix --undo takes back the whole last fix", hint="leave the names of checks out")
    if yes and not checks and not undo:
        raise UsageError("fix --yes: which checks?", hint="name them: trainshed fix maxauthtries --yes")
    if not (yes or dry_run or (settings.may_ask and not settings.json)):
        raise UsageError("fix: nobody can be asked", hint="--yes and the names of checks; or --dry-run")


class Fix:
    """One fix: what is asked for, and what came of it."""

    def __init__(self, settings: Settings, checks: tuple[str, ...], undo: bool) -> None:
        from .. import driver

        self.settings, self.checks, self.undo = settings, checks, undo
        self.job: Job = driver.Job(settings)
        self.sudo: Secret | None = None
        self.plan: events.FixPlanned | None = None
        self.found: list[events.CheckFinished] = []

    def rehearse(self) -> int:
        """What would be done, on stdout."""
        from core import events

        from .. import documents, driver

        plan = driver.perform(self.job, self._planned, events.FixPlanned)
        if self.settings.json:
            self.job.output.document(documents.document(plan))
        else:
            self._show(plan)
        self.job.output.note("  nothing was changed")
        return 0

    def perform(self, *, yes: bool) -> int:
        """The exit code: 1 where a check that was to be put right still fails; what is undone may fail again."""
        from core import events

        from .. import documents, driver

        async def work(services: Services) -> Events:
            async for event in self._planned(services):
                yield event
            assert self.plan is not None
            self._ask(services, self.plan, yes=yes)
            doing = services.checks.fix(self.checks, agreed=self.plan.digest, undo=self.undo, sudo=self.sudo)
            async with aclosing(cast("Any", doing)) as happening:
                async for event in happening:
                    self._see(event)
                    yield event

        ended = driver.perform(self.job, work, events.FixFinished)
        if self.settings.json:
            assert self.plan is not None
            self.job.output.document(documents.fixed(self.plan, ended, self.found))
        else:
            self.job.output.lines([self._outcome(ended)])
        return int(not self.undo and any(check.status == "fail" for check in self.found))

    def _outcome(self, ended: events.FixFinished) -> str:
        if not ended.fix:
            return "nothing was changed"
        return f"fix {self.plan.undoes} is taken back" if self.plan and self.plan.undoes else f"fix {ended.fix} is kept"

    async def _planned(self, services: Services) -> AsyncGenerator[events.Event, None]:
        """The plan's events; once more with the password of sudo, where it is asked for."""
        from core import events

        from .. import driver

        def begin(sudo: Secret | None) -> Events:
            return services.checks.plan_fix(self.checks, undo=self.undo, sudo=sudo)

        async with aclosing(driver.as_root(self.job.questions, begin, self._root)) as happening:
            async for event in happening:
                self.plan = event if isinstance(event, events.FixPlanned) else self.plan
                yield event

    def _root(self, sudo: Secret) -> None:
        self.sudo = sudo

    def _ask(self, services: Services, plan: events.FixPlanned, *, yes: bool) -> None:
        """Raises UsageError where the answer is not the VM's name."""
        from core.errors import UsageError

        from .. import fixes
        from ..equal import equal_command
        from ..questions import line

        if not self.settings.json:  # then --yes was given
            self._show(plan)
        if yes or not fixes.changes(plan):
            return
        words = ("fix", "--undo", "--yes") if self.undo else ("fix", *self.checks, "--yes")
        self.job.output.note(f"  the same without a question: {equal_command(services.site, *words)}")
        if line(f"Change the SSH server of {plan.vm}? Type its name: ") != plan.vm:
            raise UsageError("nothing was changed", hint="the name of the VM was not typed")

    def _show(self, plan: events.FixPlanned) -> None:
        from .. import fixes

        output = self.job.output
        for line in fixes.lines(plan, output.glyphs):
            output.lines(["".join(output.style(style, text) if style else text for text, style in line)])

    def _see(self, event: events.Event) -> None:
        from core import events

        from .. import tables

        output = self.job.output
        if isinstance(event, events.CheckFinished):
            self.found.append(event)
            if not self.settings.json:
                output.lines(tables.check(event, output.style, output.glyphs))
        elif isinstance(event, events.Phase) and event.command and not event.command.startswith("trainshed"):
            output.note(f"  $ {event.command}")
