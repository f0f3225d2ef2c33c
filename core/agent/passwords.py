"""The policy for passwords, and how our account's is kept."""

from __future__ import annotations

from typing import Any, Dict, Optional

from . import pam
from .hostfiles import Files


def passwords(files: Files, user: str, service: str = "sshd") -> Dict[str, Any]:
    """`hash`: the prefix of the account's hash ("y", "6", …), "" for none, None where shadow is not ours to read.

    `service`: of PAM, by which sshd logs in; its stack is `sshd` whatever its name. Raises OSError.
    """
    quality: Dict[str, str] = {}
    for path in (*files.names("/etc/security/pwquality.conf.d/*.conf"), "/etc/security/pwquality.conf"):
        quality.update(files.settings(path))  # the later one wins, as libpwquality has it
    return {
        "encrypt_method": _encrypt_method(files.text("/etc/login.defs")),
        "pam": {"sshd": pam.stack(files, service), "passwd": pam.stack(files, "passwd")},
        "pwquality": quality,
        "faillock": files.settings("/etc/security/faillock.conf"),
        "hash": kept_hash(files, user),
    }


def _encrypt_method(text: str) -> str:
    rows = [line.partition("#")[0].split() for line in text.splitlines()]
    return next((row[1] for row in rows if len(row) > 1 and row[0] == "ENCRYPT_METHOD"), "")


def kept_hash(files: Files, user: str) -> Optional[str]:
    try:
        rows = [line.split(":") for line in files.text("/etc/shadow").splitlines()]
    except OSError:
        return None
    kept = next((row[1] for row in rows if len(row) > 1 and row[0] == user), "")
    if not kept or kept[0] in "!*":
        return ""
    return kept.split("$")[1] if kept.startswith("$") else "des"


def empty_passwords(files: Files) -> Optional[list[str]]:
    """Accounts with no password at all, or None where the file may not be read."""
    try:
        rows = [line.split(":") for line in files.text("/etc/shadow").splitlines()]
    except OSError:
        return None
    return [row[0] for row in rows if len(row) > 1 and row[1] == ""]
