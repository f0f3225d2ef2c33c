"""What root reads for us: real sudo, in a mount namespace with an /etc of its own. The machine keeps its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import core
from core.agent import root
from core.checks.catalogue import BY_ID
from core.checks.model import Seen

from .agent_process import AgentProcess, place

USER, UID, PASSWORD = "trainshed-ada", 48123, "right horse 7!"
RULES = {
    "nopasswd": f"{USER} ALL=(ALL:ALL) NOPASSWD: ALL\n",
    "password": f"{USER} ALL=(ALL:ALL) ALL\n",
    "docker alone": f"{USER} ALL=(root) NOPASSWD: /usr/bin/docker\n",
    "none": "",
    "kept input": f"Defaults log_input,!compress_io,iolog_dir={{io}}\n{USER} ALL=(ALL:ALL) NOPASSWD: ALL\n",
    "own words": f'Defaults badpass_message="Nope!"\n{USER} ALL=(ALL:ALL) ALL\n',
}
ENTER = 'mount --bind "$1" /etc && shift && exec "$@"'

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("sudo") is None, reason="needs root, to be another user, and sudo"
)


@pytest.fixture(scope="module")
def vm() -> Iterator[Path]:
    """A copy of /etc with one more account, and a folder for its agents."""
    folder = Path(tempfile.mkdtemp(dir="/var/lib", prefix="trainshed-tests-"))
    folder.chmod(0o755)
    etc = folder / "etc"
    shutil.copytree("/etc", etc, symlinks=True, ignore=shutil.ignore_patterns("ssl", "alternatives", "ssh"))
    etc.chmod(0o755)
    made = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, capture_output=True, text=True, check=True
    )
    kept = made.stdout.strip()
    for name, line in (
        ("passwd", f"{USER}:x:{UID}:{UID}::{folder}/home:/bin/sh\n"),
        ("shadow", f"{USER}:{kept}:19000:0:99999:7:::\n"),
        ("group", f"{USER}:x:{UID}:\n"),
    ):
        with (etc / name).open("a") as file:
            file.write(line)
    (folder / "home").mkdir(mode=0o755)
    os.chown(folder / "home", UID, UID)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def ask(vm: Path, rule: str, **args: Any) -> tuple[dict[str, Any], str]:
    """The answer of the account's agent, and what sudo logged."""
    log = vm / "sudo.log"
    log.unlink(missing_ok=True)
    rules = vm / "etc" / "sudoers.d" / "trainshed"
    rules.write_text(f"Defaults:{USER} logfile={log}\n" + RULES[rule].format(io=vm / "io"))
    rules.chmod(0o440)
    root = vm / "home" / "agents"
    place(root)
    os.chown(root, UID, UID)
    enter = ["unshare", "--mount", "sh", "-c", ENTER, "sh", str(vm / "etc")]
    path = f"PATH={vm / 'home/bin'}:{os.environ['PATH']}"
    user = ["env", path, "setpriv", "--reuid", str(UID), "--regid", str(UID), "--init-groups"]
    with AgentProcess(root, prefix=[*enter, *user], python="/usr/bin/python3") as started:
        answer = started.call("checks.host", user="", client_address="", **args)
    return answer, log.read_text() if log.exists() else ""


def test_without_a_password_root_reads_where_sudo_asks_for_none(vm: Path) -> None:
    answer, _ = ask(vm, "nopasswd")
    assert answer["user"] == USER and answer["root_refused"] == ""
    assert {"passwords", "empty_passwords", "guards"} <= set(answer["root"])
    assert answer["passwords"]["hash"] == "6"
    assert answer["guards"]["rate_rule"] is not None
    found = BY_ID["pw-hash"].run(Seen(host=answer, errors=answer["errors"]))
    assert "(read as root: passwords)" in found.evidence
    assert answer["updates"]["sudo_all"] is True


