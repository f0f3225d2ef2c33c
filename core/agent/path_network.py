"""The first links: the name, whether its address is public, TCP."""

from __future__ import annotations

import ipaddress
import socket

from .blob_connection import CONNECT_TIMEOUT
from .path_found import Broken, Passed, Path


def name(path: Path) -> Passed:
    source = path.source
    try:
        path.targets = source.resolve()
    except (OSError, UnicodeError) as error:
        raise Broken(
            "%s is not known on %s (%s)"
            % (source.address or source.host, path.here, getattr(error, "strerror", None) or error),
            "set data.address to the endpoint's IP address, or give %s a DNS server that knows the name" % path.here,
        )
    if source.address:
        return Passed("%s is reached at %s, as data.address says" % (source.host, source.address))
    return Passed("%s is %s" % (source.host, ", ".join(_addresses(path))))


def _addresses(path: Path) -> "list[str]":
    return sorted({str(target[0]) for target in path.targets})


def public(path: Path) -> Passed:
    """No address of a site's own network is one that the internet routes."""
    found = [text for text in _addresses(path) if ipaddress.ip_address(text.partition("%")[0]).is_global]
    if not found:
        return Passed("%s is an address of a network of one's own" % ", ".join(_addresses(path)))
    return Passed(
        "%s is a public address: whoever has a credential may be able to use it from anywhere" % ", ".join(found),
        "warn",
        "ask the operator of the Stack Hub whether the network of its storage endpoints can be reached from outside "
        "the site, and have its border firewall let in the site's own networks alone",
    )


def tcp(path: Path) -> Passed:
    where = "%s port %d" % path.targets[0][:2]
    try:
        socket.create_connection(path.targets[0][:2], CONNECT_TIMEOUT).close()
    except socket.timeout:
        raise Broken("%s does not answer" % where, "a firewall drops it, or the address is wrong")
    except OSError as error:
        raise Broken(
            "%s: %s" % (where, error.strerror or error),
            "does the storage service listen there? Compare data.endpoint and data.address with the portal",
        )
    return Passed("%s accepts connections" % where)
