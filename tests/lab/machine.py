"""A VM on this machine that can be rebooted: mounts, processes, /etc, boot id and uptime of its own. Root is needed.

Its loopback is this machine's. Its disk is `folder`: /etc, /home and /var/lib are there, and outlast a reboot.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from core.site import files
from core.site.files import Site
from core.ssh.place import source_hash

from .sshd import HOST, fingerprint, free_port, keygen, public

PATIENCE_S = 60.0
UIDS = {"root": 0, "worker": 64001}
PLACED: dict[tuple[str, str], Path] = {}  # agents that were put on a VM of this process: the next one has it already
PROGRAMS = "/usr/sbin:/usr/bin:/sbin:/bin"
DISK_BYTES = 256 * 1024
INCLUDE = "Include /etc/ssh/sshd_config.d/*.conf"
BOOT = r"""
set -e
mkdir -p "$1/dpkg"; mount --bind /var/lib/dpkg "$1/dpkg"
for place in etc home var/lib; do mount --bind "$1/$place" "/$place"; done
mount --bind "$1/dpkg" /var/lib/dpkg
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/lock
mount --bind "$1/boot_id" /proc/sys/kernel/random/boot_id
[ ! -e "$1/disk" ] || . "$1/disk"
[ ! -e "$1/cron" ] || PATH=/usr/sbin:/usr/bin:/sbin:/bin cron
/bin/sh "$1/server" &
while sleep 1; do :; done
"""
# Secrets, what a VM has of its own, and what is much and of no use.
WITHOUT = {"shadow", "gshadow", "shadow-", "gshadow-", "passwd-", "group-", "ssh", "cron.d", "sudoers.d"}
WITHOUT |= {"ssl", "fonts", "X11", "alternatives", "init.d"}


def own(folder: Path, account: str) -> None:
    """It and all below it is the account's."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, UIDS[account], UIDS[account], follow_symlinks=False)


def lacking() -> str:
    """Why there can be none here, or ""."""
    if os.geteuid() != 0:
        return "a VM of its own needs root"
    missing = [name for name in ("unshare", "cron", "sudo", "openssl") if not shutil.which(name, path=PROGRAMS)]
    return f"not installed: {', '.join(missing)}" if missing else ""


class Ended(AssertionError):
    """The VM's first process has ended by itself: what it said."""


