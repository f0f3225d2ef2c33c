"""One real server, many configurations: what the checks make of what sshd itself says of each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from core.checks.catalogue import BY_ID
from core.checks.model import Seen

from .sshd import Sshd
from .test_checks_sshd import agent

CLOUD = {"50-cloud-init.conf": "PasswordAuthentication yes\n", "60-site.conf": "PasswordAuthentication no\n"}
FIRST = {"10-first.conf": "PasswordAuthentication no\n", **CLOUD}

ROOT, LOCAL = "Match User root\n", "AllowTcpForwarding local\n"
NO_X11 = "X11Forwarding no\nAllowStreamLocalForwarding no\n"
PASSWORDS = "PasswordAuthentication yes\n"

# What it is, files of the drop-in folder, lines below the Include, check, status.
CASES: list[tuple[str, Mapping[str, str], str, str, str]] = [
    ("cloud-init's drop-in is read before ours", CLOUD, "", "password-auth", "fail"),
    ("a drop-in that sorts before it wins", FIRST, "", "password-auth", "pass"),
    ("the older name of prohibit-password", {}, "PermitRootLogin without-password\n", "root-login", "warn"),
    ("a Match for root", {}, f"PermitRootLogin no\n{ROOT}PermitRootLogin yes\n", "root-login", "fail"),
    ("a Match for another", {}, f"{NO_X11}Match User ada\nX11Forwarding yes\n", "tunnel-x11-gateway", "pass"),
    ("a Match for us", {}, f"{NO_X11}Match Address 127.0.0.0/8\nX11Forwarding yes\n", "tunnel-x11-gateway", "fail"),
    ("ChallengeResponse… yes", {}, "UsePAM yes\nChallengeResponseAuthentication yes\n", "kbd-interactive", "fail"),
    ("ChallengeResponse… no", {}, "ChallengeResponseAuthentication no\n", "kbd-interactive", "pass"),
    ("a second factor", {}, f"{PASSWORDS}AuthenticationMethods publickey,password\n", "authmethods", "pass"),
    ("a list without a key", {}, f"{PASSWORDS}AuthenticationMethods publickey password\n", "authmethods", "fail"),
    ("a list that lets others in", {}, "AllowUsers ada bob\n", "user-allow-list", "warn"),
    ("a pattern that means us", {}, "AllowUsers r*@127.0.0.*\n", "user-allow-list", "pass"),
    ("groups that we are in", {}, "AllowGroups wheel root\n", "user-allow-list", "pass"),
    ("nobody in particular", {}, "", "user-allow-list", "fail"),
    ("a time with a unit", {}, "LoginGraceTime 1m\n", "logingracetime", "pass"),
    ("forwarding is off altogether", {}, "DisableForwarding yes\nAllowTcpForwarding yes\n", "forwarding-tcp", "pass"),
    ("a tunnel to anywhere", {}, "AllowTcpForwarding local\n", "forwarding-tcp", "warn"),
    ("a tunnel to two places", {}, f"{LOCAL}PermitOpen 127.0.0.1:5000 127.0.0.1:80\n", "forwarding-tcp", "warn"),
    ("the default of PermitUserRC", {}, "AcceptEnv LANG LC_*\n", "user-env", "warn"),
    ("an environment that could load a library", {}, "AcceptEnv LANG LD_*\n", "user-env", "fail"),
    ("an sftp that logs nothing", {}, "LogLevel VERBOSE\nSubsystem sftp internal-sftp\n", "logging", "warn"),
    ("MaxAuthTries 1", {}, "MaxAuthTries 1\n", "maxauthtries", "warn"),
    ("one connection per source", {}, "PerSourceMaxStartups 1\n", "dheat", "unknown"),  # the wire is not looked at
]  # fmt: skip

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="as root, sshd loads its keys and root is the account")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    import shutil
    import tempfile

    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trainshed-tests"
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(dir=base))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def answers(home: Path) -> Iterator[dict[str, dict[str, Any]]]:
    """One login, one agent: sshd's file is rewritten for each case, and read as a server that starts would read it."""
    server = Sshd(home / "sshd")
    plain = server.config.read_text()
    drop_ins = home / "drop-ins"
    found = {}
    try:
        with agent(server, home / "root") as started:
            for name, files, lines, _, _ in CASES:
                drop_ins.mkdir(exist_ok=True)
                for old in drop_ins.iterdir():
                    old.unlink()
                for file, text in files.items():
                    (drop_ins / file).write_text(text)
                below = lines if "Match" in lines else lines + plain
                keys = "".join(f"HostKey {key}\n" for key in server.host_keys)
                server.rewrite(f"{keys}Include {drop_ins}/*.conf\n{below}")
                user = (
                    "nobody" if name == "a Match for root" else "root"
                )  # root's own login is decided by root's blocks
                found[name] = started.call("checks.host", user=user, client_address="")
    finally:
        server.stop()
    yield found


@pytest.mark.parametrize(("name", "id", "status"), [(case[0], case[3], case[4]) for case in CASES])
def test_a_configuration_is_judged_by_what_sshd_makes_of_it(
    answers: dict[str, dict[str, Any]], name: str, id: str, status: str
) -> None:
    answer = answers[name]
    assert answer["sshd"]["error"] == ""
    found = BY_ID[id].run(Seen(host=answer, errors=answer["errors"]))
    assert found.status == status, found.evidence
