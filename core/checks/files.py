"""Evaluators: files of the host, their permissions and the keys in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from .model import Seen, Verdict, value

WRITABLE_BY_OTHERS = 0o022  # what sshd's StrictModes refuses
READABLE_BY_OTHERS = 0o077
KEY_GROUPS = {"ssh_keys"}  # Red Hat's group for ssh-keysign
RSA_BITS = 3072
ELSEWHERE = ("authorizedkeyscommand", "trustedusercakeys")  # what lets in keys beside AuthorizedKeysFile


def host_key_permissions(seen: Seen, _: None) -> Verdict:
    """0600 and owned by root (or by who runs the sshd), or 0640 with the group ssh_keys."""
    keys = seen.section("host_keys")
    if not keys:
        return Verdict("unknown", "no private host key file is known (an agent may hold them)")
    owners = {0, seen.section("sshd").get("uid", 0)}
    wrong = [_shown(key) for key in keys if key["uid"] not in owners or _too_open(key)]
    if wrong:
        return Verdict("fail", "; ".join(wrong))
    return Verdict("pass", "; ".join(_shown(key) for key in keys))


def _too_open(key: Mapping[str, Any]) -> bool:
    mode = int(key["mode"])
    return bool(mode & (0o037 if key["group"] in KEY_GROUPS else READABLE_BY_OTHERS))


def _shown(entry: Mapping[str, Any]) -> str:
    return f"{entry['path']} {entry['mode']:04o} uid {entry['uid']}"


def config_permissions(seen: Seen, _: None) -> Verdict:
    """What others can change fails; what they can only read is worth a warning."""
    files = seen.section("config_files")
    owners = {0, seen.host.get("sshd", {}).get("uid", 0)}
    wrong = [entry for entry in files if entry["uid"] not in owners or entry["mode"] & WRITABLE_BY_OTHERS]
    if wrong:
        return Verdict("fail", "; ".join(_shown(entry) for entry in wrong))
    files = [entry for entry in files if not entry.get("folder")]
    loose = [entry for entry in files if entry["mode"] & READABLE_BY_OTHERS]
    if loose:
        return Verdict("warn", "others can read " + "; ".join(_shown(entry) for entry in loose), "low")
    return Verdict("pass", "; ".join(_shown(entry) for entry in files))


def rsa_host_key_size(seen: Seen, least: int) -> Verdict:
    keys = seen.section("host_keys")
    untold = [key["path"] for key in keys if not key["type"]]
    rsa = [key for key in keys if key["type"] == "ssh-rsa"]
    evidence = "; ".join(f"{key['path']} {key['bits']} bits" for key in rsa)
    if any(key["bits"] < least for key in rsa):
        return Verdict("fail", evidence)
    if untold or not keys:
        return Verdict("unknown", f"the public half cannot be read: {', '.join(untold) or 'no host key is known'}")
    return Verdict("pass", evidence or "the server has no RSA key")


def ssh_dir_permissions(seen: Seen, _: None) -> Verdict:
    """Failing is what StrictModes refuses; keys that others may only read are worth a warning."""
    files = [entry for entry in seen.section("ssh_dir") if entry["exists"]]
    wrong = [entry for entry in files if _foreign(entry) or _others_may_write(entry)]
    if wrong:
        return Verdict("fail", "; ".join(_shown(entry) for entry in wrong))
    own = [entry for entry in files if entry["kind"] in ("ssh", "keys") and entry["uid"] == entry["account"]]
    loose = [entry for entry in own if entry["mode"] & READABLE_BY_OTHERS]
    if loose:
        return Verdict("warn", "others can read " + "; ".join(_shown(entry) for entry in loose), "low")
    return Verdict("pass", "; ".join(_shown(entry) for entry in files) or "no such files")


def _foreign(entry: Mapping[str, Any]) -> bool:
    return entry["uid"] not in (0, entry["account"])


def _others_may_write(entry: Mapping[str, Any]) -> bool:
    return bool(entry["mode"] & WRITABLE_BY_OTHERS)


def moduli(seen: Seen, least: int) -> Verdict:
    """The file's sizes are one less than the bits of the prime."""
    if seen.has("wire") and not any("group-exchange" in name or "gss-gex" in name for name in seen.offer().kex):
        return Verdict("pass", "no group exchange is offered")
    found = seen.section("moduli")
    short = {int(size) + 1: count for size, count in found["sizes"].items() if int(size) + 1 < least}
    if short:
        listed = ", ".join(f"{count} of {bits}" for bits, count in sorted(short.items()))
        return Verdict("fail", f"{found['path']}: primes of fewer bits: {listed}")
    if not found["sizes"]:
        return Verdict("pass", f"{found['path']} has no primes: sshd falls back to group 14 to 18 of its own")
    smallest = min(int(size) + 1 for size in found["sizes"])
    return Verdict("pass", f"{found['path']}: {smallest} bits and more")


def authorized_keys(seen: Seen, known: tuple[str, ...]) -> Verdict:
    """`known`: fingerprints; empty where the site names none, and then no key is a stranger."""
    keys = seen.section("authorized_keys")["keys"]
    wrong = [f"{_named(key)}: {', '.join(why)}" for key in keys if (why := list(_faults(key, known)))]
    if wrong:
        return Verdict("fail", "; ".join(wrong))
    counted = Counter(key["fingerprint"] for key in keys)
    twice = [_named(key) for key in keys if counted[key["fingerprint"]] > 1]
    if twice:
        return Verdict("warn", f"there more than once: {'; '.join(twice)}", "low")
    elsewhere = [f"{key} {seen.config()[key][0]}" for key in ELSEWHERE if _is_set(seen, key)]
    elsewhere += [_named(key) for key in keys if "cert-authority" in key["options"]]
    if elsewhere:
        return Verdict("warn", f"keys that no file lists are accepted too: {'; '.join(elsewhere)}", "low")
    return Verdict("pass", "; ".join(_named(key) for key in keys) or "no key is authorised")


def _is_set(seen: Seen, key: str) -> bool:
    return seen.has("sshd") and value(seen.config(), key) not in ("", "none")


def _faults(key: Mapping[str, Any], known: tuple[str, ...]) -> list[str]:
    faults = []
    if key["type"].startswith("ssh-dss"):
        faults.append("DSA")
    if key["type"].startswith("ssh-rsa") and key["bits"] < RSA_BITS:
        faults.append(f"RSA of {key['bits']} bits")
    if "," in key["options"].get("principals", ""):
        faults.append(f'principals="{key["options"]["principals"]}" has a comma (CVE-2026-35414)')
    if known and key["fingerprint"] not in known:
        faults.append("nobody the site knows")
    return faults


def _named(key: Mapping[str, Any]) -> str:
    options = f" [{','.join(key['options'])}]" if key["options"] else ""
    return f"{key['path']}:{key['line']} {key['type']} {key['fingerprint']} {key['comment']}{options}".rstrip()
