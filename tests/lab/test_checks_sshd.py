"""The configuration that is read is that of the real sshd we logged in through."""

from __future__ import annotations

import base64
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.checks.catalogue import BY_ID, CATALOGUE
from core.checks.model import Seen

from ..pythons import oldest
from .agent_process import AgentProcess, place
from .sshd import Sshd

NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed: runs as root only")


@contextmanager
def agent(server: Sshd, root: Path, *, command: Sequence[str] = (), source: str = "") -> Iterator[AgentProcess]:
    """A real agent in a real login; `command` is put before it on the VM, `source` is the address to come from."""
    words = [*to(server, *(["-b", source] if source else [])), "cd", str(place(root)), "&&", "exec", *command]
    python = "/usr/bin/python3" if command else oldest()  # another user may not reach the tests' own
    with AgentProcess(root, prefix=words, python=python) as started:
        yield started


def to(server: Sshd, *flags: str) -> list[str]:
    """The words of an ssh that logs in there."""
    known = server.folder / "known"
    known.write_text(server.host_key_line + "\n")
    settings = {"UserKnownHostsFile": known, "BatchMode": "yes", "IdentitiesOnly": "yes"}
    given = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
    target = ["-p", str(server.port), "-i", str(server.client_key), f"{server.user}@{server.host}"]
    return ["ssh", "-F", "none", *given, *flags, *target]


def ssh(server: Sshd, *words: str) -> str:
    return subprocess.run([*to(server), *words], capture_output=True, text=True, check=True).stdout


def read(server: Sshd, root: Path, **how: Any) -> dict[str, Any]:
    with agent(server, root, **how) as started:
        return started.call("checks.host", user=server.user, client_address="")


def one(answer: dict[str, Any], key: str) -> str:
    assert answer["sshd"]["error"] == ""
    value: str = answer["sshd"]["config"][key][0]
    return value


def verdicts(answer: dict[str, Any]) -> dict[str, str]:
    return {check.id: check.run(Seen(host=answer, errors=answer["errors"])).status for check in CATALOGUE}


Serve = Callable[..., Sshd]


