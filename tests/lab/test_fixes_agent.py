"""Fixes on a real server of a VM of its own: what is written and where, and that it goes back without us."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.checks.catalogue import BY_ID
from core.checks.model import Seen
from core.errors import FixError, RootNeeded

from .fixing import SHORT_S, TRIES, Client, as_before, client, decided
from .machine import INCLUDE, Machine, lacking, machine, per_connection
from .sshd import keygen, public

pytestmark = pytest.mark.skipif(bool(lacking()), reason=lacking())
DROP_IN, CONFIG = "etc/ssh/sshd_config.d/00-trainshed.conf", "etc/ssh/sshd_config"


@pytest.fixture
def vm(home: Path) -> Iterator[Machine]:
    with machine(home / "vm") as made:
        yield made


def mtimes(vm: Machine) -> dict[str, int]:
    return {name: (vm.folder / name).stat().st_mtime_ns for name in vm.files()}


async def test_a_fix_holds_is_the_same_the_second_time_and_is_undone(vm: Machine) -> None:
    made = vm.etc / "security/pwquality.conf.d"
    shutil.rmtree(made, ignore_errors=True)
    before, wanted = vm.files(), {"MaxAuthTries": "3", "X11Forwarding": "no", "RequiredRSASize": "3072", "Nope": "1"}
    how = {"modes": {"sshd_config": 0o600}, "files": {"/etc/security/pwquality.conf.d/50-x.conf": ["minlen = 14"]}}
    async with client(vm) as worker:
        planned = await worker.plan(wanted, **how)
        assert vm.files() == before and not vm.state.exists()
        assert "+MaxAuthTries 3\n" in planned["files"][0]["diff"]
        assert planned["refused"] == {"Nope": "this server does not take it: Bad configuration option: Nope"}
        answer = await worker.attempt(wanted, digest=planned["digest"], **how)
        assert len(vm.run("ls", "-A", "/etc/cron.d").split()) == 1
        await worker.keep(answer["id"])
        assert vm.setting("maxauthtries") == "3" and decided(vm)
        fixed, times = vm.files(), mtimes(vm)
        assert {name: mode & 0o777 for name, (_, mode, _, _) in fixed.items() if "sshd_config" in name} == {
            "etc/ssh/sshd_config": 0o600,
            TEN: 0o600,
        }
        assert made.stat().st_mode & 0o777 == 0o755
        again = await worker.attempt(wanted, **how)
        assert again["id"] == "" and vm.files() == fixed and mtimes(vm) == times
        with pytest.raises(FixError, match="changed since the plan"):
            await worker.attempt(TRIES | {"MaxSessions": "8"}, digest=planned["digest"])
        more = await worker.fixed({"MaxSessions": "8"})
        assert "MaxAuthTries 3\n" in (vm.folder / TEN).read_text() and more
        for value in ("10", "10"):
            assert await worker.fixed(undo=True) and vm.setting("maxsessions") == value
        assert vm.files() == before and vm.setting("maxauthtries") == "6" and not made.exists()
        with pytest.raises(FixError, match="no fix on this VM that could be undone"):
            await worker.plan(undo=True)


async def test_what_nobody_keeps_goes_back_by_itself(vm: Machine) -> None:
    before = vm.files()
    async with client(vm) as worker:
        answer = await worker.attempt(seconds=SHORT_S)
        assert vm.setting("maxauthtries") == "3"
        async with client(vm, "other") as other:
            with pytest.raises(FixError, match="another fix waits for its decision"):
                await other.attempt({"MaxAuthTries": "2"})
        as_before(vm, before)
        with pytest.raises(FixError, match="put back before it could be kept"):
            await worker.keep(answer["id"])


async def test_what_nobody_keeps_goes_back_after_a_reboot_and_what_is_kept_stays(vm: Machine) -> None:
    before = vm.files()
    async with client(vm) as worker:
        await worker.attempt()
    vm.reboot()
    as_before(vm, before)
    async with client(vm) as worker:
        await worker.fixed()
    vm.reboot()
    assert vm.setting("maxauthtries") == "3"


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ('[ -e {0}.once ] || {{ touch {0}.once; exit 1; }}', "the server ended"),
        ('[ "$1" = -t ] && grep -q MaxAuthTries {1}/*.conf && {{ echo no such luck >&2; exit 255; }}', "no such luck"),
    ],
    ids=["it ends when it is to reload", "it does not take the configuration"],
)  # fmt: skip
async def test_a_server_that_fails_is_served_again_as_it_was(home: Path, program: str, reason: str) -> None:
    """Its program is another one when the fix comes, as after an upgrade that went wrong."""
    path = home / "vm" / "sshd"

    def server(vm: Machine) -> str:
        shutil.copy("/usr/sbin/sshd", path)
        vm.command[0] = str(path)
        return vm.plain

    with machine(home / "vm", server=server) as vm:
        before = vm.files()
        async with client(vm) as worker:
            path.unlink()
            wrapped = program.format(path, "/etc/ssh/sshd_config.d")
            unasked = 'case "$1" in -t|-T) exec /usr/sbin/sshd "$@";; esac'
            lines = ["#!/bin/sh", *([unasked, wrapped] if "once" in program else [wrapped])]
            path.write_text("\n".join([*lines, 'exec /usr/sbin/sshd "$@"']) + "\n")
            path.chmod(0o755)
            with pytest.raises(FixError, match=reason) as failed:
                await worker.attempt()
            assert failed.value.hint == "everything is as it was"
            as_before(vm, before)
            if "once" in program:  # over the old connection, whose server is another process now
                assert await worker.fixed() and vm.setting("maxauthtries") == "3"


TEN = "etc/ssh/sshd_config.d/10-trainshed.conf"


async def test_a_mode_that_cannot_be_changed_keeps_nothing_from_going_back(vm: Machine) -> None:
    """As on a disk that is only read, or of a file that chattr has made immutable."""
    keys = "/home/root/.ssh/authorized_keys"
    vm.seen(keys[1:]).chmod(0o640)
    vm.run("mount", "--bind", keys, keys)
    vm.run("mount", "-o", "remount,bind,ro", keys)
    before = vm.files()
    async with client(vm) as worker:
        with pytest.raises(FixError, match=f"^{keys}: Read-only file system$") as failed:
            await worker.attempt(modes={"keys": 0o600, "sshd_config": 0o600})
    assert failed.value.hint == "everything is as it was"
    assert vm.files() == before and decided(vm)


async def test_lines_that_somebody_adds_to_our_drop_in_stay_and_so_do_ours_where_it_moves(vm: Machine) -> None:
    ours = vm.folder / TEN
    async with client(vm) as worker:
        await worker.fixed({"MaxAuthTries": "3", "MaxSessions": "9"})
        added = "# by hand\nAcceptEnv A\nAcceptEnv B\nmaxsessions 7\nMatch User nobody\nMaxAuthTries 2"
        ours.write_text(ours.read_text() + added)
        vm.reload()
        before = vm.files()
        await worker.fixed({"MaxSessions": "8", "X11Forwarding": "no"})
        mine, hand = ours.read_text().split("# by hand\n")
        assert mine.endswith("\nMaxAuthTries 3\nMaxSessions 8\n")
        assert hand == added.replace("Match", "X11Forwarding no\nMatch").partition("\n")[2] + "\n"
        await worker.fixed(undo=True)
        assert vm.files() == before
        (vm.etc / "ssh/sshd_config.d/05-other.conf").write_text("X11Forwarding yes\n")
        vm.reload()
        before = vm.files()
        await worker.fixed({"X11Forwarding": "no"})
        assert not ours.exists() and [vm.setting(key) for key in ("maxauthtries", "x11forwarding")] == ["3", "no"]
        assert added.splitlines()[0] in (vm.folder / DROP_IN).read_text()
        await worker.fixed(undo=True)
        assert vm.files() == before


# Read and write for the owner, read for uid 64001 and all others, as setfacl writes it.
ACCESS = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHi", *entry) for entry in ((1, 6, -1), (2, 4, 64001), (4, 4, -1), (16, 4, -1), (32, 4, -1))
)


async def test_access_lists_and_attributes_outlive_a_fix_its_undo_and_its_revert(vm: Machine) -> None:
    ours, wanted = vm.folder / TEN, {"system.posix_acl_access": ACCESS, "user.owner": b"ops"}

    def kept() -> bool:
        return {name: os.getxattr(ours, name) for name in os.listxattr(ours)} == wanted

    async with client(vm) as worker:
        await worker.fixed()
        try:
            for name, value in wanted.items():
                os.setxattr(ours, name, value)
        except OSError:
            pytest.skip("no attributes on this file system")
        await worker.fixed({"MaxAuthTries": "4"})  # written anew
        assert kept() and ours.stat().st_mode & 0o777 == 0o644
        (vm.etc / "ssh/sshd_config.d/05-other.conf").write_text("X11Forwarding yes\n")
        vm.reload()
        await worker.fixed({"X11Forwarding": "no"})
        assert not ours.exists() and (vm.folder / DROP_IN).exists()
        await worker.fixed(undo=True)
        assert kept()
        for second_names in (True, False):  # the very file is moved back, or a copy of it
            answer = await worker.attempt({"MaxAuthTries": "2"})
            for second in [] if second_names else ours.parent.glob(".*trainshed-*"):
                second.unlink()
            await worker.agent.call("fixes.put_back", id=answer["id"])
            assert kept() and "MaxAuthTries 4" in ours.read_text()


async def test_the_last_fix_is_undone_first_though_the_clock_was_put_back_between(vm: Machine) -> None:
    async with client(vm) as worker:
        first = vm.state / await worker.fixed() / "manifest.json"
        first.write_text(re.sub(r'("made": )[\d.]+', r"\g<1>4e9", first.read_text()))
        second = await worker.fixed({"MaxSessions": "8"})
        for undone in (second, first.parent.name):
            assert (await worker.plan(undo=True))["undoes"] == undone
            await worker.fixed(undo=True)
        for number in range(25):
            shutil.copytree(first.parent, vm.state / f"older-{number}")
        await worker.fixed()
        assert len(list(vm.state.iterdir())) == 21, "20 that are decided, and the new one"


async def test_a_change_that_the_server_has_not_read_passes_no_check_and_is_not_put_in_force_by_a_fix(
    vm: Machine,
) -> None:
    """No revert could take that back: a hand's AllowUsers would shut us out for good."""
    hand = vm.etc / "ssh/sshd_config.d/05-hand.conf"
    hand.write_text("AllowUsers nobody\nMaxAuthTries 2\n")
    before = vm.files()
    async with client(vm) as worker:
        seen = await worker.agent.call("checks.host", user="", client_address="")
        found = BY_ID["maxauthtries"].run(Seen(host=seen, errors=seen["errors"]))
        assert found.status == "unknown" and "has not read /etc/ssh/sshd_config.d/05-hand.conf" in found.evidence
        for work in (worker.plan, worker.attempt):
            with pytest.raises(FixError, match=r"has not read .*05-hand\.conf since it was changed") as refused:
                await work({"X11Forwarding": "no"})
            assert "sudo kill -HUP" in refused.value.hint
        assert vm.files() == before and (await worker.plan({}, modes={"sshd_config": 0o600}))["modes"]
        tried = await worker.attempt({}, modes={"sshd_config": 0o600})
        assert vm.files() != before
        await worker.agent.call("fixes.put_back", id=tried["id"])
        assert vm.files() == before
        async with client(vm, "other"):  # nor has what puts back told the server to read it
            pass
        hand.write_text("MaxAuthTries 2\n")
        vm.reload()
        seen = await worker.agent.call("checks.host", user="", client_address="")
        found = BY_ID["maxauthtries"].run(Seen(host=seen, errors=seen["errors"]))
        assert (found.status, found.evidence) == ("pass", "maxauthtries 2")
        assert await worker.fixed({"X11Forwarding": "no"}) and await worker.fixed(TRIES)
        assert (await worker.plan({"MaxSessions": "8"}))["files"]  # names of ours that came and went do not count
        killed = vm.state / ".killed"  # over such a name, before it was armed
        shutil.copytree(max(vm.state.iterdir(), key=lambda made: made.stat().st_mtime_ns), killed)
        beside = vm.folder / json.loads((killed / "manifest.json").read_text())["files"][0]["beside"].lstrip("/")
        times = beside.parent.stat()
        (killed / "time").symlink_to(f"{times.st_atime_ns} {times.st_mtime_ns} /etc/ssh/sshd_config.d")
        beside.touch()
        assert (await worker.plan({"MaxSessions": "8"}))["files"] and not beside.exists() and not killed.exists()
        hand.unlink()
        with pytest.raises(FixError, match=r"has not read /etc/ssh/sshd_config\.d since"):
            await worker.plan({"MaxSessions": "8"})
        vm.reload()
        assert (await worker.plan({"MaxSessions": "8"}))["files"]


