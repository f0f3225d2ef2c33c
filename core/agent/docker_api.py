"""Docker's Engine API, 1.40 (Docker 19.03) or newer, over its unix socket: docs.docker.com/reference/api/engine.

The `docker` command is not used: it takes 30 ms to start, and what it is given shows in `ps`.
"""

from __future__ import annotations

import codecs
import http.client
import json
import os
import select
import socket
from typing import Any, Callable, Dict, Iterator, Optional, Tuple
from urllib.parse import urlencode

from .faults import Fault

DEFAULT = "/var/run/docker.sock"
NEWEST = (1, 47)  # of the API that this is written for; a daemon that has dropped it is asked by its own oldest
TIMEOUT_S = 30.0
IDLE_S = 0.5  # of silence, then whoever waits is told
CHUNK = 64 * 1024
HINT = "is the docker service running, and is this user in the group docker?"


class NotThere(Exception):
    """No such container or image."""


class Unanswered(Exception):
    """Docker does not answer now, which says nothing about its containers."""


class Slow(Unanswered):
    """It has not answered in time."""


class Refusal(Exception):
    """Docker's own words, and its status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def socket_path() -> str:
    """As the docker command finds it; "" where DOCKER_HOST leads to another machine."""
    named = os.environ.get("DOCKER_HOST", "")
    if not named:
        return DEFAULT
    return named[len("unix://") :] if named.startswith("unix://") else ""


def _nothing() -> None:
    pass


class _Socket(socket.socket):
    """While it waits for an answer it calls `idle` now and then, which may raise.

    A socket's own timeout would not do: a response that has had one cannot be read any further.
    """

    idle: Callable[[], None]

    def recv_into(self, *given: Any) -> int:
        if self.gettimeout() is None:
            poll = select.poll()
            poll.register(self, select.POLLIN)
            while not poll.poll(IDLE_S * 1000):
                self.idle()
        return super().recv_into(*given)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: Optional[float], idle: Callable[[], None]) -> None:
        super().__init__("docker", timeout=timeout)
        self._path = path
        self._idle = idle

    def connect(self) -> None:
        self.sock = _Socket(socket.AF_UNIX)
        self.sock.idle = self._idle
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Docker:
    def __init__(self, path: str = "") -> None:
        self.path = path or socket_path()
        self._prefix = ""

    def call(
        self,
        method: str,
        target: str,
        body: Any = None,
        timeout: Optional[float] = TIMEOUT_S,
        idle: Callable[[], None] = _nothing,
        **query: Any,
    ) -> Any:
        """The JSON of the answer, None where it has none. Where there is no timeout, `idle` is called while Docker is
        silent. Raises NotThere, Unanswered, Refusal, and what `idle` raises.
        """
        connection, answer = self._asked(method, target, body, timeout, query, idle=idle)
        try:
            data = answer.read()
            return json.loads(data.decode()) if data.strip() else None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _unanswered(error) from None
        finally:
            connection.close()

    def lines(
        self,
        method: str,
        target: str,
        body: Any = None,
        kind: str = "",
        idle: Callable[[], None] = _nothing,
        **query: Any,
    ) -> Iterator[Dict[str, Any]]:
        """One JSON object after another, as a build or a pull sends them. `body` may be a file with `kind`.

        `idle`: as `call` has it; when it raises, the connection ends, and with it a build.
        """
        connection, answer = self._asked(method, target, body, None, query, kind, idle)
        try:
            for line in answer:
                if line.strip():
                    yield json.loads(line.decode())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unanswered(str(error)) from None
        finally:
            connection.close()

    def text(self, target: str, idle: Callable[[], None] = _nothing, **query: Any) -> Iterator[str]:
        """What a container with a terminal prints, as it comes; `idle`, and what is raised: as `call` has it."""
        connection, answer = self._asked("GET", target, None, None, query, idle=idle)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        try:
            chunk = answer.read1(CHUNK)
            while chunk:
                yield decoder.decode(chunk)
                chunk = answer.read1(CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise Unanswered(str(error)) from None
        finally:
            connection.close()

    def _asked(
        self,
        method: str,
        target: str,
        body: Any,
        timeout: Optional[float],
        query: Dict[str, Any],
        kind: str = "",
        idle: Callable[[], None] = _nothing,
    ) -> Tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        where = self._versioned(target) + ("?" + urlencode(query) if query else "")
        headers = {"Content-Type": kind or "application/json"} if body is not None else {}
        data = body if kind or body is None else json.dumps(body).encode()
        connection = _Connection(self.path, timeout, idle)
        try:
            connection.request(method, where, data, headers)
            answer = connection.getresponse()
            if answer.status < 400:
                return connection, answer
            message = _message(answer.read())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise _unanswered(error) from None
        except BaseException:
            connection.close()
            raise
        connection.close()
        if answer.status == 404:
            raise NotThere(message)
        raise Refusal(answer.status, message)

    def _versioned(self, target: str) -> str:
        if target == "/version":
            return target
        if not self._prefix:
            said = self.call("GET", "/version", timeout=5.0)
            oldest, newest = (_numbers(said[key]) for key in ("MinAPIVersion", "ApiVersion"))
            self._prefix = "/v%d.%d" % max(oldest, min(newest, NEWEST))
        return self._prefix + target

    def version(self) -> str:
        """Raises Unanswered, Refusal."""
        return str(self.call("GET", "/version", timeout=5.0)["Version"])

    def usable(self) -> Tuple[str, str]:
        """(Docker's version, "") or ("", why it cannot be used)."""
        if not self.path:
            return "", "DOCKER_HOST leads to another machine: the sandbox has to be on this one"
        if not os.path.exists(self.path):
            return "", "there is no Docker on this VM (%s)" % self.path
        try:
            return self.version(), ""
        except (Unanswered, Refusal, KeyError) as error:
            return "", "Docker does not answer at %s (%s): %s" % (self.path, error, HINT)


def _unanswered(error: Exception) -> Unanswered:
    return (Slow if isinstance(error, socket.timeout) else Unanswered)(str(error))


def _numbers(version: str) -> Tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor)


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data.decode())["message"])
    except (ValueError, KeyError, TypeError):
        return data[:500].decode(errors="replace")


def fault(error: Exception, what: str) -> Fault:
    """For whoever asked for `what`."""
    if isinstance(error, Unanswered):
        return Fault("sandbox", "%s: Docker does not answer" % what, HINT)
    return Fault("sandbox", "%s: %s" % (what, error))
