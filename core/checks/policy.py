"""Evaluators: the host's policy for passwords, and who slows guessing down.

Where no password opens SSH, a weak policy counts for the console and sudo alone: a low warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from . import access
from .model import Check, Seen, Verdict, value
from .rules import worst

HASHES = {"y": "yescrypt", "gy": "gost_yescrypt", "6": "sha512", "5": "sha256", "2b": "bcrypt", "1": "md5"}
ENOUGH_CLASSES = 4
CREDITS = ("dcredit", "ucredit", "lcredit", "ocredit")
UNLOCK_S = 900
JAIL = "sudo fail2ban-client status sshd"


# With all of these in order, a login by password is what the pattern asks for: strong, and guarded.
GUARDED_BY = (
    "kbd-interactive",
    "pw-hash",
    "pw-quality-module",
    "pw-length",
    "pw-complexity",
    "pw-this-account",
    "faillock",
    "bruteforce-guard",
)


def password_login(seen: Seen, _: None, checks: Mapping[str, Check] | None = None) -> Verdict:
    """`checks`: those that the others are, by id, with the values of the site; without them the catalogue's."""
    verdict = access.password_auth(seen, None)
    if verdict.status != "fail" or access.open_to_anybody(seen):
        return verdict
    from .catalogue import BY_ID

    asked = checks or BY_ID
    short = [id for id in GUARDED_BY if asked[id].run(seen).status not in ("pass", "skipped")]
    if short:
        return Verdict("fail", f"{verdict.evidence}; and not in order: {', '.join(short)}")
    return Verdict("warn", f"{verdict.evidence}; the policy and the guards for passwords are in order", "medium")


def _door(seen: Seen, verdict: Verdict) -> Verdict:
    """A failure is a low warning where sshd asks nobody for a password alone."""
    if verdict.status not in ("fail", "warn") or not seen.has("sshd"):
        return verdict
    doors = (access.password_auth(seen, None), access.kbd_interactive(seen, None))
    if any(door.status in ("fail", "warn") for door in doors):
        return verdict
    return Verdict("warn", f"{verdict.evidence}; no password opens SSH here", "low")


def _modules(seen: Seen, service: str, kind: str, name: str) -> list[dict[str, Any]]:
    """The lines of the service's stack of PAM with this module, where it has a say: that of an optional one is none."""
    stack = seen.section("passwords")["pam"][service]
    lines = [line for line in stack if line["type"] == kind and line["module"] == name]
    return [line for line in lines if line["control"] != "optional"]


def pw_hash(seen: Seen, good: tuple[str, ...]) -> Verdict:
    section = seen.section("passwords")
    words = [word for line in _modules(seen, "passwd", "password", "pam_unix.so") for word in line["args"]]
    told = [word for word in words if word in (*HASHES.values(), "blowfish", "bigcrypt")]
    method = (told[0] if told else section["encrypt_method"]).lower()
    where = "pam_unix" if told else "ENCRYPT_METHOD"
    verdicts = [Verdict("pass" if method in good else "fail", f"{where} {method or 'unset'}")]
    kept = section["hash"]
    if kept:
        name = HASHES.get(kept, kept)
        verdicts.append(Verdict("pass" if name in good else "fail", f"our account's password is kept as {name}"))
    return _door(seen, worst(verdicts))


def _quality(seen: Seen) -> dict[str, str] | None:
    """What pam_pwquality holds to: its files, over which its own options win; None where it is not in the stack."""
    lines = _modules(seen, "passwd", "password", "pam_pwquality.so")
    if not lines:
        return None
    options = [word.partition("=") for line in lines for word in line["args"]]
    return {**seen.section("passwords")["pwquality"], **{key: text or "1" for key, _, text in options}}


def pw_quality_module(seen: Seen, _: None) -> Verdict:
    found = _quality(seen)
    if found is None:
        return _door(seen, Verdict("fail", "pam_pwquality is not in the stack of passwd"))
    if found.get("enforcing", "1") == "0":
        return _door(seen, Verdict("fail", "pam_pwquality is there, with enforcing = 0"))
    if "enforce_for_root" not in found:
        return _door(seen, Verdict("warn", "pam_pwquality is there, without enforce_for_root", "low"))
    return Verdict("pass", "pam_pwquality is there, enforcing, for root too")


