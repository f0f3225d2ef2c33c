"""What the agent reads of a host's files, and what the checks make of it, where a real host is hard to come by."""

from __future__ import annotations

import base64
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from core.agent import checks, guards, pam, passwords, public_keys, updates
from core.agent.hostfiles import Files
from core.checks import password
from core.checks.catalogue import BY_ID
from core.checks.model import Seen, Wire
from core.checks.seen import notices
from core.site.secrets import Secret

RULESET = """table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    tcp dport { 80, 443 } limit rate 10/second accept
    %s
  }
}
"""


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("tcp dport 22 ct state new limit rate 3/minute accept", True),
        ("tcp dport ssh meter flood { ip saddr limit rate 3/minute } accept", True),
        ("tcp dport { 22, 2222 } ct count over 5 reject", True),
        ("tcp dport 22 accept", False),
        ("tcp dport 2200 limit rate 3/minute accept", False),
        ("tcp dport 20-25 ct state new limit rate 3/minute accept", True),
        ("meta l4proto tcp tcp dport 22 ct state new # recent: UPDATE seconds: 30 jump ufw-user-limit", True),
        ('tcp dport 22 xt match "hashlimit" counter packets 0 bytes 0 drop', True),
        ('tcp dport 22 limit rate 3/minute log prefix "ssh, then drop "', False),
        ("tcp dport 443 ip saddr 10.0.22.0/24 limit rate 3/minute accept", False),
        ("tcp dport 80 limit rate 22/minute accept", False),
        ('tcp dport 22 accept comment "no limit rate here"', False),
        ("tcp dport 22 add @seen { ip saddr timeout 1h } accept", False),
        ("tcp dport != 22 limit rate 3/minute accept", False),
        ("tcp dport != { 80, 443 } limit rate 3/minute accept", True),
        ("tcp dport 20-30 limit rate over 3/minute drop", True),
        ("tcp dport { 23-30, 80 } limit rate over 3/minute drop", False),
        ('tcp dport 22 limit rate 3/minute burst 5 packets log prefix "ssh "', False),
        ('tcp dport 22 limit rate 3/minute log prefix "ssh " accept', True),
        ("tcp dport 22 ct state new add @seen { ip saddr }", False),
        ('tcp dport 22 ct state new xt match "recent" counter packets 0 bytes 0 jump ufw-user-limit', True),
    ],
)
def test_a_rule_that_limits_our_port(rule: str, found: bool) -> None:
    assert bool(guards.rate_rule(RULESET % rule, 22)) == found


def test_a_service_by_name_is_one_port_alone() -> None:
    rule = "tcp dport ssh limit rate 3/minute accept"
    assert guards.rate_rule(RULESET % rule, 22) == rule and guards.rate_rule(RULESET % rule, 2222) == ""


@pytest.mark.parametrize(
    ("local", "port", "guarded"),
    [
        ("[sshd]\nenabled = true\n", 22, True),
        ("[sshd]\nenabled = true\n", 2222, False),  # it would shut another port
        ("[sshd]\nenabled = true\nport = ssh,2200:2300\n", 2222, True),
        ("[DEFAULT]\nbanaction = nftables-allports\n[sshd]\nenabled = true\n", 2222, True),
        ("[mine]\nenabled = yes\nfilter = sshd[mode=aggressive]\n", 22, True),
        ("[sshd]\nenabled = false\n[nginx-http-auth]\nenabled = true\n", 22, False),
        ("", 22, False),
    ],
)
def test_fail2ban_guards_where_a_jail_of_it_watches_sshd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: str, port: int, guarded: bool
) -> None:
    folder = tmp_path / "etc/fail2ban"
    (folder / "jail.d").mkdir(parents=True)
    shipped = (
        "[INCLUDES]\nbefore = x\n[DEFAULT]\nenabled = false\nfilter = %(__name__)s[mode=%(mode)s]\nmode = normal\n"
    )
    (folder / "jail.conf").write_text(f"{shipped}port = 0:65535\n[sshd]\nport = ssh\nlogpath = a\n    b\n")
    (folder / "jail.local").write_text(local)
    monkeypatch.setattr(guards, "_running", lambda: ["fail2ban-server"])
    monkeypatch.setattr(guards, "_rate_rule", lambda _: "")
    found = guards.guards(Files(str(tmp_path)), port)
    host = {"guards": found, "sshd": {"config": {}}}
    verdict = BY_ID["bruteforce-guard"].run(Seen(host=host))
    assert verdict.status == ("pass" if guarded else "fail")
    assert guarded or f"fail2ban-server, which has no jail for sshd at port {port}" in verdict.evidence


