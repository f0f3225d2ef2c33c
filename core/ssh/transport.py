"""paramiko's Transport as we use it: quiet, no weak offers, the server's own offer kept, ended at once.

Imports paramiko, so it is imported by functions only.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Sequence
from typing import Any

import paramiko
from paramiko.auth_handler import AuthHandler
from paramiko.common import MSG_GLOBAL_REQUEST
from paramiko.ssh_exception import AuthenticationException, BadAuthenticationType, SSHException

from .. import threads
from .hostkeys import HostKey

# paramiko 5.1 still offers these; no server that we want needs them.
WEAK = {
    "ciphers": ["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"],
    "macs": ["hmac-sha1", "hmac-md5", "hmac-sha1-96", "hmac-md5-96"],
}
# Authenticated encryption in one pass: the fastest, too, where the processor has AES.
FIRST_CIPHERS = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com")
KEEPALIVE_S = 15.0
UNANSWERED = 4  # questions; then the connection is taken for dead
DEAD_AFTER_S = 60  # what we sent is not even acknowledged: the kernel ends the connection

# It logs a broken handshake with its traceback, which Python would print for want of a handler.
_log = logging.getLogger("paramiko")
_log.addHandler(logging.NullHandler())
_log.propagate = False


class _Auth(AuthHandler):
    """Keeps the methods that the server offers; paramiko forgets them where the method itself was allowed."""

    offered: tuple[str, ...] = ()

    def _parse_userauth_failure(self, m: Any) -> None:
        self.offered = tuple(m.get_list())
        m.rewind()
        super()._parse_userauth_failure(m)  # type: ignore[misc]


class Transport(paramiko.Transport):
    """One SSH connection over `sock`, as a client."""

    _preferred_keys: tuple[str, ...]
    _preferred_ciphers: tuple[str, ...]

    def __init__(self, sock: Any, timeout_s: float, prefer: Sequence[str] = (), *, weak: bool = False) -> None:
        """`prefer`: key types of known_hosts to ask for first. `weak`: offer all that paramiko can (a probe)."""
        super().__init__(sock, disabled_algorithms=None if weak else WEAK)
        self.offer: dict[str, tuple[str, ...]] = {}
        self.offered: tuple[str, ...] = ()
        self.login_key: tuple[str, int] | None = None  # type and bits of the key that let us in
        self.dismissed = False  # the server has said that it ends the connection (SSH_MSG_DISCONNECT)
        self._over = threading.Event()
        self._heard = True  # something, since the last look
        self._timeout_s = timeout_s
        self.banner_timeout = self.handshake_timeout = timeout_s
        self.auth_timeout = max(timeout_s, 30.0)
        self._preferred_keys = _by_preference(self._preferred_keys, prefer)
        self._preferred_ciphers = tuple(dict.fromkeys([*FIRST_CIPHERS, *self._preferred_ciphers]))

    @property
    def preferred_keys(self) -> Sequence[str]:
        """Without paramiko's certificate variants: a host certificate is not looked at."""
        return self._preferred_keys

    def _really_parse_kex_init(self, m: Any, ignore_first_byte: bool = False) -> dict[str, Any]:
        parsed: dict[str, Any] = super()._really_parse_kex_init(m, ignore_first_byte)  # type: ignore[misc]
        if not self.offer and not ignore_first_byte:  # the latter is our own, read again
            self.offer = {key: tuple(value) for key, value in parsed.items() if isinstance(value, list)}
        return parsed

    def _parse_disconnect(self, m: Any) -> None:
        self.dismissed = True
        super()._parse_disconnect(m)  # type: ignore[misc]

    def handshake(self) -> HostKey:
        """Key exchange. Raises SSHException, EOFError, OSError, TimeoutError."""
        self.start_client(timeout=self._timeout_s)
        if not self.initial_kex_done:
            raise TimeoutError
        key = self.get_remote_server_key()
        return HostKey(key.get_name(), key.asbytes())

    def attempt(self, method: str, user: str, *args: Any) -> str:
        """One login attempt: "ok", "partial" (more is asked for) or "refused"; `offered` is up to date after it.

        Raises EOFError when the connection ends, TimeoutError when the server does not answer.
        """
        done = threading.Event()
        handler = _Auth(self)
        self.auth_handler = handler
        self.saved_exception = None
        getattr(handler, "auth_" + method)(user, *args, done)
        try:
            remaining = handler.wait_for_response(done)
        except BadAuthenticationType:
            result = "refused"
        except (AuthenticationException, SSHException) as error:
            if not self.is_active():
                raise EOFError(str(error)) from None
            if not done.is_set():
                raise TimeoutError from None
            result = "refused"
        except ConnectionError as error:
            raise EOFError(str(error)) from None
        else:
            result = "partial" if remaining else "ok"
        self.offered = handler.offered or self.offered
        return result

    def stay_alive(self) -> None:
        """From now on a silent server is asked for a sign of life, and left when it gives none.

        TCP does not notice: what is between us may acknowledge every byte and pass nothing on.
        """
        self._read_all = self.packetizer.read_all
        self.packetizer.read_all = self._hearing  # type: ignore[method-assign]
        threads.spawn(self._watch, "keepalive")

    def _hearing(self, *args: Any, **more: Any) -> Any:
        data = self._read_all(*args, **more)
        self._heard = True
        return data

    def _watch(self) -> None:
        """Looks are counted, not seconds: a computer that slept has not waited for anybody."""
        unanswered = 0
        while self.is_active() and unanswered <= UNANSWERED:
            if self._over.wait(KEEPALIVE_S):
                return
            unanswered = 0 if self._heard else unanswered + 1
            self._heard = False
            if unanswered:
                threads.spawn(self._ask, "keepalive-question")  # it may have to wait for what is being sent
        self.end()

    def _ask(self) -> None:
        """OpenSSH refuses this request, which is the sign of life."""
        question = paramiko.Message()
        question.add_byte(bytes([MSG_GLOBAL_REQUEST]))
        question.add_string("keepalive@openssh.com")
        question.add_boolean(True)
        try:
            self._send_user_message(question)  # type: ignore[attr-defined]
        except (OSError, EOFError, SSHException) as error:
            _log.debug("keepalive: %r", error)

    def end(self) -> None:
        """Ends the connection now, whatever other threads do with it. Never raises."""
        self._over.set()
        try:
            self.close()
        except Exception as error:  # its state is of no interest any more
            _log.debug("close: %r", error)
        finally:
            # Else its handshake timer would live on, a thread for as long as the timeout.
            self.packetizer.complete_handshake()
            self.sock.close()


def _by_preference(algorithms: Sequence[str], types: Sequence[str]) -> tuple[str, ...]:
    wanted = [name for kind in types for name in algorithms if _key_type(name) == kind]
    return tuple(dict.fromkeys([*wanted, *algorithms]))


def _key_type(algorithm: str) -> str:
    return "ssh-rsa" if algorithm.startswith("rsa-sha2-") else algorithm


def key_types(offer: Sequence[str]) -> list[str]:
    """Key types of a server's host-key algorithms that we can check, in our order of preference."""
    ours = [name for name in paramiko.Transport._preferred_keys if name in offer]  # type: ignore[attr-defined]
    return list(dict.fromkeys(_key_type(name) for name in ours))


def tune(sock: socket.socket) -> None:
    """Small messages at once; a dead peer is noticed."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_AFTER_S * 1000)
