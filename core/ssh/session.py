"""One SSH connection: reached (directly, over jump hosts or a ProxyCommand), recognised, entered.

Everything here blocks and runs in a thread. Imports paramiko, so it is imported by functions only.
"""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from paramiko import Channel
from paramiko.ssh_exception import ChannelException, IncompatiblePeer, SSHException

from ..errors import (
    AuthFailed,
    ConnectError,
    ConnectTimeout,
    HostKeyChanged,
    HostKeyUnknown,
    LinkLost,
    PasswordNeeded,
    Unreachable,
)
from ..site.secrets import Secret
from .answers import Answers
from .hostkeys import HostKey, decide, known_name, preferred_types
from .hosts import Host
from .keys import Keys
from .probe import Offer
from .transport import Transport, key_types, tune
from .way import Hop

KEYS_TRIED = 4  # sshd ends the connection after MaxAuthTries, 6 by default and often 3 or 4
CHANNEL_TIMEOUT_S = 30.0
Dial = Callable[[], Any]  # makes the byte stream to a server
JumpKey = tuple[str, HostKey, str]  # its name in known_hosts, its key, by what it is trusted


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
            end()


class Session:
    """A login on the last server of the way."""

    def __init__(
        self,
        host: Host,
        transport: Transport,
        key: HostKey,
        trusted_by: str,
        jump_keys: Sequence[JumpKey],
        opening: Opening,
    ) -> None:
        self.host = host
        self.key = key
        self.trusted_by = trusted_by
        self.jump_keys = jump_keys
        self._transport = transport
        self._opening = opening

    @property
    def alive(self) -> bool:
        return bool(self._transport.is_active())

    def run(self, command: str) -> Channel:
        """The channel of a command that was started. Raises LinkLost, ConnectError."""
        try:
            channel: Channel = self._transport.open_session(timeout=CHANNEL_TIMEOUT_S)
            channel.exec_command(command)
        except ChannelException as error:
            raise ConnectError(
                f"{self.host.hostname} opens no channel: {error.text}", hint="its MaxSessions may be used up"
            ) from None
        except (SSHException, EOFError, OSError) as error:
            if self.alive:
                raise ConnectError(
                    f"{self.host.hostname} starts no command: {error}", hint="the account may not be allowed to"
                ) from None
            raise LinkLost(f"the connection to {self.host.hostname} ended") from None
        return channel

    def close(self) -> None:
        self._opening.abort()


def open_session(way: Sequence[Hop], answers: Answers, opening: Opening) -> Session:
    """Through all hops but the last into the last. Raises ConnectError and its kin, ConfigError."""
    try:
        dial, jump_keys = _through(way, answers, opening)
        transport, key, trusted_by = _recognise(way[-1], dial, opening)
        login(transport, way[-1].host, answers)
    except BaseException:
        opening.abort()
        raise
    transport.stay_alive()
    return Session(way[-1].host, transport, key, trusted_by, jump_keys, opening)


def _through(way: Sequence[Hop], answers: Answers, opening: Opening) -> tuple[Dial, list[JumpKey]]:
    """How to reach the last server, after a login on each before it."""
    dial = dialler(way[0].host, opening)
    keys: list[JumpKey] = []
    for hop, after in pairwise(way):
        transport, key, trusted_by = _recognise(hop, dial, opening)
        _login_jump(transport, hop.host, answers)
        transport.stay_alive()
        keys.append((known_name(hop.host), key, trusted_by))
        dial = forwarder(transport, hop.host, after.host)
    return dial, keys


def look(way: Sequence[Hop], answers: Answers, opening: Opening) -> Offer:
    """See core.ssh.probe. One connection to the last server, and no credential on it."""
    host = way[-1].host
    dial, _ = _through(way, answers, opening)
    transport = Transport(dial(), host.timeout_s, weak=True)
    opening.add(transport.end)
    key, methods, reason = None, None, ""
    try:
        key = handshake(transport, host)
        methods, reason = _methods(transport, host)
    except ConnectError as error:
        if not transport.offer:
            raise
        reason = error.title
    names = transport.offer
    return Offer(
        banner=transport.remote_version,
        kex=names["kex_algo_list"],
        host_key_algorithms=names["server_key_algo_list"],
        ciphers=_both(names, "encrypt"),
        macs=_both(names, "mac"),
        compression=_both(names, "compress"),
        auth_methods=methods,
        reason=reason,
        host_key=key,
        lists=names,
    )


