"""How a server is started again, and what of ours is in a file."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from core.agent import fix_arm, fix_place, fix_server, revert
from core.agent.fix_place import Place
from core.agent.sshd import Process


@pytest.mark.parametrize(
    ("words", "argv"),
    [
        (["sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"], ["/usr/sbin/sshd", "-D"]),
        (
            ["sshd: /opt/sshd -De -f /etc/a b/sshd_config -oPort 22 -p 2222 [listener] 1 of 10-100 startups"],
            ["/opt/sshd", "-De", "-f", "/etc/a b/sshd_config", "-o", "Port 22", "-p", "2222"],
        ),
        (["/usr/sbin/sshd", "-D", "-o", "MaxAuthTries 2"], ["/usr/sbin/sshd", "-D", "-o", "MaxAuthTries 2"]),
        (["sshd", "-4f/etc/x"], ["/usr/sbin/sshd", "-4f", "/etc/x"]),
    ],
)
def test_a_server_is_started_again_with_its_own_words(words: list[str], argv: list[str]) -> None:
    found = Process(pid=1, parent=0, uid=0, name="sshd", words=words, start=0)
    assert fix_server.arguments(found, "/usr/sbin/sshd") == argv


def test_a_block_is_ours_alone_and_keeps_its_order(tmp_path: Path) -> None:
    path = tmp_path / "sshd_config"
    path.write_bytes(b"Port 22\r\n# caf\xe9\nMatch User x\n")
    place = Place(str(path), True)
    once = fix_place.text_of(place, {"A": "1", "B": "2"})
    path.write_bytes(once.encode("utf-8", "surrogateescape"))
    assert fix_place.settings_of(place) == {"A": "1", "B": "2"}
    both = fix_place.merged(fix_place.settings_of(place), {"b": "3", "C": "4"})
    assert list(both.items()) == [("A", "1"), ("B", "3"), ("C", "4")]
    path.write_bytes(fix_place.text_of(place, both).encode("utf-8", "surrogateescape"))
    text = path.read_bytes()
    assert text.endswith(b"Port 22\r\n# caf\xe9\nMatch User x\n") and text.count(b"trainshed begins") == 1
    assert fix_place.text_of(place, both).encode("utf-8", "surrogateescape") == text


def test_a_file_of_another_program_gets_a_block_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "faillock.conf"
    path.write_text("deny = 3\n# no end")
    text = fix_place.other_text(str(path), ["deny = 5"])
    assert text.startswith("deny = 3\n# no end\n# trainshed begins") and text.endswith("deny = 5\n# trainshed ends.\n")
    path.write_text(text)
    assert fix_place.other_text(str(path), ["deny = 5"]) == text
    more = fix_place.other_text(str(path), ["unlock_time = 900", "deny = 4"])
    assert more == text.replace("deny = 5\n", "deny = 4\nunlock_time = 900\n")
    own = fix_place.other_text(str(tmp_path / "new.conf"), ["minlen = 14"])
    (tmp_path / "new.conf").write_text(own)
    assert fix_place.other_text(str(tmp_path / "new.conf"), ["minclass = 4"]) == own + "minclass = 4\n"


@pytest.mark.parametrize(
    ("listens", "asked", "found"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("127.0.0.2", "127.0.0.1", False),
        ("::1", "::1", True),
        ("::", "127.0.0.1", True),
        ("::", "::1", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "::ffff:127.0.0.1", True),
        ("127.0.0.1", "::1", False),
    ],
)
def test_who_listens_is_looked_for_at_the_address_that_we_came_in_by(listens: str, asked: str, found: bool) -> None:
    family = socket.AF_INET6 if ":" in listens else socket.AF_INET
    with socket.socket(family) as door:
        door.bind((listens, 0))
        door.listen()
        assert bool(revert.sockets(door.getsockname()[1], asked, os.geteuid())) == found
        assert not revert.sockets(door.getsockname()[1], asked, os.geteuid() + 1)  # another's is not the server's


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")
@pytest.mark.parametrize(
    ("uid", "words", "counts"),
    [(0, [], True), (65534, [], False), (0, ["unshare", "--pid", "--fork", "--kill-child"], False)],
)
def test_cron_is_what_root_runs_here(uid: int, words: list[str], counts: bool) -> None:
    """Else nothing would put a fix back after a reboot, though somebody called a program so, or a container has one."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        path = shutil.copy("/bin/sleep", f"{folder}/cron")
        with subprocess.Popen([*words, path, "60"], stdin=subprocess.DEVNULL, user=uid) as running:
            pids = [str(running.pid)]
            while words and not pids[1:]:
                pids = [str(running.pid), *Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()]
            while Path(f"/proc/{pids[-1]}/comm").read_text().strip() != "cron":
                pass  # it is being started
            assert fix_arm._is_cron(pids[-1]) is counts
            running.kill()
