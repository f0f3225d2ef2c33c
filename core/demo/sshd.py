"""A real OpenSSH server of the current user's own: the "VM" of the embedded site."""

from __future__ import annotations

import base64
import getpass
import hashlib
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import MissingPart
from . import parts
from .azurite import ADDRESS, PORTS, free_port, listens

Start = Callable[[list[str], Mapping[str, str]], "subprocess.Popen[bytes]"]

# Imperfect on purpose, as many servers are, and harmless on loopback: the checks have something to find.
FINDINGS = ("X11Forwarding yes", "MaxAuthTries 6", "KbdInteractiveAuthentication yes", "MACs +hmac-sha1")


@dataclass(frozen=True)
class Server:
    port: int
    user: str
    identity: Path
    fingerprint: str  # of the host key, `SHA256:…`, read from the key file: the way "out of band"


def start(folder: Path, begin: Start, give_up: Callable[[subprocess.Popen[bytes]], object]) -> Server:
    """Keys are made once and kept. Raises MissingPart."""
    program = parts.sshd()
    host_key, client_key = _key(folder / "host_ed25519"), _key(folder / "client_ed25519")
    authorised = folder / "authorized_keys"
    authorised.write_text(_public(client_key) + "\n", encoding="utf-8")
    authorised.chmod(0o600)
    (folder / "home").mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # root's sshd insists on it
    config = folder / "sshd_config"
    for _ in range(PORTS):
        port = free_port()
        config.write_text(_config(folder, port, host_key, authorised), encoding="utf-8")
        process = begin([program, "-D", "-e", "-f", str(config)], _environment())
        if listens(ADDRESS, port, process):
            return Server(port, getpass.getuser(), client_key, fingerprint(host_key))
        give_up(process)
    raise MissingPart("sshd does not start", hint=f"its own words are in {folder / 'sshd.log'}")


def _environment() -> dict[str, str]:
    """A virtual environment of ours is none of the VM's."""
    return {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONHOME")}


def _config(folder: Path, port: int, host_key: Path, authorised: Path) -> str:
    lines = (
        f"Port {port}",
        f"ListenAddress {ADDRESS}",
        f"HostKey {host_key}",
        f"AuthorizedKeysFile {authorised}",
        f"PidFile {folder / 'sshd.pid'}",
        f"AllowUsers {getpass.getuser()}",
        f"UsePAM {'yes' if _locked() else 'no'}",
        f"PermitRootLogin {'prohibit-password' if os.geteuid() == 0 else 'no'}",
        "PasswordAuthentication no",
        "PubkeyAuthentication yes",
        f"StrictModes {'yes' if keys_are_safe(folder) else 'no'}",
        f"SetEnv HOME={folder / 'home'}",
        "LogLevel VERBOSE",
        *FINDINGS,
    )
    return "\n".join(lines) + "\n"


def keys_are_safe(folder: Path) -> bool:
    """Whether sshd's StrictModes takes keys that lie there: no folder up to / that others may write. /tmp is one."""
    found = [place.stat() for place in (folder.resolve(), *folder.resolve().parents)]
    return not any(each.st_mode & 0o022 or each.st_uid not in (0, os.geteuid()) for each in found)


def _locked() -> bool:
    """Without PAM, sshd refuses an account whose password begins with "!"; only root can see that, and use PAM."""
    try:
        lines = Path("/etc/shadow").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    own = [line.split(":") for line in lines if line.startswith(getpass.getuser() + ":")]
    return any(len(fields) > 1 and fields[1].startswith("!") for fields in own)


def _key(path: Path) -> Path:
    """An ed25519 key without passphrase, made where it is missing."""
    if not (path.exists() and path.with_name(path.name + ".pub").exists()):
        path.unlink(missing_ok=True)
        words = [parts.ssh_keygen(), "-q", "-t", "ed25519", "-N", "", "-C", "trainshed embedded site", "-f", str(path)]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return path


def _public(key: Path) -> str:
    return key.with_name(key.name + ".pub").read_text(encoding="utf-8").strip()


def fingerprint(key: Path) -> str:
    blob = base64.b64decode(_public(key).split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
