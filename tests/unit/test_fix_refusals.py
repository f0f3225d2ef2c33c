"""What would shut trainshed out is refused, and what would not is not."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from core.checks.catalogue import BY_ID, CATALOGUE
from core.checks.fixes import plan
from core.checks.fixes.refusals import Ours, refusals
from core.checks.model import Seen
from core.ssh.lazy import load

OURS = Ours(
    user="worker",
    groups=("worker", "ssh-login"),
    entered_by="key",
    methods=frozenset({"publickey"}),
    key=("ssh-rsa", 3072),
    host_key="ssh-ed25519",
    address="10.0.0.5",
    port=22,
    algorithms={"kex": ("curve25519-sha256@libssh.org",), "ciphers": ("aes256-ctr",), "macs": ("hmac-sha2-256",)},
)


@pytest.mark.parametrize(
    ("keyword", "refused", "taken"),
    [
        ("AllowUsers", ["root", "w?rk !worker", "admin@10.0.0.9"], ["root worker", "work*", "worker@10.*"]),
        ("DenyUsers", ["worker", "*"], ["root"]),
        ("AllowGroups", ["admins"], ["admins ssh-login"]),
        ("DenyGroups", ["ssh-*"], ["admins"]),
        ("PubkeyAuthentication", ["no"], ["yes"]),
        ("AuthenticationMethods", ["publickey,password", "password"], ["publickey", "password publickey", "any"]),
        ("PubkeyAcceptedAlgorithms", ["ssh-ed25519", "-rsa-sha2-*"], ["rsa-sha2-512", "-ssh-rsa*,ssh-dss*"]),
        ("RequiredRSASize", ["4096"], ["3072"]),
        ("HostKeyAlgorithms", ["rsa-sha2-512", "-ssh-ed25519"], ["ssh-ed25519,rsa-sha2-512", "^rsa-sha2-512"]),
        ("KexAlgorithms", ["curve25519-sha256"], ["curve25519-sha256,curve25519-sha256@libssh.org"]),
        ("Ciphers", ["chacha20-poly1305@openssh.com", "-aes*"], ["aes256-ctr", "+aes128-cbc"]),
        ("MACs", ["umac-128@openssh.com"], ["hmac-sha2-256"]),
        ("MaxSessions", ["1", "5"], ["6", "10"]),
        ("MaxAuthTries", ["1"], ["2", "4"]),
        ("MaxStartups", ["1:30:60"], ["10:30:60"]),
        ("PerSourceMaxStartups", ["1"], ["10", "none"]),
        ("AllowTcpForwarding", ["no", "remote"], ["local", "yes"]),
        ("DisableForwarding", ["yes"], ["no"]),
        ("PermitOpen", ["none"], ["127.0.0.1:5000"]),
        ("AllowStreamLocalForwarding", ["no"], ["local"]),
        ("ForceCommand", ["/bin/false"], ["none"]),
        ("ChrootDirectory", ["/srv"], ["none"]),
        ("Port", ["2222"], ["22"]),
        ("ListenAddress", ["127.0.0.1", "[::1]:22", "10.0.0.6:22"], ["10.0.0.5", "10.0.0.5:22", "0.0.0.0", "[::]:22"]),
        ("PasswordAuthentication", [], ["no"]),
        ("PermitRootLogin", [], ["no"]),
        ("X11Forwarding", [], ["no"]),
    ],
)  # fmt: skip
def test_a_setting_is_refused_where_it_shuts_us_out(keyword: str, refused: list[str], taken: list[str]) -> None:
    assert [value for value in refused if not refusals({keyword: value}, OURS)] == []
    assert [refusals({keyword: value}, OURS) for value in taken if refusals({keyword: value}, OURS)] == []
    assert all(reason for value in refused for reason in refusals({keyword: value}, OURS).values())


def test_who_logs_in_by_password_or_as_root_keeps_that_door() -> None:
    by_password = replace(OURS, entered_by="password", key=None, methods=frozenset({"password"}))
    assert set(refusals({"PasswordAuthentication": "no", "KbdInteractiveAuthentication": "no"}, by_password)) == {
        "PasswordAuthentication",
        "KbdInteractiveAuthentication",
    }
    assert not refusals({"PubkeyAuthentication": "no", "AuthenticationMethods": "password"}, by_password)
    as_root = replace(OURS, user="root")
    assert refusals({"PermitRootLogin": "no"}, as_root) and refusals(
        {"PermitRootLogin": "forced-commands-only"}, as_root
    )
    assert not refusals({"PermitRootLogin": "prohibit-password"}, as_root)
    assert refusals({"PermitRootLogin": "prohibit-password"}, replace(by_password, user="root"))


def test_no_fix_of_the_catalogue_shuts_out_an_account_with_a_modern_key() -> None:
    """With the algorithms of our own library."""
    algorithms = load("abilities").algorithms()
    ours = replace(OURS, key=("ssh-ed25519", 256), algorithms=algorithms)
    found = {check.id: refusals(check.fixed.settings, ours) for check in CATALOGUE}
    assert {id: reasons for id, reasons in found.items() if reasons} == {}


def test_a_plan_says_all_that_is_done_for_a_check_and_what_is_left_to_a_person() -> None:
    ids = ("sshd-config-perm", "updates-time", "pw-length", "maxauthtries")
    failed = [(BY_ID[id], BY_ID[id].run(Seen())) for id in ids]
    failed[0] = (
        failed[0][0],
        msgspec.structs.replace(failed[0][1], severity="low"),
    )  # as where others may only read it
    want = plan.wanted(failed, Seen(), OURS)
    answer = {"refused": {"MaxAuthTries": "no such luck"}, "settings": {}, "others": {}, "directory": False}
    worst_first = plan.items(want, answer)
    assert [item.severity for item in worst_first] == ["high", "medium", "medium", "low"]
    length, apt, tries, modes = worst_first
    assert length.reason == "/etc/security/pwquality.conf.d/50-trainshed.conf: minlen = 14"
    assert "libpam-pwquality" in length.by_hand[0] and modes.reason.startswith("chmod 600 /etc/ssh/sshd_config ")
    assert '-Package-Lists "1", APT::Periodic::Unattended-Upgrade "1"' in apt.reason and ";" not in apt.reason
    assert (tries.status, tries.reason) == ("refused", "MaxAuthTries 4: no such luck")
