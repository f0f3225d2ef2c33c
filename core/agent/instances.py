"""One start of a served model: its keeper, its health, its end, and the truth about one whose keeper has gone.

ROOT/services/NAME/ holds state.json ({"instance": the one in use}) and instances/INSTANCE/ (see keeper.py).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any, Dict, List

from . import keeper, models, processes, unix_http
from .call import Call
from .faults import Fault

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
START_TIMEOUT = 60.0  # seconds
STOP_TIMEOUT = keeper.GRACE + 5.0
TAIL_LINES = 12
ENDED = ("failed", "stopped")


def folder(root: str, service: str) -> str:
    """Where the service is or will be. Raises Fault for what cannot be its name."""
    if not NAME.match(service):
        raise Fault("usage", "%r cannot be a service's name" % service, "lower-case letters, digits and hyphens")
    return os.path.join(root, "services", service)


def find(root: str, service: str) -> str:
    """The service's folder. Raises Fault where there is none."""
    base = folder(root, service)
    if not current(base):
        raise Fault("service", "there is no service %s on this VM" % service, "`trainshed services` lists them")
    return base


def current(base: str) -> str:
    """The instance in use, or ""."""
    return str(keeper.read(os.path.join(base, keeper.STATE)).get("instance", ""))


def choose(base: str, name: str) -> None:
    keeper.write(os.path.join(base, keeper.STATE), {"instance": name})


def names(base: str) -> List[str]:
    return sorted(os.listdir(os.path.join(base, "instances")))


def path(base: str, name: str, file: str = "") -> str:
    return os.path.join(base, "instances", name, file)


def socket_of(base: str, name: str) -> str:
    return os.path.join(path(base, name, "socket"), keeper.SOCKET)


def digest_of(base: str, name: str) -> str:
    return str(keeper.read(path(base, name, keeper.INSTANCE)).get("digest", ""))


def begin(root: str, base: str, record: Dict[str, Any], policy: Dict[str, Any]) -> str:
    """A new instance of the package `record`, with a keeper in a session of its own."""
    service = os.path.basename(base)
    os.makedirs(os.path.join(base, "instances"), exist_ok=True)
    place = tempfile.mkdtemp(prefix="%d-" % time.time(), dir=os.path.join(base, "instances"))
    os.mkdir(os.path.join(place, "socket"), 0o700)
    model, version = record["model"], record["version"]
    instance = {
        "service": service,
        "model": model,
        "version": version,
        "digest": record["digest"],
        "package": models.folder(root, model, version),
        "environment": record["environment"],
        "policy": policy,
        "created": time.time(),
    }
    keeper.write(os.path.join(place, keeper.INSTANCE), instance)
    package = os.path.dirname(os.path.abspath(__file__))
    name = os.path.basename(place)
    words = [sys.executable, "-sSEB", "-m", os.path.basename(package), "serve-model", root, service + "/" + name]
    with open(os.path.join(place, "keeper.log"), "ab") as log:
        process = subprocess.Popen(
            words,
            cwd=os.path.dirname(package),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    threading.Thread(target=process.wait, daemon=True).start()
    return name


def await_health(call: Call, base: str, name: str) -> None:
    """Returns when it answers. Raises Fault when it ends or takes longer than a minute."""
    until = time.monotonic() + START_TIMEOUT
    while True:
        found = info(base, name)
        if found["state"] == "healthy":
            return
        if found["state"] in ENDED:
            raise Fault("service", "the model server did not start: %s" % found["reason"], tail(base, name))
        if time.monotonic() > until:
            raise Fault("service", "the model server did not answer within %d s" % START_TIMEOUT, tail(base, name))
        call.wait(0.05)


def tail(base: str, name: str) -> str:
    """The last lines that the server printed."""
    try:
        with open(path(base, name, keeper.LOG), encoding="utf-8", errors="replace") as file:
            lines = [line.rstrip() for line in file.read()[-16384:].splitlines() if line.strip()]
    except OSError:
        lines = []
    return "\n".join(lines[-TAIL_LINES:]) or "it printed nothing; its folder is %s" % path(base, name)


def info(base: str, name: str) -> Dict[str, Any]:
    """The fields of `events.ServiceInfo`, as they are now."""
    instance = keeper.read(path(base, name, keeper.INSTANCE))
    state, reason = _truth(base, name, instance)
    return {
        "service": os.path.basename(base),
        "model": instance.get("model", ""),
        "version": instance.get("version", ""),
        "state": state,
        "address": "unix:" + socket_of(base, name),
        "reason": reason,
        "started": instance.get("created", 0.0),
    }


def _truth(base: str, name: str, instance: Dict[str, Any]) -> "tuple[str, str]":
    state = keeper.read(path(base, name, keeper.STATE))
    young = current(base) != name and time.time() - instance.get("created", 0.0) < START_TIMEOUT
    if not state:
        return ("starting", "") if young else ("failed", "its keeper never started")
    if state["state"] in ENDED:
        return state["state"], state["reason"]
    if state["boot_id"] != processes.boot_id():
        return "failed", "the VM was restarted"
    if not processes.alive(state["pid"], state["start"]):
        processes.end(state.get("sandbox", []))
        return "failed", "its keeper ended unexpectedly"
    if unix_http.healthy(socket_of(base, name)):
        return "healthy", ""
    return ("starting", "") if young else ("failed", "it does not answer")


def end(base: str, name: str) -> None:
    """Ends the keeper and its whole tree: SIGTERM, grace, SIGKILL. Returns when they have gone."""
    state = keeper.read(path(base, name, keeper.STATE))
    if state.get("state") in ENDED or not state:
        return
    same_boot = state["boot_id"] == processes.boot_id()
    if same_boot and processes.send(state["pid"], state["start"], signal.SIGTERM):
        _await_end(state, STOP_TIMEOUT)
        if processes.send(state["pid"], state["start"], signal.SIGKILL):
            _await_end(state, STOP_TIMEOUT)
    state = keeper.read(path(base, name, keeper.STATE))
    if state["state"] not in ENDED:
        if same_boot:
            processes.end(state.get("sandbox", []))
        keeper.write(path(base, name, keeper.STATE), dict(state, state="stopped"))


def _await_end(state: Dict[str, Any], seconds: float) -> None:
    until = time.monotonic() + seconds
    while processes.alive(state["pid"], state["start"]) and time.monotonic() < until:
        time.sleep(0.02)


def retire(base: str, kept: str) -> None:
    """Ends every other instance and takes its folder away."""
    for name in names(base):
        if name != kept:
            end(base, name)
            shutil.rmtree(path(base, name), ignore_errors=True)
