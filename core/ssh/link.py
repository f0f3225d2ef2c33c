"""The connection of a site's VM: one login, one agent, shared by whoever asks; made anew after it was lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import threads
from ..errors import UsageError
from ..site.files import Site
from . import place
from .agent import Agent
from .answers import Answers
from .lazy import load
from .remote import RemoteAgent
from .way import find_way

if TYPE_CHECKING:
    from .dial import Opening
    from .session import Session

CLOSE_TIMEOUT_S = 1.0
Report = Callable[[str, str], object]  # (what is tried now, the equal command)


def _silent(_title: str, _command: str) -> None:
    """Where nobody watches."""


class SiteLink:
    """core.ssh.agent.Link for one VM of one site; used from one event loop.

    `answers` carries what a person said (passphrase, password, an accepted host key) to the
    next connect, `session` tells how the VM was reached, `last_seen` when it last spoke
    (seconds since the epoch, 0: never).
    """

    def __init__(self, site: Site | None) -> None:
        self.site = site
        self.answers = Answers()
        self.last_seen = 0.0
        self.placed = False  # whether the agent had to be put on the VM
        self.session: Session | None = None
        self.report: Report = _silent
        self._agent: RemoteAgent | None = None
        self._connecting: asyncio.Task[RemoteAgent] | None = None
        self._waiters = 0

    @property
    def agent_hash(self) -> str:
        """Of the agent in use, or ""."""
        return str(self._agent.hello["agent"]) if self._agent is not None else ""

    async def agent(self) -> Agent:
        """Raises ConnectError and its kin, AgentError, ConfigError."""
        if self._agent is not None and not self._agent.lost:
            return self._agent
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self._connect())
        task = self._connecting
        self._waiters += 1
        try:
            return await asyncio.shield(task)
        finally:
            self._waiters -= 1
            if self._waiters == 0:
                if not task.done():
                    task.cancel()  # nobody wants it any more
                if self._connecting is task:
                    self._connecting = None

    def retarget(self, site: Site) -> None:
        """From the next `agent()` on, another VM. The caller has closed the link."""
        self.site = site
        self.answers = Answers()

    async def close(self) -> None:
        """Quick, whatever the connection is doing. Calls under way raise LinkLost."""
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
        await self._drop()

    async def _drop(self) -> None:
        agent, self._agent = self._agent, None
        session, self.session = self.session, None
        if agent is not None:
            await agent.close()
        if session is not None:
            await _within(session.close)

    async def _connect(self) -> RemoteAgent:
        if self.site is None:
            raise UsageError("no site is known yet", hint="trainshed connect USER@HOST writes one")
        await self._drop()
        site, report = self.site, self.report
        report("Reading your SSH configuration", f"ssh -G {site.vm.host}")
        way, sessions = await asyncio.gather(find_way(site, self.answers), threads.call(load, "session"))
        last = way[-1].host
        over = " over " + ", ".join(hop.host.alias for hop in way[:-1]) if len(way) > 1 else ""
        report(f"Connecting to {last.hostname} port {last.port}{over}", last.command)
        opening: Opening = sessions.Opening()
        try:
            session: Session = await threads.call(sessions.open_session, way, self.answers, opening)
            report("Starting the agent", f"{last.command} python3 -m agent serve {site.vm.root}")
            started = await threads.call(place.start, session, site.vm.root)
        except BaseException:
            threads.spawn(opening.abort, "link-abort")
            raise
        self.session, self.placed = session, started.placed
        self._agent = RemoteAgent(started.reader, started.channel.sendall, started.hello, self._seen)
        self._seen()
        return self._agent

    def _seen(self) -> None:
        self.last_seen = time.time()


async def _within(end: Callable[[], Any]) -> None:
    """Runs `end` in a thread and waits for it, but not for ever (paramiko can hang in its own close)."""
    try:
        await asyncio.wait_for(threads.call(end), CLOSE_TIMEOUT_S)
    except TimeoutError:
        pass