def _both(names: dict[str, tuple[str, ...]], what: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*names[f"client_{what}_algo_list"], *names[f"server_{what}_algo_list"]]))


def _methods(transport: Transport, host: Host) -> tuple[tuple[str, ...] | None, str]:
    try:
        result = transport.attempt("none", host.user)
    except (EOFError, TimeoutError):
        return None, "the server ended the connection when asked how to log in"
    if result == "ok":
        return ("none",), "the server lets anybody in"
    return transport.offered, ""


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
        raise _timed_out(host) from None
    except socket.gaierror:
        raise Unreachable(
            f"the name {host.hostname} is not known", hint="check its spelling, or use its address"
        ) from None
    except ConnectionRefusedError:
        hint = "no SSH server listens there: check the port, and that the VM is up"
        raise Unreachable(f"{_place(host)} refuses the connection", hint=hint) from None
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise Unreachable(
            f"{_place(host)} cannot be reached: {reason}", hint="check the network, a VPN, the address"
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
            raise Unreachable(f"{jump.hostname} does not reach {_place(host)}: {error.text}", hint=hint) from None
        except (SSHException, EOFError, OSError):
            if transport.is_active():
                raise _timed_out(host) from None
            raise Unreachable(f"the jump host {jump.hostname} ended the connection") from None

    return dial


def _place(host: Host) -> str:
    return f"{host.hostname} port {host.port}"


def _timed_out(host: Host) -> ConnectTimeout:
    hint = "check the address and the firewall; ConnectTimeout in ~/.ssh/config gives it longer"
    return ConnectTimeout(f"{_place(host)} does not answer within {host.timeout_s:g} s", hint=hint)


def _recognise(hop: Hop, dial: Dial, opening: Opening) -> tuple[Transport, HostKey, str]:
    """Key exchange and the decision; a server with several keys is asked for the one that we can recognise."""
    prefer = preferred_types(hop.trust.known, hop.trust.pins)
    tried: set[str] = set()
    first: HostKeyChanged | HostKeyUnknown | None = None
    while True:
        transport = Transport(dial(), hop.host.timeout_s, prefer)
        opening.add(transport.end)
        key = handshake(transport, hop.host)
        if first is not None and key.type in tried:
            raise first
        try:
            return transport, key, decide(hop.host, key, hop.trust)
        except (HostKeyChanged, HostKeyUnknown) as error:
            transport.end()
            first = first or error
        tried.add(key.type)
        others = [kind for kind in key_types(transport.offer.get("server_key_algo_list", ())) if kind not in tried]
        if hop.trust.pins or hop.trust.fingerprint is None or not others:
            raise first
        prefer = others


def handshake(transport: Transport, host: Host) -> HostKey:
    """Raises ConnectError, ConnectTimeout, Unreachable."""
    try:
        return transport.handshake()
    except IncompatiblePeer as error:
        raise _incompatible(transport, host, error) from None
    except TimeoutError:
        raise _timed_out(host) from None
    except (EOFError, ConnectionError):
        raise _hung_up(host) from None
    except SSHException as error:
        if isinstance(error.__context__, TimeoutError):
            raise _timed_out(host) from None
        if isinstance(error.__context__, (EOFError, OSError)):
            raise _hung_up(host) from None
        raise ConnectError(
            f"{_place(host)} does not speak SSH as it should: {error}", hint="is it an SSH server?"
        ) from None
    except OSError as error:
        raise Unreachable(f"the connection to {_place(host)} broke: {error.strerror or error}") from None


def _hung_up(host: Host) -> Unreachable:
    hint = "no SSH server, a full MaxStartups, or our address is penalised: wait a minute and try again"
    if host.proxy_command:
        hint = f"does this work in a shell? {host.proxy_command}"
    return Unreachable(f"{_place(host)} ended the connection before it said who it is", hint=hint)


OFFERS = {
    "kex": "kex_algo_list",
    "host key": "server_key_algo_list",
    "ciphers": "client_encrypt_algo_list",
    "macs": "client_mac_algo_list",
}


def _incompatible(transport: Transport, host: Host, error: IncompatiblePeer) -> ConnectError:
    what = next((word for word in OFFERS if word in str(error)), "")
    offered = ", ".join(transport.offer.get(OFFERS.get(what, ""), ())) or "nothing that is known"
    return ConnectError(
        f"{_place(host)} has no {what or 'protocol'} in common with us; it offers: {offered}",
        hint="its SSH server is too old, or set too narrowly: it has to be updated",
        offer={key: list(names) for key, names in transport.offer.items()},
    )


def login(transport: Transport, host: Host, answers: Answers) -> None:
    """Keys first, then the password if there is one.

    Raises AuthFailed, PassphraseNeeded, PasswordNeeded, ConnectTimeout, ConfigError.
    """
    keys = Keys(host, answers.passphrase)
    tried: list[str] = []
    try:
        if _try_keys(transport, host, keys, tried):
            return
        if not transport.offered and transport.attempt("none", host.user) == "ok":
            return
        if keys.locked and "publickey" in transport.offered and answers.password is None:
            raise keys.locked[0]
        if _try_password(transport, host, answers.password, tried):
            return
    except EOFError:
        raise _cut_off(transport, host, tried) from None
    except TimeoutError:
        raise ConnectTimeout(f"{_place(host)} does not answer the login", hint="try again") from None
    finally:
        keys.close()
    raise _refused(transport, host, tried)


def _login_jump(transport: Transport, host: Host, answers: Answers) -> None:
    """The password is the last server's; a jump host is entered by key."""
    try:
        login(transport, host, replace(answers, password=None))
    except PasswordNeeded:
        raise _refused(transport, host, ["keys; a password is not sent to a jump host"]) from None


def _try_keys(transport: Transport, host: Host, keys: Keys, tried: list[str]) -> bool:
    for candidate in keys.candidates():
        if len(tried) >= KEYS_TRIED:
            break
        try:
            result = transport.attempt("publickey", host.user, candidate.key)
        except (EOFError, TimeoutError):
            tried.append(candidate.label)
            raise
        if result == "ok":
            return True
        tried.append(candidate.label)
        if "publickey" not in transport.offered:
            break
    return False


def _try_password(transport: Transport, host: Host, password: Secret | None, tried: list[str]) -> bool:
    """Asked for only where the server takes one; keyboard-interactive with one hidden question is the same."""
    if not {"password", "keyboard-interactive"} & set(transport.offered):
        return False
    if password is None:
        raise PasswordNeeded(
            f"{host.hostname} asks for the password of {host.user}",
            hint="a key is safer: ssh-copy-id puts yours there",
            user=host.user,
            host=host.hostname,
        )
    tried.append("password")
    if "password" in transport.offered:
        return transport.attempt("password", host.user, password.reveal()) == "ok"

    def answer(_title: str, _text: str, fields: list[tuple[str, bool]]) -> list[str]:
        return [password.reveal() if not shown else "" for _, shown in fields]

    return transport.attempt("interactive", host.user, answer) == "ok"


def _refused(transport: Transport, host: Host, tried: list[str]) -> AuthFailed:
    offered = ", ".join(transport.offered) or "nothing"
    what = ", ".join(tried) or "no key was found"
    return AuthFailed(
        f"{host.user} is refused by {host.hostname} (tried: {what}; it takes: {offered})",
        hint=f"is the public key in authorized_keys of {host.user}? try: {host.command}",
        user=host.user,
        host=host.hostname,
        allowed=list(transport.offered),
        tried=tried,
    )


def _cut_off(transport: Transport, host: Host, tried: list[str]) -> AuthFailed:
    return AuthFailed(
        f"{host.hostname} ended the connection during the login (tried: {', '.join(tried) or 'nothing'})",
        hint="too many keys for its MaxAuthTries? name the right one: identity in the site file, or IdentityFile with"
        " IdentitiesOnly in ~/.ssh/config",
        user=host.user,
        host=host.hostname,
        allowed=list(transport.offered),
        tried=tried,
    )
