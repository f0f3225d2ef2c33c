"""Is this the server it says it is: fingerprints, randomart, known_hosts, and the decision.

There is no way past the decision: a key is pinned, known, given, or said yes to; else nothing is sent.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import struct
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache
from pathlib import Path

from ..errors import HostKeyChanged, HostKeyUnknown
from .hosts import PORT, Host

SYMBOLS = " .o+=*BOX@%&#/^SE"  # sshkey.c fingerprint_randomart: the last two mark start and end
WIDTH, HEIGHT = 17, 9
NAMES = {"ssh-ed25519": "ED25519", "ssh-rsa": "RSA"}
CURVES = {"nistp256": 256, "nistp384": 384, "nistp521": 521}


@dataclass(frozen=True)
class HostKey:
    """A public key: its type as in known_hosts (`ssh-ed25519`) and its wire form."""

    type: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """`SHA256:…` without padding, as OpenSSH writes it."""
        return "SHA256:" + base64.b64encode(self._digest).decode().rstrip("=")

    @property
    def pinned(self) -> str:
        """As a site file pins it."""
        return f"{self.type} {self.fingerprint}"

    @property
    def line(self) -> str:
        return f"{self.type} {base64.b64encode(self.blob).decode()}"

    @property
    def _digest(self) -> bytes:
        return hashlib.sha256(self.blob).digest()

    @property
    def bits(self) -> int:
        """The key's size as `ssh-keygen -l` prints it; 0 for a type it does not know."""
        fields = _fields(self.blob)
        if self.type == "ssh-rsa":
            return int.from_bytes(fields[2], "big").bit_length()
        return CURVES.get(self.type.rpartition("-")[2], 256 if self.type == "ssh-ed25519" else 0)

    @property
    def randomart(self) -> str:
        """The picture of `ssh-keygen -lv`, 11 lines (the "drunken bishop")."""
        name = NAMES.get(self.type) or ("ECDSA" if self.type.startswith("ecdsa-") else self.type.upper())
        title = f"[{name} {self.bits}]"
        rows = ["|" + "".join(SYMBOLS[count] for count in row) + "|" for row in _walk(self._digest)]
        return "\n".join([_border(title if len(title) < WIDTH else f"[{name}]"), *rows, _border("[SHA256]")])


def _border(text: str) -> str:
    before = (WIDTH - len(text)) // 2
    return "+" + "-" * before + text + "-" * (WIDTH - before - len(text)) + "+"


