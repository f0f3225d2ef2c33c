"""Everything is looked at once: the host by one call of the agent, the wire by one connection without a login."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from .. import threads
from ..errors import ConnectError
from ..events import Notice
from ..site.files import Site
from ..site.secrets import Secret, hidden
from ..ssh.agent import Link
from ..ssh.probe import probe
from . import told
from .model import Seen, Wire, value

EXPECTED_OF_US = 2  # connections of a check: the link, and one that logs in to nothing


async def look(site: Site, link: Link, sudo: Secret | None) -> Seen:
    """Raises ConnectError and its kin, AgentError. A new connection that is refused is a reason, not an error."""
    offered = asyncio.create_task(wire(site, link))
    packages = asyncio.create_task(threads.call(_own_packages))
    try:
        agent = await link.agent()
        password = sudo.reveal() if sudo else ""
        asked: dict[str, Any] = {"user": "", "client_address": "", "client_time": time.time(), "password": password}
        host = told.demand(await agent.call("checks.host", **asked), told.Host)
        offer, reason = await offered
        local = await threads.call(_local, site, link, host, await packages)
    finally:
        offered.cancel()
        packages.cancel()
    errors = {**host["errors"], **({"wire": reason} if reason else {})}
    return Seen(wire=offer, host=host, local=local, errors=errors)


async def wire(site: Site, link: Link | None) -> tuple[Wire | None, str]:
    """The offer, or why there is none: the link may stand although a new connection is refused."""
    try:
        offer = await probe(site, getattr(link, "answers", None))
    except ConnectError as error:
        return None, error.title
    return (
        Wire(
            kex=offer.kex,
            ciphers=offer.ciphers,
            macs=offer.macs,
            methods=offer.auth_methods,
            host_key_algorithms=offer.host_key_algorithms,
            compression=offer.compression,
            banner=offer.banner,
            host_key=offer.host_key.pinned if offer.host_key else "",
        ),
        "",
    )


def _own_packages() -> dict[str, Any] | None:
    """Of this computer; None where it has no dpkg. What reads them on the VM reads them here."""
    from ..agent.hostfiles import Files
    from ..agent.packages import packages

    try:
        return packages(Files())
    except OSError:
        return None


def _local(site: Site, link: Link, host: dict[str, Any], packages: dict[str, Any] | None) -> dict[str, Any]:
    from . import password

    session, answers = getattr(link, "session", None), getattr(link, "answers", None)
    words = (host["user"], site.vm.host, site.name, site.vm_name)
    strength = password.strength(
        answers.password if answers else None,
        by_password=session is not None and session.entered_by == "password",
        words=words,
    )
    trusted_by = session.trusted_by if session is not None else ""
    client = {"pins": list(site.vm.host_keys), "trusted_by": trusted_by, "packages": packages}
    return {"client": client, "password": strength}


def notices(seen: Seen) -> Iterator[Notice]:
    """What has to be said beside the findings: what was not read, and who may lock us out. No secret is in it."""
    for notice in _notices(seen):
        yield Notice(text=hidden(notice.text), level=notice.level)


def _notices(seen: Seen) -> Iterator[Notice]:
    server = seen.host["sshd"]
    if server["note"]:
        yield Notice(text=server["note"], level="warning")
    if server.get("unread"):
        text = f"sshd has not read {', '.join(server['unread'])} since it was changed: what is well there may not hold"
        yield Notice(text=text, level="warning")
    if seen.host.get("root_refused"):
        yield Notice(text=f"nothing was read as root: {seen.host['root_refused']}", level="warning")
    if seen.wire is None and "ended the connection" in seen.errors.get("wire", ""):
        text = "the server drops new connections: our address is penalised, or its MaxStartups is full"
        yield Notice(text=text, level="warning")
    guard = _guard(seen)
    if guard:
        text = f"this server locks out addresses ({guard}): wrong passwords and dropped logins from here count"
        yield Notice(text=text)


def _guard(seen: Seen) -> str:
    config = seen.host["sshd"].get("config", {})
    penalties = value(config, "persourcepenalties")
    if penalties not in ("", "no"):
        exempt = value(config, "persourcepenaltyexemptlist") or "none"
        return f"PerSourcePenalties; exempt: {exempt}"
    guards = seen.host.get("guards")
    return ", ".join(guards["processes"] or ()) if guards else ""
