"""The keys to try for a login, in order: few, because a server counts each (MaxAuthTries).

Imports paramiko, so it is imported by functions only.
"""

from __future__ import annotations

import base64
import binascii
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paramiko import ECDSAKey, Ed25519Key, PasswordRequiredException, PKey, RSAKey
from paramiko.agent import AgentSSH
from paramiko.ssh_exception import SSHException

from ..errors import ConfigError, PassphraseNeeded
from ..site.secrets import Secret
from .hostkeys import HostKey, parse_key
from .hosts import Host

AGENT_TIMEOUT_S = 60.0  # an agent may ask its person for a confirmation or a touch
MAGIC = b"openssh-key-v1\0"  # PROTOCOL.key of OpenSSH
CLASSES: dict[str, Any] = {"ssh-ed25519": Ed25519Key, "ssh-rsa": RSAKey, "RSA": RSAKey, "EC": ECDSAKey}


@dataclass(frozen=True)
class Candidate:
    """A key that can sign."""

    label: str  # for a message: where it is from, never what it is
    key: Any


@dataclass(frozen=True)
class KeyFile:
    path: Path
    public: bytes | None  # its wire form, where it can be known without the passphrase
    kind: str  # ssh-ed25519 …, or RSA / EC of an old PEM file
    encrypted: bool = False
    private: bool = True


def inspect(path: Path) -> KeyFile | None:
    """What a key file is, without its passphrase; None: missing, or of no format that is read here."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    start = next((line.strip() for line in lines if line.strip()), "")
    if start == "-----BEGIN OPENSSH PRIVATE KEY-----":
        return _openssh(path, lines)
    if start in ("-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN EC PRIVATE KEY-----"):
        beside = _public(path.with_name(path.name + ".pub"))
        encrypted = any("ENCRYPTED" in line for line in lines[1:4])
        return KeyFile(path, beside.blob if beside else None, start.split()[1], encrypted)
    public = _public(path)
    return KeyFile(path, public.blob, public.type, private=False) if public else None


def _public(path: Path) -> HostKey | None:
    try:
        words = path.read_text(encoding="utf-8").split(maxsplit=2)
    except (OSError, UnicodeDecodeError):
        return None
    return parse_key(words[0], words[1]) if len(words) > 1 else None


def _openssh(path: Path, lines: list[str]) -> KeyFile | None:
    try:
        body = "".join(line.strip() for line in lines if line and not line.startswith("-----"))
        data = base64.b64decode(body, validate=True)
        if not data.startswith(MAGIC):
            return None
        cipher, at = _string(data, len(MAGIC))
        _, at = _string(data, at)
        _, at = _string(data, at)
        public, _ = _string(data, at + 4)
        kind, _ = _string(public, 0)
    except (binascii.Error, struct.error):
        return None
    return KeyFile(path, public, kind.decode(errors="replace"), cipher != b"none")


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    (size,) = struct.unpack_from(">I", data, at)
    return data[at + 4 : at + 4 + size], at + 4 + size


def load(file: KeyFile, passphrase: Secret | None) -> PKey:
    """Raises PassphraseNeeded (none, or a wrong one), ConfigError."""
    kind = CLASSES.get(file.kind) or (ECDSAKey if file.kind.startswith("ecdsa-") else None)
    if kind is None:
        raise ConfigError(f"{file.path}: keys of type {file.kind} are not used from a file", hint="ssh-add can hold it")
    if file.encrypted and passphrase is None:
        raise PassphraseNeeded(f"the key {file.path} has a passphrase", hint=f"or: ssh-add {file.path}", path=file.path)
    try:
        key: PKey = kind.from_private_key_file(
            str(file.path), password=passphrase.reveal() if passphrase and file.encrypted else None
        )
    except PasswordRequiredException:
        raise PassphraseNeeded(f"the key {file.path} has a passphrase", path=file.path) from None
    except (SSHException, ValueError, IndexError, struct.error, OSError):
        if file.encrypted:
            raise PassphraseNeeded(f"that passphrase does not open {file.path}", path=file.path) from None
        raise ConfigError(
            f"the key {file.path} cannot be read", hint=f"ssh-keygen -y -f {file.path} checks it"
        ) from None
    _add_certificate(key, file.path)
    return key


def _add_certificate(key: PKey, path: Path) -> None:
    certificate = path.with_name(path.name + "-cert.pub")
    if certificate.exists():
        try:
            key.load_certificate(str(certificate))
        except (ValueError, SSHException, OSError):
            pass  # the plain key is still tried


class Agent(AgentSSH):
    """The keys of the ssh-agent at `path`; none where nobody answers."""

    def __init__(self, path: str | None) -> None:
        super().__init__()
        self._socket = socket.socket(socket.AF_UNIX) if path else None
        if self._socket is None or path is None:
            return
        try:
            self._socket.settimeout(AGENT_TIMEOUT_S)
            self._socket.connect(path)
            self._connect(self._socket)  # type: ignore[attr-defined]
        except (OSError, SSHException):
            self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()


class _Held:
    """A key in an agent. Where the agent refuses to sign, the server refuses the signature: the next key has its turn.

    (paramiko signs in its transport's thread: an exception there would end the connection.)
    """

    def __init__(self, key: Any) -> None:
        self._key = key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._key, name)

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> bytes:
        try:
            signature: bytes = self._key.sign_ssh_data(data, algorithm)
        except (SSHException, OSError):
            return b""
        return signature


class Keys:
    """The candidates of one login; `locked` holds key files that wait for a passphrase."""

    def __init__(self, host: Host, passphrase: Secret | None) -> None:
        self.host = host
        self.passphrase = passphrase
        self.locked: list[PassphraseNeeded] = []
        self._agent = Agent(host.agent)
        self._held = {bytes(key.blob): key for key in self._agent.get_keys()}

    def close(self) -> None:
        self._agent.close()

    def candidates(self) -> Iterator[Candidate]:
        """The key named for the server, the agent's, then the files of ssh_config. Raises ConfigError."""
        used: set[bytes] = set()
        if self.host.identity is not None:
            yield from self._from(self._explicit(self.host.identity), used)
        files = [file for path in self.host.identities if (file := inspect(path)) is not None]
        for file in files:
            if file.public in self._held:
                yield from self._from(file, used)
        if not self.host.identities_only:
            for blob, key in self._held.items():
                if blob not in used:
                    used.add(blob)
                    yield Candidate(f"agent key {key.comment or key.get_name()}", _Held(key))
        for file in files:
            if file.private and file.public not in used:
                yield from self._from(file, used, explicit=False)

    def _explicit(self, path: Path) -> KeyFile:
        file = inspect(path)
        if file is None:
            there = path.exists()
            raise ConfigError(
                f"{path} is not a key in OpenSSH's format" if there else f"there is no key {path}",
                hint=f"ssh-keygen -p -f {path} converts it"
                if there
                else "the site file's identity, or --identity, names it",
            )
        if not file.private and file.public not in self._held:
            raise ConfigError(
                f"{path} is a public key, and the ssh-agent does not hold it", hint="name the private key"
            )
        return file

    def _from(self, file: KeyFile, used: set[bytes], *, explicit: bool = True) -> Iterator[Candidate]:
        if file.public is not None:
            if file.public in used:
                return
            used.add(file.public)
            if file.public in self._held:
                yield Candidate(f"agent key {file.path}", _Held(self._held[file.public]))
                return
        try:
            yield Candidate(f"key {file.path}", load(file, self.passphrase))
        except PassphraseNeeded as needed:
            self.locked.append(needed)
        except ConfigError:
            if explicit:
                raise
