"""What is staged on a VM: listed, evicted, purged, as `services.Data` has it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from .. import equal, threads
from ..errors import AgentError
from ..events import (
    DataChosen,
    DataEvicted,
    DataListed,
    DataPurged,
    Event,
    Notice,
    Phase,
    Progress,
    ReceiptsListed,
)
from ..runs import owner
from ..site.files import Site
from ..ssh.agent import Link
from . import receipts
from .told import part, read

REMOVING = "Removing"


class Store:
    def __init__(self, site: Site, link: Link) -> None:
        self._site = site
        self._link = link

    async def list(self) -> AsyncGenerator[Event, None]:
        agent = await self._link.agent()
        yield read(await agent.call("data.list"), DataListed, event="data.listed")

    async def evict(
        self,
        targets: Sequence[str] = (),
        *,
        unused_for_s: float | None = None,
        keep: int | None = None,
        agreed: Sequence[str] | None = None,
        dry: bool = False,
    ) -> AsyncGenerator[Event, None]:
        title = "Looking what would be evicted" if dry else "Evicting data"
        yield Phase(step="data", title=title, command=equal.command("data", "evict", *targets))
        asked: dict[str, Any] = {"targets": [*targets], "unused_for_s": unused_for_s, "keep": keep, "dry": dry}
        asked["agreed"] = None if agreed is None else [*agreed]
        async with aclosing(self._answer("data.evict", asked)) as answer:
            async for event, result in answer:
                if event is not None:
                    yield event
                elif dry:
                    yield read(result, DataChosen, event="data.chosen", purge=False)
                else:
                    yield read(result, DataEvicted, event="data.evicted")

    async def purge(
        self,
        targets: Sequence[str] = (),
        *,
        names: bool = False,
        agreed: Sequence[str] | None = None,
        dry: bool = False,
    ) -> AsyncGenerator[Event, None]:
        title = "Looking what would be purged" if dry else "Purging data for good"
        words = targets or ["--all"]
        yield Phase(step="data", title=title, command=equal.command("data", "purge", *words))
        asked: dict[str, Any] = {"targets": [*targets], "names": names, "dry": dry, "by": self._by()}
        asked["agreed"] = None if agreed is None else [*agreed]
        async with aclosing(self._answer("data.purge", asked)) as answer:
            async for event, result in answer:
                if event is not None:
                    yield event
                elif dry:
                    yield read(result, DataChosen, event="data.chosen", purge=True)
                else:
                    async for told in self._purged(result):
                        yield told

    def _by(self) -> dict[str, str]:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return {"client": owner.me(), "site": self._site.name, "vm": self._site.vm_name, "client_time": now}

    async def _purged(self, result: object) -> AsyncGenerator[Event, None]:
        receipt = receipts.checked(part(result, "receipt"))
        path = ""
        try:
            path = str(await threads.call(receipts.keep, self._site.name, receipt))
        except OSError as error:
            why = f"the receipt cannot be kept here ({error.strerror or error}); the VM has it"
            yield Notice(text=f"{why}: trainshed data receipts --vm", level="warning")
        yield read(result, DataPurged, event="data.purged", kept=path)

    async def _answer(self, op: str, asked: dict[str, Any]) -> AsyncGenerator[tuple[Event | None, Any], None]:
        """(event, None) on the way, then (None, the result). Raises AgentError where there is none."""
        agent = await self._link.agent()
        async with aclosing(agent.stream(op, **asked)) as messages:  # type: ignore[type-var]
            async for message in messages:
                if not isinstance(message, dict):
                    continue
                if message.get("event") == "progress":
                    yield read(message, Progress, title=REMOVING), None
                if "result" in message:
                    yield None, message["result"]
                    return
        raise AgentError("the agent ended without an answer", hint="trainshed data list says what is left")

    async def receipts(self, *, vm: bool = False) -> AsyncGenerator[Event, None]:
        if not vm:
            yield ReceiptsListed(receipts=await threads.call(receipts.here, self._site.name))
            return
        agent = await self._link.agent()
        told = part(await agent.call("data.receipts"), "receipts")
        found = [receipts.described(each) for each in (told if isinstance(told, Sequence) else ())]
        yield ReceiptsListed(receipts=[each for each in found if each is not None])
