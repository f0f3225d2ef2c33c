"""`services.Data` on a real site: every byte goes from the container to the VM, none through here."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import msgspec

from .. import equal, threads
from ..errors import AgentError
from ..events import (
    CheckFinished,
    ChecksFinished,
    DataListed,
    Event,
    Phase,
    StagedData,
)
from ..site.files import Site
from ..ssh.agent import Link
from . import source, staging

GROUP = "data"
# Link of the path -> (title, severity where it is broken, what is expected)
LINKS: Mapping[str, tuple[str, str, str]] = {
    "name": ("The endpoint's name leads somewhere", "high", "an address, by DNS or by data.address"),
    "tcp": ("The storage service's port is open", "high", "a TCP connection within 10 s"),
    "tls": ("The storage service proves who it is", "critical", "a certificate for the name, by a trusted CA, 30 days"),
    "auth": ("The credential is accepted", "high", "an account key or SAS token, and an API version in common"),
    "list": ("The container can be listed", "high", "the container exists and has blobs"),
    "bytes": ("The first bytes can be read", "high", "up to 64 KB of a blob"),
}


def _finished(link: dict[str, Any]) -> CheckFinished:
    title, severity, expected = LINKS[link["id"]]
    return msgspec.convert(
        {
            "event": "check.finished",
            "id": f"data-{link['id']}",
            "group": GROUP,
            "title": title,
            "status": link["status"],
            "severity": severity,
            "evidence": link["evidence"],
            "expected": expected,
            "fix": link.get("action", ""),
            "duration_s": link["duration_s"],
        },
        CheckFinished,
    )


def _staged(item: dict[str, Any]) -> StagedData:
    return msgspec.convert({key: item[key] for key in StagedData.__struct_fields__}, StagedData)


class LiveData:
    """`api_version`: the one that worked last, so that an old service is probed once a session."""

    def __init__(self, site: Site, link: Link) -> None:
        self._site = site
        self._link = link
        self._api_version = ""

    async def _source(self) -> dict[str, Any]:
        found = await threads.call(source, self._site)
        if found["api_version"] == "auto" and self._api_version:
            found["api_version"] = self._api_version
        return found

    async def links(self) -> AsyncGenerator[CheckFinished, None]:
        """Each link of the path from the VM to the container, in order. Raises SiteError, SecretError, ConnectError."""
        described = await self._source()
        agent = await self._link.agent()
        async with aclosing(agent.stream("data.check", source=described)) as messages:  # type: ignore[type-var]
            async for message in messages:
                if isinstance(message, dict) and message.get("event") == "check":
                    yield _finished(message)

    async def check(self) -> AsyncGenerator[Event, None]:
        started, began = time.time(), time.monotonic()
        counts: Counter[str] = Counter()
        yield Phase(
            step="data", title="Following the path from the VM to the container", command="trainshed check data"
        )
        async with aclosing(self.links()) as links:
            async for link in links:
                counts[link.status] += 1
                yield link
        yield ChecksFinished(counts=dict(counts), started=started, duration_s=time.monotonic() - began)

    async def stage(self, path: str = "") -> AsyncGenerator[Event, None]:
        began = time.monotonic()
        command = equal.command("data", "stage", *filter(None, [path]))
        yield Phase(step="data", title=f"Staging {path or 'the whole container'} on the VM", command=command)
        described = await self._source()
        agent = await self._link.agent()
        async with aclosing(agent.stream("data.stage", source=described, path=path)) as messages:  # type: ignore[type-var]
            async for message in messages:
                if not isinstance(message, dict):
                    continue
                event = staging.said(message)
                if event is not None:
                    yield event
                if "result" in message:
                    result = staging.result(message)
                    self._api_version = result.api_version or ""
                    yield staging.staged(result, time.monotonic() - began)
                    return
        raise AgentError("the agent ended staging without an answer", hint="stage again: it goes on where it ended")

    async def list(self) -> AsyncGenerator[Event, None]:
        agent = await self._link.agent()
        result = await agent.call("data.list")
        yield DataListed(items=[_staged(item) for item in result["items"]])
