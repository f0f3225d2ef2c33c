"""Settings that would shut trainshed itself out, and why: refused before anything is written.

A rule looks at one keyword. What no rule sees is still tried under the revert, and proved by a new login.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

CHANNELS = 6  # control, log, metrics, a tunnel, a transfer, and one to spare
CONNECTIONS = 4  # at once, from one address
PASSWORDS = {"password", "keyboard-interactive"}
SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}  # of a key type, where they differ from its name


@dataclass(frozen=True)
class Ours:
    """What we come with. `methods`: those that we can log in by, `entered_by` what did: "key", "password" or "none".

    `key`: type and bits of the key that let us in. `algorithms`: of our SSH library: kex, ciphers, macs.
    """

    user: str
    groups: tuple[str, ...]
    entered_by: str
    methods: frozenset[str]
    key: tuple[str, int] | None
    host_key: str
    address: str
    port: int
    algorithms: Mapping[str, tuple[str, ...]]


def refusals(settings: Mapping[str, str], ours: Ours) -> dict[str, str]:
    """Keyword -> the reason, for each setting that is refused."""
    found = {}
    for keyword, value in settings.items():
        rule = RULES.get(keyword.lower())
        reason = rule(value.strip(), ours) if rule else ""
        if reason:
            found[keyword] = reason
    return found


def _words(value: str) -> list[str]:
    return [word for word in re.split(r"[\s,]+", value) if word]


def _matches(patterns: list[str], names: tuple[str, ...]) -> bool:
    """As sshd matches lists: one that is negated wins."""
    if any(fnmatchcase(name, pattern[1:]) for pattern in patterns if pattern.startswith("!") for name in names):
        return False
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def _allow_users(value: str, ours: Ours) -> str:
    users = [word.partition("@")[0] for word in _words(value)]  # the address is what the new login proves
    return "" if _matches(users, (ours.user,)) else f"{ours.user}, as whom trainshed logs in, is not in it"


def _deny_users(value: str, ours: Ours) -> str:
    users = [word.partition("@")[0] for word in _words(value)]
    return f"{ours.user}, as whom trainshed logs in, is in it" if _matches(users, (ours.user,)) else ""


def _allow_groups(value: str, ours: Ours) -> str:
    if _matches(_words(value), ours.groups):
        return ""
    return f"{ours.user}, as whom trainshed logs in, is in none of them (but in {', '.join(ours.groups) or 'none'})"


def _deny_groups(value: str, ours: Ours) -> str:
    inside = _matches(_words(value), ours.groups)
    return f"{ours.user}, as whom trainshed logs in, is in one of them" if inside else ""


def _root_login(value: str, ours: Ours) -> str:
    shut = value in ("no", "forced-commands-only") or (value != "yes" and ours.entered_by != "key")
    return "trainshed logs in as root; give it an account of its own first" if ours.user == "root" and shut else ""


def _needs(method: str) -> Callable[[str, Ours], str]:
    def rule(value: str, ours: Ours) -> str:
        if value.lower() != "no" or ours.entered_by != method:
            return ""
        if method == "password":
            return "trainshed logs in by password; move to a key first: ssh-copy-id puts yours there"
        return "trainshed logs in by key"

    return rule


def _methods(value: str, ours: Ours) -> str:
    if value == "any":
        return ""
    lists = [{method.partition(":")[0] for method in item.split(",")} for item in value.split()]
    if any(item <= ours.methods for item in lists):
        return ""
    return f"trainshed has only {', '.join(sorted(ours.methods)) or 'none of them'} to log in with"


def _at_least(least: int, why: str) -> Callable[[str, Ours], str]:
    def rule(value: str, _ours: Ours) -> str:
        first = value.partition(":")[0]
        return f"trainshed needs {least} or more: {why}" if first.isdigit() and int(first) < least else ""

    return rule


def _not(shut: tuple[str, ...], why: str) -> Callable[[str, Ours], str]:
    def rule(value: str, _ours: Ours) -> str:
        return why if value.lower() in shut else ""

    return rule


def _only(free: str, why: str) -> Callable[[str, Ours], str]:
    def rule(value: str, _ours: Ours) -> str:
        return "" if value.lower() == free else why

    return rule


def _left(value: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of ours that a list of algorithms lets through; `+` and `^` only add."""
    if value[:1] in ("+", "^"):
        return names
    taken = value.startswith("-")
    patterns = _words(value.lstrip("-"))
    return tuple(name for name in names if _matches(patterns, (name,)) != taken)


