"""A fix loosens nothing: what is stricter already stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from core.checks.catalogue import BY_ID
from core.checks.fixes.needed import needed
from core.checks.model import Seen, Wire

SET = {"permittunnel": "no", "x11forwarding": "yes", "gatewayports": "no", "loglevel": "INFO", "usepam": "no"}
LOCK = {"type": "auth", "control": "required", "module": "pam_faillock.so", "args": ["preauth", "authfail"]}
QUALITY = {"type": "password", "control": "required", "module": "pam_pwquality.so", "args": []}


def seen(faillock: dict[str, str] | None = None, pwquality: dict[str, str] | None = None, **settings: str) -> Seen:
    config = {key: [text] for key, text in {**SET, "passwordauthentication": "yes", **settings}.items()}
    passwords: dict[str, Any] = {"pam": {"sshd": [LOCK, {**LOCK, "type": "account"}], "passwd": [QUALITY]}}
    passwords.update(faillock=faillock or {}, pwquality=pwquality or {})
    wire = Wire(kex=(), ciphers=("3des-cbc",), macs=(), methods=None)
    return Seen(wire=wire, host={"sshd": {"config": config, "root_config": config}, "passwords": passwords})


@pytest.mark.parametrize(
    ("id", "host", "asked", "stays"),
    [
        ("tunnel-x11-gateway", seen(allowstreamlocalforwarding="yes"), "AllowStreamLocalForwarding local", ""),
        ("tunnel-x11-gateway", seen(allowstreamlocalforwarding="no"), "X11Forwarding no", "AllowStreamLocalForwarding"),
        ("logging", seen(syslogfacility="AUTHPRIV"), "LogLevel VERBOSE", "SyslogFacility"),
        ("usepam", seen(kbdinteractiveauthentication="yes"), "KbdInteractiveAuthentication no", ""),
        ("cipher-weak", seen(ciphers="3des-cbc"), "Ciphers aes256-gcm", ""),
        ("faillock", seen({"deny": "3", "unlock_time": "60"}), "unlock_time = 900", "deny"),
        ("faillock", seen({"unlock_time": "60"}), "unlock_time = 900", "deny"),  # the default is 3
        ("faillock", seen({"deny": "9", "unlock_time": "0"}), "deny = 5", "unlock_time"),
        ("pw-complexity", seen(pwquality={"difok": "5", "maxrepeat": "2"}), "minclass = 4, maxsequence = 3", "difok"),
        ("pw-complexity", seen(pwquality={"difok": "5", "maxrepeat": "2"}), "minclass = 4", "maxrepeat"),
    ],
)
def test_only_what_the_check_demands_is_changed(id: str, host: Seen, asked: str, stays: str) -> None:
    check = BY_ID[id]
    assert check.run(host).status == "fail"
    text = needed(check, host).text
    assert asked in text and (not stays or stays not in text)
