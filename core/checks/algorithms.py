"""Evaluators: what the server offers on the wire."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .model import Seen, Verdict

STRICT_KEX = "kex-strict-s-v00@openssh.com"
CHACHA = "chacha20-poly1305@openssh.com"
AEAD = re.compile(r"aes(128|256)-gcm(@openssh\.com)?|AEAD_AES_(128|256)_GCM|chacha20-poly1305(@openssh\.com)?")
WEAK_CIPHER = re.compile(r".*-cbc(@.*)?|3des.*|des.*|arcfour.*|blowfish.*|cast.*|rijndael.*|idea.*|none")
WEAK_MAC = re.compile(r"hmac-(md5|sha1|ripemd).*|ripemd.*|umac-64.*|.*-96(-etm)?(@.*)?|none")


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


def cipher_weak(seen: Seen, _: None) -> Verdict:
    ciphers = seen.offer().ciphers
    return _none_of(WEAK_CIPHER, ciphers)


def mac_weak(seen: Seen, _: None) -> Verdict:
    offer = seen.offer()
    if offer.ciphers and all(AEAD.fullmatch(name) for name in offer.ciphers):
        return Verdict("pass", "no MAC is ever used: every cipher offered authenticates by itself")
    return _none_of(WEAK_MAC, offer.macs)


def _none_of(weak: re.Pattern[str], offered: Iterable[str]) -> Verdict:
    found = [name for name in offered if weak.fullmatch(name)]
    if found:
        return Verdict("fail", f"offered: {', '.join(found)}")
    return Verdict("pass", f"offered: {', '.join(offered)}")
