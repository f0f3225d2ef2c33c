"""Metrics that a job does not log by MLflow: from its output, and from TensorBoard event files that it writes.

A job asks for them by its tag `trainshed.metrics`, words in a row: `lines` for KEY=NUMBER in what it prints,
`tensorboard` for every event file below its working folder, `tensorboard:FOLDER` for those below that folder. They are
recorded as if the job had logged them itself. An event file below FOLDER/train gives keys that begin with `train/`.
"""

from __future__ import annotations

import os
import threading
from typing import Any, Dict, Iterable, Iterator, List, Tuple

from . import metric_lines, plainfiles, runfolder, tfevents
from .faults import Fault
from .tracking_rules import METRICS_PER_BATCH, Refused, metric
from .tracking_store import Store, point

TAG = "trainshed.metrics"
LOOK_S = 2.0
ENTRIES = 20_000  # of the folders that are looked through
FILES = 1000  # event files that are read
_PLAIN = set("/_.- ")


def asked(job: Dict[str, Any]) -> Tuple[bool, List[str]]:
    """(read the output, folders of event files). Raises Fault for what cannot be meant."""
    lines, folders = False, []
    for word in str((job.get("tags") or {}).get(TAG) or "").replace(",", " ").split():
        kind, _, folder = word.partition(":")
        parts = [part for part in folder.split("/") if part not in ("", ".")]
        if kind == "tensorboard" and not folder.startswith("/") and ".." not in parts:
            folders.append("/".join(parts))
        elif word == "lines":
            lines = True
        else:
            hint = "lines, tensorboard, or tensorboard:FOLDER with a folder below the job's own"
            raise Fault("run", "tag %s: %r is no source of metrics" % (TAG, word), hint)
    return lines, folders


class Sources:
    """`feed` what the job prints; `close` when it has ended, before the store is closed."""

    def __init__(self, run_folder: str, job: Dict[str, Any], store: Store) -> None:
        lines, folders = asked(job)
        self._store = store
        self._lines = metric_lines.Lines(_passed_last(run_folder)) if lines else None
        self._boards = [Board(run_folder, folder) for folder in folders]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="tensorboard", daemon=True)
        if self._boards:
            self._thread.start()

    def feed(self, chunk: bytes) -> None:
        if self._lines is not None:
            self._record(self._stepped(self._lines.feed(chunk)))

    def close(self) -> None:
        self._ended.set()
        if self._boards:
            self._thread.join()
        if self._lines is not None:
            self._record(self._stepped(self._lines.end()))

    def _look(self) -> None:
        while not self._ended.wait(LOOK_S):
            self._read()
        self._read()

    def _read(self) -> None:
        for board in self._boards:
            try:
                for scalars in board.new():
                    self._record(scalars)
            except OSError as error:
                _note("event files: %s" % error)

    def _stepped(self, points: List[metric_lines.Point]) -> Iterator[tfevents.Scalar]:
        """Without a step of its own a key goes on from its last, also after a restart."""
        now = self._store.clock()
        known = {key: step for key, (step, _, _) in self._store.runs[self._store.root].metrics.items()}
        for key, value, step in points:
            known[key] = known.get(key, -1) + 1 if step is None else step
            yield tfevents.Scalar(key, known[key], now, value)

    def _record(self, scalars: Iterable[tfevents.Scalar]) -> None:
        """Each once. A full log or a full disk ends nothing: the job goes on, as with MLflow's client."""
        ops = [op for op in map(self._op, scalars) if op]
        for start in range(0, len(ops), METRICS_PER_BATCH):
            batch = {point(op): op for op in ops[start : start + METRICS_PER_BATCH]}
            with self._store.lock:
                there = self._store.recorded(self._store.root, list(batch.values()))
                try:
                    self._store.append([op for key, op in batch.items() if key not in there])
                except Refused as refused:
                    _note("metrics: %s" % refused.message)
                    return

    def _op(self, scalar: tfevents.Scalar) -> Dict[str, Any]:
        """As the tracking server would take it; {} for what it would refuse."""
        key = "".join(letter if letter.isalnum() or letter in _PLAIN else "_" for letter in scalar.tag)[:250]
        try:
            given = {"key": key, "value": scalar.value, "step": scalar.step, "timestamp": round(scalar.time * 1000)}
            return dict(metric(given), op="metric", run=self._store.root)
        except (Refused, ValueError, OverflowError):
            return {}


def _passed_last(run_folder: str) -> bytes:
    """The end of what an earlier supervisor has read, in the middle of a line perhaps."""
    with open(os.path.join(run_folder, runfolder.PASSED), "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - metric_lines.LINE_BYTES - 1))
        return file.read()


class Board:
    """The event files below one folder of the job, each read on from where it was left.

    The folder is the job's: no link is followed, and nothing but regular files is opened.
    """

    def __init__(self, run_folder: str, folder: str) -> None:
        outputs = folder == "outputs" or folder.startswith("outputs/")
        base = os.path.join(run_folder, *([] if outputs else ["code"]))
        self._starts = [(base, folder)]
        if not folder:
            self._starts.append((run_folder, "outputs"))
        self._whole = not folder
        self._read: Dict[Tuple[int, int], int] = {}  # (device, inode) -> offset; -1: broken

    def new(self) -> Iterator[List[tfevents.Scalar]]:
        """What has been written since the last time, file by file."""
        for base, folder in self._starts:
            for found in plainfiles.walk(base, folder, ENTRIES):
                if ".tfevents." in found.name:
                    before = "/".join(part for part in (self._whole and folder, os.path.dirname(found.path)) if part)
                    for scalars in self._tail(found):
                        yield [each._replace(tag=before + "/" + each.tag if before else each.tag) for each in scalars]

    def _tail(self, file: plainfiles.Found) -> Iterator[List[tfevents.Scalar]]:
        fd = plainfiles.open_in(file.directory, file.name)
        if fd < 0:
            return
        found = os.fstat(fd)
        key = (found.st_dev, found.st_ino)
        try:
            if key not in self._read and len(self._read) >= FILES:
                return
            at = self._read.get(key, 0)
            at = 0 if at > found.st_size else at  # another file has got the number of one that was removed
            while 0 <= at < found.st_size:
                scalars, after = tfevents.read(fd, at)
                if after == at:
                    return
                self._read[key] = at = after
                yield scalars
        except tfevents.Broken:
            self._read[key] = -1
        finally:
            os.close(fd)


def _note(text: str) -> None:
    """Into supervisor.log, which stays on the VM."""
    os.write(2, (text + "\n").encode(errors="replace"))
