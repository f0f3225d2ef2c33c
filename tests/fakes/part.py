"""What the fakes of all operations have in common."""

from __future__ import annotations

import asyncio

from core import errors

from .script import Scenario


class Part:
    """One operation group over the shared scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    async def reach(self, point: str) -> None:
        """Waits where a test holds the script, else gives the loop a turn."""
        held = self.scenario.hold.get(point)
        if held is not None:
            await held.wait()
        await asyncio.sleep(self.scenario.pace_s)

    def need_vm(self, hint: str = "Is the VM up, and is this its SSH port?") -> None:
        if self.scenario.unreachable:
            raise errors.Unreachable("203.0.113.10 port 22: connection refused", hint=hint)
