"""A fix from the plan to its proof: tried on the VM under a revert of its own, then a new login decides."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from ... import threads
from ...errors import ConnectError, ConnectTimeout, FixError, LinkLost, RootNeeded, TrainshedError
from ...events import Event, FixFinished, FixItem, FixPlanned, Phase
from ...runs.owner import me
from ...site.files import Site
from ...site.secrets import Secret, hidden
from ...ssh.agent import Agent
from ...ssh.lazy import load
from ...ssh.link import SiteLink
from .. import told
from ..model import Seen
from ..profiles import rows
from ..seen import look
from . import plan as plans
from .refusals import PASSWORDS, Ours

REVERT_S = 90.0  # of the VM's uptime, until it puts back what nobody has kept
SPARE_S = 5.0  # of those, for our last word
LONGEST = 500_000  # bytes of a plan: who agrees to it has to read it
STEP = "check"
SHAPES: Mapping[str, told.Shape] = {
    "plan": told.Planned,
    "attempt": told.Tried,
    "keep": told.Kept,
    "put_back": told.PutBack,
}


class Fixes:
    """Of one site, with its profile and values, over a link that stays while a second one proves them."""

    def __init__(self, site: Site, link: SiteLink) -> None:
        self._site, self._link = site, link
        self._rows = rows(site.file.checks)

    async def plan(self, ids: Sequence[str], undo: bool, sudo: Secret | None) -> AsyncGenerator[Event, None]:
        """See core.services.Checks.plan_fix."""
        yield Phase(step=STEP, title="Planning the fix; nothing is changed", command=self._line("--dry-run", ids, undo))
        planned, _ = await self._planned(ids, undo, sudo)
        yield planned

    async def _planned(self, ids: Sequence[str], undo: bool, sudo: Secret | None) -> tuple[FixPlanned, dict[str, Any]]:
        """The plan, and what the agent is asked for."""
        agent = await self._link.agent()
        if undo:
            answer = await self._ask(agent, "plan", sudo, undo=True)
            request = {"undo": True, "checks": answer["checks"]}
            return plans.planned(self._site.vm_name, self._undone(answer), answer, REVERT_S), request
        seen = await look(self._site, self._link, sudo)
        ours = await self._ours(seen)
        want = plans.wanted(plans.chosen(self._rows, seen, ids), seen, ours)
        answer = await self._ask(agent, "plan", sudo, **want.request())
        return plans.planned(self._site.vm_name, plans.items(want, answer), answer, REVERT_S), want.request()

    def _undone(self, answer: dict[str, Any]) -> list[FixItem]:
        known = {row.check.id: row.check for row in self._rows}
        return [
            FixItem(id=id, title=known[id].title, severity=known[id].severity, status="fix")
            for id in answer["checks"]
            if id in known
        ]

    async def fix(
        self, ids: Sequence[str], agreed: str, undo: bool, sudo: Secret | None
    ) -> AsyncGenerator[Event, None]:
        """See core.services.Checks.fix."""
        began = time.monotonic()
        yield Phase(step=STEP, title="Planning the fix", command=self._line("--dry-run", ids, undo))
        planned, request = await self._planned(ids, undo, sudo)
        yield planned
        if agreed and agreed != planned.digest:
            raise FixError("the VM has changed since the plan was made", hint="look at the plan again")
        identity = ""
        if planned.files or planned.modes:
            yield Phase(step=STEP, title="Arming the way back, then writing", command=self._line("", ids, undo))
            identity = _new_identity()
            async with aclosing(self._tried(identity, request | {"digest": planned.digest}, sudo)) as trying:
                async for event in trying:
                    yield event
        checks = request["checks"]
        yield Phase(step=STEP, title="Checking again", command="trainshed check ssh")
        seen = await look(self._site, self._link, sudo)
        for row in self._rows:
            if row.check.id in checks:
                yield row.check.run(seen)
        result: Any = "kept" if identity else "nothing"
        yield FixFinished(fix=identity, result=result, checks=checks, duration_s=time.monotonic() - began)

    async def _tried(self, identity: str, request: dict[str, Any], sudo: Secret | None) -> AsyncGenerator[Event, None]:
        """Kept once a new login has done what trainshed needs; put back otherwise, also where we are stopped."""
        agent = await self._link.agent()
        try:
            answer = await self._attempt(agent, request | {"id": identity}, sudo)
            for step in answer["steps"]:
                yield Phase(step=STEP, title=hidden(step["title"]), command=hidden(step["command"]))
            yield Phase(step=STEP, title="Logging in anew, while the old connection stays", command=self._ssh())
            await self._prove(agent, identity, answer["seconds"], sudo)
        except (FixError, RootNeeded):
            raise  # the VM has put it back, or has not begun
        except TrainshedError as error:
            raise await self._given_up(agent, identity, error, sudo) from None
        except BaseException:
            await self._quietly_back(agent, identity, sudo)
            raise
        yield Phase(step=STEP, title="A new login works: the fix is kept")

    async def _attempt(self, agent: Agent, request: dict[str, Any], sudo: Secret | None) -> dict[str, Any]:
        return await self._ask(agent, "attempt", sudo, **request, seconds=REVERT_S, by=me())

    async def _prove(self, agent: Agent, identity: str, seconds: float, sudo: Secret | None) -> None:
        """Raises FixError where the time was over, TrainshedError where a new login does not work."""
        fresh = SiteLink(self._site)
        fresh.answers = self._link.answers
        try:
            async with asyncio.timeout(max(1.0, seconds - SPARE_S)):
                await self._keep(await fresh.agent(), agent, identity, sudo)
        except TimeoutError:
            raise ConnectTimeout("it takes too long") from None
        finally:
            await fresh.close()

    async def _given_up(
        self, agent: Agent, identity: str, error: TrainshedError, sudo: Secret | None
    ) -> TrainshedError:
        """What to raise, once all is put back; over a connection that is lost only the VM can do that."""
        try:
            answer = await self._ask(agent, "put_back", sudo, id=identity)
        except TrainshedError:
            hint = f"what was not kept, the VM puts back by itself within {REVERT_S:.0f} s; then: trainshed check ssh"
            return LinkLost(error.title, hint=hint)
        if answer["kept"]:  # our last word was heard, and only the answer was not
            return FixError(f"it is done, and stays, but: {error.title}", hint="trainshed check ssh shows what holds")
        what = f"a new login does not work with it: {error.title}" if isinstance(error, ConnectError) else error.title
        return FixError(what, hint="everything is as it was")

    async def _keep(self, another: Agent, agent: Agent, identity: str, sudo: Secret | None) -> None:
        """Over the new connection, which proves it once more; where that breaks meanwhile, over the old one."""
        try:
            await self._ask(another, "keep", sudo, id=identity)
        except LinkLost:
            await self._ask(agent, "keep", sudo, id=identity)

    async def _quietly_back(self, agent: Agent, identity: str, sudo: Secret | None) -> None:
        """The VM does it by itself where this fails."""
        with contextlib.suppress(TrainshedError, TimeoutError):
            async with asyncio.timeout(SPARE_S):
                await self._ask(agent, "put_back", sudo, id=identity)

    async def _ask(self, agent: Agent, what: str, sudo: Secret | None, **request: Any) -> dict[str, Any]:
        answer = await agent.call(f"fixes.{what}", password=sudo.reveal() if sudo else "", **request)
        return told.demand(answer, SHAPES[what], LONGEST)

    async def _ours(self, seen: Seen) -> Ours:
        session, answers = self._link.session, self._link.answers
        if session is None:
            raise LinkLost("the connection to the VM was lost", hint="nothing was changed; try again")
        abilities = await threads.call(load, "abilities")
        methods = {"publickey"} if session.login_key else set()
        methods |= PASSWORDS if answers.password is not None else set()
        server = seen.host["sshd"]
        return Ours(
            user=seen.host["user"],
            groups=tuple(seen.host.get("account", {}).get("groups", ())),
            entered_by=session.entered_by,
            methods=frozenset(methods),
            key=session.login_key,
            host_key=session.key.type,
            address=server.get("address", ""),
            port=server["port"],
            algorithms=abilities.algorithms(),
        )

    def _ssh(self) -> str:
        session = self._link.session
        return session.host.command if session is not None else f"ssh {self._site.vm.host}"

    def _line(self, option: str, ids: Sequence[str], undo: bool) -> str:
        return " ".join(["trainshed fix", *(["--undo"] if undo else ids), *([option] if option else [])])


def _new_identity() -> str:
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"
