"""The byte stream to a server: TCP, a ProxyCommand, or a channel of a jump host.

Blocks, so it runs in a thread. Imports paramiko, so it is imported by functions only.
"""

from __future__ import annotations

import logging
import socket
import subprocess
import threading
from collections.abc import Callable
from typing import Any

from paramiko.ssh_exception import ChannelException, SSHException

from ..errors import ConnectTimeout, LinkLost, Unreachable
from .hosts import Host
from .transport import Transport, tune

Dial = Callable[[], Any]  # makes the byte stream
_log = logging.getLogger(__name__)


class Opening:
    """What has been opened so far; `abort` ends it from another thread."""

    def __init__(self) -> None:
        self._ends: list[Callable[[], object]] = []
        self._lock = threading.Lock()
        self._aborted = False

    def add(self, end: Callable[[], object]) -> None:
        with self._lock:
            self._ends.append(end)
            aborted = self._aborted
        if aborted:
            self.abort()
            raise LinkLost("the connection was given up")

    def abort(self) -> None:
        """Ends everything, the last opened first. Twice is fine."""
        with self._lock:
            self._aborted = True
            ends, self._ends = self._ends[::-1], []
        for end in ends:
            try:
                end()
            except Exception as error:  # the others still have to end
                _log.debug("%r: %r", end, error)


def dialler(host: Host, opening: Opening) -> Dial:
    """Makes the byte stream to the first server."""

    def dial() -> Any:
        sock = _proxied(host, opening) if host.proxy_command else _tcp(host)
        opening.add(sock.close)
        return sock

    return dial


def _tcp(host: Host) -> socket.socket:
    try:
        sock = socket.create_connection((host.hostname, host.port), host.timeout_s)
        tune(sock)
    except TimeoutError:
        raise timed_out(host) from None
    except socket.gaierror:
        raise Unreachable(
            f"the name {host.hostname} is not known", hint="check its spelling, or use its address"
        ) from None
    except ConnectionRefusedError:
        hint = "no SSH server listens there: check the port, and that the VM is up"
        raise Unreachable(f"{place(host)} refuses the connection", hint=hint) from None
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise Unreachable(
            f"{place(host)} cannot be reached: {reason}", hint="check the network, a VPN, the address"
        ) from None
    return sock


def _proxied(host: Host, opening: Opening) -> socket.socket:
    """ssh gives a ProxyCommand to the shell; a socket pair stands for its standard input and output."""
    ours, theirs = socket.socketpair()
    words = ["/bin/sh", "-c", "exec " + host.proxy_command]
    with theirs:
        process = subprocess.Popen(
            words, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.DEVNULL, start_new_session=True
        )

    def end() -> None:
        process.kill()
        process.wait(5)

    opening.add(end)
    return ours


def forwarder(transport: Transport, jump: Host, host: Host) -> Dial:
    """Makes the byte stream to a server behind a jump host."""

    def dial() -> Any:
        try:
            return transport.open_channel(
                "direct-tcpip", (host.hostname, host.port), ("127.0.0.1", 0), timeout=host.timeout_s
            )
        except ChannelException as error:
            hint = (
                "AllowTcpForwarding may be off there" if error.code == 1 else f"from {jump.hostname} it has to answer"
            )
            raise Unreachable(f"{jump.hostname} does not reach {place(host)}: {error.text}", hint=hint) from None
        except (SSHException, EOFError, OSError):
            if transport.is_active():
                raise timed_out(host) from None
            raise Unreachable(f"the jump host {jump.hostname} ended the connection") from None

    return dial


def place(host: Host) -> str:
    return f"{host.hostname} port {host.port}"


def timed_out(host: Host) -> ConnectTimeout:
    hint = "check the address and the firewall; ConnectTimeout in ~/.ssh/config gives it longer"
    return ConnectTimeout(f"{place(host)} does not answer within {host.timeout_s:g} s", hint=hint)
