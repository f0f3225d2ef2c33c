"""Evaluators: what the server offers on the wire, judged by the data of the `ssh-audit` package."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Literal, NamedTuple

from .model import Seen, Verdict, value
from .rules import worst

STRICT_KEX = "kex-strict-s-v00@openssh.com"
CHACHA = "chacha20-poly1305@openssh.com"
AEAD = re.compile(r"aes(128|256)-gcm(@openssh\.com)?|AEAD_AES_(128|256)_GCM|chacha20-poly1305(@openssh\.com)?")
FINITE_FIELD = re.compile(r"diffie-hellman-.*|gss-g(ex|roup).*")

Kind = Literal["kex", "key", "enc", "mac"]


class Reasons(NamedTuple):
    """Why ssh-audit fails an algorithm, why it warns, and what else it says."""

    fails: list[str]
    warnings: list[str]
    notes: list[str]


@cache
def _data() -> dict[str, dict[str, list[list[str]]]]:
    """Its database: plain tables, 9 ms to import; its own scanner and its rate test are not used."""
    from ssh_audit.ssh2_kexdb import SSH2_KexDB

    tables: dict[str, dict[str, list[list[str]]]] = SSH2_KexDB.get_db()
    return tables


def known(kind: Kind, name: str) -> Reasons | None:
    """None for an algorithm that ssh-audit does not know."""
    wanted = re.sub(r"^(gss-.*-)[^-]+$", r"\1*", name) if kind == "kex" else name
    row = _data()[kind].get(wanted)
    return None if row is None else Reasons(*(list(filter(None, part)) for part in (*row[1:4], [], [], [])[:3]))


Weak = Callable[[str, Reasons], Iterable[str]]


def _judge(kind: Kind, offered: Iterable[str], weak: Weak) -> Verdict:
    """Fails for what is weak, and is unknown where there is an algorithm that the data do not have."""
    found, strange = [], []
    for name in offered:
        reasons = known(kind, name)
        if reasons is None:
            strange.append(name)
        else:
            why = list(weak(name, reasons))
            found += [f"{name} ({why[0].removeprefix('using ')})"] if why else []
    if found:
        return Verdict("fail", f"offered: {', '.join(found)}")
    if strange:
        return Verdict("unknown", f"offered, and not in ssh-audit's data: {', '.join(strange)}")
    return Verdict("pass", f"offered: {', '.join(offered)}")


def _nist(reason: str) -> bool:
    return "elliptic curves" in reason


def terrapin(seen: Seen, _: None) -> Verdict:
    """CVE-2023-48795: the attack needs chacha20, or CBC with an encrypt-then-MAC; strict kex ends it."""
    offer = seen.offer()
    if STRICT_KEX in offer.kex:
        return Verdict("pass", f"strict key exchange is offered ({STRICT_KEX})")
    cbc = [name for name in offer.ciphers if "-cbc" in name]
    etm = [name for name in offer.macs if "-etm@" in name]
    exposed = [name for name in offer.ciphers if name == CHACHA] + (cbc + etm if cbc and etm else [])
    if exposed:
        return Verdict("fail", f"no strict key exchange, and offered: {', '.join(exposed)}")
    return Verdict("pass", "no strict key exchange, but nothing that the attack can use is offered")


def kex_weak(seen: Seen, _: None) -> Verdict:
    """NIST curves have a check of their own."""
    return _judge("kex", seen.offer().kex, lambda _, why: [text for text in why.fails if not _nist(text)])


def kex_nistp(seen: Seen, _: None) -> Verdict:
    offer = seen.offer()
    reasons = {name: known("kex", name) for name in offer.kex}
    found = [name for name, why in reasons.items() if why and any(_nist(text) for text in why.fails)]
    if found:
        return Verdict("fail", f"offered: {', '.join(found)}")
    return Verdict("pass", f"offered: {', '.join(offer.kex)}")


def kex_pq(seen: Seen, _: None) -> Verdict:
    """The client's order decides, so that one is offered is enough."""
    offer = seen.offer()
    hybrid = [name for name in offer.kex if (why := known("kex", name)) and _is_hybrid(why)]
    if hybrid:
        return Verdict("pass", f"offered: {', '.join(hybrid)}")
    return Verdict("fail", f"offered: {', '.join(offer.kex)}: what is recorded today can be read later")


def _is_hybrid(why: Reasons) -> bool:
    hybrid = any("post-quantum resistant" in note for note in why.notes)
    return hybrid and not any("withdrawn" in note for note in why.notes)


def host_key_algorithms(seen: Seen, _: None) -> Verdict:
    offered = seen.offer().host_key_algorithms
    weak = _judge("key", offered, lambda _, why: [text for text in why.fails if not _nist(text)])
    nist = [name for name in offered if (why := known("key", name)) and any(_nist(text) for text in why.fails)]
    if nist and weak.status == "pass":
        return Verdict("warn", f"offered: {', '.join(nist)} (elliptic curves of NIST)", "low")
    return weak


