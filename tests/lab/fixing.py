"""A client of a `Machine`, for tests of what the agent does to it."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from core.ssh.agent import Agent
from core.ssh.link import SiteLink

from .machine import Machine, until

SHORT_S = 4.0  # a loaded machine needs some seconds for a fix
ARMED = ("etc/cron.d", "etc/systemd/system", "etc/systemd/system/multi-user.target.wants")
TRIES = {"MaxAuthTries": "3"}


class Client:
    """One login with its agent."""

    def __init__(self, vm: Machine, link: SiteLink, agent: Agent) -> None:
        self.vm, self.link, self.agent = vm, link, agent

    async def plan(self, settings: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
        return await self.agent.call("fixes.plan", **_request(settings, more))

    async def attempt(self, settings: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
        request = {"digest": "", "seconds": 90.0, "id": f"fix-{time.monotonic_ns()}", **_request(settings, more)}
        return await self.agent.call("fixes.attempt", **request)

    async def keep(self, identity: str) -> None:
        await self.agent.call("fixes.keep", id=identity)

    async def fixed(self, settings: dict[str, str] | None = None, **more: Any) -> str:
        """Tried and kept at once."""
        answer = await self.attempt(settings, **more)
        if answer["id"]:
            await self.keep(answer["id"])
        return str(answer["id"])


def _request(settings: dict[str, str] | None, more: dict[str, Any]) -> dict[str, Any]:
    return {"settings": TRIES if settings is None else settings, "modes": {}, "files": {}, **more}


@asynccontextmanager
async def client(vm: Machine, name: str = "lab") -> AsyncIterator[Client]:
    link = SiteLink(vm.site(name))
    try:
        yield Client(vm, link, await link.agent())
    finally:
        await link.close()


def armed(vm: Machine) -> list[Path]:
    """What would put a fix back."""
    places = [
        vm.seen(place) for place in ("etc/cron.d", "etc/systemd/system", "etc/systemd/system/multi-user.target.wants")
    ]
    names = [(place, name) for place in places if place.is_dir() for name in os.listdir(place)]
    return [place / name for place, name in names if name.startswith("trainshed")]


def decided(vm: Machine) -> bool:
    """No fix waits: nothing is armed. One that ended before it was armed has written nothing."""
    return not armed(vm)


def as_before(vm: Machine, before: object, value: str = "6") -> None:
    """Waits until the VM has put back what was there, and serves it."""
    until(lambda: decided(vm) and vm.listens())
    assert vm.files() == before
    assert vm.setting("maxauthtries") == value
