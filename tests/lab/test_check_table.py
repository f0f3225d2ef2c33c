"""Every check of the catalogue, against real servers: it fails, passes and is unknown where check_cases says."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.agent import public_keys
from core.agent.hostfiles import Files
from core.agent.packages import packages
from core.checks import password
from core.checks.catalogue import CATALOGUE
from core.checks.model import Seen
from core.checks.seen import wire
from core.events import CheckFinished
from core.site import files
from core.site.secrets import Secret

from . import hosts
from .check_cases import CASES, ELSEWHERE, keep
from .sshd import Sshd, keygen, public
from .test_checks_sshd import NOBODY, agent

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="hosts of others are made: runs as root only")
MEMBER = ("setpriv", "--reuid", "65534", "--regid", "65534", "--groups", "docker")
STRONG_PASSWORD = "orbit.velvet-canyon.41.harpsichord"


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that every user may enter, fit for StrictModes; a home for the sites of this module."""
    folder = Path(tempfile.mkdtemp(dir="/var/lib", prefix="trainshed-tests-"))
    folder.chmod(0o755)
    before = os.environ.get("TRAINSHED_HOME")
    os.environ["TRAINSHED_HOME"] = str(folder / "trainshed")
    yield folder
    if before is None:
        del os.environ["TRAINSHED_HOME"]
    else:
        os.environ["TRAINSHED_HOME"] = before
    shutil.rmtree(folder, ignore_errors=True)


