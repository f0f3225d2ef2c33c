"""Who may come in. A port on loopback is open to every user of the machine, and to every page in the browser.

A link has a ticket that works once, within minutes, and opens a session; its key is a part of every later address. It
is in no cookie: a cookie of 127.0.0.1 goes to the servers of other users on other ports, too. The key ends half an hour
after the session's last page, and after a day in any case. Host has to be this
server's (a name that was made to lead here is refused), and a websocket's Origin has to be this server's page.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

NAMES = ("127.0.0.1", "localhost", "[::1]")
KEY_BYTES = 32
LIFE_S = 600.0  # of a link that nobody opens
IDLE_S = 1800.0  # of a session that no page is open of
TOTAL_S = 86_400.0  # of any session


@dataclass
class Session:
    began: float
    used: float
    pages: int = 0  # that are open


class Door:
    def __init__(self, port: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._port = port
        self._clock = clock
        self._tickets: dict[str, float] = {}  # and when it was given out
        self._sessions: dict[str, Session] = {}  # by key

    def link(self, host: str) -> str:
        """A new address that works once."""
        ticket = secrets.token_urlsafe(KEY_BYTES)
        self._tickets[ticket] = self._clock()
        return f"http://{host}:{self._port}/open/{ticket}"

    def redeem(self, ticket: str) -> str | None:
        """The key of a new session; None for a ticket that was never given out, was used, or is too old."""
        if not _among(ticket, self._tickets) or self._clock() - self._tickets.pop(ticket) > LIFE_S:
            return None
        key, now = secrets.token_urlsafe(KEY_BYTES), self._clock()
        self._sessions[key] = Session(now, now)
        return key

    def knows(self, key: str) -> bool:
        """Whether it is the key of a session that has not ended; then it was used now."""
        now = self._clock()
        over = [known for known, session in self._sessions.items() if self._left(session, now) <= 0]
        for known in over:
            del self._sessions[known]
        if not _among(key, self._sessions):
            return False
        self._sessions[key].used = now
        return True

    @contextmanager
    def page(self, key: str) -> Iterator[float]:
        """As long as a page of this session is open; how many seconds that may be."""
        session = self._sessions[key]
        session.pages += 1
        try:
            yield max(0.0, self._left(session, self._clock()))
        finally:
            session.pages -= 1
            session.used = self._clock()

    def _left(self, session: Session, now: float) -> float:
        idle = TOTAL_S if session.pages else session.used + IDLE_S - now
        return min(session.began + TOTAL_S - now, idle)

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
