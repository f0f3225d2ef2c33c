"""An environment on the VM: found there, or built; where the VM reaches no index, of packages that are sent to it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec

from .. import amounts
from ..amounts import plural
from ..environments.spec import Spec
from ..environments.target import Target
from ..environments.wheelhouse import Wheelhouse
from ..errors import AgentError, BuildError
from ..events import BuildLog, Event, Notice, Phase
from ..site.files import Site
from ..ssh.agent import Agent, Link
from . import sending

STEP = "launch"


def request(site: Site, wanted: Spec) -> dict[str, Any]:
    """The environment as the agent takes it."""
    context = {"digest": wanted.context_digest, "dockerfile": wanted.dockerfile} if wanted.context_digest else None
    return {
        "requirements": wanted.requirements,
        "python": wanted.python,
        "image": wanted.image,
        "context": context,
        "engine": site.vm.sandbox,
        "conda": msgspec.to_builtins(wanted.conda),
    }


class Building:
    """After `events` has ended: the environment's `hash`, and the `engine` that runs what it is for."""

    def __init__(self, site: Site, link: Link, wanted: Spec) -> None:
        self._site = site
        self._link = link
        self.hash = ""
        self.engine = "bwrap"
        self._request = request(site, wanted)
        self._found: dict[str, Any] = {}

    async def events(self) -> AsyncGenerator[Event, None]:
        """Raises BuildError and what the link raises."""
        agent = await self._link.agent()
        house = None
        if self._site.vm.packages == "client":
            async with aclosing(self._answered(agent, "environments.find", self._request)) as events:
                async for event in events:
                    yield event
            house = self._wheelhouse()
        if house is None:
            steps = self._built(agent, {})
        else:
            steps = self._built_of(agent, house)
        async with aclosing(steps) as events:
            async for event in events:
                yield event

    def _wheelhouse(self) -> Wheelhouse | None:
        """None where it is built, or where nothing has to be fetched."""
        if self._found["built"] or self._found["target"] is None:
            return None
        return Wheelhouse(self._request["requirements"], target(self._found["target"]))

    async def _built_of(self, agent: Agent, house: Wheelhouse) -> AsyncGenerator[Event, None]:
        """What is fetched stays for another try where only the link or the client ended, and goes otherwise."""
        async with house.used():
            try:
                for step in (self._fetched(house), self._sent_and_built(agent, house)):
                    async with aclosing(step) as events:
                        async for event in events:
                            yield event
            except BuildError:
                house.unneeded = True
                raise
            house.unneeded = True

    async def _fetched(self, house: Wheelhouse) -> AsyncGenerator[Event, None]:
        yield Phase(step=STEP, title="Fetching the packages here, for the VM")
        async with aclosing(house.filled()) as lines:
            async for line in lines:
                yield BuildLog(text=line)

    async def _sent_and_built(self, agent: Agent, house: Wheelhouse) -> AsyncGenerator[Event, None]:
        wheels = await house.snapshot()
        if not (await agent.call("snapshots.have", digest=wheels.digest, store=sending.WHEELS))["have"]:
            files, size = plural(len(wheels.manifest.entries), "file"), amounts.size(wheels.manifest.bytes)
            yield Phase(step=STEP, title=f"Sending {files}, {size} of packages")
            async with aclosing(sending.sent(agent, wheels, "Sending the packages", sending.WHEELS)) as events:
                async for event in events:
                    yield event
        yield Phase(step=STEP, title="Building the environment of them")
        async with aclosing(self._built(agent, {"wheels": wheels.digest})) as events:
            async for event in events:
                yield event

    async def _built(self, agent: Agent, more: dict[str, Any]) -> AsyncGenerator[Event, None]:
        async with aclosing(self._answered(agent, "environments.build", {**self._request, **more})) as events:
            async for event in events:
                yield event
        self.hash, self.engine = self._found["hash"], self._found["engine"]
        kept = "was built before" if self._found["reused"] else "is built"
        yield Notice(text=f"the environment {kept} ({self.hash[:12]})")

    async def _answered(self, agent: Agent, op: str, args: dict[str, Any]) -> AsyncGenerator[Event, None]:
        """Ends when the answer is in `_found`."""
        async with aclosing(agent.stream(op, **args)) as messages:  # type: ignore[type-var]
            async for message in messages:
                if isinstance(message, dict) and message.get("event") == "build.log":
                    yield BuildLog(text=message["text"])
                elif isinstance(message, dict) and message.get("event") == "notice":
                    yield Notice(text=message["text"])
                elif isinstance(message, dict) and "result" in message:
                    self._found = message["result"]
                    return
        raise AgentError("the agent ended the build without an answer", hint="launch again")


def target(answered: Any) -> Target:
    """What the environment has to fit, as the VM or the image itself says. Raises BuildError."""
    try:
        return msgspec.convert(answered, Target)
    except msgspec.ValidationError as error:
        raise BuildError(
            f"what the environment's Python says of itself cannot be read: {error}",
            hint="an image answers by its own python3: is it the right image?",
        ) from None
