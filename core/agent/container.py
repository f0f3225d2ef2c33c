"""A job in a Docker container, which outlives its supervisor: whoever supervises next goes on with it.

Its name is `trainshed-RUN`, so that it is made once, and its labels say whose it is: nothing without them is touched.
It has no network, no capability, a root that it cannot write to, named folders only, and its log is our FIFO.
"""

from __future__ import annotations

import json
import os
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Sequence

from . import processes, sandbox
from .contained import End, Source
from .docker_api import Docker, NotThere, Refusal, Unanswered
from .faults import Fault
from .output import Output

SOURCE = os.path.dirname(os.path.abspath(__file__))  # of the agent, for the first process
LABEL = "trainshed.run"
ROOT_LABEL = "trainshed.root"
RUN_FOLDER = "/run/trainshed"  # in the container: the output's FIFO and the folder of the tracking socket
AGAIN_S = 0.5  # between two tries while Docker does not answer
KILLED = 137  # 128 + SIGKILL
REMOVAL_LOOKS = 5
KILL_S = 20.0  # for a container to go that was killed
SHARES = 128  # of 1024: a job gives way to what else the VM does

# The first process: our relay where the image has a Python, for it leads to MLflow's socket and reaps; else the job.
ENTRY = (
    "exec 1<>%s/output 2>&1; "
    'if python3 -c "import sys; sys.exit(sys.version_info < (3, 7))" 2>/dev/null; '
    'then exec python3 -IS %s/relay.py "$@"; fi; shift; exec "$@"'
) % (RUN_FOLDER, sandbox.SOURCE)


def name(run: str) -> str:
    return "trainshed-" + run


def inspect(docker: Docker, run: str) -> Optional[Dict[str, Any]]:
    """What Docker knows of the run's container; None where there is none of ours. Raises Unanswered."""
    try:
        found: Dict[str, Any] = docker.call("GET", "/containers/%s/json" % name(run))
    except (NotThere, Refusal):
        return None
    return found if (found.get("Config", {}).get("Labels") or {}).get(LABEL) == run else None


def remove(docker: Docker, run: str) -> None:
    """Raises Unanswered."""
    if inspect(docker, run) is not None:
        try:
            docker.call("DELETE", "/containers/%s" % name(run), force="true", v="true")
        except (NotThere, Refusal):
            pass  # somebody else removes it


class Container:
    """contained.Contained. `image` is the id of one that is on this VM."""

    limits_memory = True

    def __init__(
        self,
        docker: Docker,
        run: str,
        root: str,
        image: str,
        policy: sandbox.Policy,
        binds: Sequence[sandbox.Bind],
        env: Dict[str, str],
        cwd: str,
        argv: Sequence[str],
    ) -> None:
        if policy.get("network") and policy.get("data"):
            raise Fault("sandbox", "a sandbox has the network or the data, never both")
        self._docker = docker
        self._run = run
        self._body = body(run, root, image, policy, binds, env, cwd, argv)
        self._state: Optional[Dict[str, Any]] = None  # of the container, once it has ended
        self._init: List[int] = []  # [pid, start time] of its first process
        self._lost = False  # Docker did not answer for a while
        self._gone = False  # the container was removed
        self._killed = False
        self._ended, self._wake = os.pipe2(os.O_CLOEXEC)
        self.began = False
        self.end: Optional[End] = None

    def start(self, output: Output, began: Callable[[], None]) -> None:
        """Finds the container where an earlier supervisor has made it. Its output comes by the FIFO that it has."""
        del output
        sandbox.share(SOURCE)
        found = inspect(self._docker, self._run)
        try:
            if found is None:
                self._docker.call("POST", "/containers/create", self._body, name=name(self._run))
            if found is None or found["State"]["Status"] == "created":
                self._docker.call("POST", "/containers/%s/start" % name(self._run))
        except (Refusal, NotThere) as error:
            raise Fault("sandbox", "the container cannot be started: %s" % error)
        except Unanswered as error:
            raise Fault("sandbox", "Docker does not answer: %s" % error)
        pid = (inspect(self._docker, self._run) or {"State": {"Pid": 0}})["State"]["Pid"]
        self._init = processes.identity(pid) if pid else []
        self.began = True
        began()
        threading.Thread(target=self._watch, name="container", daemon=True).start()

    def _watch(self) -> None:
        """Until the container has ended: Docker is asked again whenever it comes back."""
        while True:
            try:
                self._docker.call("POST", "/containers/%s/wait" % name(self._run), timeout=None)
                found = inspect(self._docker, self._run)
            except NotThere:
                found = None
            except (Unanswered, Refusal):
                self._lost = True
                time.sleep(AGAIN_S)
                continue
            if found is not None and found["State"]["Running"]:
                continue
            if found is not None and found["State"]["ExitCode"] == KILLED and not self._killed:
                found = self._still_there()
            self._gone = found is None
            self._state = found["State"] if found else {}
            os.write(self._wake, b"!")
            return

    def _still_there(self) -> Optional[Dict[str, Any]]:
        """Whoever removes a container kills it first: what it was ended for shows a little later."""
        for _ in range(REMOVAL_LOOKS):
            time.sleep(AGAIN_S / 5)
            try:
                found = inspect(self._docker, self._run)
            except Unanswered:
                self._lost = True
                continue
            if found is None or found["State"]["Status"] in ("removing", "dead"):
                return None
        return found

    def sources(self) -> List[Source]:
        return [(self._ended, self._hear)]

    def _hear(self) -> bool:
        os.read(self._ended, 1)
        return False

    def running(self) -> bool:
        return self._state is None

    def outermost(self) -> List[int]:
        return [self._init[0]] if self._init and processes.alive(*self._init) else []

    def terminate(self) -> None:
        self._signal("SIGTERM")

    def kill(self) -> None:
        if self._state is not None:
            return
        self._killed = True
        if not self._signal("SIGKILL"):
            processes.end([self._init] if self._init else [])
        deadline = time.monotonic() + KILL_S
        while self._state is None and time.monotonic() < deadline:
            time.sleep(0.02)

    def _signal(self, which: str) -> bool:
        try:
            self._docker.call("POST", "/containers/%s/kill" % name(self._run), signal=which)
        except (Refusal, NotThere):
            return True  # it does not run any more
        except Unanswered:
            return False
        return True

    def close(self) -> None:
        code = (self._state or {}).get("ExitCode")
        if isinstance(code, int) and not self.failure():
            self.end = ("signal", code - 128) if 128 < code <= 192 else ("exit", code)
        os.close(self._ended)

    def failure(self) -> str:
        state = self._state or {}
        if self._gone:
            return "its container was removed by somebody else"
        if state.get("OOMKilled") and state.get("ExitCode"):
            return "out of memory: %d MiB allowed" % (self._body["HostConfig"]["Memory"] >> 20)
        if state.get("Error"):
            return "Docker: %s" % state["Error"]
        if self._lost and not self._killed and state.get("ExitCode") in (137, 143, 255):
            return "Docker was stopped, and without live-restore its containers end with it"
        return "" if self.end or "ExitCode" in state else "its container has gone"

    def discard(self) -> None:
        try:
            remove(self._docker, self._run)
        except Unanswered:
            pass  # it goes with its run


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
    """For POST /containers/create."""
    options = json.dumps({"listen": sandbox.TRACKING_PORT, "to": RUN_FOLDER + "/socket/tracking.sock"})
    size = int(policy.get("tmp_bytes") or 1 << 30)
    folders = {"/tmp": "1777", sandbox.HOME: "1777"}  # noqa: S108
    every = [*binds, (SOURCE, sandbox.SOURCE, "ro")]
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
