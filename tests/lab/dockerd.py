"""A real dockerd of our own, with an image that has Python: started in a folder, stopped by its pid.

As on a real machine, containerd is a process of its own, which stays when dockerd ends.

It has no bridge and no firewall rules; a build's network is the host's. Its data and the image are kept between test
runs, below ~/.cache/trainshed-tests, for one test process at a time.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from core.agent.docker_api import Docker, NotThere, Refusal, Unanswered

from .sshd import descendants

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trainshed-tests"
IMAGE = "lab/python:1"
PACKAGES = "python3,python3-pip,python3-venv"
PATIENCE_S = 60


def lacking() -> str:
    """Why there can be no dockerd here, or ""."""
    if os.geteuid() != 0:
        return "dockerd needs root"
    missing = [name for name in ("dockerd", "debootstrap") if not shutil.which(name)]
    return f"not installed: {', '.join(missing)}" if missing else ""


class Dockerd:
    """`prefix`: words put before its programs, as `nsenter …` to be in another namespace; `environment`: more
    variables for them.
    """

    def __init__(self, folder: Path, prefix: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._prefix = prefix
        self._environment = {**os.environ, **(environment or {})}
        folder.mkdir(parents=True, exist_ok=True)
        self.socket = folder / "docker.sock"
        self.api = Docker(str(self.socket))
        self._process: subprocess.Popen[bytes] | None = None
        self._containerd: subprocess.Popen[bytes] | None = None

    def _spawn(self, *words: object) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [*self._prefix, *map(str, words)],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _start_containerd(self) -> Path:
        address = self.folder / "containerd.sock"
        if self._containerd is None:
            address.unlink(missing_ok=True)
            config = self.folder / "containerd.toml"
            config.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
            folders = ("--root", self.folder / "containerd", "--state", self.folder / "containerd-state")
            self._containerd = self._spawn("containerd", "--config", config, "--address", address, *folders)
            self._until(address.exists, self._containerd)
        return address

    def _until(self, true: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not true():
            assert process.poll() is None and time.monotonic() < end, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.05)

    def start(self, *, live_restore: bool = False) -> None:
        """Returns when it answers."""
        address = self._start_containerd()
        words = ["--data-root", self.folder / "data", "--exec-root", self.folder / "exec", "--containerd", address]
        words += ["-H", f"unix://{self.socket}", "--pidfile", self.folder / "pid", "--bridge=none", "--iptables=false"]
        words += ["--ip-forward=false", *(["--live-restore"] if live_restore else [])]
        self._process = self._spawn("dockerd", *words)
        self._until(lambda: self.api.usable()[0], self._process)

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE_S)
            self._process = None
            (self.folder / "pid").unlink(missing_ok=True)

    def close(self) -> None:
        self.stop()
        if self._containerd is not None:
            self._containerd.terminate()
            self._containerd.wait(PATIENCE_S)
            self._containerd = None
        self._unmount()

    def _unmount(self) -> None:
        """A dockerd that was killed leaves its data folder mounted, and what its containers had."""
        where = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        if self._prefix:
            where = _output(*self._prefix, "cut", "-d ", "-f2", "/proc/mounts").split()
        for place in reversed([each for each in where if each.startswith(f"{self.folder}/")]):
            subprocess.run([*self._prefix, "umount", "-l", place], check=True)

    def pause(self) -> None:
        """It accepts what is asked and says nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def containerd_paused(self) -> Iterator[None]:
        """Docker does not hear of any end."""
        assert self._containerd is not None
        self._containerd.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._containerd.send_signal(signal.SIGCONT)

    def hang(self, seconds: float) -> None:
        self.pause()
        try:
            time.sleep(seconds)
        finally:
            self.resume()

    def processes(self) -> list[int]:
        """Its own, containerd's, and those of all containers with what watches them."""
        own = [each.pid for each in (self._process, self._containerd) if each is not None]
        shims = [pid for pid in _pids() if b"containerd-shim" in _words(pid) and bytes(self.folder) in _words(pid)]
        return [*own, *shims, *(below for pid in shims for below in descendants(pid))]

    def forget(self) -> None:
        """After all of `processes` were killed: what a boot of the machine leaves of them."""
        for each in (self._process, self._containerd):
            if each is not None:
                each.wait(PATIENCE_S)
        self._process = self._containerd = None
        self._unmount()
        for name in ("exec", "containerd-state"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        (self.folder / "pid").unlink(missing_ok=True)

    def restart(self, number: int = signal.SIGKILL, *, live_restore: bool = False) -> None:
        self.stop(number)
        self.start(live_restore=live_restore)

    def containers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.call("GET", "/containers/json", all="true")
        return found

    def told(self) -> Iterator[str]:
        """What it says of its containers, and the end of its log."""
        try:
            yield from (f"{each['Names']} {each['State']} {each['Status']}\n" for each in self.containers())
        except (Refusal, Unanswered) as error:
            yield f"Docker: {error}\n"
        yield (self.folder / "log").read_text()[-3000:]

    def clean(self) -> None:
        for each in self.containers():
            with contextlib.suppress(NotThere, Refusal, Unanswered):
                self.api.call("DELETE", f"/containers/{each['Id']}", force="true", v="true")

    def base_image(self) -> str:
        """The id of the image; made where it is not there yet."""
        try:
            return str(self.api.call("GET", f"/images/{IMAGE}/json")["Id"])
        except NotThere:
            pass
        name, _, tag = IMAGE.partition(":")
        with _base().open("rb") as tar:
            for line in self.api.lines(
                "POST", "/images/create", tar, "application/x-tar", fromSrc="-", repo=name, tag=tag
            ):
                assert "error" not in line, line
        return str(self.api.call("GET", f"/images/{IMAGE}/json")["Id"])


def _base() -> Path:
    """A small Debian with Python, as a tar."""
    tar, folder = CACHE / "debian.tar", CACHE / "debian"
    if not tar.exists():
        shutil.rmtree(folder, ignore_errors=True)
        words = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(folder)]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        shutil.rmtree(folder / "var" / "cache" / "apt")
        fresh = tar.with_suffix(".new")
        subprocess.run(["tar", "-C", str(folder), "-cf", str(fresh), "."], check=True)
        shutil.rmtree(folder)
        fresh.rename(tar)
    return tar


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _output(*words: str) -> str:
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