async def test_a_clock_that_was_wrong_does_not_say_that_a_file_is_unread(vm: Machine) -> None:
    """The one of the VM stands still behind a boot, jumps when it is set, and is ahead at times."""
    now, ours = time.time(), vm.etc / "ssh/sshd_config.d/10-ours.conf"

    async def told(worker: Client, *, changed: float, read: float) -> list[str]:
        ours.write_text("MaxAuthTries 4\n")
        os.utime(ours.parent, (now - 9e6, now - 9e6))
        os.utime(ours, (changed, changed))
        vm.run("touch", "-d", f"@{read}", "/run/sshd.pid")
        seen = await worker.agent.call("checks.host", user="", client_address="")
        return list(seen["sshd"]["unread"])

    async with client(vm) as worker:
        assert await told(worker, changed=now - 86400, read=now - 2 * 86400) == []  # it was behind when sshd started
        assert await told(worker, changed=now + 3600, read=now) == []  # it was ahead when the file was written
        assert await told(worker, changed=time.time(), read=now + 3600) != []  # it was ahead when sshd started
        assert await told(worker, changed=time.time(), read=now - 1) != []


@pytest.mark.parametrize("how", ["owner", "mode", "link"])
@pytest.mark.parametrize("place", ["trainshed", "trainshed/fixes"])
async def test_a_folder_that_is_not_roots_alone_is_not_used(vm: Machine, place: str, how: str) -> None:
    """Root runs a program from there, at its time and after a reboot."""
    path = vm.lib / place
    path.parent.mkdir(mode=0o755, exist_ok=True)
    path.parent.chmod(0o755)
    if how == "link":
        path.symlink_to("/home/worker")
    else:
        path.mkdir()
        path.chmod(0o775 if how == "mode" else 0o755)
        os.chown(path, 64001 if how == "owner" else 0, 0)
    before = vm.files()
    async with client(vm) as worker:
        for work in (worker.plan(), worker.attempt(), worker.keep("x"), worker.plan(undo=True)):
            with pytest.raises(FixError, match=f"/var/lib/{place} is not root's alone"):
                await work
    assert vm.files() == before and decided(vm)