@pytest.fixture
def serve(home: Path) -> Iterator[Serve]:
    started: list[Sshd] = []

    def start(*settings: str, folder: Path | None = None) -> Sshd:
        started.append(Sshd(folder or home / f"sshd{len(started)}", settings=settings))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user may enter, fit for StrictModes; sshd's own files in it stay private."""
    folder = Path(tempfile.mkdtemp(dir="/var/lib", prefix="trainshed-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_the_file_of_the_listening_server_is_read_not_the_systems(serve: Serve, home: Path) -> None:
    server = serve("MaxAuthTries 3")
    answer = read(server, home / "root")
    assert one(answer, "maxauthtries") == "3"
    assert answer["sshd"]["config_file"] == str(server.config)
    assert answer["sshd"]["port"] == server.port
    assert [key["path"] for key in answer["host_keys"]] == [str(path) for path in server.host_keys]


def test_a_match_by_the_name_of_our_host_counts_where_sshd_asks_for_names(serve: Serve, home: Path) -> None:
    block = home / "block.conf"
    block.write_text("Match Host localhost\nMaxAuthTries 2\nSetEnv BY_NAME=yes\n")
    for uses, tries in (("no", "6"), ("yes", "2")):
        server = serve(f"UseDNS {uses}", f"Include {block}")
        answer = read(server, home / "root")
        assert one(answer, "maxauthtries") == tries
        seen = ssh(server, "env")
        assert ("BY_NAME=yes" in seen) is (uses == "yes") and "SSH_CONNECTION" in seen


def test_what_an_account_can_make_much_of_leaves_room_for_the_answer(serve: Serve, home: Path) -> None:
    """Eight million bytes of keys, or as many sockets as one likes, would not go into one message."""
    server = serve()
    head = b"\0\0\0\x0bssh-ed25519\0\0\0\x20"
    blobs = (base64.b64encode(head + number.to_bytes(32, "big")).decode() for number in range(90_000))
    with server.authorized_keys.open("a") as file:
        file.writelines(f"ssh-ed25519 {blob}\n" for blob in blobs)
    sockets = [f"{number}: 0100007F:{number:04X} 00000000:0000 0A 0 0 0 0 0 {number}" for number in range(6000)]
    table = home / "host/proc/net/tcp"
    table.parent.mkdir(parents=True)
    table.write_text("\n".join(["", *sockets]))
    with agent(server, home / "root") as started:
        answer = started.call("checks.host", user=server.user, client_address="", prefix=str(home / "host"))
    assert answer["errors"]["authorized_keys"] == f"more than 5000 keys in {server.authorized_keys}"
    assert answer["errors"]["listeners"] == "/proc/net/tcp: more than 5000 sockets listen"
    assert answer["sshd"]["error"] == "" and answer["ssh_dir"]


def test_options_on_the_servers_command_line_count(serve: Serve, home: Path) -> None:
    server = serve("X11Forwarding no")
    server.stop()
    server.config.write_text(server.config.read_text().replace("X11Forwarding no\n", "MaxAuthTries 5\n"))
    started = subprocess.Popen(
        ["/usr/sbin/sshd", "-D", "-e", "-f", server.config, "-o", "MaxAuthTries 2", "-oX11Forwarding=yes"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        assert started.stderr is not None
        while b"Server listening" not in (line := started.stderr.readline()):
            assert line
        answer = read(server, home / "root")
    finally:
        started.terminate()
        started.communicate(timeout=10)
    assert one(answer, "maxauthtries") == "2"
    assert one(answer, "x11forwarding") == "yes"


def test_two_servers_are_not_mixed_up(serve: Serve, home: Path) -> None:
    first, second = serve("MaxAuthTries 3"), serve("MaxAuthTries 5")
    assert one(read(second, home / "root"), "maxauthtries") == "5"
    assert one(read(first, home / "root"), "maxauthtries") == "3"


def test_match_blocks_are_asked_for_our_user_and_address(serve: Serve, home: Path) -> None:
    blocks = [
        f"Match User {getpass.getuser()} Address 127.0.0.2",
        "MaxAuthTries 2",
        "Match User somebody-else",
        "X11Forwarding yes",
    ]
    (home / "match.conf").write_text("\n".join(blocks) + "\n")
    server = serve(f"Include {home / 'match.conf'}")
    here, there = read(server, home / "root"), read(server, home / "root", source="127.0.0.2")
    assert one(here, "maxauthtries") == "6"
    assert one(there, "maxauthtries") == "2"
    assert one(there, "x11forwarding") == "no"


def test_the_first_value_wins_over_a_later_include(serve: Serve, home: Path) -> None:
    folder = home / "drop-ins"
    folder.mkdir()
    (folder / "10-first.conf").write_text("MaxAuthTries 2\n")
    (folder / "60-later.conf").write_text("MaxAuthTries 6\nX11Forwarding yes\n")
    server = serve(f"Include {folder}/*.conf", "MaxAuthTries 4", "X11Forwarding no")
    answer = read(server, home / "root")
    assert one(answer, "maxauthtries") == "2"
    assert one(answer, "x11forwarding") == "yes"
    assert verdicts(answer)["maxauthtries"] == "pass"
    assert verdicts(answer)["tunnel-x11-gateway"] == "fail"


@needs_root
def test_an_ordinary_user_reads_it_with_a_throw_away_host_key(serve: Serve, public: Path) -> None:
    server = _public_server(serve, public, "MaxAuthTries 3")
    temporary = public / "temporary"
    temporary.mkdir()
    os.chown(temporary, 65534, 65534)
    made = temporary.stat().st_mtime_ns
    answer = read(server, public / "root", command=("env", f"TMPDIR={temporary}", *NOBODY))
    assert one(answer, "maxauthtries") == "3"
    assert answer["sshd"]["config"]["hostkey"] == [str(path) for path in server.host_keys]
    assert not list(temporary.iterdir()) and temporary.stat().st_mtime_ns > made  # it was there, and went
    assert verdicts(answer)["hostkey-perm"] == "pass"


@needs_root
@pytest.mark.parametrize(
    ("file_mode", "folder_mode"), [(0o600, 0o755), (0o644, 0o700)], ids=["file hidden", "folder hidden"]
)
def test_an_unreadable_drop_in_makes_the_results_unknown(
    serve: Serve, public: Path, file_mode: int, folder_mode: int
) -> None:
    folder = public / "drop-ins"
    folder.mkdir()
    (folder / "10.conf").write_text("PermitRootLogin yes\n")
    (folder / "10.conf").chmod(file_mode)
    folder.chmod(folder_mode)
    server = _public_server(serve, public, f"Include {folder}/*.conf")
    answer = read(server, public / "root", command=NOBODY)
    assert str(folder) in answer["sshd"]["error"] and "Permission denied" in answer["sshd"]["error"]
    assert answer["sshd"]["config"] == {}
    unread = {check.id for check in CATALOGUE if "sshd" in check.needs or "ssh_dir" in check.needs}
    assert {id for id, status in verdicts(answer).items() if status == "unknown"} >= unread
    root_login = BY_ID["root-login"].run(Seen(host=answer, errors=answer["errors"]))
    assert f"-f {server.config}" in root_login.evidence


def test_permissions_of_keys_and_folders_are_those_on_the_disk(serve: Serve, home: Path) -> None:
    server = serve("StrictModes no")
    assert verdicts(read(server, home / "root"))["ssh-dir-perm"] in ("pass", "warn")
    server.authorized_keys.chmod(0o666)
    answer = read(server, home / "root")
    assert verdicts(answer)["ssh-dir-perm"] == "fail"
    assert verdicts(answer)["hostkey-perm"] == "pass"
    entry = next(item for item in answer["ssh_dir"] if item["path"] == str(server.authorized_keys))
    assert (entry["mode"], entry["kind"], entry["exists"]) == (0o666, "keys", True)


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["IPv4", "IPv6"]
)
def test_a_listener_is_seen_with_its_address_and_process(
    serve: Serve, home: Path, family: socket.AddressFamily, address: str
) -> None:
    server = serve()
    with socket.socket(family) as listener:
        listener.bind((address, 0))
        listener.listen()
        port = listener.getsockname()[1]
        answer = read(server, home / "root")
    found = [item for item in answer["listeners"] if item["port"] == port]
    assert [(item["address"], bool(item["process"])) for item in found] == [(address, True)]


def test_without_ssh_above_us_nothing_is_guessed(home: Path) -> None:
    with AgentProcess(home / "root", env={"SSH_CONNECTION": ""}) as started:
        answer = started.call("checks.host", user="", client_address="")
    assert "not an SSH session" in answer["sshd"]["error"]
    assert verdicts(answer)["root-login"] == "unknown"
    assert answer["listeners"] is not None


def test_a_server_that_was_started_again_is_found(serve: Serve, home: Path) -> None:
    server = serve("MaxAuthTries 3")
    with agent(server, home / "root") as started:
        server.process.terminate()
        server.process.wait(10)
        server.settings[0] = "MaxAuthTries 5"
        server.start()
        answer = started.call("checks.host", user=server.user, client_address="")
    if answer["sshd"]["error"]:  # another sshd of this machine was started meanwhile: told, not guessed
        assert "others were started since" in answer["sshd"]["error"]
        return
    assert one(answer, "maxauthtries") == "5"
    assert "has ended" in answer["sshd"]["note"]


def _public_server(serve: Serve, public: Path, *settings: str) -> Sshd:
    server = serve(*settings, folder=public / "sshd")
    server.folder.chmod(0o755)
    server.config.chmod(0o644)
    return server
