"""The state of each step, kept from one session to the next: one private file for each VM of a site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import msgspec

from core.site import atomic, grounds, paths

from . import untrusted
from .session import Session
from .steps import ORDER, Known

SCHEMA = 1
LIMIT = 65_536  # bytes


class Step(msgspec.Struct):
    state: Literal["todo", "done", "failed", "stale"]
    result: str | None = None
    note: str = ""
    cause: str = ""
    because: str = ""
    at: float = 0.0
    ground: str = ""  # what of the site file it stands on


class File(msgspec.Struct):
    schema: Literal[1]
    steps: dict[str, Step]


class Keeper:
    """Reads once, then writes whatever changed. Nothing secret: fingerprints, digests, ids of runs, sizes."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.grounds: dict[str, str] = {}  # by step, when its result came
        self.grounded: dict[str, float] = {}  # that time
        self.written = ""

    @property
    def path(self) -> Path | None:
        """None where nothing is kept: no site yet, read-only, a demo, a replay."""
        session = self.session
        if not session.keep or session.read_only or not session.site or not session.vm:
            return None
        return paths.journey(session.site, session.vm)

    def load(self) -> str:
        """Fills the journey; what could not be used, in a sentence, or nothing."""
        path = self.path if self.session.keep else None
        try:
            raw = path.read_bytes() if path is not None and path.stat().st_size <= LIMIT else b""
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"What was done before is not known: {path} cannot be read ({error.strerror})"
        if path is None:
            return ""
        try:
            file = msgspec.json.decode(raw, type=File)
        except (msgspec.DecodeError, RecursionError):
            return f"What was done before is not known: {path} is damaged or of another version; it is written anew"
        self._take(file)
        return ""

    def _take(self, file: File) -> None:
        journey = self.session.journey
        for name, step in file.steps.items():
            if name not in ORDER:
                continue
            texts = (untrusted.plain(text) for text in (step.cause, step.because))
            journey.states[name], journey.notes[name] = step.state, untrusted.plain(step.note)
            journey.known[name] = Known(step.result, step.at, True, *texts)
            self.grounds[name] = step.ground
        now = grounds.of(self.session.services.site.path, self.session.vm)
        for name, (what, _) in grounds.GROUNDS.items():
            known = self.grounds.get(name)
            if known and name in now and known != now[name] and journey.states[name] in ("done", "failed"):
                journey.mark(name, "site file changed", f"{what} changed in the site file since")

    def save(self) -> str:
        """Writes what changed; why that failed, or nothing."""
        path = self.path
        if path is None:
            return ""
        fresh = [step for step in ORDER if self._is_fresh(step)]
        if fresh:
            now = grounds.of(self.session.services.site.path, self.session.vm)
            self.grounds |= {step: now.get(step, "") for step in fresh}
            self.grounded |= {step: self.session.journey.known[step].at for step in fresh}
        text = json.dumps({"schema": SCHEMA, "steps": {step: self._step(step) for step in ORDER}}, indent=1)
        if text == self.written:
            return ""
        self.written = text
        try:
            atomic.write(path, text + "\n")
        except OSError as error:
            return f"What was done is not kept: {path} cannot be written ({error.strerror})"
        return ""

    def _is_fresh(self, step: str) -> bool:
        known = self.session.journey.known[step]
        return known.result is not None and not known.earlier and self.grounded.get(step) != known.at

    def _step(self, step: str) -> dict[str, object]:
        known = self.session.journey.known[step]
        return {
            "state": self.session.journey.settled(step),
            "result": known.result,
            "note": self.session.journey.notes[step],
            "cause": known.cause,
            "because": known.because,
            "at": known.at,
            "ground": self.grounds.get(step, ""),
        }