class Lab:
    """The hosts, one method each kind; `found` is what every check makes of each."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.found: dict[str, dict[str, CheckFinished]] = {}

    def add(self, name: str, host: dict[str, Any], server: Sshd | None = None, **more: Any) -> Seen:
        offer, reason = self.wire(name, server.port) if server else (None, "not looked at")
        return self.judged(name, host, offer, {"wire": reason} if reason else {}, **more)

    def judged(self, name: str, host: dict[str, Any], offer: Any, errors: dict[str, str], **local: Any) -> Seen:
        seen = Seen(wire=offer, host=host, local=local, errors={**host["errors"], **errors})
        self.found[name] = {check.id: check.run(seen) for check in CATALOGUE}
        return seen

    def wire(self, name: str, port: int) -> Any:
        path = files.write_new(
            "".join(letter for letter in name if letter.isalpha()), "vm", host="127.0.0.1", port=port, user="root",
            identity=None, host_key=None,
        )  # fmt: skip
        return asyncio.run(wire(files.load(path), None))

    def server(self, name: str, settings: tuple[str, ...], rsa_bits: int, sizes: int) -> Sshd:
        folder = self.place / name
        folder.mkdir(mode=0o755)
        rsa = keygen(folder / "host_rsa_key", "rsa", bits=rsa_bits)
        moduli = folder / "moduli"
        moduli.write_text(hosts.MODULI.format(bits=sizes))
        lines = (*settings, f"HostKey {rsa}", f"ModuliFile {moduli}")
        return Sshd(folder / "sshd", settings=lines, environment={"TRAINSHED_TEST": "1"})


def local(prefix: str, typed: str | None, *, pins: list[str], by_password: bool = True) -> dict[str, Any]:
    """What is known on the client: here of a host of the test."""
    strength = password.strength(Secret(typed) if typed else None, by_password=by_password, words=("root",))
    client = {"pins": pins, "trusted_by": "site file", "packages": packages(Files(prefix))}
    return {"client": client, "password": strength}


def call(started: Any, prefix: str, user: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = started.call("checks.host", user=user, client_address="", prefix=prefix)
    return answer


def weak(lab: Lab) -> None:
    server = lab.server("weak", hosts.WEAK_SETTINGS, 2048, 2047)
    port = server.port
    tree = {**hosts.WEAK_HOST, "/proc/net/tcp": hosts.listening(f"0.0.0.0:{port}", "0.0.0.0:2375")}
    prefix = hosts.planted(lab.place / "weak-host", tree)
    try:
        offer, reason = lab.wire("weak", port)
        assert not reason
        (lab.place / "weak" / "host_rsa_key").chmod(0o644)  # from now on sshd does not offer it
        server.config.chmod(0o666)
        short = keygen(lab.place / "weak" / "short", "rsa", bits=2048)
        with agent(server, lab.place / "weak-agent") as started:
            server.authorise(public(server.client_key), f'principals="ada,ops" {public(short)} old laptop')
            server.authorized_keys.chmod(0o666)
            host = call(started, prefix)
            known = local(prefix, "password1", pins=[server.pinned])
            lab.judged("weak", host, offer, {}, **known)
            lab.judged("no wire", host, None, {"wire": "refused"}, **known)
            pins = [f"ssh-ed25519 SHA256:{'A' * 43}"]
            lab.judged("another pin", host, offer, {}, **local(prefix, None, pins=pins))
            server.rewrite("UsePAM no\n" + server.config.read_text())
            lab.judged("weak, no PAM", call(started, prefix), offer, {}, **known)
    finally:
        server.stop()
    for name, banner, offer in (
        ("old offer", "SSH-1.99-OldSSH_1.0", hosts.OLD_OFFER),
        ("strange offer", "SSH-2.0-OpenSSH_99.0", hosts.STRANGE_OFFER),
    ):
        old = hosts.OldServer(banner, offer)
        try:
            found, reason = lab.wire(name, old.port)
        finally:
            old.stop()
        lab.judged(name, host, found, {"wire": reason} if reason else {}, **known)


def strong(lab: Lab) -> None:
    server = lab.server("strong", hosts.STRONG_SETTINGS, 3072, 4095)
    tree = {**hosts.STRONG_HOST, "/proc/net/tcp": hosts.listening(f"10.0.0.5:{server.port}", "127.0.0.1:5000")}
    tree["/etc/fail2ban/jail.local"] = f"[sshd]\nenabled = true\nport = {server.port}\n"
    prefix = hosts.planted(lab.place / "strong-host", tree)
    kernel = hosts.planted(lab.place / "kernel-host", {**tree, **hosts.FIXED_KERNEL})
    guard = lab.place / "fail2ban-server"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", guard)
    guarding = subprocess.Popen([guard, "600"])
    try:
        server.config.chmod(0o600)
        server.rewrite(server.config.read_text() + "MaxStartups 10:30:60\n")  # of this one the last wins
        with agent(server, lab.place / "strong-agent") as started:
            known = local(prefix, STRONG_PASSWORD, pins=[server.pinned])
            seen = lab.add("strong", call(started, prefix), server, **known)
            lab.judged("fixed kernel", call(started, kernel), seen.wire, {}, **known)
            plain = server.config.read_text()
            server.rewrite("PasswordAuthentication yes\nAuthenticationMethods any\n" + plain)
            lab.judged("strong, passwords", call(started, prefix), seen.wire, {}, **known)
            server.rewrite("PermitRootLogin no\n" + plain)
            lab.judged("strong, no root", call(started, prefix), seen.wire, {}, **known)
    finally:
        guarding.kill()
        guarding.wait()
        server.stop()


def hidden(lab: Lab) -> None:
    folder = lab.place / "drop-ins"
    folder.mkdir()
    (folder / "10.conf").write_text("PermitRootLogin yes\n")
    (folder / "10.conf").chmod(0o600)
    server = lab.server("hidden", (f"Include {folder}/*.conf",), 3072, 4095)
    for part in (server.folder, server.config):
        part.chmod(0o755 if part.is_dir() else 0o644)
    prefix = hosts.planted(lab.place / "hidden-host", hosts.UNKNOWN_HOST)
    (lab.place / "hidden-host" / "etc" / "login.defs").chmod(0o600)
    try:
        known = local(prefix, None, pins=[])
        with agent(server, lab.place / "hidden-agent", command=NOBODY) as started:
            lab.add("hidden", call(started, prefix), **known)
            lab.add("no such account", call(started, prefix, user="no-such-account"), **known)
        with agent(server, lab.place / "member-agent", command=MEMBER) as started:
            lab.add("in docker's group", call(started, prefix), **known)
    finally:
        server.stop()


@pytest.fixture(scope="module")
def found(place: Path) -> dict[str, dict[str, CheckFinished]]:
    lab = Lab(place)
    weak(lab)
    strong(lab)
    hidden(lab)
    keep(lab.found)
    return lab.found


def test_every_check_of_the_catalogue_has_its_row() -> None:
    assert {check.id for check in CATALOGUE} == {*CASES, *ELSEWHERE}
    assert [check.number for check in CATALOGUE] == list(range(1, 59))


def test_the_fixes_agree_with_each_other_and_sshd_takes_them(place: Path) -> None:
    wanted: dict[str, set[str]] = {}
    for check in CATALOGUE:
        for keyword, setting in check.fixed.settings.items():
            wanted.setdefault(keyword, set()).add(setting)
    assert {keyword: settings for keyword, settings in wanted.items() if len(settings) > 1} == {}
    config = place / "fixed.conf"
    lines = [f"{keyword} {setting}" for keyword, (setting,) in wanted.items()]
    config.write_text("\n".join([*lines, f"HostKey {keygen(place / 'fixed_key')}"]) + "\n")
    done = subprocess.run(["/usr/sbin/sshd", "-t", "-f", config], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(check.fix.text for check in CATALOGUE)


@pytest.mark.parametrize(("kind", "bits"), [("rsa", 2048), ("ecdsa", 384), ("ed25519", None)])
def test_host_keys_are_told_as_ssh_keygen_tells_them(place: Path, kind: str, bits: int | None) -> None:
    key = keygen(place / f"told_{kind}", kind, bits=bits)
    said = subprocess.run(["ssh-keygen", "-lf", key], capture_output=True, text=True, check=True).stdout.split()
    pinned = public(key).split()[0]
    for _ in range(2):  # by the public file; then by what the private one holds in clear
        found = public_keys.of_host(str(key))
        assert found == {"type": pinned, "bits": int(said[0]), "fingerprint": said[1]}
        key.with_name(key.name + ".pub").unlink(missing_ok=True)


def test_a_login_by_password_with_everything_in_order_is_a_warning(found: dict[str, dict[str, CheckFinished]]) -> None:
    login = found["strong, passwords"]["password-auth"]
    assert (login.status, login.severity) == ("warn", "medium"), login.evidence
    weak = found["weak"]["password-auth"]
    assert (weak.status, weak.severity) == ("fail", "critical") and "pw-length" in weak.evidence


@pytest.mark.parametrize("id", CASES)
def test_a_check_fails_passes_and_is_unknown_where_it_has_to(
    found: dict[str, dict[str, CheckFinished]], id: str
) -> None:
    case = CASES[id]
    if (
        id == "docker-group"
        and subprocess.run(["getent", "group", "docker"], capture_output=True, check=False).returncode
    ):
        pytest.skip("this machine has no group docker")
    seen = {wanted: found[host][id] for wanted, host in case._asdict().items()}
    statuses = {wanted: one.status for wanted, one in seen.items()}
    assert statuses == {"fails": "fail", "passes": "pass", "unknown": "unknown"}, seen
    assert "An administrator can run" in seen["unknown"].evidence or seen["unknown"].evidence
    assert seen["passes"].fix == "" and seen["fails"].fix
