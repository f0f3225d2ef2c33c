"""Fixtures that every kind of test uses."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """A shell's background job ignores SIGINT and SIGQUIT, and so would every program that a test interrupts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    os.environ["TZ"] = "UTC"  # what is compared holds times of day
    time.tzset()
    os.environ["TEXTUAL_ANIMATIONS"] = "none"  # a picture is of where something comes to rest
    gc.set_threshold(50_000, 20, 20)  # Python's own settings spend a third of the time of the apps' tests


def pytest_collection_finish() -> None:
    """The modules and the tests stay: the collector need not look through them again and again."""
    gc.collect()
    gc.freeze()


DOCKER = ("test_docker.py", "test_wheelhouse_docker.py", "test_image_builds.py", "corpus/test_sample.py", "of[docker-")
LONGEST_FIRST = ("tests/lab/", "tests/chaos/", "tests/tui/", "tests/snapshots/", "tests/contract/", "tests/cli/")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in its own
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For `--dist loadgroup`: a file's tests stay together, and those that need the one dockerd, as they would only
    wait for each other. These begin first, and files of a second come last: no worker is left with a long one at the
    end.
    """

    def needs_docker(item: pytest.Item) -> bool:
        return any(part in item.nodeid for part in DOCKER)

    def place(item: pytest.Item) -> int:
        folders = [number for number, folder in enumerate(LONGEST_FIRST) if item.nodeid.startswith(folder)]
        return -1 if needs_docker(item) else folders[0] if folders else len(LONGEST_FIRST)

    items.sort(key=place)
    for item in items:
        group = "docker" if needs_docker(item) else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session", autouse=True)
def _nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a person keeps on this machine is not the tests': a report of a crash, say."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINSHED_HOME", str(tmp_path_factory.mktemp("nobody")))
        yield


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A private TRAINSHED_HOME. Below the user's cache, because sshd's StrictModes refuses /tmp."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trainshed-tests"
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(dir=base))
    monkeypatch.setenv("TRAINSHED_HOME", str(folder))
    yield folder
    for inner, _, _ in os.walk(folder):
        with contextlib.suppress(FileNotFoundError):  # what still ends may tidy at the same time
            os.chmod(inner, 0o700)  # staged data are read-only, folders too
    shutil.rmtree(folder, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """How many were skipped, for `make test` and CI to read."""
    skipped = len(terminalreporter.stats.get("skipped", []))
    (config.rootpath / ".pytest-skipped").write_text(f"{skipped}\n")
