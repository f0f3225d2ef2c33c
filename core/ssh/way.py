"""The way to a VM: every server on it, resolved, with what each can be recognised by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .. import threads
from ..errors import ConfigError
from ..site import paths
from ..site.files import Site
from .answers import Answers
from .hostkeys import Trust, look_up, read
from .hosts import Host, Target, resolve

DEEPEST = 8  # jump hosts that name jump hosts


@dataclass(frozen=True)
class Hop:
    """A server on the way, or the last one."""

    host: Host
    trust: Trust


async def find_way(site: Site, answers: Answers) -> list[Hop]:
    """The jump hosts, nearest first, then the VM. Raises UsageError, ConfigError."""
    vm = site.vm
    identity = answers.identity or (site.resolve(vm.identity) if vm.identity else None)
    last = await resolve(Target(vm.host, vm.port, vm.user), identity)
    jumps = await _jumps(last, 0)
    own = known_hosts(site)
    found = await threads.call(lambda: {file: read([file]) for file in _files([*jumps, last], own)})

    def trust(host: Host, pins: tuple[str, ...] = (), fingerprint: str | None = None) -> Trust:
        entries = [entry for file in (*host.known_hosts, own) for entry in found[file]]
        return Trust(pins, str(site.path), look_up(host, entries), fingerprint, frozenset(answers.accepted))

    hops = [Hop(host, trust(host)) for host in jumps]
    return [*hops, Hop(last, trust(last, tuple(vm.host_keys), answers.fingerprint))]


async def _jumps(host: Host, depth: int) -> list[Host]:
    """Only the first jump host's own ProxyJump counts: the others are reached from the one before."""
    if depth > DEEPEST:
        raise ConfigError(f"ProxyJump of {host.alias} leads in a circle", hint="see: ssh -G " + host.alias)
    if not host.jumps:
        return []
    first = await resolve(host.jumps[0])
    rest = [await resolve(target, direct=True) for target in host.jumps[1:]]
    return [*await _jumps(first, depth + 1), first, *rest]


def _files(hosts: Iterable[Host], own: Path) -> list[Path]:
    return list(dict.fromkeys([*(file for host in hosts for file in host.known_hosts), own]))


def known_hosts(site: Site) -> Path:
    """Where the keys of jump hosts are kept that a person said yes to (the VM's own is pinned in the site file)."""
    return paths.state(site.name) / "known_hosts"
