"""How much Python source the scan reads in a second, beside `ast.parse` alone on the same files."""

from __future__ import annotations

import ast
import shutil
import sysconfig
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from core.events import ScanFinished
from core.jobs.scan.scanning import scan

from .row import ROUNDS, Part, Row

ORDINARY = Path(__file__).parents[1] / "scan" / "ordinary"
COPIES = 20  # of the ordinary scripts, so that a round is long enough
LIBRARIES = ("sklearn", "pandas")
MOST = 150  # files of a library


def parts() -> Iterator[Part]:
    yield "the scan, ordinary scripts", lambda: _row("ordinary training scripts", _scripts)
    yield "the scan, libraries", lambda: _row(f"{' and '.join(LIBRARIES)}, as code of a job", _libraries)


def _scripts(folder: Path) -> None:
    for number in range(COPIES):
        shutil.copytree(ORDINARY, folder / str(number), ignore=shutil.ignore_patterns("__pycache__"))


def _libraries(folder: Path) -> None:
    for name in LIBRARIES:
        place = Path(sysconfig.get_paths()["purelib"]) / name
        if not place.is_dir():
            raise SystemExit(f"{name} is not installed here")
        for path in sorted(place.rglob("*.py"))[:MOST]:
            copy = folder / path.relative_to(place.parent)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def _row(what: str, fill: Callable[[Path], None]) -> list[Row]:
    """In MB of source a second of processor time: others use this machine too. The whole scan: walk, content,
    code, credentials."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        fill(folder)
        size = sum(path.stat().st_size for path in folder.rglob("*.py")) / 1e6

        def ours() -> float:
            began = time.process_time()
            ended = list(scan(folder))[-1]
            took = time.process_time() - began
            assert isinstance(ended, ScanFinished) and abs(ended.looked_at / 1e6 - size) < 0.01 * size
            return size / took

        def floor() -> float:
            began = time.process_time()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for path in folder.rglob("*.py"):
                    ast.parse(path.read_bytes())
            return size / (time.process_time() - began)

        ours(), floor()
        pairs = [(ours(), floor()) for _ in range(ROUNDS)]
    name = f"`trainshed scan`, {what} ({size:.1f} MB)"
    return [
        Row(name, [pair[0] for pair in pairs], "`ast.parse` alone", [pair[1] for pair in pairs], "MB/s", "≥ 2 MB/s")
    ]
