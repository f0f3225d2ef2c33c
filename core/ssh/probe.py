"""What a server shows to anybody: its banner, its offer of algorithms, and how one may log in.

One connection, no credential. Imports nothing heavy itself; what it runs in a thread does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .. import threads
from ..site.files import Site
from .answers import Answers
from .hostkeys import HostKey
from .lazy import load
from .way import find_way

if TYPE_CHECKING:
    from .dial import Opening


@dataclass(frozen=True)
class Offer:
    """The server's side of the key exchange (RFC 4253, section 7.1), in its order of preference."""

    banner: str  # SSH-2.0-…
    kex: tuple[str, ...]  # pseudo-algorithms such as kex-strict-s-v00@openssh.com included
    host_key_algorithms: tuple[str, ...]
    ciphers: tuple[str, ...]  # of both directions, each once
    macs: tuple[str, ...]
    compression: tuple[str, ...]
    auth_methods: tuple[str, ...] | None  # None: not to be had, `reason` says why
    reason: str = ""
    host_key: HostKey | None = None  # shown in the key exchange; not compared with anything here
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # all ten, by paramiko's names


async def probe(site: Site, answers: Answers | None = None) -> Offer:
    """Goes where `connect` goes, over the same jump hosts (which are logged in to and recognised as always).

    Raises Unreachable, ConnectTimeout, ConnectError where the server shows no offer at all,
    and for a jump host whatever a connect does.
    """
    told = answers or Answers()
    way, offers = await asyncio.gather(find_way(site, told), threads.call(load, "offer"))
    opening: Opening = offers.Opening()
    try:
        seen: Offer = await threads.call(offers.look, way, told, opening)
    finally:
        threads.spawn(opening.abort, "probe-end")
    return seen
