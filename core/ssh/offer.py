"""What core.ssh.probe does with the server.

Blocks, so it runs in a thread. Imports paramiko, so it is imported by functions only.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ConnectError
from .answers import Answers
from .dial import Opening
from .handshake import handshake
from .hostkeys import preferred_types
from .hosts import Host
from .probe import Offer
from .session import through
from .transport import Transport
from .way import Hop


def look(way: Sequence[Hop], answers: Answers, opening: Opening) -> Offer:
    """See core.ssh.probe. One connection to the last server, and no credential on it."""
    host = way[-1].host
    dial, _ = through(way, answers, opening)
    trust = way[-1].trust
    transport = Transport(dial(), host.timeout_s, preferred_types(trust.known, trust.pins), weak=True)
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