class Machine:
    """`lines`: of the server's file, after what it needs. `start`: words that start the server (None: a plain sshd).

    `log`: what the server says. `account`: who logs in, root or worker, whom `sudo` allows this.
    `disk`: a folder of the VM that is a small disk of its own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        lines: Sequence[str] = (INCLUDE,),
        options: Sequence[str] = (),
        account: str = "root",
        sudo: str = "NOPASSWD: ALL",
        cron: bool = True,
        server: Callable[[Machine], str] | None = None,
        disk: str = "",
    ) -> None:
        self.folder, self.account, self.options = folder, account, list(options)
        self.etc, self.home, self.lib = folder / "etc", folder / "home", folder / "var/lib"
        self.log = folder / "sshd.log"
        shutil.copytree("/etc", self.etc, symlinks=True, ignore=_left_out)
        for place in (self.etc / "ssh/sshd_config.d", self.etc / "cron.d", self.lib / "dpkg", self.etc / "sudoers.d"):
            place.mkdir(parents=True)
        self.host_key, self.client_key = keygen(self.etc / "ssh/ssh_host_ed25519_key"), keygen(folder / "client")
        self._accounts()
        self._agent = self.home / account / ".trainshed/agent"
        if self._placed in PLACED:
            shutil.copytree(PLACED[self._placed], self._agent)
            own(self._agent.parent, account)
        rule = self.etc / "sudoers.d/worker"
        rule.write_text(f"worker ALL=(ALL) {sudo}\n")
        rule.chmod(0o440)
        self.config = self.etc / "ssh/sshd_config"
        self.port = free_port()
        self.config.write_text("".join(line + "\n" for line in [*lines, *self._base()]))
        self.command = ["/usr/sbin/sshd", "-D", "-e", *self.options]
        (folder / "server").write_text(server(self) if server else self.plain)
        (folder / "boot").write_text(BOOT)
        if cron:
            (folder / "cron").touch()
        self._disk = disk
        if disk:
            (folder / disk).mkdir(parents=True, exist_ok=True)
            (folder / "disk").write_text(f"mount -t tmpfs -o size={DISK_BYTES},mode=755 tmpfs /{disk}\n")
        self._boots = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def state(self) -> Path:
        """Where the VM keeps fixes."""
        return self.seen("var/lib/trainshed/fixes")

    def seen(self, path: str) -> Path:
        """Of the VM, from outside."""
        inside = self._disk and path.startswith(self._disk)
        return Path(f"/proc/{self.init}/root/{path}") if inside else self.folder / path

    def leave(self, pages: int | None) -> None:
        """Fills the small disk but for so many pages; None: nothing is filled."""
        fill = self.seen(self._disk) / ".fill"
        fill.unlink(missing_ok=True)
        if pages is None:
            return
        status = os.statvfs(fill.parent)
        with fill.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_bsize)
            file.truncate(max(1, (status.f_bavail - pages) * status.f_bsize))

    @property
    def plain(self) -> str:
        """What starts the server."""
        return f"exec {' '.join(self.command)} 2>>{self.log}\n"

    @property
    def _placed(self) -> tuple[str, str]:
        return source_hash(), self.account

    def _accounts(self) -> None:
        for name in UIDS:
            place = self.home / name
            (place / ".ssh").mkdir(parents=True, mode=0o700)
            (place / ".ssh/authorized_keys").write_text(public(self.client_key) + "\n")
            (place / ".ssh/authorized_keys").chmod(0o600)
            place.chmod(0o700)
            own(place, name)
        others = [line for line in Path("/etc/passwd").read_text().splitlines() if not line.startswith("root:")]
        rows = ["root:x:0:0::/home/root:/bin/sh", "worker:x:64001:64001::/home/worker:/bin/sh", *others]
        (self.etc / "passwd").write_text("\n".join(rows) + "\n")
        with (self.etc / "group").open("a") as file:
            file.write("worker:x:64001:\n")
        (self.etc / "shadow").write_text("root:*:19000:0:99999:7:::\nworker:*:19000:0:99999:7:::\n")
        (self.etc / "shadow").chmod(0o600)

    def _base(self) -> list[str]:
        settings = {
            "Port": self.port,
            "ListenAddress": HOST,
            "HostKey": "/etc/ssh/ssh_host_ed25519_key",
            "UsePAM": "no",
            "PermitRootLogin": "prohibit-password",
            "SetEnv": "PYTHONPYCACHEPREFIX=/run",
        }
        return [f"{key} {value}" for key, value in settings.items()]

    @property
    def init(self) -> int:
        """The first process, as this machine numbers it."""
        assert self._process is not None
        path = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return int(path.read_text().split()[0])

    def start(self, *, wait: bool = True) -> None:
        """Boots it; returns when the server listens."""
        self._boots += 1
        (self.folder / "boot_id").write_text(str(uuid.uuid4()) + "\n")
        up = int(float(Path("/proc/uptime").read_text().split()[0]))
        spaces = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
        clock = ["--time", "--boottime", str(5 - up), "--monotonic", str(5 - up)]
        words = ["unshare", *spaces, *clock, "/bin/sh", str(self.folder / "boot"), str(self.folder)]
        with (self.folder / "boot.log").open("ab") as log:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            until(self.listens)

    def listens(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise Ended((self.folder / "boot.log").read_text()[-500:])
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
            return True
        return False

    def stop(self) -> None:
        """All of its processes end at once. Twice is fine."""
        if self._process is None:
            return
        with contextlib.suppress(OSError, IndexError):
            os.kill(self.init, signal.SIGKILL)
        try:
            self._process.wait(10)  # it has waited for the first process, and that for all others
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process = None
        if self._agent.exists() and self._placed not in PLACED:
            kept = Path(tempfile.mkdtemp(prefix="trainshed-placed-"))
            atexit.register(shutil.rmtree, kept, ignore_errors=True)
            PLACED[self._placed] = Path(shutil.copytree(self._agent, kept / "agent"))

    def reboot(self, *, wait: bool = True) -> None:
        """As a power cut: nothing is told, the boot id is another, and the uptime begins anew."""
        self.stop()
        self.start(wait=wait)

    def run(self, *words: str, check: bool = True) -> str:
        """A command of root there; what it prints."""
        inside = ["nsenter", "-t", str(self.init), "--mount", "--pid", "--time", *words]
        return subprocess.run(inside, capture_output=True, text=True, check=check, stdin=subprocess.DEVNULL).stdout

    def reload(self) -> None:
        """The server reads its files; it writes its PidFile when it has."""
        read_at = "stat -c %.9Y /run/sshd.pid"
        before = self.run("sh", "-c", f"{read_at}; kill -HUP $(cat /run/sshd.pid)")
        until(lambda: self.run("sh", "-c", read_at, check=False) not in ("", before) and self.listens())

    def setting(self, key: str) -> str:
        """What the server's files say, by `sshd -T`."""
        shown = self.run("/usr/sbin/sshd", "-T", *self.options)
        return " ".join(line.partition(" ")[2] for line in shown.splitlines() if line.startswith(key + " "))

    def files(self) -> dict[str, tuple[bytes, int, int, int]]:
        """Bytes, mode and owner of whatever a fix may touch."""
        places = [self.etc / "ssh", self.etc / "security", self.etc / "cron.d", self.home / self.account / ".ssh"]
        found = {}
        for path in [path for place in places for path in place.rglob("*") if path.is_file()]:
            status = path.stat()
            found[str(path.relative_to(self.folder))] = (
                path.read_bytes(),
                status.st_mode,
                status.st_uid,
                status.st_gid,
            )
        return found

    @property
    def pinned(self) -> str:
        return f"{public(self.host_key).split()[0]} {fingerprint(self.host_key)}"

    def site(self, name: str = "lab", port: int | None = None) -> Site:
        """A site file that leads here."""
        if files.path_of(name).exists():
            return files.load(files.path_of(name))
        path = files.write_new(
            name, "vm", host=HOST, port=port or self.port, user=self.account, identity=str(self.client_key),
            host_key=self.pinned,
        )  # fmt: skip
        return files.load(path)


def _left_out(folder: str, names: list[str]) -> set[str]:
    inside = os.path.relpath(folder, "/etc")
    return {name for name in names if os.path.normpath(os.path.join(inside, name)) in WITHOUT}


def until(done: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Waits for it; an assertion after `seconds`."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"waited {seconds:g} s"
        time.sleep(0.05)


ACCEPT = """import socket, subprocess
door = socket.create_server(("127.0.0.1", {port}))
while True:
    one, _ = door.accept()
    subprocess.Popen(["/usr/sbin/sshd", "-i", "-e"], stdin=one, stdout=one, stderr=open("{log}", "a"))
    one.close()
"""


def per_connection(vm: Machine) -> str:
    """A `server` that starts an sshd for each connection, as inetd does."""
    (vm.folder / "inetd.py").write_text(ACCEPT.format(port=vm.port, log=vm.log))
    return f"exec /usr/bin/python3 {vm.folder / 'inetd.py'}\n"


@contextlib.contextmanager
def machine(folder: Path, **how: object) -> Iterator[Machine]:
    """One that ends with the block."""
    folder.mkdir(mode=0o755)
    made = Machine(folder, **how)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.stop()
