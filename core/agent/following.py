"""A run as it goes on: states, log and what it logged, merged live, until it has ended and all is sent."""

from __future__ import annotations

import json
import os
from typing import Any, Dict

from . import log_times, queue, resources, runfolder, wire
from .call import Call
from .faults import Fault
from .states import TERMINAL, States
from .summary import TRACKING_LOG
from .tail import Tail
from .watch import Watch

LOOK_S = 1.0  # seconds between two looks whether somebody still supervises the run


def follow(call: Call, run: str, offset: int = 0, cursor: int = 0) -> Dict[str, Any]:
    """`offset`: bytes of `passed.log` that the client has; `cursor`: the last `seq` of the tracking log that it has."""
    folder = runfolder.find(call.root, run)
    follower = Follower(call, folder, offset, cursor)
    with Watch([folder, os.path.join(folder, "tracking")]) as watch:
        while not follower.advance():
            changed = watch.wait(call, LOOK_S)
            if not changed:
                runfolder.settled(folder)
    return follower.result()


class Follower:
    def __init__(self, call: Call, folder: str, offset: int, cursor: int) -> None:
        self._call = call
        self._states = States(folder)
        self._log = Tail(os.path.join(folder, runfolder.PASSED), offset)
        self._times = log_times.tail(folder)
        self._tracking = Tail(os.path.join(folder, TRACKING_LOG))
        self._cursor = cursor
        self._resources = resources.tail(folder)
        self._root = call.root
        self._run = os.path.basename(folder)
        self._ahead: Any = None  # runs before it in the queue, as said last
        self._sent = 0  # states
        self._last: Dict[str, Any] = {}
        runfolder.settled(folder)
        size = os.path.getsize(self._log.path)
        if not 0 <= offset <= size:
            title = "the log of this run has %d bytes, fewer than the %d asked for" % (size, offset)
            raise Fault("run", title, "read it again from its beginning", size=size)

    def advance(self) -> bool:
        """Sends what is new; True when the run had ended before the last of it was read."""
        lines = self._states.read()
        ended = bool(lines) and lines[-1]["state"] in TERMINAL
        self._send_states(lines[:-1] if ended else lines)
        if lines and lines[-1]["state"] == "created":
            self._send_place()
        self._send_times()
        self._send_log()
        self._send_tracking()
        self._send_resources()
        if ended:
            self._send_states(lines)
            self._last = lines[-1]
        return ended

    def _send_states(self, lines: Any) -> None:
        for line in lines[self._sent :]:
            self._call.event(
                event="state",
                seq=line["seq"],
                state=line["state"],
                time=line["time"],
                reason=line["reason"],
                exit_code=line.get("exit_code"),
            )
        self._sent = max(self._sent, len(lines))

    def _send_times(self) -> None:
        lines = self._times.lines()
        while lines:
            self._call.event(event="times", points=[list(point) for point in log_times.points(lines)])
            lines = self._times.lines()

    def _send_log(self) -> None:
        size = wire.CHUNK
        while True:
            offset = self._log.offset
            chunk = self._log.read(size)
            if not chunk:
                return
            self._call.event(event="log", offset=offset, size=len(chunk))
            self._call.data(chunk)
            size = wire.BULK if len(chunk) == size else wire.CHUNK

    def _send_tracking(self) -> None:
        lines = self._tracking.lines()
        while lines:
            for line in lines:
                record = json.loads(line.decode())
                if record["seq"] > self._cursor:
                    self._cursor = record["seq"]
                    self._call.event(**dict(record, event="tracking"))
            lines = self._tracking.lines()

    def _send_resources(self) -> None:
        for line in self._resources.lines():
            self._call.event(**dict(json.loads(line.decode()), event="resources"))

    def _send_place(self) -> None:
        ahead = queue.ahead(self._root, self._run)
        if ahead is not None and ahead != self._ahead:
            self._ahead = ahead
            self._call.event(event="queue", ahead=ahead)

    def result(self) -> Dict[str, Any]:
        return {
            "state": self._last["state"],
            "reason": self._last["reason"],
            "exit_code": self._last.get("exit_code"),
            "log_bytes": self._log.offset,
        }
