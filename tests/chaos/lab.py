"""One VM behind a real sshd, and ways to it that each lead through a proxy."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.agent import processes
from core.agent.states import TERMINAL
from core.events import Event
from core.jobs import ulid
from core.runs.service import LiveRuns
from core.site import files
from core.site.files import Site
from core.ssh.hosts import CONFIG_VARIABLE
from core.ssh.link import SiteLink
from core.workspace import opened

from ..lab import dockerd
from ..lab.machine import Machine
from ..lab.sites import hermetic
from ..lab.sshd import Sshd, kill
from . import seams
from .disk import SmallDisk
from .door import Door
from .proxy import CLEAR, Proxy, Weather

ENGINES = ("bwrap", "docker")
PACKAGES = {"bwrap": 'requirements = "none.txt"', "docker": f'image = "{dockerd.IMAGE}"'}
CODE = Path(__file__).parent / "job"
FRESH_BYTES = 2000
SRC = "code: src\nenvironment: azureml:plain@latest\n"
TRIVIAL = "command: echo $$ >> outputs/starts; echo done\n" + SRC
TALK = "command: echo $$ >> outputs/starts; python3 talk.py {steps} {pause}\n" + SRC


class Way:
    """A site of its own whose VM is reached through a proxy of its own."""

    def __init__(self, lab: Lab, name: str, weather: Callable[[int], Weather]) -> None:
        self.lab = lab
        self.proxy = Proxy(lab.sshd.port, weather)
        sshd = lab.sshd
        key = str(sshd.client_key)
        path = files.write_new(
            name, "vm", host=sshd.host, port=self.proxy.port, user=sshd.user, identity=key, host_key=sshd.pinned
        )
        text = path.read_text().replace("[vms.vm]", f'[vms.vm]\nsandbox = "{lab.engine}"')
        path.write_text(text + f"\n[environments]\nplain = {{ {PACKAGES[lab.engine]} }}\n")
        (path.parent / "none.txt").write_text("")
        self.site: Site = files.load(path)

    @asynccontextmanager
    async def runs(self, *, read_only: bool = False) -> AsyncIterator[LiveRuns]:
        """The services of a client of this way, in this process."""
        link = SiteLink(self.site)
        try:
            yield LiveRuns(self.site, link, opened(self.site), read_only=read_only)
        finally:
            await link.close()


class Lab:
    """`home` is TRAINSHED_HOME. `close` ends the VM with all that runs on it.

    `runs`: the services of a client that nothing happens to, and that records nothing.
    """

    def __init__(
        self,
        home: Path,
        patch: pytest.MonkeyPatch,
        engine: str = ENGINES[0],
        disk_bytes: int | None = None,
        live_restore: bool = False,
        door: bool = False,
    ) -> None:
        """`disk_bytes`: the VM's root is a disk of its own, so large. `live_restore`: Docker has it; `door`: one leads
        to it that can be shut."""
        self.engine = engine
        self.patch = patch
        self.home = home
        hermetic(home, patch)
        self.environment = {name: os.environ[name] for name in ("TRAINSHED_HOME", CONFIG_VARIABLE)}
        self.seams = seams.Seams(home / "seams")
        patch.setattr("core.ssh.place.SOURCE", self.seams.source)
        seams.use(self.seams.source)
        vm_root = home / "sshd" / "home" / ".trainshed"
        self.disk = SmallDisk(vm_root, disk_bytes) if disk_bytes else None
        self.ending = ExitStack()
        self._live_restore = live_restore
        self.docker: dockerd.Dockerd | None = None
        if engine == "docker":
            daemon = dockerd.running(self.disk.enter if self.disk else (), live_restore=live_restore)
            self.docker = self.ending.enter_context(daemon)
        self.door = Door(home / "docker.sock", self.docker.socket) if self.docker and door else None
        leads = self.door.path if self.door else self.docker.socket if self.docker else None
        variables = {"DOCKER_HOST": f"unix://{leads}"} if leads else {}
        settings = self.disk.settings if self.disk else ()
        self.sshd = Sshd(home / "sshd", settings=settings, environment=variables)
        self.root = self.disk.seen(vm_root) if self.disk else vm_root
        self._vm_root = vm_root
        self.jobs = home / "jobs"
        (self.jobs / "src").mkdir(parents=True)
        for path in CODE.iterdir():
            if path.is_file():
                (self.jobs / "src" / path.name).write_bytes(path.read_bytes())
        self._ways: list[Way] = []
        self._spare: list[Way] = []
        self._boots = 1
        self.link = SiteLink(self.way().site)
        self.runs = LiveRuns(self._ways[0].site, self.link, opened(self._ways[0].site), read_only=True)

    def way(self, weather: Callable[[int], Weather] = lambda _: CLEAR) -> Way:
        made = Way(self, f"lab{len(self._ways)}", weather)
        self._ways.append(made)
        return made

    @contextmanager
    def borrowed(self, weather: Callable[[int], Weather] = lambda _: CLEAR) -> Iterator[Way]:
        """A way that nobody else uses meanwhile."""
        way = self._spare.pop() if self._spare else self.way()
        way.proxy.weather = weather
        way.proxy.accepted = 0
        try:
            yield way
        finally:
            way.proxy.disarm()
            self._spare.append(way)

    def job(self, text: str, *, fresh: bool = False) -> Path:
        """A job file; with `fresh`, its code was never sent before."""
        folder = self.jobs
        if fresh:
            folder = self.jobs / ulid.new()
            shutil.copytree(self.jobs / "src", folder / "src")
            (folder / "src" / "fresh").write_bytes(os.urandom(FRESH_BYTES))
        path = folder / f"job-{ulid.new()}.yml"
        path.write_text(text)
        return path

    def folder(self, run: str) -> Path:
        return self.root / "runs" / run

    def states(self, run: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder(run) / "state.jsonl").read_text().splitlines()]

    def processes(self, word: str = "") -> list[int]:
        """Of the VM: connections, agents, supervisors and all below them; with `word`, only those of an agent."""
        if word:
            return [pid for pid in _agents(self._vm_root) if f"\0{word}\0" in _words(pid)]
        found = {*self.sshd.sessions(), *_agents(self._vm_root)} - ({self.disk.pid} if self.disk else set())
        return sorted(found | {below for pid in found for below in processes.tree(pid)})

    def going_on(self) -> Iterator[str]:
        """For whoever wonders why a case hangs: the runs that have not ended, what there is of the VM and of Docker."""
        for folder in sorted((self.root / "runs").glob("*")):
            if (folder / "supervisor.log").exists() and self.states(folder.name)[-1]["state"] not in TERMINAL:
                said = (folder / "supervisor.log").read_text()[-2000:]
                yield f"{folder.name}: {self.states(folder.name)}\n{said}\n"
        yield from (f"{pid} {_words(pid)[:200]!r}\n" for pid in self.processes())
        if self.docker is not None:
            yield from self.docker.told()

    @property
    def daemon(self) -> dockerd.Dockerd:
        assert self.docker is not None
        return self.docker

    def agents(self, vm: Machine) -> list[int]:
        """Processes of agents on a VM that can be rebooted."""
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        return [pid for pid in pids if f"\0/home/{vm.account}/.trainshed" in _words(pid)]

    def start_docker(self) -> None:
        self.daemon.start(live_restore=self._live_restore)

    def restart_docker(self, number: int = signal.SIGKILL) -> None:
        self.daemon.stop(number)
        self.start_docker()

    def reboot(self) -> None:
        """All of them end at once, none sees another end, and the VM has another boot id. Docker is among them."""
        containers = self.docker.processes if self.docker else list
        self.halt(lambda: self.seams.boot(f"boot-{self._next_boot()}"), containers)
        if self.docker is not None:
            self.docker.forget()
            self.start_docker()

    def _next_boot(self) -> int:
        self._boots += 1
        return self._boots

    def halt(self, meanwhile: Callable[[], object] = lambda: None, others: Callable[[], list[int]] = list) -> None:
        stopped: list[int] = []
        while fresh := [pid for pid in [*self.processes(), *others()] if pid not in stopped]:
            kill(fresh, signal.SIGSTOP)
            stopped += fresh
        meanwhile()
        kill(stopped)

    async def close(self) -> None:
        await self.link.close()
        self.halt()
        self.sshd.stop()
        if self.door is not None:
            self.door.close()
        self.ending.close()
        if self.disk is not None:
            self.disk.close()
        for way in self._ways:
            way.proxy.close()


async def launched(lab: Lab, text: str) -> str:
    """The ULID of a run that a client launched to whom nothing happens."""
    run = ulid.new()
    await collected(lab.runs.launch(lab.job(text), run=run))
    return run


def _words(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _agents(root: Path) -> list[int]:
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if pid != os.getpid() and f"\0{root}" in _words(pid)]


async def collected(events: AsyncIterator[Event]) -> list[Event]:
    async with aclosing(events) as listed:  # type: ignore[type-var]
        return [event async for event in listed]
