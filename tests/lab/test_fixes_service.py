"""`Services.checks` fixes a real server: what is refused, what a new login proves, and what goes back without one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from core.checks.catalogue import CATALOGUE
from core.checks.fixes import plan
from core.checks.service import LiveChecks
from core.errors import FixError
from core.events import CheckFinished, Event, FixFinished, FixPlanned, Phase
from core.ssh.link import SiteLink

from .fixing import decided
from .machine import INCLUDE, Machine, machine

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a VM of its own needs root")
LOOSE = ("X11Forwarding yes", "MaxAuthTries 9", "Ciphers aes256-ctr,aes256-cbc,aes256-gcm@openssh.com")


@pytest.fixture
def vm(home: Path) -> Iterator[Machine]:
    with machine(home / "vm", lines=(INCLUDE, *LOOSE)) as made:
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


async def test_all_that_can_be_fixed_at_once_passes_and_stays_the_same(vm: Machine) -> None:
    (vm.home / "root/.ssh/authorized_keys").chmod(0o644)
    before = vm.files()
    automatic = [check.id for check in CATALOGUE if check.fixed.automatic]
    async with checks(vm) as live:
        rehearsed = planned(await collected(live.plan_fix(automatic)))
        assert vm.files() == before and not vm.state.exists()
        events = await collected(live.fix(automatic, agreed=rehearsed.digest))
        assert planned(events) == rehearsed
        status = {item.id: item.status for item in rehearsed.items}
        after = {event.id: event for event in events if isinstance(event, CheckFinished)}
        wrong = {id: after[id].evidence for id, what in status.items() if what == "fix" and after[id].status == "fail"}
        assert wrong == {} and [id for id, what in status.items() if what == "fix"]
        finished = events[-1]
        assert isinstance(finished, FixFinished) and finished.result == "kept"
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
