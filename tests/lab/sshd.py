"""Real OpenSSH programs for tests: servers on loopback as the current user, and agents. Stopped by pid.

`Sshd(folder)` starts one; where the folder is below /tmp, say, it is without StrictModes: the fixture `home` is right.
"""

from __future__ import annotations

import base64
import getpass
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.demo.sshd import keys_are_safe

HOST = "127.0.0.1"
STARTS = 5  # another program may take the port between our look and sshd's


def keygen(path: Path, kind: str = "ed25519", passphrase: str = "", bits: int | None = None) -> Path:
    """A new private key at `path`, its public half beside it."""
    size = ["-b", str(bits)] if bits else []
    words = ["ssh-keygen", "-q", "-t", kind, *size, "-N", passphrase, "-C", "test", "-f", str(path)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return path


def public(key: Path) -> str:
    """`TYPE BASE64` of the key's public half."""
    return " ".join(key.with_name(key.name + ".pub").read_text().split()[:2])


def fingerprint(key: Path) -> str:
    """`SHA256:…` of the key, as OpenSSH prints it."""
    blob = base64.b64decode(public(key).split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, parents first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it has just ended
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(0), [])
        found += below
        todo += below
    return found


def kill(pids: Sequence[int], number: int = signal.SIGKILL) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


class Sshd:
    """One sshd: own port, host keys and authorised key; `HOME` of its sessions is `folder/home`.

    `host_keys`: types to make. `settings`: lines of sshd_config, put first (the first value wins).
    `environment`: more variables for the sessions. `authorised`: public lines beside that of `client_key`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        host_keys: Sequence[str] = ("ed25519",),
        settings: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        authorised: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.host = HOST
        self.user = getpass.getuser()
        self.home = folder / "home"
        self.home.mkdir(parents=True, mode=0o700, exist_ok=True)
        self.host_keys = [keygen(folder / f"host_{kind}", kind) for kind in host_keys]
        self.client_key = keygen(folder / "client_ed25519")
        self.authorized_keys = folder / "authorized_keys"
        self.authorise(public(self.client_key), *authorised)
        self.config = folder / "sshd_config"
        self.log = folder / "sshd.log"
        self.settings = list(settings)
        self.environment = {"HOME": str(self.home), **(environment or {})}
        self.port = 0
        self.start()

    @property
    def host_key_line(self) -> str:
        """The first host key as a line of known_hosts."""
        return f"[{self.host}]:{self.port} {public(self.host_keys[0])}"

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.host_keys[0])

    @property
    def pinned(self) -> str:
        """The first host key as a site file pins it: `ssh-ed25519 SHA256:…`."""
        return f"{public(self.host_keys[0]).split()[0]} {self.fingerprint}"

    def authorise(self, *lines: str) -> None:
        """Replaces `authorized_keys`."""
        self.authorized_keys.write_text("".join(line + "\n" for line in lines))
        self.authorized_keys.chmod(0o600)

    def start(self) -> None:
        """Starts the server; the port stays what it was. Returns when it listens."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd of root insists on it
        tries = 1 if self.port else STARTS
        for _ in range(tries):
            self.port = self.port if tries == 1 else free_port()
            self._write_config()
            if self._listens():
                return
        raise AssertionError(f"sshd does not start: {self.log.read_text()}")

    def _write_config(self) -> None:
        environment = " ".join(f'"{name}={value}"' for name, value in self.environment.items())
        lines = [
            *self.settings,
            f"Port {self.port}",
            f"ListenAddress {self.host}",
            *(f"HostKey {key}" for key in self.host_keys),
            f"AuthorizedKeysFile {self.authorized_keys}",
            f"PidFile {self.folder / 'sshd.pid'}",
            "UsePAM no",
            *([] if keys_are_safe(self.folder) else ["StrictModes no"]),
            "PermitRootLogin prohibit-password",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "MaxStartups 100",
            "LogLevel VERBOSE",
            f"SetEnv {environment}",
        ]
        self.config.write_text("\n".join(lines) + "\n")

    def rewrite(self, text: str) -> None:
        """Another configuration, which the PidFile says that the server has read: it goes on as it was."""
        self.config.write_text(text)
        self.config.with_name("sshd.pid").touch()

    def _listens(self) -> bool:
        program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", ""))
        assert program, "openssh-server is not installed"
        self.process = subprocess.Popen(
            [program, "-D", "-e", "-f", str(self.config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        listening, ended = threading.Event(), threading.Event()
        self._drain = threading.Thread(target=self._read_log, args=(listening, ended), daemon=True)
        self._drain.start()
        while not listening.wait(0.05):
            if ended.is_set():
                self.process.wait()
                return False
        return True

    def _read_log(self, listening: threading.Event, ended: threading.Event) -> None:
        assert self.process.stderr is not None
        with self.log.open("ab", buffering=0) as log, self.process.stderr as lines:
            for line in lines:
                log.write(line)
                if re.match(rb"Server listening on .* port \d+", line):
                    listening.set()
        ended.set()

    def sessions(self) -> list[int]:
        """Every process of every connection."""
        return descendants(self.process.pid)

    def cut(self) -> None:
        """Kills all connections with what runs in them; the server stays."""
        kill(self.sessions())

    def stop(self) -> None:
        """Ends the server and its connections. Twice is fine."""
        sessions = self.sessions()
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        kill(sessions)
        self._drain.join(10)


class SshAgent:
    """A real ssh-agent with `keys` in it."""

    def __init__(self, folder: Path, *keys: Path) -> None:
        self.socket = folder / "agent.sock"
        self.process = subprocess.Popen(
            ["ssh-agent", "-D", "-a", str(self.socket)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline()  # printed once it listens
        for key in keys:
            self.add(key)

    def add(self, key: Path) -> None:
        environment = {**os.environ, "SSH_AUTH_SOCK": str(self.socket)}
        subprocess.run(["ssh-add", "-q", str(key)], check=True, env=environment, stdin=subprocess.DEVNULL)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()
