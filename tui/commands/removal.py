"""What `trainshed data evict` and `purge` do: name what would go and what stays, ask, remove, tell."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import click

from core import events
from core.errors import UsageError

from .. import documents, driver, staged
from ..questions import line
from ..settings import Settings
from ..words import plural, size

if TYPE_CHECKING:
    from core.services import Events, Services

SHOWN = 20


class Removal:
    """`wanted`: the event that it ends with."""

    WHAT: ClassVar[str]
    wanted: ClassVar[type[Any]]

    def __init__(self, settings: Settings, targets: Sequence[str]) -> None:
        self.settings = settings
        self.targets = targets
        self.strict = True  # what stays is an error
        self.job = driver.Job(settings)

    def begin(self, services: Services, **how: Any) -> Events:
        raise NotImplementedError

    def carry_out(self, *, dry: bool, yes: bool) -> None:
        """Exits with 1 where something that was meant stays. Raises UsageError where the answer is not yes."""
        output = self.job.output
        if dry:
            found = driver.perform(self.job, lambda services: self.begin(services, dry=True), events.DataChosen)
            if output.json:
                output.document(documents.document(found))
            else:
                output.lines(staged.chosen(found))
            return
        done = driver.perform(self.job, lambda services: self._asked(services, yes=yes), self.wanted)
        self.told(done)
        for item in done.stay:
            output.note(staged.stays(item), "warning")
        if done.stay and self.strict:
            click.get_current_context().exit(1)

    async def _asked(self, services: Services, *, yes: bool) -> AsyncGenerator[events.Event, None]:
        if yes:
            async for event in self._followed(self.begin(services)):
                yield event
            return
        chosen: events.DataChosen | None = None
        async for event in self._followed(self.begin(services, dry=True)):
            chosen = event if isinstance(event, events.DataChosen) else chosen
            yield event
        agreed: list[str] = []
        if chosen is not None and (chosen.versions or chosen.partial):
            self._ask(chosen)
            agreed = [each.digest for each in chosen.versions] + [each.name for each in chosen.partial]
        async for event in self._followed(self.begin(services, agreed=agreed)):
            yield event

    @staticmethod
    async def _followed(operation: Events) -> AsyncGenerator[events.Event, None]:
        async with aclosing(cast("Any", operation)) as happening:
            async for event in happening:
                yield event

    def _ask(self, chosen: events.DataChosen) -> None:
        """Names what will go."""
        output = self.job.output
        rows = staged.chosen(chosen)
        for row in rows[:SHOWN]:
            output.note(row)
        if len(rows) > SHOWN:
            output.note(f"  and {len(rows) - SHOWN} lines more; --dry-run shows all")
        count = len(chosen.versions) + len(chosen.partial)
        if not self.settings.may_ask:
            title = f"data {self.WHAT}: {plural(count, 'thing')} would be removed"
            raise UsageError(title, hint="--yes removes without a question")
        if line(f'{self.question(chosen)} Type "yes": ') != "yes":
            raise UsageError("nothing was removed")

    def question(self, chosen: events.DataChosen) -> str:
        raise NotImplementedError

    def told(self, done: Any) -> None:
        if self.job.output.json:
            self.job.output.document(documents.document(done))
        else:
            self.job.output.lines(staged.removed(done))


def _refuse_nothing(what: str, targets: Sequence[str]) -> None:
    """A variable of a shell that has no value would mean all that is staged. Raises UsageError."""
    if not all(target.strip() for target in targets):
        everything = "--all" if what == "purge" else "--keep 0"
        raise UsageError(f"data {what}: an empty path or digest", hint=f"{everything} is everything that is staged")


class Eviction(Removal):
    WHAT = "evict"
    wanted = events.DataEvicted

    def __init__(
        self, settings: Settings, targets: Sequence[str], unused_for_s: float | None, keep: int | None
    ) -> None:
        """Raises UsageError where nothing says what is meant."""
        if not targets and unused_for_s is None and keep is None:
            raise UsageError("data evict: what?", hint="name digests or paths, or --unused-for 30d, or --keep 1")
        _refuse_nothing("evict", targets)
        super().__init__(settings, targets)
        self.strict = bool(targets)  # by age and number alone, what is needed is not meant
        self.rules = {"unused_for_s": unused_for_s, "keep": keep}

    def begin(self, services: Services, **how: Any) -> Events:
        return services.data.evict(self.targets, **self.rules, **how)  # type: ignore[arg-type]

    def question(self, chosen: events.DataChosen) -> str:
        return f"Free {size(chosen.bytes)}? It can be staged again."


class Purge(Removal):
    WHAT = "purge"
    wanted = events.DataPurged

    def __init__(
        self, settings: Settings, targets: Sequence[str], everything: bool, names: bool, receipt: Path | None
    ) -> None:
        """Raises UsageError where nothing, or two things, say what is meant; or no receipt can be written there."""
        if bool(targets) == everything:
            hint = "name digests or paths, or --all for everything that is staged"
            raise UsageError("data purge: what?", hint=f"{hint}, not both" if everything else hint)
        _refuse_nothing("purge", targets)
        super().__init__(settings, targets)
        self.names, self.receipt = names, receipt
        if receipt is not None:
            from core.data import receipts

            receipts.refuse(receipt)

    def begin(self, services: Services, **how: Any) -> Events:
        return services.data.purge(self.targets, names=self.names, **how)

    def question(self, chosen: events.DataChosen) -> str:  # noqa: ARG002
        return "Remove this from the VM for good?"

    def told(self, done: Any) -> None:
        super().told(done)
        if self.receipt is not None:
            from core.data import receipts

            receipts.copy(self.receipt, done.receipt)
            self.job.output.note(f"receipt copied to {self.receipt}")
