"""Who may come in. A port on loopback is open to every user of the machine, and to every page in the browser.

A link has a ticket that works once, within minutes, and opens a session; its key is a part of every later address. It
is in no cookie: a cookie of 127.0.0.1 goes to the servers of other users on other ports, too. Host has to be this
server's (a name that was made to lead here is refused), and a websocket's Origin has to be this server's page.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Iterable

NAMES = ("127.0.0.1", "localhost", "[::1]")
KEY_BYTES = 32
LIFE_S = 600.0  # of a link that nobody opens


class Door:
    def __init__(self, port: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._port = port
        self._clock = clock
        self._tickets: dict[str, float] = {}  # and when it was given out
        self._sessions: list[str] = []

    def link(self, host: str) -> str:
        """A new address that works once."""
        ticket = secrets.token_urlsafe(KEY_BYTES)
        self._tickets[ticket] = self._clock()
        return f"http://{host}:{self._port}/open/{ticket}"

    def redeem(self, ticket: str) -> str | None:
        """The key of a new session; None for a ticket that was never given out, was used, or is too old."""
        if not _among(ticket, self._tickets) or self._clock() - self._tickets.pop(ticket) > LIFE_S:
            return None
        self._sessions.append(secrets.token_urlsafe(KEY_BYTES))
        return self._sessions[-1]

    def knows(self, key: str) -> bool:
        return _among(key, self._sessions)

    def is_ours(self, hosts: Iterable[str]) -> bool:
        """Whether the one Host header is an address of loopback with our port."""
        return list(hosts) in ([f"{name}:{self._port}"] for name in NAMES)

    @staticmethod
    def is_same(origins: Iterable[str], host: str) -> bool:
        """Whether the one Origin header is the page that came from this host; none is not."""
        return list(origins) == [f"http://{host}"]


def _among(given: str, known: Iterable[str]) -> bool:
    """Every one is compared, in the same time."""
    return sum(hmac.compare_digest(given.encode(), one.encode()) for one in known) > 0
