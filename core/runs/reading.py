"""What the agent says about a run, as events: every byte of the log once, every state once, every metric once."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Any

import msgspec

from ..errors import AgentError
from ..events import Event, Logged, LogText, LogTimes, Metric, Notice, Queued, Resources, RunFinished, RunStateChanged
from ..jobs import offline

_TAIL = 16 * 1024  # characters of the log that are looked at when a run has failed
_KINDS = {"param": "value", "tag": "value", "artifact": "sha256", "model": "model_id", "register": "model_id"}


class Reading:
    """One reader of one run. It survives the loss of a link: `position` and `cursor` say where to go on.

    `position`: the byte of `passed.log` that comes next. `cursor`: the last tracking operation that was seen.
    A character cut by the end of a chunk waits for its rest, so that text is whole and offsets stay bytes.
    """

    def __init__(self, run: str, offset: int = 0) -> None:
        self.run = run
        self.position = offset
        self.cursor = 0
        self.finished: RunFinished | None = None
        self._latest: dict[str, tuple[int, float, float]] = {}  # key -> (step, time, value), as MLflow tells the latest
        self.artifacts: dict[str, None] = {}  # in order; a job may log 100,000
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._tail = ""
        self._state = 0
        self._timed_to = -1  # the last byte whose time is known
        self._used_at = 0.0  # the last line of resources that was seen
        self._skip = 0  # bytes that come and are known already

    def take(self, message: dict[str, Any] | bytes) -> Iterator[Event]:
        """Raises AgentError for what makes no sense."""
        if isinstance(message, bytes):
            yield from self._log(message)
        elif "result" in message:
            yield from self._end(message["result"])
        elif message.get("event") == "log":
            yield from self._announced(message["offset"])
        elif message.get("event") == "state":
            yield from self._changed(message)
        elif message.get("event") == "times":
            yield from self._timed(message)
        elif message.get("event") == "queue":
            yield Queued(run=self.run, ahead=message["ahead"])
        elif message.get("event") == "resources":
            yield from self._used(message)
        else:
            yield from self.tracked(message)

    def tracked(self, message: dict[str, Any] | bytes) -> Iterator[Event]:
        """What the job logged, where the message says that; nothing otherwise."""
        if isinstance(message, dict) and message.get("event") == "tracking" and message["seq"] > self.cursor:
            self.cursor = message["seq"]
            yield from self._tracked(message)

    def _announced(self, offset: int) -> Iterator[Event]:
        if offset > self.position:
            yield from self._flushed()
            missing = offset - self.position
            yield Notice(text=f"{missing} bytes of the log are missing on the VM", level="warning")
            self.position = offset
        self._skip = self.position - offset

    def _log(self, data: bytes) -> Iterator[Event]:
        known = min(self._skip, len(data))
        self._skip -= known
        data = data[known:]
        waiting = len(self._decoder.getstate()[0])
        offset = self.position - waiting
        text = self._decoder.decode(data)
        self.position += len(data)
        size = self.position - offset - len(self._decoder.getstate()[0])
        if text:
            self._tail = (self._tail + text)[-_TAIL:]
            yield LogText(offset=offset, text=text, size=size)

    def _flushed(self) -> Iterator[Event]:
        waiting = len(self._decoder.getstate()[0])
        if waiting:
            yield LogText(offset=self.position - waiting, text=self._decoder.decode(b"", final=True), size=waiting)
            self._decoder.reset()

    def _changed(self, message: dict[str, Any]) -> Iterator[Event]:
        if message["seq"] > self._state:
            self._state = message["seq"]
            yield RunStateChanged(
                run=self.run, state=message["state"], time=message["time"], reason=message.get("reason") or ""
            )

    def _timed(self, message: dict[str, Any]) -> Iterator[Event]:
        """What came before the link was lost comes again, and is known."""
        points = [(int(offset), float(when)) for offset, when in message["points"] if offset > self._timed_to]
        if points:
            self._timed_to = points[-1][0]
            yield LogTimes(run=self.run, points=points)

    def _used(self, message: dict[str, Any]) -> Iterator[Event]:
        """What came before the link was lost comes again, and is known."""
        if message["time"] > self._used_at:
            self._used_at = message["time"]
            yield msgspec.convert({**message, "run": self.run, "event": "resources"}, Resources)

    def _tracked(self, message: dict[str, Any]) -> Iterator[Event]:
        child = "" if message["run"] == self.run else message["run"]
        op = message["op"]
        if op == "metric":
            yield from self._measured(message, child)
        elif op in _KINDS:
            if op == "artifact" and not child and message["path"] not in self.artifacts:
                self.artifacts[message["path"]] = None
            key = message.get("key") or message.get("path") or message.get("name") or ""
            yield Logged(kind=op, key=key, value=str(message.get(_KINDS[op], "")), run=child)

    def _measured(self, message: dict[str, Any], child: str) -> Iterator[Event]:
        key, value, step, time = (message[name] for name in ("key", "value", "step", "time"))
        last = self._latest.get(key)
        newest = last is None or (step, time) >= last[:2]
        if not child and newest:
            self._latest[key] = (step, time, value)
        if newest or not message.get("model_id"):  # MLflow logs a model's metrics once more, as links to it
            yield Metric(key=key, value=value, step=step, time=time, run=child)

    def _end(self, result: dict[str, Any]) -> Iterator[Event]:
        if self.position < result.get("log_bytes", 0):
            raise AgentError(f"the log ended at byte {self.position} of {result['log_bytes']}", hint="follow it again")
        yield from self._flushed()
        explained = offline.failure(self._tail) if result["state"] == "failed" else ""
        if explained:
            yield Notice(text=explained, level="warning")
        self.finished = RunFinished(
            run=self.run,
            status=result["state"],
            exit_code=result.get("exit_code"),
            metrics={key: value for key, (_, _, value) in self._latest.items()},
            artifacts=sorted(self.artifacts),
            reason=result.get("reason") or "",
        )
        yield self.finished
