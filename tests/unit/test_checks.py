"""The catalogue as a table: what each check makes of which configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.agent import account
from core.agent.hostfiles import Files
from core.checks.catalogue import CATALOGUE
from core.checks.fix import Fix
from core.checks.model import Seen, Wire

CHECKS = {check.id: check for check in CATALOGUE}
STRICT = "kex-strict-s-v00@openssh.com"
GOOD_WIRE: dict[str, Any] = {
    "kex": ("curve25519-sha256", STRICT),
    "ciphers": ("aes256-gcm@openssh.com", "aes256-ctr"),
    "macs": ("hmac-sha2-256-etm@openssh.com",),
    "methods": ("publickey",),
}
GOOD_CONFIG = {
    "permitrootlogin": "no",
    "permitemptypasswords": "no",
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "usepam": "yes",
    "maxauthtries": "4",
    "permittunnel": "no",
    "x11forwarding": "no",
    "gatewayports": "no",
    "allowstreamlocalforwarding": "local",
    "disableforwarding": "no",
    "authenticationmethods": "any",
}
SSHD = {"uid": 0, "port": 22, "command": "sudo /usr/sbin/sshd -T -f /srv/sshd_config"}
HOST_KEY = {"path": "/etc/ssh/ssh_host_ed25519_key", "mode": 0o600, "uid": 0, "group": "root"}
HOME = {"path": "/home/ada", "kind": "home", "mode": 0o755, "uid": 1000, "exists": True, "account": 1000}
DOT_SSH = {**HOME, "path": "/home/ada/.ssh", "kind": "ssh", "mode": 0o700}
KEYS = {**HOME, "path": "/home/ada/.ssh/authorized_keys", "kind": "keys", "mode": 0o600}
SSH_PORT = {"protocol": "tcp", "address": "0.0.0.0", "port": 22, "process": ""}


def wire(**changes: Any) -> Seen:
    return Seen(wire=Wire(**{**GOOD_WIRE, **changes}))


def config(
    changes: dict[str, str] | None = None, root: dict[str, str] | None = None, server: dict[str, Any] | None = None
) -> dict[str, Any]:
    """`sshd` as the agent answers it; a change to "" takes the key away."""
    lines = {key: [text] for key, text in {**GOOD_CONFIG, **(changes or {})}.items() if text}
    for_root = {**lines, **{key: [text] for key, text in (root or {}).items()}}
    return {"sshd": {**SSHD, **(server or {}), "config": lines, "root_config": for_root}}


def sshd(root: dict[str, str] | None = None, server: dict[str, Any] | None = None, **changes: str) -> Seen:
    return Seen(host=config(changes, root, server))


def both(methods: tuple[str, ...] | None, **changes: str) -> Seen:
    return Seen(wire=Wire(**{**GOOD_WIRE, "methods": methods}), host=config(changes))


def shadow(accounts: list[str] | None, **changes: str) -> Seen:
    return Seen(host={**config(changes), "empty_passwords": accounts})


def host_key(server: dict[str, Any] | None = None, **changes: Any) -> Seen:
    return Seen(host={**config(server=server), "host_keys": [HOST_KEY, {**HOST_KEY, **changes}]})


def files(*entries: dict[str, Any]) -> Seen:
    return Seen(host={"ssh_dir": list(entries)})


def docked(**changes: Any) -> Seen:
    found = {"version": "24.0", "reason": "", "live_restore": True, "socket_mode": 0o660, **changes}
    return Seen(host={"docker": found})


def listening(address: str, port: int, process: str = "", configured: str = "22") -> Seen:
    entry = {"protocol": "tcp", "address": address, "port": port, "process": process}
    return Seen(host={**config({"port": configured}), "listeners": [SSH_PORT, entry]})


def guarded(**settings: str) -> Seen:
    return Seen(
        host={**config(settings), "guards": {"processes": [], "rate_rule": "", "idle": [], "unknown_jails": False}}
    )


def costly(**settings: str) -> Seen:
    return Seen(wire=Wire(**{**GOOD_WIRE, "kex": ("diffie-hellman-group16-sha512",)}), host=config(settings))


def authorised(*kinds: str, options: str = "", **settings: str) -> Seen:
    given = dict.fromkeys(options.split(), "")
    told = {"path": "keys", "line": 1, "bits": 0, "fingerprint": "SHA256:a", "comment": "", "options": given}
    keys = [{**told, "type": kind} for kind in kinds]
    return Seen(host={**config(settings), "authorized_keys": {"files": [], "keys": keys}})


def allowed(**changes: str) -> Seen:
    return Seen(host={**config(changes), "account": {"name": "ada", "uid": 1000, "groups": ["staff"]}})


NOTHING = Seen()

TABLE: list[tuple[str, str, Seen, str]] = [
    ("root-login", "pass", sshd(), "no"),
    ("root-login", "fail", sshd(permitrootlogin="yes"), "yes"),
    ("root-login", "warn", sshd(permitrootlogin="prohibit-password"), "with a key only"),
    ("root-login", "warn", sshd(permitrootlogin="without-password"), "the older name of prohibit-password"),
    ("root-login", "fail", sshd(root={"permitrootlogin": "yes"}), "Match User root opens it"),
    ("root-login", "pass", sshd(root={"permitrootlogin": "no"}, permitrootlogin="yes"), "only for others it says yes"),
    ("root-login", "pass", sshd(server={"uid": 1000}, permitrootlogin="yes"), "an sshd without root cannot"),
    ("root-login", "unknown", NOTHING, "nothing read"),
    ("empty-passwords", "pass", shadow([]), "none"),
    ("empty-passwords", "pass", shadow(None), "shadow is hidden, sshd refuses them"),
    ("empty-passwords", "fail", shadow([], permitemptypasswords="yes"), "allowed"),
    ("empty-passwords", "fail", shadow(None, permitemptypasswords="yes"), "allowed, shadow hidden"),
    ("empty-passwords", "warn", shadow(["games"]), "an account has none, sshd refuses it"),
    ("empty-passwords", "fail", wire(methods=("none",)), "anybody was let in"),
    ("empty-passwords", "unknown", NOTHING, "nothing read"),
    ("password-auth", "pass", both(("publickey",)), "off on both"),
    ("password-auth", "fail", both(("publickey", "password"), passwordauthentication="yes"), "on on both"),
    ("password-auth", "fail", wire(methods=("password",)), "offered, configuration hidden"),
    ("password-auth", "pass", wire(), "not offered, configuration hidden"),
    ("password-auth", "fail", sshd(passwordauthentication="yes"), "configured, wire not seen"),
    ("password-auth", "pass", sshd(), "off, wire not seen"),
    ("password-auth", "fail", both(("password",)), "offered although off: not the configuration that runs"),
    (
        "password-auth",
        "pass",
        both(("publickey",), passwordauthentication="yes", authenticationmethods="publickey,password"),
        "only after a key",
    ),
    (
        "password-auth",
        "fail",
        both(("publickey", "password"), passwordauthentication="yes", authenticationmethods="publickey password"),
        "one of the lists has no key",
    ),
    ("password-auth", "fail", both(("none",)), "anybody was let in"),
    ("password-auth", "pass", both(None), "the server did not say, configured off"),
    ("password-auth", "unknown", wire(methods=None), "the server did not say, configuration hidden"),
    ("password-auth", "unknown", NOTHING, "nothing read"),
    ("kbd-interactive", "pass", both(("publickey",)), "off"),
    ("kbd-interactive", "fail", both(("keyboard-interactive",), kbdinteractiveauthentication="yes"), "on"),
    (
        "kbd-interactive",
        "fail",
        sshd(kbdinteractiveauthentication="", challengeresponseauthentication="yes"),
        "on by its older name",
    ),
    (
        "kbd-interactive",
        "pass",
        sshd(kbdinteractiveauthentication="", challengeresponseauthentication="no"),
        "off by its older name",
    ),
    (
        "kbd-interactive",
        "pass",
        sshd(kbdinteractiveauthentication="yes", authenticationmethods="publickey,keyboard-interactive"),
        "a second factor",
    ),
    ("kbd-interactive", "warn", sshd(kbdinteractiveauthentication="yes", usepam="no"), "nothing to ask without PAM"),
    ("kbd-interactive", "unknown", NOTHING, "nothing read"),
    ("terrapin", "pass", wire(ciphers=("chacha20-poly1305@openssh.com",)), "chacha20, but strict"),
    ("terrapin", "fail", wire(kex=(), ciphers=("chacha20-poly1305@openssh.com",)), "chacha20"),
    ("terrapin", "fail", wire(kex=(), ciphers=("aes128-cbc",)), "CBC and EtM"),
    ("terrapin", "pass", wire(kex=(), ciphers=("aes128-cbc",), macs=("hmac-sha2-256",)), "CBC without EtM"),
    ("terrapin", "pass", wire(kex=(), ciphers=("aes256-ctr",)), "neither chacha20 nor CBC"),
    ("terrapin", "unknown", sshd(), "wire not seen"),
    ("cipher-weak", "pass", wire(), "GCM and CTR"),
    ("cipher-weak", "fail", wire(ciphers=("aes256-ctr", "aes256-cbc")), "CBC"),
    ("cipher-weak", "fail", wire(ciphers=("3des-cbc",)), "3DES"),
    ("cipher-weak", "fail", wire(ciphers=("arcfour256",)), "RC4"),
    ("cipher-weak", "fail", wire(ciphers=("none",)), "none"),
    ("cipher-weak", "fail", wire(ciphers=("rijndael-cbc@lysator.liu.se",)), "CBC by another name"),
    ("cipher-weak", "unknown", sshd(), "wire not seen"),
    ("mac-weak", "pass", wire(), "SHA-2"),
    ("mac-weak", "fail", wire(macs=("hmac-sha1-etm@openssh.com",)), "SHA-1"),
    ("mac-weak", "fail", wire(macs=("umac-64@openssh.com",)), "64-bit UMAC"),
    ("mac-weak", "fail", wire(macs=("hmac-sha2-256-96",)), "96 bits"),
    ("mac-weak", "pass", wire(macs=("umac-128-etm@openssh.com",)), "128-bit UMAC"),
    ("mac-weak", "pass", wire(ciphers=("aes256-gcm@openssh.com",), macs=("hmac-sha1",)), "no MAC is ever used"),
    ("mac-weak", "unknown", sshd(), "wire not seen"),
    ("hostkey-perm", "pass", host_key(), "0600 root"),
    ("hostkey-perm", "pass", host_key(mode=0o640, group="ssh_keys"), "0640 ssh_keys"),
    ("hostkey-perm", "fail", host_key(mode=0o640), "0640 of another group"),
    ("hostkey-perm", "fail", host_key(mode=0o644), "0644"),
    ("hostkey-perm", "fail", host_key(mode=0o660, group="ssh_keys"), "the group may write"),
    ("hostkey-perm", "fail", host_key(uid=1000), "another user's"),
    ("hostkey-perm", "pass", host_key(server={"uid": 1000}, uid=1000), "of who runs the sshd"),
    ("hostkey-perm", "unknown", sshd(), "not seen"),
    ("ssh-dir-perm", "pass", files(HOME, DOT_SSH, KEYS), "as ssh makes them"),
    ("ssh-dir-perm", "pass", files(HOME, DOT_SSH, {**KEYS, "uid": 0}), "root's file"),
    ("ssh-dir-perm", "pass", files(HOME, DOT_SSH, {**KEYS, "uid": 0, "mode": 0o644}), "root's file, readable"),
    ("ssh-dir-perm", "fail", files({**HOME, "mode": 0o775}, DOT_SSH, KEYS), "the group may write the home"),
    ("ssh-dir-perm", "fail", files(HOME, {**DOT_SSH, "mode": 0o777}, KEYS), "anybody may write .ssh"),
    ("ssh-dir-perm", "fail", files(HOME, DOT_SSH, {**KEYS, "mode": 0o620}), "the group may write the keys"),
    ("ssh-dir-perm", "fail", files(HOME, DOT_SSH, {**KEYS, "uid": 1001}), "another user's keys"),
    ("ssh-dir-perm", "warn", files(HOME, DOT_SSH, {**KEYS, "mode": 0o644}), "others may read the keys"),
    ("ssh-dir-perm", "pass", files(HOME, {**DOT_SSH, "exists": False, "mode": 0o777}), "a missing one is no finding"),
    ("ssh-dir-perm", "unknown", NOTHING, "not seen"),
    ("maxauthtries", "pass", sshd(), "4"),
    ("maxauthtries", "fail", sshd(maxauthtries="6"), "6"),
    ("maxauthtries", "warn", sshd(maxauthtries="1"), "locks agents with several keys out"),
    ("maxauthtries", "unknown", NOTHING, "nothing read"),
    ("user-allow-list", "pass", allowed(allowusers="ada ops@10.*"), "named"),
    ("user-allow-list", "pass", allowed(allowusers="*", allowgroups="staff"), "the groups are named"),
    ("user-allow-list", "fail", allowed(allowusers="*"), "everybody is no name"),
    ("user-allow-list", "fail", allowed(allowusers="ada *@*", allowgroups="*"), "everybody, beside a name"),
    ("user-allow-list", "fail", allowed(), "unset"),
    ("user-allow-list", "warn", allowed(allowusers="bob"), "without us"),
    ("user-allow-list", "unknown", NOTHING, "nothing read"),
    ("authmethods", "pass", sshd(pubkeyauthentication="yes"), "nothing but keys is on"),
    ("authmethods", "pass", sshd(passwordauthentication="yes", authenticationmethods="publickey,password"), "both"),
    ("authmethods", "fail", sshd(passwordauthentication="yes", authenticationmethods="any"), "a password is enough"),
    (
        "authmethods",
        "fail",
        sshd(pubkeyauthentication="yes", kbdinteractiveauthentication="", challengeresponseauthentication="yes"),
        "on by its older name",
    ),
    ("authmethods", "unknown", NOTHING, "nothing read"),
    ("tunnel-x11-gateway", "pass", sshd(), "all off"),
    ("tunnel-x11-gateway", "fail", sshd(x11forwarding="yes"), "X11"),
    ("tunnel-x11-gateway", "fail", sshd(permittunnel="point-to-point"), "tunnel"),
    ("tunnel-x11-gateway", "fail", sshd(gatewayports="clientspecified"), "gateway ports"),
    ("tunnel-x11-gateway", "warn", sshd(allowstreamlocalforwarding="yes"), "unix sockets"),
    (
        "tunnel-x11-gateway",
        "pass",
        sshd(allowstreamlocalforwarding="yes", disableforwarding="yes"),
        "no forwarding at all",
    ),
    ("tunnel-x11-gateway", "unknown", NOTHING, "nothing read"),
    ("authorized-keys-content", "pass", authorised(), "no key"),
    ("authorized-keys-content", "fail", authorised("ssh-dss", trustedusercakeys="/x"), "the worst is what counts"),
    ("authorized-keys-content", "pass", authorised(authorizedkeyscommand="none", trustedusercakeys="none"), "files"),
    ("authorized-keys-content", "warn", authorised(authorizedkeyscommand="/usr/bin/sss"), "a program knows more keys"),
    ("authorized-keys-content", "warn", authorised(trustedusercakeys="/etc/ssh/CA.pub"), "whatever is signed"),
    ("authorized-keys-content", "warn", authorised("ssh-ed25519", options="cert-authority"), "it signs others"),
    ("authorized-keys-content", "unknown", NOTHING, "not read"),
    ("bruteforce-guard", "pass", sshd(persourcepenalties="crash:90"), "penalties"),
    (
        "bruteforce-guard",
        "pass",
        guarded(persourcepenalties="crash:90", persourcepenaltyexemptlist="10.0.0.0/8"),
        "some",
    ),
    (
        "bruteforce-guard",
        "fail",
        guarded(persourcepenalties="crash:90", persourcepenaltyexemptlist="10.0.0.1,::/0"),
        "all",
    ),
    ("bruteforce-guard", "unknown", NOTHING, "nothing read"),
    ("dheat", "pass", costly(persourcemaxstartups="10", maxstartups="10:30:60"), "some of the places"),
    ("dheat", "fail", costly(persourcemaxstartups="60", maxstartups="10:30:60"), "all of the places"),
    ("dheat", "fail", costly(persourcemaxstartups="none", maxstartups="10:30:60"), "no limit"),
    ("dheat", "unknown", NOTHING, "nothing seen"),
    ("other-listeners", "pass", listening("127.0.0.1", 5000, "mlflow"), "loopback"),
    ("other-listeners", "pass", listening("127.0.0.53", 53), "another loopback address"),
    ("other-listeners", "pass", listening("::1", 8888), "loopback of IPv6"),
    ("other-listeners", "fail", listening("0.0.0.0", 2375), "Docker to everybody"),
    ("other-listeners", "fail", listening("::", 8265, "ray"), "Ray to everybody"),
    ("other-listeners", "warn", listening("10.0.0.4", 111, "rpcbind"), "something else"),
    ("other-listeners", "pass", listening("0.0.0.0", 2222, "systemd", configured="2222"), "ssh.socket"),
    ("other-listeners", "warn", listening("0.0.0.0", 8080, "sshd"), "the end of a tunnel is called sshd too"),
    ("other-listeners", "fail", listening("::", 8888, "sshd"), "so it is in front of Jupyter"),
    ("other-listeners", "unknown", NOTHING, "not seen"),
    ("docker", "pass", docked(live_restore=True), "live-restore"),
    ("docker", "warn", docked(live_restore=False), "no live-restore"),
    ("docker", "fail", docked(live_restore=True, socket_mode=0o666), "a socket for everybody"),
    ("docker", "skipped", docked(version="", reason="there is no Docker"), "no Docker"),
    ("docker", "unknown", NOTHING, "not seen"),
]


@pytest.mark.parametrize(("id", "status", "seen", "case"), TABLE, ids=[f"{row[0]}: {row[3]}" for row in TABLE])
def test_the_verdict_on_a_configuration(id: str, status: str, seen: Seen, case: str) -> None:
    found = CHECKS[id].run(seen)
    assert found.status == status, found.evidence
    assert found.evidence


@pytest.mark.parametrize("id", dict.fromkeys(row[0] for row in TABLE))
def test_every_check_can_pass_fail_and_be_unknown(id: str) -> None:
    assert {"pass", "fail", "unknown"} <= {status for known, status, _, _ in TABLE if known == id}


def test_key_only_root_login_is_a_medium_warning_not_a_critical_one() -> None:
    assert CHECKS["root-login"].run(sshd(permitrootlogin="without-password")).severity == "medium"
    assert CHECKS["root-login"].run(sshd(permitrootlogin="yes")).severity == "critical"


@pytest.mark.parametrize("id", [check.id for check in CATALOGUE if "sshd" in check.needs])
def test_a_configuration_that_could_not_be_read_is_unknown_and_names_one_command(id: str) -> None:
    host = {**config({"permitrootlogin": "yes", "passwordauthentication": "yes"}), "host_keys": []}
    reason = "/etc/ssh/sshd_config.d/90.conf: Permission denied"
    sections = ("sshd", "host_keys", "ssh_dir", "wire")
    found = CHECKS[id].run(Seen(host=host, errors=dict.fromkeys(sections, reason)))
    assert found.status == "unknown"
    assert reason in found.evidence
    assert found.evidence.count("sudo ") == 1


def test_a_passing_check_offers_no_fix_and_a_failing_one_does() -> None:
    assert CHECKS["maxauthtries"].run(sshd()).fix == ""
    assert CHECKS["maxauthtries"].run(sshd(maxauthtries="6")).fix == "MaxAuthTries 4"


def test_a_fix_in_words_has_the_checks_value_and_every_part() -> None:
    fix = Fix(
        settings={"MaxAuthTries": "{value}"},
        modes={"home": 0o755, "ssh": 0o700},
        files={"/etc/security/faillock.conf": ("deny = {value}",)},
        by_hand=("look",),
    )
    parts = fix.filled(3).text.split("; ")
    assert parts == [
        "MaxAuthTries 3",
        "chmod go-w ~",
        "chmod 700 ~/.ssh",
        "/etc/security/faillock.conf: deny = 3",
        "look",
    ]
    assert fix.automatic and not Fix(by_hand=("look",)).automatic


def test_to_switch_pam_on_opens_no_door_for_passwords() -> None:
    """Without PAM keyboard-interactive asks for nothing, so it may have been left on."""
    assert CHECKS["usepam"].fixed.settings == {"UsePAM": "yes", "KbdInteractiveAuthentication": "no"}


def test_evidence_is_bounded_whatever_a_host_has() -> None:
    many = [
        {"protocol": "tcp", "address": "0.0.0.0", "port": port, "process": "x" * 15} for port in range(20_000, 60_000)
    ]
    found = CHECKS["other-listeners"].run(Seen(host={**config(), "listeners": many}))
    assert found.status == "warn" and len(found.evidence) < 3100 and found.evidence.endswith("characters more)")


@pytest.mark.parametrize(
    ("groups", "doors", "status", "said"),
    [
        (("ada", "sudo"), ("lxd",), "pass", "groups: ada, sudo"),
        (("ada", "docker", "lxd"), (), "fail", "who may use Docker is root"),
        (("disk",), (), "fail", "disks"),
        (("ada", "lxd"), ("lxd",), "fail", "who may use LXD is root"),
        (("ada", "lxd"), ("libvirt",), "warn", "once its program is installed"),  # cloud images give it by themselves
        (
            ("libvirt", "incus-admin"),
            ("incus-admin", "libvirt"),
            "fail",
            "Incus so is root; who may use the system's lib",
        ),
    ],
)
def test_a_group_that_makes_root_is_said(
    groups: tuple[str, ...], doors: tuple[str, ...], status: str, said: str
) -> None:
    account = {"uid": 1000, "groups": list(groups), "doors": list(doors), "rootless_docker": False}
    found = CHECKS["docker-group"].run(Seen(host={"account": account}))
    assert (
        found.status == status and said in found.evidence and found.severity == ("low" if status == "warn" else "high")
    )


def test_a_group_is_a_door_where_its_socket_is(tmp_path: Path) -> None:
    def doors() -> object:
        return account.account(Files(str(tmp_path)), "root")["doors"]

    assert doors() == []
    for path in ("run/libvirt/libvirt-sock", "var/snap/lxd/common/lxd/unix.socket"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    assert doors() == ["lxd", "libvirt"]