def test_root_starts_no_program_of_the_accounts_own_path(vm: Path) -> None:
    """sudo without secure_path leaves the account's: others may write to one of its folders."""
    ours, mark = vm / "home/bin", vm / "home/started"
    ours.mkdir()
    mark.touch()
    mark.chmod(0o666)
    for name in ("nft", "ssh-keygen", "systemctl"):
        (ours / name).write_text(f"#!/bin/sh\necho {name} $(id -u) >> {mark}\nexit 1\n")
        (ours / name).chmod(0o755)
    answer, _ = ask(vm, "nopasswd")
    assert "guards" in answer["root"] and " 0\n" not in mark.read_text()
    shutil.rmtree(ours)


@pytest.mark.parametrize("rule", ["password", "docker alone", "none"])
def test_without_a_password_nothing_is_tried_that_sudo_would_refuse(vm: Path, rule: str) -> None:
    answer, log = ask(vm, rule)
    assert answer["root"] == [] and answer["root_refused"] == ""
    assert answer["passwords"]["hash"] is None and answer["empty_passwords"] is None
    assert "agent.root" not in log  # asked what it may do, and nothing more


def test_a_typed_password_lets_root_read_and_stays_nowhere(vm: Path) -> None:
    answer, log = ask(vm, "password", password=PASSWORD)
    assert answer["root_refused"] == "" and answer["passwords"]["hash"] == "6"
    assert "COMMAND=" in log and PASSWORD not in log
    kept = [path for path in (vm / "home").rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
    assert kept == [] and PASSWORD not in str(answer)


@pytest.mark.parametrize("typed", [PASSWORD, "12345", "{}"])
def test_a_typed_password_that_is_not_asked_for_is_dropped(vm: Path, typed: str) -> None:
    answer, _ = ask(vm, "nopasswd", password=typed)
    assert answer["root_refused"] == "" and answer["passwords"]["hash"] == "6"


def test_a_typed_password_that_is_not_asked_for_gets_into_no_record_of_what_sudo_runs(vm: Path) -> None:
    """sudo keeps what its programs read, where log_input says so."""
    answer, _ = ask(vm, "kept input", password=PASSWORD)
    kept = b"".join(path.read_bytes() for path in (vm / "io").rglob("*") if path.is_file())
    assert answer["passwords"]["hash"] == "6" and b'"collect"' in kept and PASSWORD.encode() not in kept


def test_a_sudo_that_repeats_the_password_does_not_get_it_into_the_answer(vm: Path) -> None:
    fake = vm / "home/bin/sudo"
    fake.parent.mkdir(exist_ok=True)
    fake.write_text('#!/bin/sh\n[ "$1" = -S ] || exit 1\nread line\necho "no: $line" >&2\nexit 1\n')
    fake.chmod(0o755)
    answer, _ = ask(vm, "none", password=PASSWORD)  # nor does it ask: it has its password all the same
    shutil.rmtree(fake.parent)
    assert answer["root_refused"] == "sudo refuses: no: …" and PASSWORD not in str(answer)


@pytest.mark.parametrize("rule", ["password", "own words"])
def test_a_wrong_password_is_tried_once(vm: Path, rule: str) -> None:
    answer, log = ask(vm, rule, password="wrong")
    assert "refuses" in answer["root_refused"] and answer["root"] == []
    assert answer["passwords"]["hash"] is None
    assert "1 incorrect password attempt" in log


HANGS = """
import sys, time
sys.path.insert(0, {core!r})
from agent import checks, root
checks.collect = lambda: time.sleep(600)
root.main()
"""


def test_what_runs_as_root_ends_by_itself() -> None:
    """Whoever asked cannot end it: it is not his, and sudo that is killed leaves it behind."""
    words = [sys.executable, "-c", HANGS.format(core=str(Path(core.__file__).parent))]
    request = json.dumps({"function": "collect", "args": {}, "environment": {}, "seconds": 1}) + "\n"
    done = subprocess.run(words, input=request, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGALRM and done.stdout == root.READY.decode()
