"""What the VM gets to reach the container: for one call, never kept, and no account key but where the site says so."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from urllib.parse import parse_qs

from .. import threads
from ..errors import DataError
from ..events import Notice
from ..site import files
from ..site.files import Site
from ..site.secrets import Secret
from ..ssh.agent import Link, Message
from . import remembered, source

CHECK_S = 900.0
STAGE_S = 2 * 3600.0
REFUSALS = ("AuthenticationFailed", "InvalidQueryParameterValue")  # of a SAS token as such
GIVEN = "the storage service refuses a SAS token made of the account key, so the VM gets the key itself (key_on_vm)"
FRESH = "the SAS token has ended: a new one was made, and staging goes on where it was"


class Lender:
    """Of one site; remembers that the service refuses SAS tokens of ours. `read_only`: keeps nothing on the client."""

    def __init__(self, site: Site, link: Link, *, read_only: bool = False) -> None:
        self._site = site
        self._link = link
        self._read_only = read_only
        self._refused = False
        self._given: dict[str, Secret] = {}  # kept, so that reports hide them

    async def described(self, life_s: float) -> dict[str, Any]:
        """As `core.data.source`, with what is remembered. Raises SiteError, SecretError."""
        self._site = await threads.call(files.with_data_of_now, self._site)
        found = await threads.call(source, self._site, None if self._refused else life_s)
        credential: str = found["credential"]
        signed = parse_qs(credential.partition("?")[2] or credential).get("sig", [])
        self._given.update((text, Secret(text)) for text in (credential, *signed) if text not in self._given)
        return {**found, "remembered": await threads.call(remembered.load, self._site)}

    def anew(self) -> None:
        """A token is tried again: what was refused may have been a wrong key, which is corrected by now."""
        self._refused = False

    async def remember(self, api_version: str) -> None:
        if api_version and not self._read_only:
            await threads.call(remembered.save, self._site, api_version)

    def refused(self, described: dict[str, Any], service_code: str) -> bool:
        """Whether the VM may have what the site has itself, as the site file says: from now on that is given.

        Not by itself: a VM, or what stands for the service, would have the key for saying no.
        """
        allowed = self._site.file.data is not None and self._site.file.data.key_on_vm
        self._refused = self._refused or (allowed and described["lent"] and service_code in REFUSALS)
        return self._refused and bool(described["lent"])

    async def stage(self, **args: Any) -> AsyncGenerator[Message | Notice, None]:
        """What the agent says of `data.stage`. One that outlives its SAS token is begun again with a fresh one."""
        came = before = -1  # bytes
        while True:
            described = await self.described(STAGE_S)
            agent = await self._link.agent()
            try:
                async with aclosing(agent.stream("data.stage", source=described, **args)) as messages:  # type: ignore[type-var]
                    async for message in messages:
                        came = max(came, _done(message))
                        yield message
                return
            except DataError as error:
                code = str(error.facts.get("service_code", ""))
                if not described["lent"] or code not in REFUSALS:
                    raise
                if came > before:  # the token was good until now
                    before = came
                    yield Notice(text=FRESH)
                    continue
                if not self.refused(described, code):
                    raise
                yield Notice(text=GIVEN, level="warning")


def _done(message: Message) -> int:
    """Bytes, of an event of progress; -1 of anything else."""
    done = message.get("done") if isinstance(message, dict) and message.get("event") == "progress" else None
    return done if isinstance(done, int) else -1