def _algorithms(kind: str) -> Callable[[str, Ours], str]:
    def rule(value: str, ours: Ours) -> str:
        names = ours.algorithms[kind]
        return "" if _left(value, names) else f"trainshed has none of them, but {', '.join(names)}"

    return rule


def _key_algorithms(value: str, ours: Ours) -> str:
    if ours.key is None:
        return ""
    names = SIGNATURES.get(ours.key[0], (ours.key[0],))
    return "" if _left(value, names) else f"trainshed logs in with a key of type {ours.key[0]}"


def _host_keys(value: str, ours: Ours) -> str:
    names = SIGNATURES.get(ours.host_key, (ours.host_key,))
    return "" if _left(value, names) else f"the host key that is pinned here is of type {ours.host_key}"


def _rsa_size(value: str, ours: Ours) -> str:
    if ours.key is None or ours.key[0] != "ssh-rsa" or not value.isdigit() or int(value) <= ours.key[1]:
        return ""
    return f"trainshed logs in with an RSA key of {ours.key[1]} bits"


def _port(value: str, ours: Ours) -> str:
    return "" if value == str(ours.port) else f"trainshed comes in by port {ours.port}"


def _listen(value: str, ours: Ours) -> str:
    host = value.split()[0] if value.split() else ""
    plain = host.rpartition("]")[0].lstrip("[") or (host.rpartition(":")[0] if host.count(":") == 1 else host)
    free = plain in (ours.address, "0.0.0.0", "::", "*")  # noqa: S104 - compared, not bound
    return "" if free else f"trainshed comes in by the address {ours.address}"


TUNNELS = "tunnels to what is served on the VM, and jumps over it, need local forwarding: `local` leaves that"
SOCKETS = "models are served on unix sockets, which are reached by local forwarding: `local` leaves that"

RULES: Mapping[str, Callable[[str, Ours], str]] = {
    "allowusers": _allow_users,
    "denyusers": _deny_users,
    "allowgroups": _allow_groups,
    "denygroups": _deny_groups,
    "permitrootlogin": _root_login,
    "passwordauthentication": _needs("password"),
    "kbdinteractiveauthentication": _needs("password"),
    "challengeresponseauthentication": _needs("password"),
    "pubkeyauthentication": _needs("key"),
    "authenticationmethods": _methods,
    "pubkeyacceptedalgorithms": _key_algorithms,
    "pubkeyacceptedkeytypes": _key_algorithms,
    "requiredrsasize": _rsa_size,
    "hostkeyalgorithms": _host_keys,
    "kexalgorithms": _algorithms("kex"),
    "ciphers": _algorithms("ciphers"),
    "macs": _algorithms("macs"),
    "maxsessions": _at_least(CHANNELS, "log, metrics, transfers and tunnels are channels of one connection"),
    "maxauthtries": _at_least(2, "the right key may not be the first that is tried"),
    "maxstartups": _at_least(CONNECTIONS, "several connections may be made at once"),
    "persourcemaxstartups": _at_least(CONNECTIONS, "several connections may be made at once"),
    "allowtcpforwarding": _not(("no", "remote"), TUNNELS),
    "disableforwarding": _not(("yes",), TUNNELS),
    "permitopen": _not(("none",), TUNNELS),
    "allowstreamlocalforwarding": _not(("no", "remote"), SOCKETS),
    "forcecommand": _only("none", "trainshed runs commands of its own"),
    "chrootdirectory": _only("none", "trainshed runs programs of the VM"),
    "port": _port,
    "listenaddress": _listen,
}