def cipher_weak(seen: Seen, _: None) -> Verdict:
    return _judge("enc", seen.offer().ciphers, lambda _, why: [*why.fails, *why.warnings])


def cipher_order(seen: Seen, wanted: tuple[str, ...]) -> Verdict:
    """Nothing beside the list; the client's order decides, so another order is not a failure."""
    offer = seen.offer()
    others = [name for name in offer.ciphers if name not in wanted]
    if CHACHA in offer.ciphers and STRICT_KEX not in offer.kex:
        return Verdict("fail", f"{CHACHA} without strict key exchange")
    if others:
        return Verdict("fail", f"not in the list: {', '.join(others)}")
    return Verdict("pass", f"offered: {', '.join(offer.ciphers)}")


def mac_weak(seen: Seen, _: None) -> Verdict:
    offer = seen.offer()
    if offer.ciphers and all(AEAD.fullmatch(name) for name in offer.ciphers):
        return Verdict("pass", "no MAC is ever used: every cipher offered authenticates by itself")
    verdict = _judge("mac", offer.macs, _weak_mac)
    plain = [name for name in offer.macs if "-etm" not in name]
    if verdict.status == "pass" and plain:
        return Verdict("warn", f"offered: {', '.join(plain)} (the MAC is made before the encryption)", "low")
    return verdict


def _weak_mac(name: str, why: Reasons) -> list[str]:
    """ssh-audit 3.9 misses the short tag of some 96-bit MACs, so the name counts too."""
    short = ["small 96-bit tag size"] if re.search(r"-96(-|@|$)", name) else []
    return [*why.fails, *(text for text in why.warnings if "tag size" in text), *short]


def compression(seen: Seen, _: None) -> Verdict:
    offered = seen.offer().compression
    evidence = f"offered: {', '.join(offered)}"
    return Verdict("fail" if "zlib" in offered else "pass", evidence)


def protocol_1(seen: Seen, _: None) -> Verdict:
    banner = seen.offer().banner
    return Verdict("pass" if banner.startswith("SSH-2.0-") else "fail", banner or "no banner")


def banner_leak(seen: Seen, _: None) -> Verdict:
    banner = seen.offer().banner
    return Verdict("fail" if " " in banner.strip() else "pass", banner)


def dheat(seen: Seen, _: None) -> Verdict:
    """CVE-2002-20001: key exchanges over finite fields cost the server much and the client little."""
    config, offer = seen.config(), seen.offer()
    costly = [name for name in offer.kex if FINITE_FIELD.fullmatch(name)]
    if not costly:
        return Verdict("pass", "no key exchange over finite fields is offered")
    per_source = value(config, "persourcemaxstartups")
    evidence = f"{', '.join(costly)}; persourcemaxstartups {per_source or 'unset'}"
    penalties = value(config, "persourcepenalties")
    if penalties not in ("", "no"):
        return Verdict("pass", f"{evidence}; persourcepenalties {penalties}")
    places = value(config, "maxstartups").rpartition(":")[2]
    if not per_source.isdigit() or (places.isdigit() and int(per_source) >= int(places)):
        return Verdict("fail", f"{evidence}: one address may hold every place of maxstartups {places}".rstrip())
    if int(per_source) < 2:
        return Verdict("warn", f"{evidence}: trainshed opens two connections at once", "low")
    return Verdict("pass", evidence)


def host_key_known(seen: Seen, _: None) -> Verdict:
    """What was shown on a new connection, what the site pins, and what the host itself says its keys are."""
    shown = seen.offer().host_key
    if not shown:
        return Verdict("unknown", "the server showed no host key")
    kind = shown.partition(" ")[0]
    pinned = [pin for pin in seen.section("client")["pins"] if pin.partition(" ")[0] == kind]
    told = [key["pinned"] for key in seen.section("host_keys") if key.get("pinned")] if seen.has("host_keys") else []
    own = [key for key in told if key.partition(" ")[0] == kind]
    verdicts = [Verdict("pass", f"shown: {shown}")]
    if own and shown not in own:
        verdicts.append(Verdict("fail", f"shown: {shown}, but the host's own key is {', '.join(own)}"))
    if pinned and shown not in pinned:
        verdicts.append(Verdict("fail", f"shown: {shown}, but pinned: {', '.join(pinned)}"))
    if not pinned:
        by = seen.section("client")["trusted_by"] or "known_hosts"
        verdicts.append(Verdict("warn", f"shown: {shown}, trusted by {by}, and not pinned in the site file", "medium"))
    return worst(verdicts)
