"""Public keys: type, size and fingerprint; of authorized_keys the options and the comment too."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from typing import Any, Dict, Iterator, List, Optional, Tuple

from .hostfiles import read

TYPE = re.compile(r"(?:sk-)?(?:ssh|ecdsa)-[A-Za-z0-9@.-]+")
OPTION = re.compile(r'([A-Za-z][A-Za-z0-9-]*)(?:="((?:\\"|[^"])*)")?(?:,|$)')
BITS = {"ssh-ed25519": 256, "ssh-ed448": 456}
MAGIC = b"openssh-key-v1\0"


def strings(blob: bytes) -> List[bytes]:
    """The length-prefixed strings of a wire form (RFC 4251). Raises ValueError."""
    found, at = [], 0
    while at < len(blob):
        if at + 4 > len(blob):
            raise ValueError("cut off")
        (size,) = struct.unpack_from(">I", blob, at)
        if at + 4 + size > len(blob):
            raise ValueError("cut off")
        found.append(blob[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def described(blob: bytes) -> Dict[str, Any]:
    """`type`, `bits` and `fingerprint` (SHA256:…). Raises ValueError."""
    fields = strings(blob)
    kind = fields[0].decode("ascii", "replace")
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return {"type": kind, "bits": _bits(kind, fields), "fingerprint": "SHA256:" + digest}


def _bits(kind: str, fields: List[bytes]) -> int:
    if "-cert-" in kind:
        return 0
    if kind == "ssh-rsa":
        return int.from_bytes(fields[2], "big").bit_length()
    if kind == "ssh-dss":
        return int.from_bytes(fields[1], "big").bit_length()
    curve = re.search(r"nistp(\d+)", kind)
    return int(curve.group(1)) if curve else BITS.get(kind.replace("sk-", "").partition("@")[0], 0)


def one(text: str) -> Optional[Dict[str, Any]]:
    """Of the first line that has a key, as in a .pub file."""
    for line in text.splitlines():
        match = TYPE.search(line)
        words = line[match.start() :].split() if match else []
        try:
            return described(base64.b64decode(words[1], validate=True))
        except (IndexError, ValueError, binascii.Error):
            continue
    return None


def of_host(private: str) -> Optional[Dict[str, Any]]:
    """Of a private key's public half: the file beside it, else what the private file holds in clear (to root)."""
    for path, understand in ((private + ".pub", one), (private, _in_private)):
        try:
            found = understand(read(path))
        except (OSError, ValueError, binascii.Error, struct.error):
            continue
        if found is not None:
            return found
    return None


def _in_private(text: str) -> Optional[Dict[str, Any]]:
    body = re.sub(r"-----[^-]+-----|\s", "", text)
    blob = base64.b64decode(body)
    if not blob.startswith(MAGIC):
        return None
    rest = blob[len(MAGIC) :]
    for _ in range(3):  # cipher, its function, its options
        (size,) = struct.unpack_from(">I", rest)
        rest = rest[4 + size :]
    (size,) = struct.unpack_from(">I", rest, 4)  # after the number of keys
    return described(rest[8 : 8 + size])


def authorised(path: str) -> Iterator[Dict[str, Any]]:
    """Each key of the file: path, line, type, bits, fingerprint, options, comment. Raises OSError.

    Read as sshd reads it, so that no key that lets somebody in is missed: only a line feed ends a line, a NUL the rest.
    """
    for number, line in enumerate(read(path).split("\n"), start=1):
        line = line.partition("\0")[0].strip(" \t")
        if line.startswith("#"):
            continue
        options, rest = _past_options(line)
        for given, text in (("", line), (options, rest)):
            words = re.split(r"[ \t]+", text, maxsplit=2)
            try:
                found = described(base64.b64decode(re.sub(r"\s", "", words[1]), validate=True))
            except (IndexError, ValueError, binascii.Error):
                continue  # sshd does not take it for a key either
            comment = words[2].strip() if len(words) > 2 else ""
            yield {**found, "path": path, "line": number, "options": _options(given), "comment": comment}
            break


def _past_options(line: str) -> Tuple[str, str]:
    """(the first word, in which quoted spaces count as the rest of it does, what follows)."""
    at, quoted = 0, False
    while at < len(line) and (quoted or line[at] not in " \t"):
        if line.startswith('\\"', at):
            at += 1
        elif line[at] == '"':
            quoted = not quoted
        at += 1
    return line[:at], line[at:].lstrip(" \t")


def _options(text: str) -> Dict[str, str]:
    return {match.group(1).lower(): (match.group(2) or "").replace('\\"', '"') for match in OPTION.finditer(text)}