ON = 'APT::Periodic { Unattended-Upgrade "1"; Update-Package-Lists "always"; };\n'


@pytest.mark.parametrize(
    ("conf", "more", "why"),
    [
        (ON, {}, ""),
        ('APT { Periodic { Unattended-Upgrade "7"; }; };\nAPT::Periodic::Update-Package-Lists 1;\n', {}, ""),
        (ON, {"/etc/apt/apt.conf": 'apt::periodic::enable "0";'}, "APT::Periodic::Enable 0"),
        (ON + "#clear APT::Periodic;\n", {}, "no APT::Periodic::Unattended-Upgrade"),
        ("/* " + ON + "*/ // " + ON + "# " + ON, {}, "no APT::Periodic::Unattended-Upgrade"),
        ('APT::Periodic::Unattended-Upgrade "1";', {}, "no APT::Periodic::Update-Package-Lists"),
        (ON, {"/usr/bin/unattended-upgrade": None}, "not installed"),
        (ON, {"/etc/systemd/system/apt-daily.timer": "/dev/null"}, "apt-daily.timer is off"),
        (ON, {"/run/systemd/system/x": ""}, "apt-daily.timer is off"),
    ],
)
def test_a_host_upgrades_itself_where_all_that_it_takes_is_there(
    tmp_path: Path, conf: str, more: dict[str, str | None], why: str
) -> None:
    tree = {"/usr/bin/unattended-upgrade": "", "/etc/apt/apt.conf.d/20auto": conf, **more}
    for name, text in tree.items():
        path = tmp_path / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if text == "/dev/null":
            path.symlink_to(text)
        elif text is not None:
            path.write_text(text)
    found = updates.updates(Files(str(tmp_path)), "ada", "/usr/sbin/sshd", 0, [], 0.0)
    assert found["unattended"] == why
    verdict = BY_ID["updates-time"].run(Seen(host={"updates": {**found, "clock_synchronised": True}}))
    assert (verdict.status == "pass") is (not why) and why in verdict.evidence


DEBIAN = (
    "[DEFAULT]\nenabled = false ; by itself\nfilter = %(__name__)s[mode=%(mode)s]\n[sshd]\nport = ssh\n[recidive]\n"
)


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ({"jail.conf": DEBIAN}, "fail"),
        ({"jail.conf": DEBIAN, "jail.d/defaults-debian.conf": "[sshd]\nenabled = true\n"}, "pass"),
        (
            {"jail.d/defaults-debian.conf": "[sshd]\nenabled = true\n", "jail.local": "[sshd]\nenabled = 0\n"},
            "fail",
        ),
        ({"jail.local": "[sshd]\nenabled = no\n", "jail.d/z.local": "[sshd]\nenabled = yes\n"}, "pass"),
        ({"jail.conf": DEBIAN, "jail.local": "[recidive]\nenabled = true\n"}, "fail"),
        ({"jail.local": "[door]\nenabled = true\nfilter = sshd[mode=aggressive]\n"}, "pass"),
        ({"jail.conf": DEBIAN, "jail.local": "[DEFAULT]\nenabled = true\n"}, "pass"),
        ({"jail.local": "enabled = true\n"}, "unknown"),  # broken
        ({}, "unknown"),  # it has its files elsewhere, as in a container
    ],
)
def test_fail2ban_guards_where_a_jail_of_it_looks_at_sshd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], status: str
) -> None:
    for name, text in files.items():
        path = tmp_path / "etc/fail2ban" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    running = [guards.FAIL2BAN]
    monkeypatch.setattr(guards, "_running", lambda: [*running])
    monkeypatch.setattr(guards, "_rate_rule", lambda _: "")
    told = BY_ID["bruteforce-guard"].run(
        Seen(host={"sshd": {"config": {}}, "guards": guards.guards(Files(str(tmp_path)), 22)})
    )
    assert told.status == status, told.evidence
    running.append("sshguard")
    both = {"sshd": {"config": {}}, "guards": guards.guards(Files(str(tmp_path)), 22)}
    assert BY_ID["bruteforce-guard"].run(Seen(host=both)).status == "pass"


