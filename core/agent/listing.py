"""The list of runs for somebody who looks again and again: a run that has ended is summed up once, and a client that
says what it has seen is told what has changed since.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from typing import Any, Dict, List, Optional, Tuple

from . import runfolder, summary
from .states import FILE, TERMINAL

SUMMARY = "summary.json"  # of a run that has ended: {"key", "info"}
Info = Dict[str, Any]


class Listing:
    """Of this process. Each look has a number; a run has that of the look that first saw it so."""

    def __init__(self) -> None:
        self.id = os.urandom(8).hex()
        self._lock = threading.Lock()
        self._at = 0
        self._seen: Dict[str, Tuple[int, Info]] = {}
        self._gone: Dict[str, int] = {}
        self._ended: Dict[str, Tuple[List[Any], Info]] = {}

    def look(self, root: str, seen: Optional[Dict[str, Any]]) -> Dict[str, Any]:
        """{"runs", "gone", "seen"}: those that are another than at `seen`, an earlier answer's; all of them where that
        is none of this process. The newest first.
        """
        with self._lock:
            self._at += 1
            now = self._infos(root)
            for run, info in now.items():
                if run not in self._seen or self._seen[run][1] != info:
                    self._seen[run] = (self._at, info)
            for run in set(self._seen) - set(now):
                del self._seen[run]
                self._gone[run] = self._at
            since = seen["at"] if seen and seen.get("listing") == self.id else 0
            changed = [run for run in now if self._seen[run][0] > since]
            return {
                "runs": [now[run] for run in changed],
                "gone": [run for run, at in self._gone.items() if at > since > 0 and run not in now],
                "seen": {"listing": self.id, "at": self._at},
            }

    def _infos(self, root: str) -> Dict[str, Info]:
        base = runfolder.runs_folder(root)
        names = os.listdir(base) if os.path.isdir(base) else []
        found = {}
        for name in sorted((name for name in names if runfolder.ULID.match(name)), reverse=True):
            try:
                found[name] = self._info(os.path.join(base, name), name)
            except FileNotFoundError:
                continue  # somebody deletes it just now
        self._ended = {run: kept for run, kept in self._ended.items() if run in found}
        return found

    def _info(self, folder: str, run: str) -> Info:
        key = _key(folder)
        known = self._ended.get(run)
        if known is not None and known[0] == key:
            return known[1]
        info = _kept(folder, key)
        if info is None:
            info = summary.info(folder)
            if info["state"] not in TERMINAL or key != _key(folder):
                return info
            _keep(folder, key, info)
        self._ended[run] = (key, info)
        return info


def _version() -> str:
    """Another version's summary may have other fields."""
    with open(summary.__file__, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]


VERSION = _version()


def _key(folder: str) -> List[Any]:
    """What a summary depends on: the version, size and time of the files that it is made of."""
    key: List[Any] = [VERSION]
    for name in (FILE, "job.json", runfolder.PASSED, summary.TRACKING_LOG):
        try:
            found = os.stat(os.path.join(folder, name))
            key += [found.st_size, found.st_mtime_ns]
        except FileNotFoundError:
            key += [-1, 0]
    return key


def _kept(folder: str, key: List[Any]) -> Optional[Info]:
    try:
        with open(os.path.join(folder, SUMMARY), encoding="utf-8") as file:
            kept = json.load(file)
        return kept["info"] if kept["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(folder: str, key: List[Any], info: Info) -> None:
    """Whole or not at all; where there is no room it is summed up anew each time."""
    fresh = ""
    try:
        fd, fresh = tempfile.mkstemp(prefix=".new-", dir=folder)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            json.dump({"key": key, "info": info}, file)
        os.rename(fresh, os.path.join(folder, SUMMARY))
    except OSError:
        if fresh and os.path.exists(fresh):
            os.unlink(fresh)


HERE = Listing()