@contextlib.contextmanager
def running(
    prefix: Sequence[str] = (), *, live_restore: bool = False, environment: Mapping[str, str] | None = None
) -> Iterator[Dockerd]:
    """One for all tests of a module; another process waits. `prefix`, `environment`: of Dockerd."""
    CACHE.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (CACHE / "docker.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        daemon = Dockerd(CACHE / "docker", prefix, environment)
        daemon.start(live_restore=live_restore)
        try:
            daemon.clean()
            daemon.base_image()
            yield daemon
            daemon.clean()
        finally:
            daemon.close()


@pytest.fixture(scope="module")
def one_dockerd() -> Iterator[Dockerd]:
    reason = lacking()
    if reason:
        pytest.skip(reason)
    with running() as daemon:
        yield daemon


@pytest.fixture
def dockerd(one_dockerd: Dockerd, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dockerd]:
    """As the agent of a VM finds it."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{one_dockerd.socket}")
    monkeypatch.setenv("TRAINSHED_BUILD_NETWORK", "host")
    yield one_dockerd
    one_dockerd.clean()


def events_of(daemon: Dockerd, run: str) -> list[str]:
    """What happened to the run's container, in Docker's own words."""
    filters = json.dumps({"type": ["container"], "label": [f"trainshed.run={run}"]})
    now = time.time()
    found = daemon.api.lines("GET", "/events", since=f"{now - 600:.0f}", until=f"{now + 1:.0f}", filters=filters)
    return [line["Action"] for line in found]