PLACES = {
    "Include first": ((INCLUDE, "MaxAuthTries 9"), DROP_IN),
    "Include too late": (("MaxAuthTries 9", INCLUDE), CONFIG),
    "Include in the middle": (("X11Forwarding yes", INCLUDE, "MaxAuthTries 9"), DROP_IN),
    "no Include": (("MaxAuthTries 9",), CONFIG),
    "Include in a Match": (("Match User nobody", INCLUDE, "Match all"), CONFIG),
    "two patterns, one that is a file": (("Include /etc/ssh/one.conf /etc/ssh/sshd_config.d/*.conf",), DROP_IN),
    "one that is a file and sets it": (("Include /etc/ssh/nine.conf", INCLUDE), CONFIG),
}


async def test_it_goes_where_it_counts(vm: Machine) -> None:
    (vm.etc / "ssh/sshd_config.d/05-first.conf").write_text("Banner none\n")
    (vm.etc / "ssh/one.conf").write_text("Banner none\n")
    (vm.etc / "ssh/nine.conf").write_text("MaxAuthTries 9\n")
    base = vm.config.read_text().replace(INCLUDE + "\n", "")
    async with client(vm) as worker:
        for name, (lines, path) in PLACES.items():
            text = "".join(line + "\n" for line in lines)
            vm.config.write_text(base + text if "Match" in text else text + base)
            vm.reload()
            before = vm.files()
            await worker.fixed()
            assert vm.setting("maxauthtries") == "3", name
            assert [file for file, was in vm.files().items() if before.get(file) != was] == [path], name
            assert (await worker.plan())["files"] == [], name
            (vm.folder / DROP_IN).unlink(missing_ok=True)
        await worker.fixed(undo=True)  # the last one is a block in a file
        assert vm.files() == before


