"""A fix loosens nothing: what is stricter already stays as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.checks.catalogue import BY_ID
from core.checks.catalogue.wire import KEX
from core.checks.fixes import plan
from core.checks.fixes.needed import needed
from core.checks.fixes.refusals import Ours
from core.checks.model import Seen, Wire
from core.checks.profiles import rows
from core.site.schema import Checks

SET = {"permittunnel": "no", "x11forwarding": "yes", "gatewayports": "no", "loglevel": "INFO", "usepam": "no"}
OURS = Ours("ada", (), "key", frozenset({"publickey"}), None, "ssh-ed25519", "", 22, {"kex": ("curve25519-sha256",)})
LOCK = {"type": "auth", "control": "required", "module": "pam_faillock.so", "args": ["preauth", "authfail"]}
QUALITY = {"type": "password", "control": "required", "module": "pam_pwquality.so", "args": []}


def seen(faillock: dict[str, str] | None = None, pwquality: dict[str, str] | None = None, **settings: str) -> Seen:
    config = {key: [text] for key, text in {**SET, "passwordauthentication": "yes", **settings}.items()}
    passwords: dict[str, Any] = {"pam": {"sshd": [LOCK, {**LOCK, "type": "account"}], "passwd": [QUALITY]}}
    passwords.update(faillock=faillock or {}, pwquality=pwquality or {})
    wire = Wire(kex=(), ciphers=("3des-cbc",), macs=(), methods=None)
    return Seen(wire=wire, host={"sshd": {"config": config, "root_config": config}, "passwords": passwords})


def unwired(host: Seen) -> Seen:
    """No module of PAM reads the files."""
    passwords = {**host.section("passwords"), "pam": {"sshd": [], "passwd": []}}
    return replace(host, host={**host.host, "passwords": passwords})


@pytest.mark.parametrize(
    ("id", "host", "asked", "stays"),
    [
        ("tunnel-x11-gateway", seen(allowstreamlocalforwarding="yes"), "AllowStreamLocalForwarding local", ""),
        ("tunnel-x11-gateway", seen(allowstreamlocalforwarding="no"), "X11Forwarding no", "AllowStreamLocalForwarding"),
        ("logging", seen(syslogfacility="AUTHPRIV"), "LogLevel VERBOSE", "SyslogFacility"),
        ("usepam", seen(kbdinteractiveauthentication="yes"), "KbdInteractiveAuthentication no", ""),
        ("cipher-weak", seen(ciphers="3des-cbc"), "Ciphers aes256-gcm", ""),
        ("cipher-weak", seen(ciphers="3des-cbc,aes128-ctr,aes256-ctr"), "Ciphers aes256-ctr,aes128-ctr", "gcm"),
        ("kex-pq", seen(kexalgorithms="curve25519-sha256"), "KexAlgorithms sntrup761x25519", ""),
        ("maxstartups", seen(maxstartups="5:50:100"), "MaxStartups 5:50:60", ""),
        ("maxstartups", seen(maxstartups="100:10:100"), "MaxStartups 10:30:60", ""),
        ("faillock", seen({"deny": "3", "unlock_time": "60"}), "unlock_time = 900", "deny"),
        ("faillock", seen({"unlock_time": "60"}), "unlock_time = 900", "deny"),  # the default is 3
        ("faillock", seen({"deny": "9", "unlock_time": "0"}), "deny = 5", "unlock_time"),
        ("pw-complexity", seen(pwquality={"difok": "5", "maxrepeat": "2"}), "minclass = 4, maxsequence = 3", "difok"),
        ("pw-complexity", seen(pwquality={"difok": "5", "maxrepeat": "2"}), "minclass = 4", "maxrepeat"),
        ("faillock", unwired(seen({"deny": "3", "unlock_time": "60"})), "unlock_time = 900", "deny ="),
        ("faillock", unwired(seen({"deny": "3", "unlock_time": "0"})), "pam-auth-update", "faillock.conf"),
        ("pw-length", unwired(seen(pwquality={"minlen": "20"})), "apt install", "minlen"),
        ("pw-complexity", unwired(seen(pwquality={"minclass": "4"})), "maxrepeat = 3", "minclass"),
    ],
)
def test_only_what_the_check_demands_is_changed(id: str, host: Seen, asked: str, stays: str) -> None:
    check = BY_ID[id]
    assert check.run(host).status == "fail"
    text = needed(check, host).text
    assert asked in text and (not stays or stays not in text)


def test_of_two_checks_the_one_that_needs_more_has_its_way() -> None:
    host = seen(
        kexalgorithms="curve25519-sha256,ecdh-sha2-nistp256", persourcemaxstartups="none", maxstartups="10:30:60"
    )
    offer = replace(host.wire, kex=("curve25519-sha256", "ecdh-sha2-nistp256")) if host.wire else None
    host = replace(host, wire=offer)
    found = [(BY_ID[id], BY_ID[id].run(host)) for id in ("kex-pq", "kex-nistp")]
    assert [finding.status for _, finding in found] == ["fail", "fail"]
    for pairs in (found, found[::-1]):
        want = plan.wanted(pairs, host, OURS)
        assert want.settings == {"KexAlgorithms": KEX} and want.refused == {}
        assert {
            item.settings["KexAlgorithms"]
            for item in plan.items(want, {"refused": {}, "settings": {}, "others": {}, "directory": False})
        } == {KEX}
    assert plan.wanted(found[1:], host, OURS).settings == {"KexAlgorithms": "curve25519-sha256"}


def test_a_plan_says_whom_it_may_shut_out_and_what_is_really_written() -> None:
    """The new login proves our account alone."""
    host = seen(pubkeyauthentication="yes", pubkeyacceptedalgorithms="ssh-ed25519,ssh-rsa", requiredrsasize="1024")
    ids = ("password-auth", "pubkey-auth", "requiredrsasize", "root-login")
    want = plan.wanted([(BY_ID[id], BY_ID[id].run(host)) for id in ids], host, OURS)
    assert want.settings["PubkeyAcceptedAlgorithms"] == "-ssh-rsa*"
    people = [f"user{at}" for at in range(12)]
    others = {"PasswordAuthentication": people, "RequiredRSASize": None, "PermitRootLogin": []}
    written = {**want.settings, "PubkeyAcceptedAlgorithms": "ssh-ed25519"}
    found = plan.items(want, {"refused": {}, "settings": written, "others": others, "directory": True})
    told = {item.id: item.reason for item in found}
    elsewhere = "; those of a directory (LDAP, SSSD) were not looked at"
    some = ", ".join(people[:10])
    assert told == {
        "password-auth": f"it may shut out {some} and 2 more (a password, and no key here){elsewhere}",
        "pubkey-auth": "",
        "requiredrsasize": "it may shut out others: no account but ours was looked at",
        "root-login": f"root has neither a password nor keys here{elsewhere}",
    }
    assert {"PubkeyAcceptedAlgorithms": "ssh-ed25519"}.items() <= next(
        item.settings.items() for item in found if item.id == "pubkey-auth"
    )


def test_a_list_of_the_sites_own_is_what_its_fix_writes() -> None:
    """Where the fix had a value of its own, the check failed after it as well."""
    host = seen(ciphers="3des-cbc,aes128-ctr,aes256-ctr", loglevel="QUIET", syslogfacility="AUTH")
    for values, id, asked in (
        ({"cipher-order": ["aes128-ctr"]}, "cipher-order", {"Ciphers": "aes128-ctr"}),
        ({"cipher-order": ["aes256-gcm@openssh.com"]}, "cipher-order", {"Ciphers": "aes256-gcm@openssh.com"}),
        ({}, "cipher-order", {"Ciphers": "aes256-ctr,aes128-ctr"}),
        ({"logging": "INFO"}, "logging", {"LogLevel": "INFO"}),
        ({"logging": ["INFO", "VERBOSE"]}, "logging", {"LogLevel": "VERBOSE"}),
        ({}, "logging", {"LogLevel": "VERBOSE"}),
    ):
        check = next(row.check for row in rows(Checks(values=dict[str, Any](values))) if row.check.id == id)
        assert asked.items() <= needed(check, host).settings.items(), asked
