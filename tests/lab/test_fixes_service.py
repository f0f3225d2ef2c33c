"""`Services.checks` fixes a real server: what is refused, what a new login proves, and what goes back without one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from core.checks.catalogue import CATALOGUE
from core.checks.fixes import plan
from core.checks.fixes.service import Fixes
from core.checks.service import LiveChecks
from core.errors import FixError
from core.events import CheckFinished, Event, FixFinished, FixPlanned, Phase
from core.ssh.link import SiteLink

from .fixing import decided
from .machine import INCLUDE, Machine, lacking, machine
from .sshd import keygen

pytestmark = pytest.mark.skipif(bool(lacking()), reason=lacking())
LOOSE = """
PermitRootLogin yes
PermitEmptyPasswords yes
PasswordAuthentication yes
KbdInteractiveAuthentication yes
KexAlgorithms diffie-hellman-group14-sha1,ecdh-sha2-nistp256,diffie-hellman-group16-sha512
HostKeyAlgorithms +ssh-rsa
Ciphers aes256-ctr,aes256-cbc,aes256-gcm@openssh.com
MACs +hmac-sha1
StrictModes no
RequiredRSASize 1024
PubkeyAcceptedAlgorithms +ssh-rsa
MaxAuthTries 9
LoginGraceTime 300
MaxSessions 100
AllowAgentForwarding yes
AllowTcpForwarding yes
X11Forwarding yes
PermitTunnel yes
GatewayPorts yes
PermitUserEnvironment yes
HostbasedAuthentication yes
IgnoreRhosts no
GSSAPIAuthentication yes
LogLevel QUIET
SyslogFacility USER
"""
RIGHT = {"terrapin", "kex-pq", "compression-preauth", "hostkey-perm", "maxstartups"}  # on this server from the start
BY_HAND = {
    "pw-quality-module",
    "pw-length",
    "pw-complexity",
    "faillock",
    "openssh-2026",
    "updates-time",
}  # the rest of it


@pytest.fixture
def vm(home: Path) -> Iterator[Machine]:
    with machine(home / "vm") as made:
        yield made


@asynccontextmanager
async def checks(vm: Machine, port: int | None = None, name: str = "lab") -> AsyncIterator[LiveChecks]:
    site = vm.site(name, port)
    link = SiteLink(site)
    try:
        yield LiveChecks(site, link)
    finally:
        await link.close()


async def collected(events: AsyncIterator[Event]) -> list[Event]:
    async with aclosing(cast("Any", events)) as happening:
        return [event async for event in happening]


def planned(events: list[Event]) -> FixPlanned:
    (found,) = [event for event in events if isinstance(event, FixPlanned)]
    return found


async def test_all_that_can_be_fixed_is_fixed_at_once_as_root_by_sudo(home: Path) -> None:
    def server(vm: Machine) -> str:
        keygen(vm.etc / "ssh/ssh_host_rsa_key", "rsa", bits=2048)
        return vm.plain

    lines = (INCLUDE, *LOOSE.split("\n"), "HostKey /etc/ssh/ssh_host_rsa_key")
    with machine(home / "vm", lines=lines, account="worker", server=server) as vm:
        (vm.home / "worker/.ssh/authorized_keys").chmod(0o644)
        before = vm.files()
        automatic = [check.id for check in CATALOGUE if check.fixed.automatic]
        async with checks(vm) as live:
            rehearsed = planned(await collected(live.plan_fix(automatic)))
            assert vm.files() == before and not vm.state.exists()
            status = {item.id: item.status for item in rehearsed.items}
            assert {id for id, what in status.items() if what != "fix"} <= RIGHT, status
            events = await collected(live.fix(automatic, agreed=rehearsed.digest))
            assert planned(events) == rehearsed
            after = {event.id: event for event in events if isinstance(event, CheckFinished)}
            wrong = {id: after[id].evidence for id in status if id not in BY_HAND and after[id].status != "pass"}
            assert wrong == {} and len(after) == len(automatic)
            assert isinstance(events[-1], FixFinished) and events[-1].result == "kept"
            assert any(isinstance(event, Phase) and event.command.startswith("kill -HUP") for event in events)
            fixed = vm.files()
            again = await collected(live.fix(automatic))
            assert isinstance(again[-1], FixFinished) and again[-1].result == "nothing" and vm.files() == fixed
            await collected(live.fix(undo=True))
        assert vm.files() == before and decided(vm)


async def test_a_login_that_is_refused_puts_it_back(vm: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "refusals", lambda settings, ours: {})
    settings = {"AllowUsers": "somebody-else"}
    monkeypatch.setattr(
        plan.Wanted, "request", lambda self: {"settings": settings, "modes": {}, "files": {}, "checks": []}
    )
    before = vm.files()
    async with checks(vm) as live:
        with pytest.raises(FixError, match="a new login does not work with it") as failed:
            await collected(live.fix(["maxauthtries"]))
        assert failed.value.hint == "everything is as it was"
        assert decided(vm) and vm.files() == before
        await collected(live.plan_fix(["maxauthtries"]))


async def test_a_fix_that_was_kept_although_the_answer_was_lost_is_not_said_to_be_put_back(
    vm: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Fixes._keep

    async def lost(self: Fixes, *of: Any) -> None:
        await heard(self, *of)
        raise TimeoutError

    monkeypatch.setattr(Fixes, "_keep", lost)
    async with checks(vm) as live:
        with pytest.raises(FixError, match="it is done, and stays, but: it takes too long") as failed:
            await collected(live.fix(["maxauthtries"]))
        assert failed.value.hint == "trainshed check ssh shows what holds"
        assert decided(vm) and vm.setting("maxauthtries") == "4"
        with pytest.raises(FixError, match="it is done, and stays"):
            await collected(live.fix(undo=True))
        assert vm.setting("maxauthtries") == "6"


async def test_whoever_is_stopped_puts_it_back_at_once(vm: Machine) -> None:
    before = vm.files()
    async with checks(vm) as live:
        async with aclosing(cast("Any", live.fix(["maxauthtries"]))) as happening:
            async for event in happening:
                if isinstance(event, Phase) and "Logging in anew" in event.title:
                    assert vm.files() != before
                    break
        assert decided(vm)
        assert vm.files() == before