OTHER = """MaxStartups 100:30:100
AcceptEnv B
Match User root
X11Forwarding yes
Match User other
MaxSessions 2
"""


async def test_what_would_not_count_is_refused_with_the_reason(home: Path) -> None:
    config = home / "vm/etc/ssh/other_config"

    def server(vm: Machine) -> str:
        config.write_text(vm.config.read_text() + OTHER)
        vm.options = ["-f", "/etc/ssh/other_config", "-o", "MaxAuthTries=5", "-oLoginGraceTime=50"]
        vm.command += vm.options
        return vm.plain

    with machine(home / "vm", lines=(), server=server) as vm:
        before = vm.files()
        async with client(vm) as worker:
            wanted = {"MaxAuthTries": "3", "X11Forwarding": "no", "MaxSessions": "8"}
            added = {"MaxStartups": "10:30:60", "AcceptEnv": "A"}
            reasons = (await worker.plan(wanted | added))["refused"]
            assert "an option (-o) on the server's command line" in reasons.pop("MaxAuthTries")
            assert "a Match block in /etc/ssh/other_config" in reasons.pop("X11Forwarding")
            assert set(reasons) == set(added)
            assert all("the first one does not win" in reason for reason in reasons.values())
            await worker.fixed(wanted | added)
        assert config.read_text().startswith("# trainshed begins") and vm.setting("maxsessions") == "8"
        assert {name for name, was in vm.files().items() if before.get(name) != was} == {"etc/ssh/other_config"}


