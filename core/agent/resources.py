"""What a run takes of its machine, a line of `resources.jsonl` every 2 s: kept on the VM, never a metric of the job.

{"time", "cpu" (cores that the run's processes used), "memory" (bytes that they hold), "machine_cpu" (0 to 1),
"machine_memory" (bytes in use), "disk_free" (bytes)} and, where there is one, "gpus": [{"use" (0 to 1), "memory"}].
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from typing import Any, Callable, Dict, List, Tuple

from . import processes
from .tail import Tail

FILE = "resources.jsonl"
EVERY_S, FIRST_S = 2.0, 0.25
THIN_AFTER = 20_000  # lines; then half as often, and so on: some MB for a run of weeks
SHOWN_BYTES = 64 * 1024  # of what was before, for whoever begins to follow
TICKS = os.sysconf("SC_CLK_TCK")
SMI = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits"]
SMI_S = 5.0
RESERVED = 512 << 20


class Sampler:
    """`sample` is called every EVERY_S; `outermost`: the processes that the run's others descend from."""

    def __init__(self, folder: str, outermost: Callable[[], List[int]]) -> None:
        self._folder = folder
        self._outermost = outermost
        self._file = open(os.path.join(folder, FILE), "ab", buffering=0)  # noqa: SIM115 - closed by close()
        self._lines = self._calls = 0
        self._apart = 1  # calls to a line
        self._before = (time.monotonic(), 0.0, _machine_ticks())
        self.peak_memory = _peak(folder)  # that of an earlier supervisor, too
        self.cpu_s = 0.0
        self._gpus = Gpus()

    def sample(self) -> None:
        pids = sorted({pid for outer in self._outermost() for pid in [outer, *processes.tree(outer)]})
        memory = processes.memory_bytes(pids)
        self.peak_memory = max(self.peak_memory, memory)
        self.cpu_s = max(self.cpu_s, sum(map(processes.cpu_ticks, pids)) / TICKS)
        self._calls += 1
        if self._calls % self._apart == 0:
            self._write(memory)

    def _write(self, memory: int) -> None:
        then, cpu_before, machine_before = self._before
        self._before = now, cpu_s, machine = time.monotonic(), self.cpu_s, _machine_ticks()
        busy, total = (after - before for after, before in zip(machine, machine_before))  # noqa: B905
        line: Dict[str, Any] = {
            "time": round(time.time(), 3),
            "cpu": round(max(0.0, cpu_s - cpu_before) / max(now - then, 0.001), 3),
            "memory": memory,
            "machine_cpu": round(busy / total, 3) if total > 0 else 0.0,
            "machine_memory": _machine_memory(),
            "disk_free": shutil.disk_usage(self._folder).free,
        }
        gpus = self._gpus.latest()
        if gpus:
            line["gpus"] = gpus
        try:
            self._file.write(json.dumps(line).encode() + b"\n")
        except OSError:
            return  # a full disk ends the run by its log, not by this
        self._lines += 1
        if self._lines % THIN_AFTER == 0:
            self._apart *= 2

    def close(self) -> Dict[str, Any]:
        """What goes with the run's last state."""
        self._file.close()
        return {"peak_memory": self.peak_memory, "cpu_s": round(self.cpu_s, 2)}


def _peak(folder: str) -> int:
    with open(os.path.join(folder, FILE), "rb") as file:
        whole = (line for line in file if line.endswith(b"\n"))
        return max((int(json.loads(line.decode())["memory"]) for line in whole), default=0)


def tail(folder: str) -> Tail:
    """The file from its last few hundred lines on: enough to draw, and to go on from."""
    path = os.path.join(folder, FILE)
    try:
        size = os.path.getsize(path)
    except OSError:
        size = 0
    found = Tail(path, max(0, size - SHOWN_BYTES))
    if found.offset:
        data = found.read(SHOWN_BYTES)
        found.offset += data.find(b"\n") + 1 - len(data)  # the first line is cut
    return found


class Gpus:
    """What nvidia-smi said last: asked in a thread, because it can take seconds."""

    def __init__(self) -> None:
        self._there = shutil.which(SMI[0]) is not None
        self._asking = False
        self._said: List[Dict[str, Any]] = []

    def latest(self) -> List[Dict[str, Any]]:
        if self._there and not self._asking:
            self._asking = True
            threading.Thread(target=self._ask, name="nvidia-smi", daemon=True).start()
        return self._said

    def _ask(self) -> None:
        try:
            done = subprocess.run(SMI, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=SMI_S)
            self._said = read_smi(done.stdout.decode(errors="replace"))
        except (OSError, subprocess.TimeoutExpired):
            self._said = []
        finally:
            self._asking = False


def read_smi(text: str) -> List[Dict[str, Any]]:
    """A line a GPU: use in percent, memory in MiB; `[N/A]` where the driver does not tell."""
    found = []
    for line in text.splitlines():
        use, _, memory = (part.strip() for part in line.partition(","))
        found.append({
            "use": int(use) / 100 if use.isdigit() else None,
            "memory": int(memory) << 20 if memory.isdigit() else None,
        })  # fmt: skip
    return found


def _machine_ticks() -> Tuple[int, int]:
    """(busy, all) of all processors together (proc(5), /proc/stat)."""
    with open("/proc/stat", encoding="ascii") as file:
        numbers = [int(part) for part in file.readline().split()[1:9]]
    return sum(numbers) - numbers[3] - numbers[4], sum(numbers)


def _meminfo() -> Dict[str, int]:
    """Bytes (proc(5), /proc/meminfo)."""
    found: Dict[str, int] = {}
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            name, _, rest = line.partition(":")
            found[name] = int(rest.split()[0]) * 1024
    return found


def _machine_memory() -> int:
    found = _meminfo()
    return found["MemTotal"] - found.get("MemAvailable", found["MemFree"])


def for_jobs() -> int:
    """Bytes that a job may hold where nobody says less: the rest is for the agent, SSH and the kernel."""
    total = _meminfo()["MemTotal"]
    return total - min(max(total // 20, RESERVED), total // 4)


def oom_kills() -> int:
    """How many processes the kernel has ended for want of memory since the boot; 0 where it does not tell."""
    with open("/proc/vmstat", encoding="ascii") as file:
        return next((int(line.split()[1]) for line in file if line.startswith("oom_kill ")), 0)
