"""Other accounts of this VM that a fix may shut out: our new login proves ours alone."""

from __future__ import annotations

import itertools
import os
from typing import Any, Callable, Dict, List, NamedTuple

from . import account, fix_server, hostfiles, public_keys, sshd, sshd_files
from .fix_server import Server, Values

PASSWD, SHADOW, SWITCH = "/etc/passwd", "/etc/shadow", "/etc/nsswitch.conf"
NO_SHELLS = ("nologin", "false", "sync", "halt", "shutdown")
LOCAL = ("files", "compat", "systemd", "db")  # of nsswitch: what is listed in files here, or by the system alone
MOST_KEYS = 1000
DOORS = ("passwordauthentication", "kbdinteractiveauthentication")
SHUTS = (*DOORS, "authenticationmethods", "permitrootlogin", "requiredrsasize")


class Other(NamedTuple):
    """`rsa`: bits of its RSA keys."""

    name: str
    password: bool
    keys: int
    rsa: List[int]


def shut_out(server: Server, settings: Dict[str, str]) -> Dict[str, Any]:
    """`others`: keyword -> accounts that may have no other way in, None where that is not known.

    Only keywords that can shut out, and no account of ours. `directory`: there are accounts that no file here lists,
    and nobody has looked at.
    """
    asked = [keyword for keyword in settings if keyword.lower() in SHUTS]
    if not asked:
        return {"others": {}, "directory": False}
    try:
        config = fix_server.effective(server, server.match["user"])
        accounts = _accounts(" ".join(config.get("authorizedkeysfile", [])).split())
    except (sshd.Unreadable, OSError):
        return {"others": dict.fromkeys(asked), "directory": False}
    found = [other for other in accounts if other.name != server.match["user"]]
    still_open = _passwords_open(config, settings)
    rules = {keyword: _rule(keyword.lower(), settings[keyword], still_open) for keyword in asked}
    others = {keyword: [other.name for other in found if rule(other)] for keyword, rule in rules.items() if rule}
    return {"others": others, "directory": _directory()}


def _passwords_open(config: Values, settings: Dict[str, str]) -> bool:
    """One door for passwords stays: keyboard-interactive asks for them by PAM."""
    after = {keyword: values[0] for keyword, values in config.items() if values}
    after.update((fix_server.key(keyword), value) for keyword, value in settings.items())
    by_pam = [after.get(keyword) for keyword in ("kbdinteractiveauthentication", "usepam")] == ["yes", "yes"]
    return by_pam or after.get("passwordauthentication") == "yes"


def _rule(keyword: str, value: str, still_open: bool) -> "Callable[[Other], bool] | None":
    """Whom it shuts out; None where it shuts nobody out."""
    methods = keyword == "authenticationmethods" and value != "any"
    if methods or (keyword in DOORS and value == "no" and not still_open):
        return lambda other: other.password and not other.keys
    if keyword == "permitrootlogin" and value != "yes":
        return lambda other: other.name == "root" and (other.password or other.keys > 0)
    if keyword == "requiredrsasize" and value.isdigit():
        return lambda other: any(bits < int(value) for bits in other.rsa)
    return None


def _accounts(patterns: List[str]) -> List[Other]:
    """Those with a shell."""
    rows = [line.split(":") for line in hostfiles.read(SHADOW).splitlines()]
    hashes = {row[0]: row[1] for row in rows if len(row) > 1}
    names = [row[0] for row in (line.split(":") for line in hostfiles.read(PASSWD).splitlines()) if _is_person(row)]
    return [_other(name, hashes.get(name, "*"), patterns) for name in dict.fromkeys(names)]


def _is_person(row: List[str]) -> bool:
    return len(row) == 7 and os.path.basename(row[6].strip()) not in NO_SHELLS


def _other(name: str, kept: str, patterns: List[str]) -> Other:
    """A file of keys that cannot be read lets nobody in either."""
    try:
        paths = [entry["path"] for entry in sshd_files.account_files(name, patterns) if entry["kind"] == "keys"]
    except (OSError, KeyError):
        paths = []
    keys = [key for path in paths for key in _keys(name, path)]
    rsa = [key["bits"] for key in keys if key["type"] == "ssh-rsa"]
    return Other(name, kept[:1] not in ("!", "*"), len(keys), rsa)


def _keys(name: str, path: str) -> List[Dict[str, Any]]:
    try:
        with account.eyes(name):
            return list(itertools.islice(public_keys.authorised(path), MOST_KEYS))
    except (OSError, KeyError):
        return []


def _directory() -> bool:
    """Accounts come from elsewhere too (LDAP, SSSD)."""
    try:
        lines = [line.partition("#")[0].split() for line in hostfiles.read(SWITCH).splitlines()]
    except OSError:
        return False
    words = [word for line in lines if line[:1] == ["passwd:"] for word in line[1:]]
    return any(word not in LOCAL and not word.startswith("[") for word in words)
