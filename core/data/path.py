"""Following the path to the container: from the VM, where it matters, and from here, where nothing is read."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

from .. import threads
from ..events import CheckFinished, Notice
from ..site.files import Site
from ..ssh.agent import Link
from . import lending, links

LATE = "it takes longer than it took the VM"
OUTSIDE_S = 3.0  # beyond what the VM needs: resolvers take their time with names of other networks


async def follow(site: Site, link: Link, lender: lending.Lender) -> AsyncGenerator[CheckFinished | Notice, None]:
    """Each link of the path in order, as the site file judges them.

    Raises SiteError, SecretError, ConnectError and its kin.
    """
    outside: list[dict[str, Any]] = []
    lender.anew()
    described = await lender.described(lending.CHECK_S)
    looking = asyncio.create_task(threads.call(_look, {**described, "credential": "", "lent": False}, outside))
    try:
        async with aclosing(_from_vm(site, link, lender, described)) as found:
            async for told in found:
                yield _judged(site, told) if isinstance(told, CheckFinished) else told
        await asyncio.wait([looking], timeout=OUTSIDE_S)
        for finished in _outside(list(outside)):
            yield _judged(site, finished)
    finally:
        looking.cancel()


async def _from_vm(
    site: Site, link: Link, lender: lending.Lender, described: dict[str, Any]
) -> AsyncGenerator[CheckFinished | Notice, None]:
    told: set[str] = set()
    off = [id.removeprefix(links.VM) for id in site.file.checks.off if id.startswith(links.VM)]
    while True:
        agent = await link.agent()
        again = False
        async with aclosing(agent.stream("data.check", source=described, off=off)) as messages:  # type: ignore[type-var]
            async for message in messages:
                if not isinstance(message, dict) or message.get("event") != "check":
                    continue
                found = links.finished(message)
                if found.status == "fail" and lender.refused(described, str(message.get("service_code", ""))):
                    again = True
                    break
                await lender.remember(str(message.get("api_version", "")))
                if found.id not in told:
                    told.add(found.id)
                    yield found
        if not again:
            return
        yield Notice(text=lending.GIVEN, level="warning")
        described = await lender.described(lending.CHECK_S)


def _look(described: dict[str, Any], found: list[dict[str, Any]]) -> None:
    """Blocks. What was found so far is in `found` at any time."""
    from ..agent import blob, path_walk
    from ..agent.faults import Fault

    try:
        for link in path_walk.follow_outside(blob.Source(**described)):
            found.append({**link._asdict(), "evidence": link.cause})
    except Fault:
        return  # what is wrong with the site file, the VM's side has said


def _outside(found: list[dict[str, Any]]) -> Iterator[CheckFinished]:
    """Where the look has not ended, its next link is told as one that takes too long."""
    known = {link["id"]: link for link in found}
    status = "fail"
    for row in links.ROWS:
        if row.outside:
            late = {"id": row.id, "status": status, "evidence": LATE, "duration_s": None}
            status = status if row.id in known else "skipped"
            yield links.finished_outside(known.get(row.id, late))


def _judged(site: Site, found: CheckFinished) -> CheckFinished:
    """What the site file has switched off, or accepted."""
    settings = site.file.checks
    if not settings.off and not settings.accepted:
        return found
    from ..checks import profiles

    return profiles.judged(found, settings, datetime.date.today())
