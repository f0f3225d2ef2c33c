"""The path from this machine to the container, link by link, in order."""

from __future__ import annotations

import http.client
import socket
import time
from typing import Callable, Collection, Dict, Iterator

from . import path_access, path_data, path_network, path_rights, path_service, path_tls
from .blob import Source
from .faults import Fault
from .path_found import Broken, Link, Passed, Path, service_code

Step = Callable[[Path], Passed]
NETWORK: Dict[str, Step] = {
    "name": path_network.name,
    "public": path_network.public,
    "tcp": path_network.tcp,
    "tls": path_tls.tls,
    "service": path_service.service,
}
WHOLE: Dict[str, Step] = {
    **NETWORK,
    "version": path_service.version,
    "clock": path_service.clock,
    "auth": path_access.auth,
    "list": path_access.list,
    "rights": path_rights.rights,
    "expiry": path_rights.expiry,
    "anonymous": path_access.anonymous,
    "bytes": path_data.bytes,
    "speed": path_data.speed,
    "disk": path_data.disk,
}
MAY_BE_OFF = ("anonymous", "bytes", "speed")  # nothing that comes after them needs what they find
READ_OFF = ("public", "clock", "rights", "expiry")  # nothing is waited for


def follow_outside(source: Source) -> Iterator[Link]:
    """The links that can be looked at without the credential, from the client: nothing is read there."""
    return walk(Path(source.nobody(), "this computer", ""), NETWORK)


def walk(path: Path, steps: Dict[str, Step], off: Collection[str] = ()) -> Iterator[Link]:
    """Each of `steps` in order. After the first that ends the path, the rest are skipped.

    `off`: links that the site does not want; those of them that read blobs are not tried.
    """
    broken = ""
    try:
        for id, step in steps.items():
            if broken:
                yield Link(id, "skipped", "not tried: the link %r before it is broken" % broken, "", None)
                continue
            if id in off and id in MAY_BE_OFF:
                yield Link(id, "skipped", "switched off by the site file", "", None)
                continue
            link, ends = _tried(id, step, path)
            broken = id if ends else ""
            yield link
    finally:
        path.client.close()


def _tried(id: str, step: Step, path: Path) -> "tuple[Link, bool]":
    """(the link, whether the path ends here)."""
    started = time.monotonic()
    code, ends = "", True
    try:
        found = step(path)
        status, cause, action, ends = found.status, found.evidence, found.action, False
    except Broken as error:
        status, cause, action, ends = "fail", error.cause, error.action, error.ends
    except Fault as fault:
        status, cause, action, code = "fail", fault.title, fault.hint, service_code(fault)
    except (OSError, http.client.HTTPException) as problem:
        late = isinstance(problem, socket.timeout)
        cause = "no answer in time" if late else "the connection broke (%s)" % type(problem).__name__
        status = "fail"
        action = "check again; if it stays so, look at what is between %s and the storage service" % path.here
    took = None if id in READ_OFF else time.monotonic() - started
    return Link(id, status, cause, action, took, code), ends