async def test_without_anything_that_survives_a_reboot_it_is_refused(home: Path) -> None:
    with machine(home / "vm", cron=False) as vm:
        before = vm.files()
        async with client(vm) as worker:
            with pytest.raises(FixError, match="after a reboot") as refused:
                await worker.attempt()
            assert "install cron" in refused.value.hint
        assert vm.files() == before


# Debian's Python reads this at its start, with -I too.
SHIFTED = """
import time
_real, _get = time.time, time.clock_gettime
_by = lambda: float(open({clock!r}).read())
time.time = lambda: _real() + _by()
time.clock_gettime = lambda one: _get(one) + (_by() if one == time.CLOCK_REALTIME else 0.0)
"""


async def test_no_clock_that_can_be_set_decides(vm: Machine, home: Path) -> None:
    """The wall clock of the program that puts it back jumps by years; it does so when it was to."""
    custom = next(vm.etc.glob("python3.*/sitecustomize.py"), None)
    if custom is None:
        pytest.skip("this system's Python has no sitecustomize in /etc")
    clock = home / "clock"
    clock.write_text("0")
    custom.write_text(SHIFTED.format(clock=str(clock)))
    before, years = vm.files(), 10.0 * 365 * 86400
    async with client(vm) as worker:
        for jump in (years, -years):
            clock.write_text("0")
            await worker.attempt(seconds=SHORT_S + 2)
            clock.write_text(str(jump))
            there = float(vm.run("/usr/bin/python3", "-Ic", "import time; print(time.time())"))
            assert abs(there - jump - time.time()) < 86400
            assert not decided(vm) and vm.setting("maxauthtries") == "3"
            as_before(vm, before)


async def test_a_server_for_each_connection_is_fixed_without_a_reload(home: Path) -> None:
    with machine(home / "vm", server=per_connection) as vm:
        before = vm.files()
        async with client(vm) as worker:
            planned = await worker.plan()
            assert [command.split()[0] for command in planned["commands"]] == ["install", "/usr/sbin/sshd"]
            await worker.fixed()
            async with client(vm, "new") as new:
                seen = await new.agent.call("checks.host", user="", client_address="")
            assert seen["sshd"]["config"]["maxauthtries"] == ["3"]
            await worker.fixed(undo=True)
            await worker.attempt(seconds=SHORT_S)
            as_before(vm, before)


async def test_of_two_clients_at_once_one_is_told_to_wait(vm: Machine) -> None:
    async with client(vm) as one, client(vm, "other") as other:
        both = await asyncio.gather(one.attempt(by="ann@here"), other.attempt(), return_exceptions=True)
        (answer,) = [found for found in both if isinstance(found, dict)]
        (refused,) = [found for found in both if isinstance(found, FixError)]
        assert "another fix" in refused.title and "try again" in refused.hint
        await one.keep(answer["id"])
        assert (await other.attempt())["id"] == ""


