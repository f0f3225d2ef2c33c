"""From an address to a VM that answers: the host-key ceremony, login, the agent, facts, and a site file to keep it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from .. import threads
from ..errors import UsageError
from ..events import Connected, Event, Facts, Phase, SiteWritten
from ..site import files, paths, problems, schema
from ..site.files import Site
from ..site.secrets import Secret
from .agent import Agent
from .hosts import Target, parse
from .link import SiteLink
from .way import known_hosts

STEP = "connect"
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
VM_NAME = "vm"  # of a site that is made from an address that cannot be a VM's name


class LiveConnection:
    """core.services.Connection over a real link. `read_only`: it neither pins a key nor writes a site file."""

    def __init__(self, site: Site | None, link: SiteLink, *, read_only: bool = False) -> None:
        self._site = site
        self._link = link
        self._read_only = read_only

    async def connect(
        self,
        target: str | None = None,
        *,
        fingerprint: str | None = None,
        accept: str | None = None,
        identity: str | None = None,
        passphrase: Secret | None = None,
        password: Secret | None = None,
    ) -> AsyncIterator[Event]:
        """See core.services.Connection. Nothing is written before the VM has answered."""
        site, new = choose(self._site, target)
        if new and self._read_only:
            raise UsageError(
                "--read-only: connecting to a new address (it writes a site file) changes something",
                hint="leave --read-only out to do it",
            )
        await self._aim(site, fingerprint, identity)
        answers = self._link.answers
        answers.accepted |= {_fingerprint(accept)} if accept else set()
        answers.passphrase = passphrase or answers.passphrase
        answers.password = password or answers.password
        task: asyncio.Task[Agent] = asyncio.create_task(self._link.agent())
        async with aclosing(self._phases(task)) as phases:
            async for phase in phases:
                yield phase
        agent = await task
        yield Phase(step=STEP, title="Asking the VM for its facts")
        connected = self._connected(await _facts(agent))
        written = await threads.call(self._keep, site, new)
        yield connected
        if written is not None:
            yield SiteWritten(name=written.name, path=str(written.path))

    async def close(self) -> None:
        await self._link.close()

    async def _aim(self, site: Site, fingerprint: str | None, identity: str | None) -> None:
        """A link that stands is used as it is, unless it leads elsewhere or something new is to be proved with it."""
        link = self._link
        if link.site is None or (link.site.path, link.site.vm_name) != (site.path, site.vm_name):
            await link.close()
            link.retarget(site)
        elif fingerprint or identity:
            await link.close()
        if fingerprint:
            link.answers.fingerprint = _fingerprint(fingerprint)
        if identity:
            link.answers.identity = Path(identity).expanduser().absolute()

    async def _phases(self, task: asyncio.Task[Agent]) -> AsyncGenerator[Phase, None]:
        """What the link reports, until `task` is done. Closing it cancels the task."""
        reports: asyncio.Queue[Phase | None] = asyncio.Queue()
        link = self._link
        link.report = lambda title, command: reports.put_nowait(Phase(step=STEP, title=title, command=command))
        task.add_done_callback(lambda _: reports.put_nowait(None))
        try:
            while (phase := await reports.get()) is not None:
                yield phase
        finally:
            link.report = _nobody
            if not task.done():
                task.cancel()

    def _connected(self, facts: Facts) -> Connected:
        session = self._link.session
        if session is None:
            raise UsageError("the connection was closed meanwhile", hint="connect again")
        return Connected(
            host=session.host.hostname,
            port=session.host.port,
            user=session.host.user,
            key_type=session.key.type,
            fingerprint=session.key.fingerprint,
            trusted_by=session.trusted_by,
            agent=self._link.agent_hash,
            agent_placed=self._link.placed,
            facts=facts,
        )

    def _keep(self, site: Site, new: bool) -> Site | None:
        """Writes what was learnt: a new site file (and returns it), or the key that a person said yes to."""
        session = self._link.session
        if session is None or self._read_only:
            self._site = site
            return None
        pinned = session.key.pinned if session.trusted_by == "you" else None
        if new:
            site = self._write(site, pinned)
        elif pinned:
            files.pin_host_key(site, pinned)
            site = files.load(site.path, site.vm_name)
        jumps = [f"{name} {key.line}\n" for name, key, by in session.jump_keys if by == "you"]
        if jumps:
            _append(known_hosts(site), "".join(jumps))
        self._site = self._link.site = site
        return site if new else None

    def _write(self, site: Site, pinned: str | None) -> Site:
        vm, chosen = site.vm, self._link.answers.identity
        path = files.write_new(
            site.name,
            site.vm_name,
            host=vm.host,
            port=vm.port,
            user=vm.user,
            identity=str(chosen) if chosen else None,
            host_key=pinned,
        )
        files.use(site.name)
        return files.load(path)


def _nobody(_title: str, _command: str) -> None:
    """Nobody watches any more."""


def _append(path: Path, text: str) -> None:
    paths.make_private(path.parent)
    with open(path, "a", encoding="utf-8", opener=paths.private) as file:
        file.write(text)


def _fingerprint(text: str) -> str:
    """`SHA256:…` as OpenSSH prints it, or with its padding. Raises UsageError."""
    found = FINGERPRINT.fullmatch(text.strip().rstrip("="))
    if found is None:
        raise UsageError(
            f"not a SHA256 fingerprint: {text!r}", hint="ssh-keygen -lf FILE prints SHA256:… of a host key"
        )
    return found[0]


def choose(site: Site | None, target: str | None) -> tuple[Site, bool]:
    """The site and VM that `target` means, and whether that site is yet to be written. Raises UsageError."""
    if target is None:
        if site is None:
            raise UsageError("no site is known yet", hint="trainshed connect USER@HOST writes one")
        return site, False
    if site is not None:
        for name, vm in site.file.vms.items():
            if name == target or _means(vm, target):
                return (site if name == site.vm_name else replace(site, vm_name=name)), False
    return _new_site(parse(target)), True


def _means(vm: schema.VM, text: str) -> bool:
    target = parse(text)
    same_user = target.user is None or target.user == vm.user
    same_port = target.port == vm.port or (target.port or 22) == (vm.port or 22)
    return target.host == vm.host and same_user and same_port


def _new_site(target: Target) -> Site:
    """In memory: written once the VM has answered."""
    name = files.site_name_for(target.host)
    vm_name = target.host if problems.VM_NAME.fullmatch(target.host) else VM_NAME
    vm = schema.VM(host=target.host, port=target.port, user=target.user)
    return Site(schema.SiteFile(name=name, vms={vm_name: vm}, default_vm=vm_name), files.path_of(name), vm_name)


async def _facts(agent: Agent) -> Facts:
    """The skew is the VM's clock less ours at the moment it was read: half the round trip is taken off."""
    began = time.monotonic()
    answer: dict[str, Any] = await agent.call("facts", client_time=time.time())
    round_trip = max(time.monotonic() - began - float(answer.get("took_s", 0.0)), 0.0)
    facts = msgspec.convert(answer, Facts)
    return msgspec.structs.replace(facts, clock_skew_s=facts.clock_skew_s - round_trip / 2)
