"""`services.Checks` on a real site: the link's connection, and one more that logs in to nothing."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from ..data.service import LiveData
from ..errors import ConnectError, UsageError
from ..events import CheckFinished, ChecksFinished, Event, Notice, Phase
from ..site.files import Site
from ..site.secrets import Secret
from ..ssh.agent import Link
from ..ssh.probe import probe
from .catalogue import CATALOGUE
from .fixes.service import Fixes
from .model import Seen, Wire

if TYPE_CHECKING:
    from ..ssh.link import SiteLink

GROUPS = ("ssh", "data")


class LiveChecks:
    """core.services.Checks over a real link."""

    def __init__(self, site: Site, link: Link) -> None:
        self._site = site
        self._link = link

    async def run(self, groups: Sequence[str] = GROUPS) -> AsyncGenerator[Event, None]:
        """Raises UsageError for an unknown group, ConnectError and its kin where the VM cannot be reached."""
        chosen = _chosen(groups)
        started, began = time.time(), time.monotonic()
        counts: Counter[str] = Counter()
        for group in chosen:
            events = self._ssh() if group == "ssh" else self._data()
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, CheckFinished):
                        counts[event.status] += 1
                    yield event
        yield ChecksFinished(counts=dict(counts), started=started, duration_s=time.monotonic() - began)

    def _fixes(self) -> Fixes:
        return Fixes(self._site, cast("SiteLink", self._link), CATALOGUE, lambda _sudo: self._look())

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

    async def _ssh(self) -> AsyncGenerator[Event, None]:
        yield Phase(step="check", title="Looking at the SSH server", command="trainshed check ssh")
        seen = await self._look()
        if seen.host["sshd"]["note"]:
            yield Notice(text=seen.host["sshd"]["note"], level="warning")
        for check in CATALOGUE:
            yield check.run(seen)

    async def _look(self) -> Seen:
        """The host by one call of the agent, the wire by one unauthenticated connection, at the same time."""
        wire = asyncio.create_task(self._wire())
        try:
            agent = await self._link.agent()
            host = await agent.call("checks.host", user="", client_address="")
            offer, reason = await wire
        finally:
            wire.cancel()
        errors = {**host["errors"], **({"wire": reason} if reason else {})}
        return Seen(wire=offer, host=host, errors=errors)

    async def _wire(self) -> tuple[Wire | None, str]:
        """The offer, or why there is none: the link may stand although a new connection is refused."""
        try:
            offer = await probe(self._site, getattr(self._link, "answers", None))
        except ConnectError as error:
            return None, error.title
        return Wire(kex=offer.kex, ciphers=offer.ciphers, macs=offer.macs, methods=offer.auth_methods), ""

    async def _data(self) -> AsyncGenerator[Event, None]:
        if self._site.file.data is None:
            yield Notice(text=f"site {self._site.name} has no [data], so the way to it is not checked")
            return
        title = "Following the path from the VM to the container"
        yield Phase(step="check", title=title, command="trainshed check data")
        async with aclosing(LiveData(self._site, self._link).links()) as links:
            async for link in links:
                yield link


def _chosen(groups: Sequence[str]) -> list[str]:
    """In the catalogue's order, each once. Raises UsageError."""
    unknown = [group for group in groups if group not in GROUPS]
    if unknown:
        raise UsageError(f"there is no group of checks {unknown[0]!r}", hint=f"groups: {', '.join(GROUPS)}")
    return [group for group in GROUPS if group in groups]