def test_a_stack_of_pam_is_what_its_files_include(tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "pam.d"
    folder.mkdir(parents=True)
    (folder / "sshd").write_text("@include common\nauth include only-auth\n-session optional pam_x.so\n")
    (folder / "common").write_text("account [success=1 new_authtok_reqd=done] /lib/security/pam_unix.so try # x\n")
    (folder.parent / "elsewhere").write_text("password required pam_c.so\n")
    (folder / "passwd").write_text("password substack /etc/elsewhere\n")
    assert [line["module"] for line in pam.stack(Files(str(tmp_path)), "passwd")] == ["pam_c.so"]
    (folder / "only-auth").write_text("auth required pam_a.so\naccount required pam_never.so\n")
    (folder / "circle").write_text("@include circle\nauth required pam_b.so\n")
    found = [(line["type"], line["module"], line["args"]) for line in pam.stack(Files(str(tmp_path)), "sshd")]
    assert found == [("account", "pam_unix.so", ["try"]), ("auth", "pam_a.so", []), ("session", "pam_x.so", [])]
    assert {line["module"] for line in pam.stack(Files(str(tmp_path)), "circle")} == {"pam_b.so"}


def test_of_pwqualitys_files_the_last_one_read_wins(tmp_path: Path) -> None:
    for name, text in (
        ("etc/login.defs", "ENCRYPT_METHOD yescrypt\n"),
        ("etc/security/pwquality.conf.d/10.conf", "minlen = 8\nminclass 4\n"),
        ("etc/security/pwquality.conf.d/20.conf", "minlen = 14\n"),
        ("etc/pam.d/sshd", "auth required pam_unix.so\n"),
        ("etc/pam.d/sshd-strict", "auth required pam_faillock.so preauth\n"),
        ("etc/security/pwquality.conf", "minlen = 6 # the main file is read last\nenforce_for_root\n"),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = passwords.passwords(Files(str(tmp_path)), "ada")
    other = passwords.passwords(Files(str(tmp_path)), "ada", "sshd-strict")  # PAMServiceName
    assert [found["pam"]["sshd"][0]["module"], other["pam"]["sshd"][0]["module"]] == ["pam_unix.so", "pam_faillock.so"]
    assert found["pwquality"] == {"minlen": "6", "minclass": "4", "enforce_for_root": "1"}
    assert found["hash"] is None


def blob(*parts: bytes) -> str:
    return base64.b64encode(b"".join(struct.pack(">I", len(part)) + part for part in parts)).decode()


def test_authorised_keys_are_told_by_type_size_and_options(tmp_path: Path) -> None:
    rsa = blob(b"ssh-rsa", b"\x01\x00\x01", b"\x00" + b"\x80" + bytes(127))
    dsa = blob(b"ssh-dss", b"\x80" + bytes(127), b"q", b"g", b"y")
    ed25519 = blob(b"ssh-ed25519", bytes(32))
    keys = tmp_path / "authorized_keys"
    keys.write_text(
        f'# a comment\n\nrestrict,from="10.0.0.0/8,192.0.2.1",command="echo \\"a, b\\"" ssh-rsa {rsa} old laptop\n'
        f'ssh-dss {dsa}\ncert-authority,principals="ops" ssh-ed25519 {ed25519} ca\nssh-ed25519 broken x\n'
    )
    found = list(public_keys.authorised(str(keys)))
    assert [(key["line"], key["type"], key["bits"], key["comment"]) for key in found] == [
        (3, "ssh-rsa", 1024, "old laptop"), (4, "ssh-dss", 1024, ""), (5, "ssh-ed25519", 256, "ca"),
    ]  # fmt: skip
    assert found[0]["options"] == {"restrict": "", "from": "10.0.0.0/8,192.0.2.1", "command": 'echo "a, b"'}
    seen = Seen(host={"authorized_keys": {"files": [str(keys)], "keys": found}})
    told = BY_ID["authorized-keys-content"].run(seen)
    assert told.status == "fail" and "RSA of 1024 bits" in told.evidence and "DSA" in told.evidence
    assert rsa not in told.evidence and "ca" not in told.evidence.split("DSA")[1]


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("ssh-ed25519 KEY", {}),
        (" \t ssh-ed25519\tKEY\tme", {}),
        ('from="*,\v" ssh-ed25519 KEY', {"from": "*,\v"}),
        ('from="*,\f" ssh-ed25519 KEY', {"from": "*,\f"}),
        ('from="\u2028\x85\x1c" ssh-ed25519 KEY', {"from": "\u2028\x85\x1c"}),
        ("no-pty,, ssh-ed25519 KEY", {"no-pty": ""}),
        ('command="a \\"b c\\" d",RESTRICT   ssh-ed25519 KEY', {"command": 'a "b c" d', "restrict": ""}),
        ("ssh-ed25519 KEY\0 whatever", {}),
        ("ssh-ed25519 K\vEY", {}),
        ("ssh-ed25519 KEY\r", {}),
        ("# ssh-ed25519 KEY", None),
        ("# a\v ssh-ed25519 KEY", None),
        ("no-pty restrict ssh-ed25519 KEY", None),
        ('from="* ssh-ed25519 KEY', None),
    ],
)
def test_a_key_that_sshd_takes_is_found_in_whatever_line(tmp_path: Path, line: str, options: dict[str, str]) -> None:
    """A key that lets in and is not seen would be a back door that passes the check."""
    key = blob(b"ssh-ed25519", bytes(32))
    path = tmp_path / "authorized_keys"
    path.write_bytes(f"\n{line}\n".replace("KEY", key).replace("K\vEY", f"{key[:20]}\v{key[20:]}").encode())
    found = [(one["line"], one["type"], one["options"]) for one in public_keys.authorised(str(path))]
    assert found == ([] if options is None else [(2, "ssh-ed25519", options)])


