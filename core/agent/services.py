"""Served models: started beside the old one, switched when healthy, listed, asked and stopped."""

from __future__ import annotations

import os
from typing import Any, Dict

from . import instances, keeper, models, sandbox
from .asking import invoke
from .call import Call, Cancelled
from .faults import Fault
from .locks import locked

__all__ = ["invoke", "list", "main", "start", "stop"]

main = keeper.main


def start(call: Call, service: str, package: str, model: str, version: str, policy: Dict[str, Any]) -> Dict[str, Any]:
    """`package`: its digest or its folder, or "" for whichever is there. Returns when the server answers.

    The same package under the same name again changes nothing. Another one replaces it only once it is
    healthy; until then, and if it never is, the old one serves on. Raises Fault.
    """
    base = instances.folder(call.root, service)
    if policy.get("network") or policy.get("data"):
        raise Fault("sandbox", "a served model has neither the network nor the data")
    sandbox.require(policy)
    record = models.read(call.root, model, version)
    if package not in ("", record["digest"], models.folder(call.root, model, version)):
        raise Fault("service", "the package of %s version %s has changed" % (model, version), "package it again")
    os.makedirs(base, exist_ok=True)
    with locked(call, os.path.join(base, "lock")):
        old = instances.current(base)
        serves = bool(old) and instances.info(base, old)["state"] == "healthy"
        if serves and instances.digest_of(base, old) == record["digest"]:
            return instances.info(base, old)
        new = instances.begin(call.root, base, record, policy)
        try:
            instances.await_health(call, base, new)
        except (Fault, Cancelled):
            instances.end(base, new)
            if not serves:
                _switch(base, new)  # what is listed is the failure that a person has to see
            raise
        _switch(base, new)
        return instances.info(base, new)


def _switch(base: str, new: str) -> None:
    instances.choose(base, new)
    instances.retire(base, new)


def stop(call: Call, service: str) -> Dict[str, Any]:
    """Ends the service's whole tree. One that has ended stays as it is. Raises Fault."""
    base = instances.find(call.root, service)
    with locked(call, os.path.join(base, "lock")):
        for name in instances.names(base):
            instances.end(base, name)
        return instances.info(base, instances.current(base))


def list(call: Call) -> Dict[str, Any]:
    """Every service, with what is true of it now."""
    base = os.path.join(call.root, "services")
    names = sorted(os.listdir(base)) if os.path.isdir(base) else []
    found = [os.path.join(base, name) for name in names if instances.NAME.match(name)]
    return {
        "services": [instances.info(place, instances.current(place)) for place in found if instances.current(place)]
    }
