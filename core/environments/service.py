"""`services.Environments` on a real site: what is built on the VM, building ahead, removing what nobody needs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

import msgspec

from .. import equal, threads
from ..errors import RunError, UsageError
from ..events import EnvironmentInfo, EnvironmentsListed, EnvironmentsPruned, Event, Phase
from ..site.files import Site
from ..ssh.agent import Link

DAY_S = 86400.0


class LiveEnvironments:
    def __init__(self, site: Site, link: Link) -> None:
        self._site = site
        self._link = link

    async def list(self) -> AsyncGenerator[Event, None]:
        agent = await self._link.agent()
        result = await agent.call("environments.list")
        yield EnvironmentsListed(
            environments=[msgspec.convert(each, EnvironmentInfo) for each in result["environments"]]
        )

    async def build(self, job: Path) -> AsyncGenerator[Event, None]:
        """Raises what a launch of the job raises up to its environment."""
        from ..runs import launch, plan

        yield Phase(step="launch", title=f"Reading {job}", command=equal.command("environments", "build", job))
        prepared = await threads.call(plan.make, job, {}, self._site)
        async with aclosing(launch.Launch(self._site, self._link, None).environment(prepared)) as events:
            async for event in events:
                yield event
        async for event in self.list():
            yield event

    async def prune(self, *, older_than_days: float = 30.0, wanted: Sequence[str] = ()) -> AsyncGenerator[Event, None]:
        agent = await self._link.agent()
        known = [each["hash"] for each in (await agent.call("environments.list"))["environments"]]
        hashes = [_one(prefix, known) for prefix in wanted]
        yield Phase(step="launch", title="Removing environments", command="trainshed environments prune")
        result = await agent.call("environments.prune", older_s=older_than_days * DAY_S, wanted=hashes)
        yield EnvironmentsPruned(removed=result["removed"], bytes=result["bytes"])


def _one(prefix: str, known: Sequence[str]) -> str:
    found = [each for each in known if each.startswith(prefix.lower())]
    if not found:
        raise RunError(f"there is no environment {prefix}", hint="trainshed environments list")
    if len(found) > 1:
        raise UsageError(f"{len(found)} environments begin with {prefix}", hint="give more of it")
    return found[0]