def judged(**strength: Any) -> str:
    return str(BY_ID["pw-this-account"].run(Seen(local={"password": strength})).status)


def test_a_password_is_judged_here_and_nothing_of_it_is_told() -> None:
    weak = password.strength(Secret("hospital2026"), by_password=True, words=("hospital",))
    strong = password.strength(Secret("orbit.velvet-canyon.41"), by_password=True, words=())
    known = password.strength(Secret("stackvm-edge-operator-vm"), by_password=True, words=("stackvm-edge-operator-vm",))
    assert (judged(**weak), judged(**strong), judged(**known)) == ("fail", "pass", "fail")
    found = BY_ID["pw-this-account"].run(Seen(local={"password": weak}))
    assert "hospital" not in found.evidence and "12" not in found.evidence
    assert judged(**password.strength(None, by_password=False, words=())) == "skipped"
    assert judged(**password.strength(None, by_password=True, words=())) == "unknown"


def told(config: dict[str, str], *, wire: str = "", processes: tuple[str, ...] = ()) -> list[str]:
    lines = {key: [value] for key, value in config.items()}
    host = {"sshd": {"note": "", "config": lines}, "guards": {"processes": list(processes)}}
    host["root_refused"] = ""
    offer = None if wire else Wire((), (), (), ())
    return [notice.text for notice in notices(Seen(wire=offer, host=host, errors={"wire": wire} if wire else {}))]


def test_who_could_lock_us_out_is_said() -> None:
    assert told({}) == []
    assert told({"persourcepenalties": "no"}) == []
    assert "PerSourcePenalties; exempt: none" in told({"persourcepenalties": "crash:90 authfail:5"})[0]
    assert "fail2ban-server" in told({}, processes=("fail2ban-server",))[0]
    dropped = "10.0.0.4 port 22 ended the connection before it said who it is"
    assert "penalised" in told({}, wire=dropped)[0]


def test_a_server_whose_own_key_is_another_than_the_one_shown_is_not_the_server() -> None:
    pinned, other = f"ssh-ed25519 SHA256:{'A' * 43}", f"ssh-ed25519 SHA256:{'B' * 43}"
    keys = [{"pinned": other}, {"pinned": f"ssh-rsa SHA256:{'C' * 43}"}]
    wire = Wire((), (), (), (), host_key=pinned)
    client = {"pins": [pinned], "trusted_by": "site file", "packages": None}
    lies = BY_ID["host-key-known"].run(Seen(wire=wire, host={"host_keys": keys}, local={"client": client}))
    assert lies.status == "fail" and f"the host's own key is {other}" in lies.evidence
    unpinned = Seen(wire=wire, host={"host_keys": [{"pinned": pinned}]}, local={"client": {**client, "pins": []}})
    assert BY_ID["host-key-known"].run(unpinned).status == "warn"


def line(kind: str, module: str, *args: str) -> dict[str, Any]:
    return {"type": kind, "control": "required", "module": module, "args": list(args)}


LOCK = [line("auth", "pam_faillock.so", "preauth"), line("auth", "pam_faillock.so", "authfail")]
LOCKED = [*LOCK, line("account", "pam_faillock.so")]
QUALITY = {"minlen": "14", "minclass": "4", "maxrepeat": "3", "maxsequence": "3", "difok": "2", "enforce_for_root": "1"}
CREDITS = dict.fromkeys(("dcredit", "ucredit", "lcredit", "ocredit"), "-1")