async def test_without_root_the_password_of_sudo_is_asked_for_and_kept_nowhere(home: Path) -> None:
    password = "correct-" + secrets.token_hex(8)
    hashed = subprocess.run(["openssl", "passwd", "-6", password], capture_output=True, text=True, check=True).stdout
    with machine(home / "vm", account="worker", sudo="ALL") as vm:
        shadow = (vm.etc / "shadow").read_text()
        (vm.etc / "shadow").write_text(shadow.replace("worker:*", f"worker:{hashed.strip()}"))
        async with client(vm) as worker:
            with pytest.raises(RootNeeded, match="sudo"):
                await worker.plan()
            assert (await worker.plan(password=password))["files"]
            answer = await worker.attempt(password=password)
            with pytest.raises(RootNeeded):
                await worker.keep(answer["id"])
            await worker.agent.call("fixes.keep", id=answer["id"], password=password)
            assert vm.setting("maxauthtries") == "3"
            said = "\0".join(path.read_text(errors="replace") for path in Path("/proc").glob("[0-9]*/cmdline"))
            assert password not in said
        kept = [path for path in vm.folder.rglob("*") if path.is_file() and password.encode() in path.read_bytes()]
        assert kept == []


async def test_a_short_list_does_not_grow_and_others_who_may_be_shut_out_are_named(home: Path) -> None:
    """The new login proves our account alone."""
    lines = (INCLUDE, "PubkeyAcceptedAlgorithms ssh-ed25519,ssh-rsa", "HostKeyAlgorithms +ssh-rsa")
    wanted = {
        "PubkeyAcceptedAlgorithms": "-ssh-rsa*", "HostKeyAlgorithms": "-ssh-rsa*", "PasswordAuthentication": "no",
        "PermitRootLogin": "no", "RequiredRSASize": "3072", "MaxSessions": "8",
    }  # fmt: skip
    with machine(home / "vm", lines=lines, account="worker") as vm:
        people = {"alice": "/bin/sh", "bob": "/bin/bash", "carol": "/bin/sh", "robot": "/usr/sbin/nologin"}
        rows = [
            f"{name}:x:{70000 + at}:70000::/home/{name}:{shell}\n" for at, (name, shell) in enumerate(people.items())
        ]
        for path, more in (("passwd", rows), ("shadow", [f"{name}:$y$x:19000:0:99999:7:::\n" for name in people])):
            with (vm.etc / path).open("a") as file:
                file.writelines(more)
        short = public(keygen(home / "short", "rsa", bits=2048))
        for name, uid in (("alice", 70000), ("carol", 70002)):
            place = vm.home / name / ".ssh"
            place.mkdir(parents=True)
            (place / "authorized_keys").write_text(short + "\n" if name == "alice" else "# none yet\n")
            for made in (place.parent, place, place / "authorized_keys"):
                os.chown(made, uid, uid)
        async with client(vm) as worker:
            planned = await worker.plan(wanted)
            assert planned["others"] == {
                "PasswordAuthentication": ["bob", "carol"], "PermitRootLogin": ["root"], "RequiredRSASize": ["alice"],
            }  # fmt: skip
            assert planned["settings"]["HostKeyAlgorithms"] == "-ssh-rsa*"
            await worker.fixed(wanted)
            left = set(vm.setting("pubkeyacceptedalgorithms").split(","))
            assert left == {"ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"}
            assert "ecdsa-sha2-nistp256" in vm.setting("hostkeyalgorithms")
            assert await worker.fixed(wanted) == ""
            assert not planned["directory"]
            (vm.etc / "nsswitch.conf").write_text("passwd: files sss  # [!UNAVAIL=return] ldap\n")
            planned = await worker.plan({"PasswordAuthentication": "yes", "AuthenticationMethods": "publickey"})
            assert planned["others"] == {"AuthenticationMethods": ["bob", "carol"]} and planned["directory"]
            doors = {"PasswordAuthentication": "no", "UsePAM": "yes", "KbdInteractiveAuthentication": "yes"}
            assert (await worker.plan(doors))["others"] == {}, "there is a door left"
