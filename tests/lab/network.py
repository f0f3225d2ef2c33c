"""A VM's network and a storage service's, joined by one cable that can be broken. Nothing leads out. Root is needed.

Both are namespaces that end with their holders, which end with us: nothing of them is left on the machine.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from .agent_process import AgentProcess, place

VM, STORAGE = "192.0.2.20", "192.0.2.10"  # documentation addresses (RFC 5737), as is that of the name server
NOWHERE = "203.0.113.53"
CLONE_NEWNET = 0x40000000
PROGRAMS = "/usr/sbin:/usr/bin:/sbin:/bin"
NEEDED = ("unshare", "nsenter", "ip", "tc", "mount")
VM_HOLDER = r"""
set -e
ip link set lo up
for name in hosts resolv.conf; do [ ! -e "/etc/$name" ] || mount --bind "$1/$name" "/etc/$name"; done
for place in {scratch}; do mount -t tmpfs -o size=64m,mode=1777 tmpfs "$place"; done
echo ready
read -r _
"""
SCRATCH = ("/tmp", "/var/tmp", "/dev/shm")  # folders that are the VM's alone
STORAGE_HOLDER = "ip link set lo up && echo ready && read -r _"
Made = TypeVar("Made")


def lacking() -> str:
    """Why there can be none here, or ""."""
    if os.geteuid() != 0:
        return "a network of its own needs root"
    missing = [name for name in NEEDED if not shutil.which(name, path=PROGRAMS)]
    return f"not installed: {', '.join(missing)}" if missing else ""


class _Held:
    """A process that keeps namespaces."""

    def __init__(self, *words: str) -> None:
        self._holder = subprocess.Popen(["unshare", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self._holder.pid
        assert self._holder.stdout is not None and self._holder.stdout.readline() == b"ready\n"

    def run(self, *words: str, check: bool = True) -> str:
        """What it prints."""
        inside = ["nsenter", f"--net=/proc/{self.pid}/ns/net", f"--mount=/proc/{self.pid}/ns/mnt", *words]
        done = subprocess.run(inside, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait(10)
        for pipe in (self._holder.stdin, self._holder.stdout):
            if pipe is not None:
                pipe.close()


class Network:
    """`enter`: words that start a program on the VM; `settings`: lines of sshd_config whose sessions are there.

    The VM has a /tmp, a /var/tmp and a /dev/shm of its own, and no name server that answers.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._hosts = folder / "hosts"
        self.names({})
        (folder / "resolv.conf").write_text(f"nameserver {NOWHERE}\noptions timeout:1 attempts:1\n")
        spaces = ("--net", "--mount", "--propagation", "private")
        self._vm = _Held(*spaces, "sh", "-c", VM_HOLDER.replace("{scratch}", " ".join(SCRATCH)), "sh", str(folder))
        self._storage = _Held("--net", "sh", "-c", STORAGE_HOLDER)
        self.enter = ["nsenter", f"--net=/proc/{self._vm.pid}/ns/net", f"--mount=/proc/{self._vm.pid}/ns/mnt"]
        self.settings = [f'ForceCommand exec {" ".join(self.enter)} /bin/sh -c "$SSH_ORIGINAL_COMMAND"']
        self._plug()

    def _plug(self) -> None:
        self._vm.run(*f"ip link add eth0 type veth peer name eth0 netns {self._storage.pid}".split())
        for end, address in ((self._vm, VM), (self._storage, STORAGE)):
            end.run(*f"ip address add {address}/24 dev eth0".split())
            end.run(*["ip", "link", "set", "eth0", "up"])

    def names(self, known: Mapping[str, str]) -> None:
        """The only host names that the VM knows, with their addresses."""
        lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in known.items())]
        self._hosts.write_text("".join(line + "\n" for line in lines))

    def listener(self, port: int = 443) -> socket.socket:
        """For a front: on the storage service's address."""
        return _inside(self._storage.pid, lambda: socket.create_server((STORAGE, port), backlog=256))

    def run(self, *words: str, check: bool = True) -> str:
        """A program on the VM; what it prints."""
        return self._vm.run(*words, check=check)

    def seen(self, path: str) -> Path:
        """A path of the VM, from outside."""
        return Path(f"/proc/{self._vm.pid}/root{path}")

    def agent(self, root: Path, **how: str) -> AgentProcess:
        """An agent on the VM."""
        inside = f"--wdns={place(root)}"  # another mount namespace begins at its root
        return AgentProcess(root, prefix=[*self.enter, inside], **how)  # type: ignore[arg-type]

    # --- broken; each ends with its block

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        """The cable is out: no route from the VM."""
        self._vm.run(*["ip", "link", "set", "eth0", "down"])
        try:
            yield
        finally:
            self._vm.run(*["ip", "link", "set", "eth0", "up"])

    @contextmanager
    def dropped(self) -> Iterator[None]:
        """A firewall that drops: what the VM sends is never answered, on open connections too."""
        with self._route("blackhole"):
            yield

    @contextmanager
    def rejected(self) -> Iterator[None]:
        """A router that says: no route to that host."""
        rule = f"ip route add unreachable {STORAGE}/32"
        self._vm.run(*rule.split())
        try:
            yield
        finally:
            self._vm.run(*rule.replace("add", "del").split())

    @contextmanager
    def slow(self, rate: str = "10mbit") -> Iterator[None]:
        """From the storage service, as `tc` writes a rate."""
        self._storage.run(*f"tc qdisc add dev eth0 root tbf rate {rate} burst 64kb latency 400ms".split())
        try:
            yield
        finally:
            self._storage.run(*["tc", "qdisc", "del", "dev", "eth0", "root"])

    @contextmanager
    def _route(self, kind: str) -> Iterator[None]:
        self._storage.run(*f"ip route add {kind} {VM}/32".split())
        try:
            yield
        finally:
            self._storage.run(*f"ip route del {kind} {VM}/32".split())

    def close(self) -> None:
        self._vm.close()
        self._storage.close()


def _inside(pid: int, make: Callable[[], Made]) -> Made:
    """What `make` returns in the network of a process: in a thread, as this belongs to a thread alone."""
    found: list[Made] = []
    wrong: list[OSError] = []

    def work() -> None:
        try:
            with open(f"/proc/{pid}/ns/net") as space:
                if ctypes.CDLL(None, use_errno=True).setns(space.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            found.append(make())
        except OSError as error:
            wrong.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if wrong:
        raise wrong[0]
    return found[0]
