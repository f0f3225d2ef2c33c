"""`services.Checks` on a real site: the link's connection, and one more that logs in to nothing."""

from __future__ import annotations

import datetime
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

import msgspec

from .. import threads
from ..data.service import LiveData
from ..errors import UsageError
from ..events import CheckFinished, ChecksFinished, Event, Notice, Phase
from ..site.files import Site
from ..site.secrets import Secret
from ..ssh.agent import Link
from .fixes.service import Fixes
from .profiles import rows
from .reports import last, record
from .seen import look, notices

if TYPE_CHECKING:
    from ..ssh.link import SiteLink

GROUPS = ("ssh", "data")


class LiveChecks:
    """core.services.Checks over a real link."""

    def __init__(self, site: Site, link: Link, *, read_only: bool = False) -> None:
        """`read_only`: the result is not kept on the client either."""
        self._site = site
        self._link = link
        self._read_only = read_only

    async def run(self, groups: Sequence[str] = GROUPS, *, sudo: Secret | None = None) -> AsyncGenerator[Event, None]:
        """`sudo`: the password of sudo on the VM, for what only root can read; not kept.

        Raises UsageError for an unknown group, ConnectError and its kin where the VM cannot be reached."""
        chosen = _chosen(groups)
        started, began = time.time(), time.monotonic()
        counts: Counter[str] = Counter()
        found: list[CheckFinished] = []
        for group in chosen:
            events = self._ssh(sudo) if group == "ssh" else self._data()
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, CheckFinished):
                        counts[event.status] += 1
                        found.append(event)
                    yield event
        ended = ChecksFinished(counts=dict(counts), started=started, duration_s=time.monotonic() - began)
        before = await threads.call(last.load, self._site.name, self._site.vm_name)
        report = record.of(self._site.name, self._site.vm_name, ended, found, before)
        yield msgspec.structs.replace(ended, since=report.since, changes=report.changes)
        if self._read_only:
            return
        try:
            await threads.call(last.save, report, before)
        except OSError as error:
            yield Notice(text=f"this result is not kept for the next time: {error.strerror}", level="warning")

    def _fixes(self) -> Fixes:
        return Fixes(self._site, cast("SiteLink", self._link))

    def plan_fix(
        self, ids: Sequence[str] = (), *, undo: bool = False, sudo: Secret | None = None
    ) -> AsyncGenerator[Event, None]:
        """See core.services.Checks."""
        return self._fixes().plan(ids, undo, sudo)

    def fix(
        self, ids: Sequence[str] = (), *, agreed: str = "", undo: bool = False, sudo: Secret | None = None
    ) -> AsyncGenerator[Event, None]:
        """See core.services.Checks."""
        return self._fixes().fix(ids, agreed, undo, sudo)

    async def _ssh(self, sudo: Secret | None) -> AsyncGenerator[Event, None]:
        yield Phase(step="check", title="Looking at the SSH server", command="trainshed check ssh")
        seen = await look(self._site, self._link, sudo)
        for notice in notices(seen):
            yield notice
        today = datetime.date.today()
        for row in rows(self._site.file.checks):
            yield row.run(seen, today)

    async def _data(self) -> AsyncGenerator[Event, None]:
        if self._site.file.data is None:
            yield Notice(text=f"site {self._site.name} has no [data], so the way to it is not checked")
            return
        title = "Following the path to the container"
        yield Phase(step="check", title=title, command="trainshed check data")
        async with aclosing(LiveData(self._site, self._link, read_only=self._read_only).links()) as links:
            async for link in links:
                yield link


def _chosen(groups: Sequence[str]) -> list[str]:
    """In the catalogue's order, each once. Raises UsageError."""
    unknown = [group for group in groups if group not in GROUPS]
    if unknown:
        raise UsageError(f"there is no group of checks {unknown[0]!r}", hint=f"groups: {', '.join(GROUPS)}")
    return [group for group in GROUPS if group in groups]
