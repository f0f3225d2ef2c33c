"""The agent's staging in this process, against made-up blobs: its steps can be changed, and its events are heard."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.agent import data
from core.agent.call import Call

from .front import StrictFront
from .made_up import Container
from .staged_files import hashes, shown

NAME = "c"


class StagedHere:
    """`root`: the agent's folder. `heard`: called with each event."""

    def __init__(self, root: Path, front: StrictFront, container: Container) -> None:
        self.root, self.front = root, front
        self.hold(container)
        self.events: list[dict[str, Any]] = []
        self.heard: Callable[[Call, dict[str, Any]], object] = lambda _call, _event: None

    def hold(self, container: Container) -> None:
        """From now on this is what there is to stage."""
        self.container = container
        self.front.containers = {NAME: container}

    def stage(self, path: str = "", *, key: bool = False) -> dict[str, Any]:
        """Raises the agent's Fault or Cancelled."""
        self.events.clear()
        source = self.front.described(NAME)
        if not key:
            source["credential"] = self.front.sas(NAME)
        os.makedirs(self.root, exist_ok=True)
        return data.stage(
            Call(1, "data.stage", str(self.root), self._send), {**source, "api_version": "2019-07-07"}, path
        )

    def _send(self, call: Call, event: Any) -> None:
        call.receive({"credit": 1})
        self.events.append(event)
        self.heard(call, event)

    @property
    def data(self) -> Path:
        return self.root / "data"

    def files(self, digest: str) -> dict[str, str]:
        """path -> sha256"""
        return hashes(self.data / digest / "files")

    def visible(self) -> list[str]:
        return shown(self.data)

    def partial(self) -> Path:
        (found,) = self.data.glob(".tmp-*")
        return found

    def asked(self) -> list[tuple[str, str]]:
        """(name, range) of each download."""
        return [(entry.path.split("?")[0].split("/", 2)[2], entry.range) for entry in self.front.faults.downloads]
