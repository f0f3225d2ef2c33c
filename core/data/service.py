"""`services.Data` on a real site: every byte goes from the container to the VM, none through here."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing

from .. import equal
from ..errors import AgentError
from ..events import (
    CheckFinished,
    ChecksFinished,
    Event,
    Notice,
    Phase,
)
from ..site.files import Site
from ..ssh.agent import Link
from . import path as data_path
from . import staging
from .lending import Lender
from .store import Store


class LiveData(Store):
    """core.services.Data over a real link. `read_only`: nothing is kept on the client."""

    def __init__(self, site: Site, link: Link, *, read_only: bool = False) -> None:
        super().__init__(site, link)
        self._lender = Lender(site, link, read_only=read_only)

    async def links(self) -> AsyncGenerator[CheckFinished | Notice, None]:
        """Each link of the path to the container, in order. Raises SiteError, SecretError, ConnectError."""
        async with aclosing(data_path.follow(self._site, self._link, self._lender)) as found:
            async for link in found:
                yield link

    async def check(self) -> AsyncGenerator[Event, None]:
        started, began = time.time(), time.monotonic()
        counts: Counter[str] = Counter()
        yield Phase(
            step="data", title="Following the path from the VM to the container", command="trainshed check data"
        )
        async with aclosing(self.links()) as links:
            async for link in links:
                if isinstance(link, CheckFinished):
                    counts[link.status] += 1
                yield link
        yield ChecksFinished(counts=dict(counts), started=started, duration_s=time.monotonic() - began)

    async def stage(self, path: str = "") -> AsyncGenerator[Event, None]:
        began = time.monotonic()
        command = equal.command("data", "stage", *filter(None, [path]))
        yield Phase(step="data", title=f"Staging {path or 'the whole container'} on the VM", command=command)
        async with aclosing(self._lender.stage(path=path)) as messages:
            async for message in messages:
                if isinstance(message, Notice):
                    yield message
                if not isinstance(message, dict):
                    continue
                event = staging.said(message)
                if event is not None:
                    yield event
                if "result" in message:
                    result = staging.result(message)
                    await self._lender.remember(result.api_version or "")
                    yield staging.staged(result, time.monotonic() - began)
                    return
        raise AgentError("the agent ended staging without an answer", hint="stage again: it goes on where it ended")
