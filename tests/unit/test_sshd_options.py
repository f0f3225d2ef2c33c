"""How the listening sshd is recognised in /proc, and what is read out of its arguments."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from core.agent import fix_place, sshd, updates
from core.agent.sshd import Process, Unreadable, as_listener, options
from core.agent.sshd_config import dump, parse
from core.agent.sshd_files import config_files, hidden_include
from core.checks.catalogue import BY_ID
from core.checks.model import Seen


def process(*words: str) -> Process:
    return Process(pid=2**22, parent=1, uid=0, name="sshd", words=list(words), start=0)


def title(text: str) -> list[tuple[str, str]] | None:
    found = as_listener(process(text))
    return None if found is None else found.options


def test_the_options_of_a_title() -> None:
    text = "sshd: /usr/sbin/sshd -D -f /srv/sshd_config -o PermitRootLogin=no -p2222 [listener] 0 of 10-100 startups"
    assert title(text) == [("f", "/srv/sshd_config"), ("o", "PermitRootLogin=no"), ("p", "2222")]


def test_a_value_with_spaces_in_a_title_goes_on_until_the_next_option() -> None:
    text = "sshd: /usr/sbin/sshd -De -o Ciphers aes256-ctr -f /srv/my config -4 [listener] 0 of 10-100 startups"
    assert title(text) == [("o", "Ciphers aes256-ctr"), ("f", "/srv/my config")]


def test_plain_arguments_of_an_older_sshd() -> None:
    found = as_listener(process("/usr/sbin/sshd", "-Df", "/srv/sshd config", "-oPort 2222"))
    assert found is not None and found.options == [("f", "/srv/sshd config"), ("o", "Port 2222")]


@pytest.mark.parametrize(
    "words",
    [
        ["sshd: ada [priv]"],
        ["sshd: ada@notty"],
        ["sshd-session: ada [priv]"],
        ["/usr/sbin/sshd", "-D", "-R"],
        ["/usr/sbin/sshd", "-i"],
        ["bash", "-c", "sshd -D"],
    ],
)
def test_a_process_of_one_connection_is_no_listener(words: list[str]) -> None:
    assert as_listener(process(*words)) is None


def test_a_title_that_is_cut_off_is_not_guessed_at() -> None:
    with pytest.raises(Unreadable, match="cut off"):
        title("sshd: /usr/sbin/sshd -D -f /srv/sshd_con")


def test_a_file_in_the_servers_own_folder_is_not_looked_for_in_ours(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="in a folder that is not ours to see"):
        title("sshd: /usr/sbin/sshd -f mine.conf [listener] 0 of 10-100 startups")
    with subprocess.Popen(["/bin/sleep", "60"], stdin=subprocess.DEVNULL, cwd=tmp_path) as running:
        found = as_listener(process("/usr/sbin/sshd", "-fmine.conf")._replace(pid=running.pid))
        running.kill()
    assert found is not None and found.options == [("f", str(tmp_path / "mine.conf"))]


def test_flags_without_values_take_nothing() -> None:
    assert options(["-D", "-e", "-4"], joined=False) == []


def test_a_key_with_several_lines_keeps_them_all() -> None:
    assert parse("port 22\nhostkey /a\nhostkey /b\nauthorizedkeysfile a b\nbanner\n") == {
        "port": ["22"],
        "hostkey": ["/a", "/b"],
        "authorizedkeysfile": ["a b"],
        "banner": [""],
    }


def test_a_server_that_prints_no_settings_is_not_taken_for_one_where_all_is_well() -> None:
    with pytest.raises(Unreadable, match="does not print the settings"):
        dump(sshd.Listener("/bin/true", [], 0, ""), {})


def test_a_missing_configuration_is_named() -> None:
    assert hidden_include("/nowhere/sshd_config") == "/nowhere/sshd_config: No such file or directory"


def test_a_program_that_was_replaced_under_a_running_server_is_the_new_one_and_it_is_stale(tmp_path: Path) -> None:
    """/proc calls the old one deleted."""
    path = tmp_path / "sshd"
    shutil.copy("/bin/sleep", path)
    with subprocess.Popen([path, "60"], stdin=subprocess.DEVNULL) as running:
        while not Path(f"/proc/{running.pid}/cmdline").read_bytes():
            pass  # its memory is being made
        path.unlink()
        shutil.copy("/bin/sleep", path)
        found = as_listener(sshd.process(running.pid))
        running.kill()
    assert found is not None and found.program == str(path)
    assert updates._stale(found.program, 1) is True


@pytest.mark.parametrize("open_to_all", [None, ".", "empty.d", "full.d", "nested.d"])
def test_a_folder_that_others_write_to_is_as_open_as_a_file(tmp_path: Path, open_to_all: str | None) -> None:
    """Who may put a drop-in there is root; also where none is there yet."""
    for name in ("empty.d", "full.d", "nested.d"):
        (tmp_path / name).mkdir(mode=0o755)
    tmp_path.chmod(0o755)
    config, drop_in = tmp_path / "sshd_config", tmp_path / "full.d/1.conf"
    config.write_text(f"Include {tmp_path}/empty.d/*.conf {tmp_path}/full.d/*.conf {tmp_path}/gone.d/*\n")
    drop_in.write_text(f"Match all\nInclude {tmp_path}/nested.d/*\n")
    for path in (config, drop_in):
        path.chmod(0o600)
    if open_to_all:
        (tmp_path / open_to_all).chmod(0o777)
    host = {"config_files": config_files(str(config)), "sshd": {"uid": tmp_path.stat().st_uid}}
    found = BY_ID["sshd-config-perm"].run(Seen(host=host))
    assert found.status == ("fail" if open_to_all else "pass")
    where = str((tmp_path / open_to_all).resolve()) if open_to_all else f"{drop_in} 0600"
    assert where in found.evidence


def test_files_that_include_each_other_end_and_what_is_no_file_is_told(tmp_path: Path) -> None:
    """sshd stops at the first that is too deep: who walks all ways through a dozen of them never ends."""
    config, drop_ins = tmp_path / "sshd_config", [tmp_path / f"{number:02}.conf" for number in range(12)]
    every = f"Include {tmp_path}/*.conf\n"
    for path in (config, *drop_ins):
        path.write_text(every)
    drop_ins[-1].write_text("MaxAuthTries 3\n" + every)
    drop_ins[0].unlink()
    drop_ins[0].symlink_to("/dev/null")  # as some switch one off
    assert hidden_include(str(config)) == ""
    named = [entry["path"] for entry in config_files(str(config)) if not entry["folder"]]
    assert sorted(named) == sorted(map(str, (config, *drop_ins[1:])))
    assert fix_place.included_files(str(config)) == [str(config), "/dev/null", *map(str, drop_ins[1:])]
    assert fix_place.find(str(config), {"maxauthtries"}).path == f"{tmp_path}/00-trainshed.conf"
    assert fix_place.find(str(config), set()).block is False
    drop_ins[1].unlink()
    os.mkfifo(drop_ins[1])
    assert hidden_include(str(config)) == f"{drop_ins[1]}: not a file that can be read whole"
    for walk in (config_files, fix_place.included_files):
        with pytest.raises(OSError, match="not a file that can be read whole"):
            walk(str(config))