def pw_length(seen: Seen, least: int) -> Verdict:
    found = _quality(seen)
    if found is None:
        return _door(seen, Verdict("fail", "pam_pwquality is not in the stack of passwd: no length is asked for"))
    length = _number(found.get("minlen", "8"))
    credit = sum(max(0, _number(found.get(key, "0"))) for key in CREDITS)
    evidence = f"minlen {length}" + (f", less {credit} for kinds of characters (credits)" if credit else "")
    return _door(seen, Verdict("pass" if length - credit >= least else "fail", evidence))


def pw_complexity(seen: Seen, _: None) -> Verdict:
    found = _quality(seen)
    if found is None:
        return _door(seen, Verdict("fail", "pam_pwquality is not in the stack of passwd"))
    wrong = list(_simple(found))
    if wrong:
        return _door(seen, Verdict("fail", ", ".join(wrong)))
    return Verdict("pass", ", ".join(f"{key} {found[key]}" for key in sorted(found) if key != "minlen"))


def _simple(found: Mapping[str, str]) -> Iterator[str]:
    classes = _number(found.get("minclass", "0"))
    if classes < ENOUGH_CLASSES and not all(_number(found.get(key, "0")) < 0 for key in CREDITS):
        yield f"minclass {classes}, and not each credit below 0"
    if found.get("dictcheck", "1") == "0":
        yield "dictcheck 0"
    for key in ("maxrepeat", "maxsequence"):
        if not 1 <= _number(found.get(key, "0")) <= 3:
            yield f"{key} {found.get(key, '0')}"
    if _number(found.get("difok", "1")) < 2:
        yield f"difok {found.get('difok', '1')}"


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0


def faillock(seen: Seen, most: int) -> Verdict:
    lines = {kind: _modules(seen, "sshd", kind, "pam_faillock.so") for kind in ("auth", "account")}
    words = [word for line in lines["auth"] for word in line["args"]]
    missing = [f"{word} in auth" for word in ("preauth", "authfail") if word not in words]
    missing += [] if lines["account"] else ["account"]
    conf = {**seen.section("passwords")["faillock"], **dict(_pairs(words))}
    evidence = f"deny {conf.get('deny', '3')}, unlock_time {conf.get('unlock_time', '600')}"
    if missing:
        return _door(seen, Verdict("fail", f"pam_faillock is not in sshd's stack: {', '.join(missing)}; {evidence}"))
    unlock = _number(conf.get("unlock_time", "600"))
    if not 1 <= _number(conf.get("deny", "3")) <= most or 0 < unlock < UNLOCK_S:
        return _door(seen, Verdict("fail", evidence))
    if "even_deny_root" in conf:
        return Verdict("warn", f"{evidence}; even_deny_root lets whoever reaches the port lock root out", "low")
    return Verdict("pass", evidence)


def _pairs(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        key, equals, text = word.partition("=")
        if equals or key == "even_deny_root":
            yield key, text


EVERYWHERE = {"0.0.0.0/0", "::/0"}


def bruteforce_guard(seen: Seen, _: None) -> Verdict:
    penalties = value(seen.config(), "persourcepenalties")
    exempt = value(seen.config(), "persourcepenaltyexemptlist") or "none"
    if penalties not in ("", "no") and not EVERYWHERE & set(exempt.split(",")):
        return Verdict("pass", f"persourcepenalties {penalties}; exempt: {exempt}")
    guards = seen.section("guards")
    if guards["processes"]:
        return Verdict("pass", f"running: {', '.join(guards['processes'])}")
    if guards["rate_rule"]:
        return Verdict("pass", f"nft: {guards['rate_rule']}")
    idle = "".join(f"; running: {text}" for text in guards["idle"])
    if guards["unknown_jails"]:
        return Verdict("unknown", f"fail2ban runs, but its jails are not known. An administrator can run: {JAIL}")
    if guards["processes"] is None or guards["rate_rule"] is None:
        hidden = "the firewall is not ours to read. An administrator can run: sudo nft list ruleset"
        return Verdict("unknown", f"{hidden}{idle}")
    return Verdict("fail", f"no penalties, no fail2ban, no sshguard, no rate limit of nft{idle}")