def policy(door: str = "yes", **changes: Any) -> Seen:
    """The section `passwords` of a host where all is well; `passwd`, `sshd`: stacks of PAM."""
    stacks = {"passwd": [line("password", "pam_pwquality.so"), line("password", "pam_unix.so", "yescrypt")]}
    stacks.update(sshd=LOCKED)
    stacks.update({name: changes.pop(name) for name in ("passwd", "sshd") if name in changes})
    section = {"encrypt_method": "MD5", "pam": stacks, "pwquality": QUALITY, "faillock": {"deny": "5"}, "hash": None}
    section["faillock"] = {"deny": "5", "unlock_time": "900"}
    config = {"passwordauthentication": [door], "kbdinteractiveauthentication": ["no"]}
    host = {"passwords": {**section, **changes}, "sshd": {"uid": 0, "config": config, "root_config": config}}
    return Seen(host=host)


@pytest.mark.parametrize(
    ("id", "seen", "status"),
    [
        ("pw-hash", policy(), "pass"),  # pam_unix says yescrypt, whatever login.defs says
        ("pw-hash", policy(passwd=[line("password", "pam_unix.so")]), "fail"),
        ("pw-hash", policy(hash="1"), "fail"),
        ("pw-hash", policy(hash="6"), "pass"),
        ("pw-quality-module", policy(), "pass"),
        ("pw-quality-module", policy(pwquality={**QUALITY, "enforcing": "0"}), "fail"),
        ("pw-quality-module", policy(pwquality={"minlen": "14"}), "warn"),
        ("pw-length", policy(passwd=[line("password", "pam_pwquality.so", "minlen=8")]), "fail"),  # its own option wins
        ("pw-length", policy(pwquality={}), "fail"),
        ("pw-length", policy(pwquality={**QUALITY, "dcredit": "1", "ocredit": "-1"}), "fail"),  # 13 are enough with one
        ("pw-length", policy(passwd=[{**line("password", "pam_pwquality.so"), "control": "optional"}]), "fail"),
        ("pw-complexity", policy(pwquality={**QUALITY, **CREDITS, "minclass": "0"}), "pass"),
        ("pw-complexity", policy(pwquality={**QUALITY, "minclass": "3"}), "fail"),
        ("pw-complexity", policy(pwquality={**QUALITY, "dictcheck": "0"}), "fail"),
        ("pw-complexity", policy(pwquality={**QUALITY, "maxrepeat": "0"}), "fail"),
        ("faillock", policy(), "pass"),
        ("faillock", policy(sshd=LOCK), "fail"),  # not in account: nobody is let out again
        ("faillock", policy(sshd=[]), "fail"),  # the file alone does nothing
        ("faillock", policy("no", sshd=[]), "warn"),  # no password opens SSH
        ("faillock", policy(faillock={"deny": "5", "unlock_time": "0"}), "pass"),
        ("faillock", policy(faillock={"deny": "5", "unlock_time": "60"}), "fail"),
        ("faillock", policy(faillock={"deny": "0", "unlock_time": "900"}), "fail"),
        ("faillock", policy(faillock={"deny": "5", "unlock_time": "900", "even_deny_root": "1"}), "warn"),
    ],
)
def test_the_policy_for_passwords(id: str, seen: Seen, status: str) -> None:
    found = BY_ID[id].run(seen)
    assert found.status == status, found.evidence


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")
@pytest.mark.parametrize(("uid", "found"), [(65534, []), (0, ["sshguard"])])
def test_a_guard_is_one_that_root_runs(uid: int, found: list[str]) -> None:
    """Any account can call a program so."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        path = shutil.copy("/bin/sleep", f"{folder}/sshguard")
        with subprocess.Popen([path, "60"], stdin=subprocess.DEVNULL, user=uid) as running:
            os.seteuid(uid)  # a job of our own account can do it too
            seen = guards.guards(Files(), 22)["processes"]
            os.seteuid(0)
            running.kill()
    assert seen == found


@pytest.mark.parametrize(("process", "hidden"), [("", ["listeners"]), ("dockerd", [])])
def test_who_listens_is_looked_up_as_root_where_we_cannot_see_it(process: str, hidden: list[str]) -> None:
    answer = {"errors": {}, "listeners": [{"process": process}], "guards": {"rate_rule": ""}, "empty_passwords": []}
    assert checks._hidden(answer) == hidden