def _walk(digest: bytes) -> list[list[int]]:
    field = [[0] * WIDTH for _ in range(HEIGHT)]
    x, y = WIDTH // 2, HEIGHT // 2
    for byte in digest:
        for _ in range(4):
            x = min(max(x + (1 if byte & 1 else -1), 0), WIDTH - 1)
            y = min(max(y + (1 if byte & 2 else -1), 0), HEIGHT - 1)
            field[y][x] = min(field[y][x] + 1, len(SYMBOLS) - 3)
            byte >>= 2
    field[HEIGHT // 2][WIDTH // 2] = len(SYMBOLS) - 2
    field[y][x] = len(SYMBOLS) - 1
    return field


def _fields(blob: bytes) -> list[bytes]:
    """The length-prefixed strings of a wire form (RFC 4251, section 5). Raises ValueError."""
    fields, at = [], 0
    while at < len(blob):
        if len(blob) - at < 4:
            raise ValueError("a key that ends too early")
        (size,) = struct.unpack_from(">I", blob, at)
        if size > len(blob) - at - 4:
            raise ValueError("a key that ends too early")
        fields.append(blob[at + 4 : at + 4 + size])
        at += 4 + size
    return fields


def parse_key(kind: str, text: str) -> HostKey | None:
    """`ssh-ed25519 AAAA…`; None for what is not a key of that type."""
    try:
        blob = base64.b64decode(text, validate=True)
        fields = _fields(blob)
    except (binascii.Error, ValueError):
        return None
    good = fields and fields[0] == kind.encode() and len(fields) > (2 if kind == "ssh-rsa" else 1)
    return HostKey(kind, blob) if good else None


@dataclass(frozen=True)
class Entry:
    """A line of a known_hosts file."""

    hosts: str
    key: HostKey
    marker: str  # "", "revoked" or "cert-authority"
    place: str  # FILE:LINE

    @property
    def file(self) -> str:
        return self.place.rpartition(":")[0]


def entries(text: str, file: str = "known_hosts") -> Iterator[Entry]:
    """The lines of a known_hosts file that are good; ssh ignores the others too."""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        marker = words.pop(0)[1:] if words[0].startswith("@") else ""
        if marker not in ("", "revoked", "cert-authority") or len(words) < 3:
            continue
        key = parse_key(words[1], words[2])
        if key is not None:
            yield Entry(words[0], key, marker, f"{file}:{number}")


def read(files: Iterable[Path]) -> list[Entry]:
    """All entries of the files that can be read. Blocks: a few small files."""
    found: list[Entry] = []
    for file in files:
        try:
            found += entries(file.read_text(encoding="utf-8", errors="replace"), str(file))
        except OSError:
            continue
    return found


def matches(hosts: str, name: str) -> bool:
    """Does the first field of a known_hosts line mean `name` (`host` or `[host]:port`)?"""
    name = name.lower()
    if hosts.startswith("|"):
        return _hashed(hosts, name)
    hit = False
    for word in hosts.lower().split(","):
        if _pattern(word.removeprefix("!")).fullmatch(name):
            if word.startswith("!"):
                return False
            hit = True
    return hit


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    """ssh has `*` and `?`, no sets: `[` stands for itself."""
    return re.compile(translate(text.replace("[", "[[]")))


def _hashed(hosts: str, name: str) -> bool:
    parts = hosts.split("|")  # "", "1", salt, HMAC-SHA1
    if len(parts) != 4 or parts[1] != "1":
        return False
    try:
        salt, wanted = base64.b64decode(parts[2]), base64.b64decode(parts[3])
    except binascii.Error:
        return False
    return hmac.compare_digest(hmac.digest(salt, name.encode(), "sha1"), wanted)


@dataclass(frozen=True)
class Known:
    """What known_hosts files say about one server."""

    keys: tuple[Entry, ...] = ()
    plain: tuple[Entry, ...] = ()  # of the host without its port: may accept, never accuse (sshconnect.c)
    revoked: tuple[Entry, ...] = ()
    authorities: tuple[Entry, ...] = ()


def known_name(host: Host) -> str:
    """Under what name ssh looks a server up."""
    if host.known_as:
        return host.known_as
    return host.hostname if host.port == PORT else f"[{host.hostname}]:{host.port}"


def look_up(host: Host, found: Sequence[Entry]) -> Known:
    name = known_name(host)
    hits = [entry for entry in found if matches(entry.hosts, name)]
    bare = [] if host.known_as or host.port == PORT else [e for e in found if matches(e.hosts, host.hostname)]
    return Known(
        tuple(entry for entry in hits if not entry.marker),
        tuple(entry for entry in bare if not entry.marker),
        tuple(entry for entry in [*hits, *bare] if entry.marker == "revoked"),
        tuple(entry for entry in hits if entry.marker == "cert-authority"),
    )


def preferred_types(known: Known, pins: Sequence[str]) -> list[str]:
    """Key types to ask the server for first: those that we can recognise, as ssh does."""
    types = [pin.split()[0] for pin in pins] + [entry.key.type for entry in (*known.keys, *known.plain)]
    return list(dict.fromkeys(types))


@dataclass(frozen=True)
class Trust:
    """What there is to recognise a server by."""

    pins: tuple[str, ...] = ()  # of the site file: "ssh-ed25519 SHA256:…"
    pins_from: str = "the site file"
    known: Known = Known()
    fingerprint: str | None = None  # given out of band
    accepted: Collection[str] = ()  # fingerprints that a person said yes to


def decide(host: Host, seen: HostKey, trust: Trust) -> str:
    """By what the key is trusted: "site file", "known_hosts" or "you".

    Raises HostKeyChanged, or HostKeyUnknown with what a person needs to compare.
    """
    for entry in trust.known.revoked:
        if entry.key == seen:
            raise _changed(
                host, seen, "revoked", entry.place, f"the host key of {_named(host)} is revoked: do not connect"
            )
    if trust.pins and seen.pinned not in trust.pins:
        raise _not_pinned(host, seen, trust)
    if trust.fingerprint is not None and trust.fingerprint != seen.fingerprint:
        title = f"{_named(host)} does not show the fingerprint that was given"
        raise _changed(host, seen, trust.fingerprint, "the fingerprint that was given", title)
    if trust.pins:
        return "site file"
    if any(entry.key == seen for entry in (*trust.known.keys, *trust.known.plain)):
        return "known_hosts"
    for entry in trust.known.keys:
        if entry.key.type == seen.type:
            raise _not_known(host, seen, entry)
    if trust.fingerprint is not None or seen.fingerprint in trust.accepted:
        return "you"
    raise _unknown(host, seen, trust.known)


def _named(host: Host) -> str:
    return host.hostname if host.port == PORT else f"{host.hostname} port {host.port}"


def _changed(host: Host, seen: HostKey, pinned: str, source: str, title: str, hint: str = "") -> HostKeyChanged:
    return HostKeyChanged(
        title,
        hint=hint or "nothing was sent; ask whoever runs the server",
        host=host.hostname,
        port=host.port,
        key_type=seen.type,
        seen=seen.fingerprint,
        pinned=pinned,
        source=source,
    )


WARNING = "somebody may be in between, or the server was set up anew: compare the fingerprint with its owner first"


def _not_pinned(host: Host, seen: HostKey, trust: Trust) -> HostKeyChanged:
    same = [pin.split()[1] for pin in trust.pins if pin.split()[0] == seen.type]
    pinned = ", ".join(same or trust.pins)
    title = f"the host key of {_named(host)} is not the one that is pinned: {pinned} expected, {seen.fingerprint} seen"
    return _changed(host, seen, pinned, trust.pins_from, title, f"{WARNING}; only then correct host_keys")


def _not_known(host: Host, seen: HostKey, entry: Entry) -> HostKeyChanged:
    pinned = entry.key.fingerprint
    title = f"the host key of {_named(host)} has changed: {pinned} known, {seen.fingerprint} seen"
    command = f"ssh-keygen -R '{known_name(host)}' -f {entry.file}"
    return _changed(host, seen, pinned, entry.place, title, f"{WARNING}; only then: {command}")


def _unknown(host: Host, seen: HostKey, known: Known) -> HostKeyUnknown:
    hint = "compare it with the fingerprint that its owner gives you: trainshed connect --fingerprint SHA256:…"
    if known.authorities:
        hint += f" (the certificate authority of {known.authorities[0].place} is not used: host certificates are not)"
    elif known.keys:
        types = ", ".join(dict.fromkeys(entry.key.type for entry in known.keys))
        hint += f" (known_hosts has keys of other types for this server: {types}; it no longer offers them)"
    return HostKeyUnknown(
        f"the host key of {_named(host)} is not known: {seen.fingerprint}",
        hint=hint,
        host=host.hostname,
        port=host.port,
        key_type=seen.type,
        fingerprint=seen.fingerprint,
        randomart=seen.randomart,
    )
