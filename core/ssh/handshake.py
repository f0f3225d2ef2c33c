"""Key exchange, and the decision whether this is the server it says it is.

Blocks, so it runs in a thread. Imports paramiko, so it is imported by functions only.
"""

from __future__ import annotations

from paramiko.ssh_exception import IncompatiblePeer, SSHException

from ..errors import ConnectError, HostKeyChanged, HostKeyUnknown, Unreachable
from .dial import Dial, Opening, place, timed_out
from .hostkeys import HostKey, decide, preferred_types
from .hosts import Host
from .transport import Transport, key_types
from .way import Hop


def recognise(hop: Hop, dial: Dial, opening: Opening) -> tuple[Transport, HostKey, str]:
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
        raise timed_out(host) from None
    except (EOFError, ConnectionError):
        raise _hung_up(host) from None
    except SSHException as error:
        if isinstance(error.__context__, TimeoutError):
            raise timed_out(host) from None
        if isinstance(error.__context__, (EOFError, OSError)):
            raise _hung_up(host) from None
        raise ConnectError(
            f"{place(host)} does not speak SSH as it should: {error}", hint="is it an SSH server?"
        ) from None
    except OSError as error:
        raise Unreachable(f"the connection to {place(host)} broke: {error.strerror or error}") from None


def _hung_up(host: Host) -> Unreachable:
    hint = "no SSH server, a full MaxStartups, or our address is penalised: wait a minute and try again"
    if host.proxy_command:
        hint = f"does this work in a shell? {host.proxy_command}"
    return Unreachable(f"{place(host)} ended the connection before it said who it is", hint=hint)


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
        f"{place(host)} has no {what or 'protocol'} in common with us; it offers: {offered}",
        hint="its SSH server is too old, or set too narrowly: it has to be updated",
        offer={key: list(names) for key, names in transport.offer.items()},
    )
