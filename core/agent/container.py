"""A run's Docker container: how it is made, found and removed.

Its name is `trainshed-RUN`, so that it is made once, and its labels say whose it is: nothing without them is touched.
It has no network, no capability, a root that it cannot write to, named folders only, and its log is our FIFO.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Optional, Sequence

from . import plainfiles, runfolder, sandbox
from .contained import ENDED as UNDERSTOOD
from .contained import End
from .docker_api import Docker, NotThere, Refusal, Unanswered
from .faults import Fault
from .states import TERMINAL, States

LABEL = "trainshed.run"
ROOT_LABEL = "trainshed.root"
RUN_FOLDER = "/run/trainshed"  # in the container: the output's FIFO, the folder of the tracking socket, `once`
STARTED = "started"  # in `once`: made by whoever is first, the job that begins or the supervisor that gives it up
ENDED = "ended"  # in `once`: how the job ended, as its first process says it
SHARES = 128  # of 1024: a job gives way to what else the VM does

# The first process: our relay where the image has a Python, for it leads to MLflow's socket and reaps; else the job.
# What begins twice, because Docker forgot the first time when it was killed, does nothing.
ENTRY = (
    "( set -C; : > %s/once/started ) 2>/dev/null || exit 125; "
    "exec 1<>%s/output 2>&1; "
    'if python3 -c "import sys; sys.exit(sys.version_info < (3, 7))" 2>/dev/null; '
    'then exec python3 -IS %s/relay.py "$@"; fi; shift; exec "$@"'
) % (RUN_FOLDER, RUN_FOLDER, sandbox.SOURCE)


def name(run: str) -> str:
    return "trainshed-" + run


def inspect(docker: Docker, run: str) -> Optional[Dict[str, Any]]:
    """What Docker knows of the run's container; None where there is none of ours. Raises Unanswered."""
    try:
        found: Dict[str, Any] = docker.call("GET", "/containers/%s/json" % name(run))
    except NotThere:
        return None
    except Refusal as error:
        raise Unanswered(str(error)) from None  # an error of its own says nothing about the container
    return found if (found.get("Config", {}).get("Labels") or {}).get(LABEL) == run else None


def remove(docker: Docker, run: str) -> None:
    """Raises Unanswered."""
    if inspect(docker, run) is not None:
        try:
            docker.call("DELETE", "/containers/%s" % name(run), force="true", v="true")
        except (NotThere, Refusal):
            pass  # somebody else removes it


def sweep(docker: Docker, root: str) -> None:
    """Removes the containers below `root` whose runs have ended or gone: Docker did not answer then."""
    try:
        filters = json.dumps({"label": ["%s=%s" % (ROOT_LABEL, root)]})
        for each in docker.call("GET", "/containers/json", all="true", filters=filters):
            run = str(each["Labels"].get(LABEL))
            last = States(os.path.join(runfolder.runs_folder(root), run)).last()
            if last["state"] in TERMINAL or not last["state"]:
                remove(docker, run)
    except (NotThere, Refusal, Unanswered):
        pass  # the next one that ends does it


def discard(docker: Docker, root: str, run: str) -> None:
    """The run has ended: its container goes, and whatever of others could not be removed earlier."""
    try:
        remove(docker, run)
    except Unanswered:
        pass  # a later one sweeps it away
    sweep(docker, root)


def once(folder: str) -> str:
    """Of the run in `folder`: where the first process says that the job begins. The job is another user."""
    made = os.path.join(folder, "once")
    os.makedirs(made, mode=0o700, exist_ok=True)
    return sandbox.give(made)


def last_word(folder: str) -> Optional[End]:
    """How the job of the run in `folder` ended, as it says itself; None where it has not, or cannot be understood."""
    directory = os.open(os.path.join(folder, "once"), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fd = plainfiles.open_in(directory, ENDED)
    finally:
        os.close(directory)
    if fd < 0:
        return None
    try:
        said = UNDERSTOOD.match(os.read(fd, 32))
    finally:
        os.close(fd)
    return (said.group(1).decode(), int(said.group(2))) if said else None


def body(
    run: str,
    root: str,
    image: str,
    policy: sandbox.Policy,
    binds: Sequence[sandbox.Bind],
    env: Dict[str, str],
    cwd: str,
    argv: Sequence[str],
) -> Dict[str, Any]:
    """For POST /containers/create. `image` is the id of one that is on this VM."""
    if policy.get("network") and policy.get("data"):
        raise Fault("sandbox", "a sandbox has the network or the data, never both")
    ended = "%s/once/%s" % (RUN_FOLDER, ENDED)
    tracking = {"listen": sandbox.TRACKING_PORT, "to": RUN_FOLDER + "/socket/tracking.sock"}
    options = json.dumps(dict(tracking, end=ended))
    size = int(policy.get("tmp_bytes") or 1 << 30)
    folders = {"/tmp": "1777", sandbox.HOME: "1777"}  # noqa: S108
    source = os.path.dirname(os.path.abspath(__file__))
    sandbox.share(source)
    every = [*binds, (source, sandbox.SOURCE, "ro")]
    return {
        "Image": image,
        "User": "%d:%d" % ((sandbox.UID, sandbox.UID) if os.geteuid() == 0 else (os.geteuid(), os.getegid())),
        "Hostname": "sandbox",
        "Env": ["%s=%s" % item for item in {"HOME": sandbox.HOME, "LANG": "C.UTF-8", **env}.items()],
        "WorkingDir": cwd,
        "Entrypoint": ["/bin/sh", "-c", ENTRY, "sh"],
        "Cmd": [options, *argv],
        "Labels": {LABEL: run, ROOT_LABEL: root},
        "AttachStdout": False,
        "AttachStderr": False,
        "HostConfig": {
            "NetworkMode": "default" if policy.get("network") else "none",
            "Mounts": [
                {"Type": "bind", "Source": os.path.realpath(here), "Target": there, "ReadOnly": mode == "ro"}
                for here, there, mode in every
                if mode != "dev"
            ],
            "Devices": [
                {"PathOnHost": here, "PathInContainer": there, "CgroupPermissions": "rw"}
                for here, there, mode in binds
                if mode == "dev"
            ],
            "Tmpfs": {
                folder: "rw,exec,nosuid,nodev,size=%d,mode=%s" % (size, mode) for folder, mode in folders.items()
            },
            "ShmSize": size,
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "IpcMode": "private",
            "Memory": policy.get("memory_bytes") or 0,
            "MemorySwap": policy.get("memory_bytes") or 0,
            "PidsLimit": policy.get("processes") or 0,
            "CpuShares": SHARES if policy.get("background") else 0,
            "OomScoreAdj": 500 if policy.get("background") else 0,
            "LogConfig": {"Type": "none"},
            "Ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}],
            "RestartPolicy": {"Name": "no"},
        },
    }
