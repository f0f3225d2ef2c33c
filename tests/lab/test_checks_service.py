"""`Services.checks` against real servers: one login, one look from outside, findings in order."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.checks.catalogue import CATALOGUE
from core.checks.service import LiveChecks
from core.errors import UsageError
from core.events import CheckFinished, ChecksFinished, Event, Notice
from core.site import files
from core.ssh.link import SiteLink

from . import hosts
from .sshd import Sshd

# What they find depends on the machine's distribution and how it is kept, not on the server of the test.
OF_THE_MACHINE = {
    *(check.id for check in CATALOGUE if {"packages", "passwords", "guards", "updates", "docker"} & {*check.needs}),
    *("agent-cve", "other-listeners", "listen-scope", "ssh-dir-perm", "root-login", "docker-group"),
}


@asynccontextmanager
async def checks(server: Sshd) -> AsyncIterator[LiveChecks]:
    path = files.path_of("lab")
    if not path.exists():
        files.write_new(
            "lab",
            "vm",
            host=server.host,
            port=server.port,
            user=server.user,
            identity=str(server.client_key),
            host_key=server.pinned,
        )
    site = files.load(path)
    link = SiteLink(site)
    try:
        yield LiveChecks(site, link)
    finally:
        await link.close()


async def look(server: Sshd, *groups: str) -> list[Event]:
    async with checks(server) as live:
        return [event async for event in live.run(groups or ("ssh",))]


def by_id(events: list[Event]) -> dict[str, CheckFinished]:
    return {event.id: event for event in events if isinstance(event, CheckFinished)}


async def test_all_come_in_the_catalogues_order_and_are_counted(sshd: Sshd) -> None:
    events = await look(sshd)
    found = [event for event in events if isinstance(event, CheckFinished)]
    assert [event.id for event in found] == [check.id for check in CATALOGUE]
    unknown = {event.id: event.evidence for event in found if event.status == "unknown"}
    assert {id: unknown[id] for id in unknown if id not in OF_THE_MACHINE} == {}
    assert isinstance(events[-1], ChecksFinished)
    assert sum(events[-1].counts.values()) == len(CATALOGUE)
    assert events[-1].since is None
    sshd.settings = ["MaxAuthTries 4"]
    sshd.stop()
    sshd.start()
    again = await look(sshd)
    ended = again[-1]
    assert isinstance(ended, ChecksFinished) and ended.since == events[-1].started
    changed = {(change.id, change.kind, change.now) for change in ended.changes if change.id != "other-listeners"}
    assert changed == {("maxauthtries", "gone", "pass")}  # what listens beside is not ours to say


async def test_at_most_two_connections_one_of_them_unauthenticated(sshd: Sshd) -> None:
    await look(sshd)
    log = sshd.log.read_text()
    assert len(re.findall(r"Connection from", log)) == 2
    assert len(re.findall(r"Accepted publickey", log)) == 1
    assert not re.findall(r"Failed password", log)


@pytest.mark.parametrize(
    ("settings", "id"),
    [
        ("Ciphers aes256-ctr,aes256-cbc", "cipher-weak"),
        ("Ciphers aes256-ctr\nMACs hmac-sha2-256,hmac-sha1", "mac-weak"),
        ("PermitRootLogin yes", "root-login"),
        ("PermitEmptyPasswords yes", "empty-passwords"),
        ("PasswordAuthentication yes", "password-auth"),
        ("KbdInteractiveAuthentication yes\nUsePAM yes", "kbd-interactive"),
        ("MaxAuthTries 9", "maxauthtries"),
        ("X11Forwarding yes", "tunnel-x11-gateway"),
    ],
)
async def test_a_real_server_that_has_to_fail_fails(home: Path, settings: str, id: str) -> None:
    server = Sshd(home / "sshd", settings=settings.split("\n"))
    try:
        found = by_id(await look(server))[id]
    finally:
        server.stop()
    if id == "root-login" and server.user != "root":
        assert found.status == "pass"  # this sshd cannot log root in
    else:
        assert found.status == "fail", found.evidence


async def test_a_hardened_server_passes(home: Path) -> None:
    server = Sshd(home / "sshd", settings=hosts.STRONG_SETTINGS)
    server.rewrite(server.config.read_text() + "MaxStartups 10:30:60\n")  # of this one the last wins
    server.config.chmod(0o600)
    try:
        found = by_id(await look(server))
    finally:
        server.stop()
    own = {check.id for check in CATALOGUE} - OF_THE_MACHINE
    assert {id: found[id].evidence for id in own if found[id].status not in ("pass", "skipped")} == {
        "gex-moduli": found["gex-moduli"].evidence  # of the file that the package brings
    }
    assert found["root-login"].status in ("warn", "pass")


async def test_a_server_that_drops_new_connections_is_noticed_and_said(home: Path) -> None:
    server = Sshd(home / "sshd", settings=["PerSourceMaxStartups 1"])
    try:
        async with checks(server) as live:
            await live._link.agent()
            with socket.create_connection((server.host, server.port)) as held:
                assert held.recv(4) == b"SSH-"  # it has the one place of our address
                events = [event async for event in live.run(["ssh"])]
    finally:
        server.stop()
    found = by_id(events)
    assert found["terrapin"].status == "unknown" and found["maxauthtries"].status == "fail"
    said = [event.text for event in events if isinstance(event, Notice)]
    assert any("drops new connections" in text for text in said), (said, found["terrapin"].evidence)


async def test_an_unknown_group_is_a_usage_error(sshd: Sshd) -> None:
    async with checks(sshd) as live:
        with pytest.raises(UsageError, match="kernel"):
            [event async for event in live.run(["kernel"])]
    assert "Connection from" not in sshd.log.read_text()


async def test_a_site_without_data_says_so(sshd: Sshd) -> None:
    events = await look(sshd, "data")
    assert any(isinstance(event, Notice) and "no [data]" in event.text for event in events)
    assert not by_id(events)
