"""A job in a Docker container, which outlives its supervisor: whoever supervises next goes on with it.

Docker may be stopped, hang and come back at any time: it is asked in a thread, and again whenever it does not answer.
Only what it answers is believed, except where its processes can be seen to have gone. How a container ended while it
was away, or that one was started when it was killed, it does not always know (exit code 255, "created"): then the job's
own last word counts.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from typing import Any, Callable, Dict, List, Optional

from . import container, processes, runfolder
from .contained import End, Source
from .docker_api import HINT, Docker, NotThere, Refusal, Slow, Unanswered
from .faults import Fault
from .output import Output

ASKED = "container"  # in the run's folder: the id of the container whose start was asked for
ID = re.compile(r"[0-9a-f]{64}\Z")
AGAIN_S = 0.5  # between two tries while Docker does not answer
LOOK_S = 30.0  # for an answer about the end, then Docker is asked something that it answers at once
SIGNAL_S = 3.0  # for an answer to a signal, then the processes are sent it without Docker
ABSENT_S = 600.0  # without an answer and without a process: the run has ended, nobody knows how
KNOWN_S = 5.0  # the same where the job has said how it ended
KILL_S = 20.0  # for a container to go that was killed
KILLED = 137  # 128 + SIGKILL
TAKEN = 409  # Docker's answer to a name that it has given away
TAKEN_S = 60.0  # for Docker to make the container that an earlier supervisor has asked for
NOT_RUNNING = 409  # Docker's answer to a signal for what has ended
POLITELY = ("signal", signal.SIGTERM)  # by Docker that stops
UNKNOWN = 255  # Docker's word for it
STOPPED = (137, 143, UNKNOWN)  # how containers end with Docker
REMOVAL_LOOKS = 5
REMOVED = "its container was removed by somebody else"
MISSED = "its processes have gone, and Docker says that it still runs"
FORGOTTEN = "Docker was stopped while it started the job, and does not know how that ended"
SILENT = "Docker has not answered for %d minutes, and the job has ended meanwhile: nobody knows how"


class Docked:
    """contained.Contained. `body`: for the container, where it is not made yet."""

    limits_memory = True

    def __init__(self, docker: Docker, run: str, root: str, body: Dict[str, Any]) -> None:
        self._docker = docker
        self._run = run
        self._root = root
        self._path = "/containers/" + container.name(run)
        self._folder = os.path.join(runfolder.runs_folder(root), run)
        self._asked = os.path.join(self._folder, ASKED)
        self._started = os.path.join(container.once(self._folder), container.STARTED)
        self._body = body
        self._lock = threading.Lock()
        self._state: Optional[Dict[str, Any]] = None  # of the container, once it has ended
        self._why = ""  # it ended, where Docker does not know that
        self._error: Optional[Exception] = None  # why it could not be started
        self._init: List[int] = []  # [pid, start time] of its first process
        self._silent: Optional[float] = None  # since when Docker does not answer
        self._lost = False  # it did not answer for a while
        self._killed = False
        self._ending = False  # it was told to end
        self._begun = False
        self._remade = False
        self._taken: Optional[float] = None  # since when its name is another container's that Docker does not show
        self._gone = False  # no process of it was left at the last look, and Docker says that it runs
        self._forgotten = False  # it has begun, and Docker does not know that
        self._heard, self._wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.began = False
        self.end: Optional[End] = None

    def start(self, output: Output, began: Callable[[], None]) -> None:
        """Finds the container where an earlier supervisor has made it. Its output comes by the FIFO that it has."""
        del output
        self._tell = began
        threading.Thread(target=self._attend, name="container", daemon=True).start()

    def _attend(self) -> None:
        """Until the container has ended."""
        while self._state is None:
            try:
                self._turn()
            except Slow:
                pass  # Docker is asked something else
            except Unanswered:
                self._lost = True
                time.sleep(AGAIN_S)
            except Exception as error:
                self._conclude({}, error=error)

    def _turn(self) -> None:
        """Raises Unanswered."""
        try:
            self._step()
        except (Refusal, NotThere) as error:
            self._refused(error)

    def _step(self) -> None:
        """From what Docker knows of it to what comes next. Raises Unanswered; NotThere, Refusal before it has begun."""
        found = self._found()
        if found is None and os.path.exists(self._asked):
            self._seen_begun(0)
            self._conclude({}, REMOVED)
        elif found is None:
            self._create()
        elif found["State"]["Status"] == "created":
            self._begin(found["Id"])
        else:
            self._seen_begun(found["State"]["Pid"])
            self._wait_for_end(found)

    def _create(self) -> None:
        """An earlier supervisor that was killed may have asked for it: Docker has its name before it shows it."""
        try:
            self._docker.call("POST", "/containers/create", self._body, name=container.name(self._run))
        except Refusal as error:
            self._taken = self._taken or time.monotonic()
            if error.status != TAKEN or self._anothers() or time.monotonic() - self._taken > TAKEN_S:
                raise
            time.sleep(AGAIN_S)

    def _anothers(self) -> bool:
        """Whether a container that is not ours is shown by our name."""
        if self._found() is not None:
            return False
        try:
            self._docker.call("GET", self._path + "/json")
        except NotThere:
            return False
        return self._found() is None

    def _found(self) -> Optional[Dict[str, Any]]:
        try:
            found = container.inspect(self._docker, self._run)
        except Unanswered:
            self._silent = self._silent or time.monotonic()
            self._lost = True
            raise
        self._silent = None
        return found

    def _begin(self, identity: str) -> None:
        """Once: a job that has begun, and that Docker has forgotten when it was killed, is not begun again."""
        if os.path.exists(self._started):
            self._go_on_without_docker()
            return
        with open(self._asked, "w", encoding="ascii") as file:
            file.write(identity)
        self._docker.call("POST", self._path + "/start")

    def _go_on_without_docker(self) -> None:
        going = self._processes()
        self._forgotten = True
        self._seen_begun(min(going)[0] if going else 0)
        if going:
            time.sleep(AGAIN_S)
        else:
            self._conclude({}, FORGOTTEN)

    def _refused(self, error: Exception) -> None:
        """One that is stopping refuses everything: then it does not answer the next question.

        What it left half started when it was killed stands in its own way: another container is made, once.
        """
        found = self._found()
        if found is None or found["State"]["Status"] == "created":
            if found is None or self._remade or os.path.exists(self._started):
                self._conclude({}, error=Fault("sandbox", "the container cannot be started: %s" % error))
            else:
                self._remade = True
                self._make_way()

    def _make_way(self) -> None:
        """For another container. Raises Unanswered."""
        self._send(signal.SIGKILL)
        if os.path.exists(self._asked):  # else it was made, and never asked to start
            os.unlink(self._asked)
        container.remove(self._docker, self._run)

    def _wait_for_end(self, found: Dict[str, Any]) -> None:
        state = found["State"]
        if state["Running"]:
            self._lost = False  # it outlived what was
            try:
                self._docker.call("POST", self._path + "/wait", timeout=LOOK_S)
            except (NotThere, Refusal):
                pass  # the next look tells
            except Slow:
                self._unnoticed()
        elif state["ExitCode"] == KILLED and not self._killed and self._removed():
            self._conclude({}, REMOVED)
        else:
            self._conclude(state)

    def _unnoticed(self) -> None:
        """An end that Docker itself has missed: at two looks in a row it says that the container runs, and no process
        of it is left. Where its processes cannot be seen from here, only what the job says of its end counts.
        """
        seen = bool(self._init and self._init[1]) or container.last_word(self._folder) is not None
        gone = seen and not self._alive()
        if gone and self._gone:
            self._conclude({}, MISSED)
        self._gone = gone

    def _removed(self) -> bool:
        """Whoever removes a container kills it first: what it was ended for shows a little later."""
        for _ in range(REMOVAL_LOOKS):
            time.sleep(AGAIN_S / 5)
            found = self._found()
            if found is None or found["State"]["Status"] in ("removing", "dead"):
                return True
        return False

    def _seen_begun(self, pid: int) -> None:
        if pid and pid not in self._init[:1]:  # once: Docker may name it when another process has its number already
            self._init = processes.identity(pid)
        self._begun = True
        os.write(self._wake, b"!")

    def _conclude(self, state: Dict[str, Any], why: str = "", error: Optional[Exception] = None) -> None:
        """The first counts."""
        with self._lock:
            if self._state is None:
                self._state, self._why, self._error = state, why, error
        os.write(self._wake, b"!")

    def forgo(self) -> bool:
        if self._alive():
            return False  # a job that has begun can remove what says so
        try:
            os.close(os.open(self._started, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except OSError:
            return False
        return True

    def sources(self) -> List[Source]:
        return [(self._heard, self._hear)]

    def _hear(self) -> bool:
        try:
            os.read(self._heard, 64)
        except BlockingIOError:
            pass
        if self._begun and not self.began:
            self.began = True
            self._tell()
        return True

    def running(self) -> bool:
        """Docker's word for it, and where that does not come the processes'."""
        silent = self._silent
        if self._state is None and silent is not None:
            patience = self._patience()
            if time.monotonic() - silent >= patience and not self._alive():
                self._give_up(patience)
        return self._state is None

    def _patience(self) -> float:
        """Seconds of silence that are borne where no process is left."""
        if self._ending:
            return 0.0
        return ABSENT_S if container.last_word(self._folder) in (None, POLITELY) else KNOWN_S

    def _give_up(self, patience: float) -> None:
        never = not self._begun and self.forgo()
        error = Fault("sandbox", "Docker does not answer", HINT) if never else None
        self._conclude({}, SILENT % (patience / 60), error)

    def _alive(self) -> bool:
        return bool(self.outermost() or self._processes())

    def _processes(self) -> List[List[int]]:
        """[pid, start time] of those of the container, without Docker."""
        try:
            with open(self._asked, encoding="ascii") as file:
                identity = file.read()
        except OSError:
            return []
        found = processes.in_cgroup(identity) if ID.match(identity) else []
        return [each for each in map(processes.identity, found) if each[1]]

    def _send(self, number: int) -> None:
        """To every process, without Docker."""
        for pid, start in [*self._processes(), *([self._init] if self._init else [])]:
            processes.send(pid, start, number)

    def outermost(self) -> List[int]:
        return [self._init[0]] if self._init and processes.alive(*self._init) else []

    def terminate(self) -> None:
        self._ending = True
        if not self._signal("SIGTERM"):
            self._send(signal.SIGTERM)

    def kill(self) -> None:
        if self._state is not None:
            return
        self._killed = self._ending = True
        if not self._begun and self.forgo():
            self._conclude({})
        elif not self._signal("SIGKILL"):
            self._send(signal.SIGKILL)
        deadline = time.monotonic() + KILL_S
        while self.running() and time.monotonic() < deadline:
            time.sleep(0.02)

    def _signal(self, which: str) -> bool:
        """False where Docker does not answer, cannot, or does not know that the container runs."""
        try:
            self._docker.call("POST", self._path + "/kill", timeout=SIGNAL_S, signal=which)
        except NotThere:
            return not self._forgotten
        except Refusal as error:
            return error.status == NOT_RUNNING and not self._forgotten
        except Unanswered:
            self._silent = self._silent or time.monotonic()
            return False
        return True

    def close(self) -> None:
        self._hear()
        if self._error is not None and not self._killed:
            raise self._error
        said = container.last_word(self._folder) if self._doubtful() else None
        code = (self._state or {}).get("ExitCode")
        if said not in (None, POLITELY):
            self.end = said
        elif isinstance(code, int) and not self.failure():
            self.end = ("signal", code - 128) if 128 < code <= 192 else ("exit", code)

    def _doubtful(self) -> bool:
        """Docker was not there when it ended, or says that it does not know."""
        state = self._state or {}
        if "ExitCode" not in state or state["ExitCode"] == UNKNOWN:
            return True
        return self._lost and state["ExitCode"] in STOPPED and not state.get("OOMKilled")

    def failure(self) -> str:
        state = self._state or {}
        if self.end:
            return ""
        if self._why:
            return self._why
        if state.get("OOMKilled") and state.get("ExitCode"):
            allowed = self._body["HostConfig"]["Memory"] >> 20
            return "out of memory: %d MiB allowed" % allowed if allowed else "out of memory"
        if state.get("Error"):
            return "Docker: %s" % state["Error"]
        if self._lost and not self._killed and state.get("ExitCode") in STOPPED:
            return "Docker was stopped, and without live-restore its containers end with it"
        return "" if "ExitCode" in state else "its container has gone"

    def discard(self) -> None:
        container.discard(self._docker, self._root, self._run)
