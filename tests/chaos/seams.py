"""The agent with two seams for tests: a boot id and a clock that are files of ours. The product has neither."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.agent import processes, serve
from core.ssh import place

CLOCK = """
import time

_real, _clock = time.time, {clock!r}


def _shifted():
    with open(_clock, encoding="ascii") as file:
        return _real() + float(file.read())


time.time = _shifted
"""


class Seams:
    """`folder/agent` is a copy of the agent; `use` makes the client of this process place it."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "agent"
        self._boot, self._clock = folder / "boot_id", folder / "clock"
        folder.mkdir()
        shutil.copytree(Path(serve.__file__).parent, self.source, ignore=shutil.ignore_patterns("__pycache__"))
        self.boot("boot-1")
        self.shift(0.0)
        with (self.source / "__init__.py").open("a") as file:
            file.write(CLOCK.format(clock=str(self._clock)))
        text = (self.source / "processes.py").read_text()
        assert repr(processes.BOOT_ID) in text.replace('"', "'")
        (self.source / "processes.py").write_text(text.replace(processes.BOOT_ID, str(self._boot)))

    def boot(self, name: str) -> None:
        """From now on the VM has another boot id."""
        _replace(self._boot, name)

    def shift(self, seconds: float) -> None:
        """From now on the VM's clock is so far from ours."""
        _replace(self._clock, repr(seconds))


def use(source: Path) -> None:
    """From now on the client of this process places the agent that lies in `source`."""
    place.SOURCE = source
    leave()


def leave() -> None:
    """From now on the client of this process places the agent that `place.SOURCE` names: what was read is forgotten."""
    place.source_hash.cache_clear()
    place.source_tar.cache_clear()


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text)
    fresh.replace(path)
