"""The embedded site: real parts come up on loopback, and nothing of them is left, however it ends."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import demo, errors
from core.demo import parts
from core.demo.processes import Processes

ROOT = Path(__file__).parents[2]
HOLD = """
import asyncio, sys
from core import demo
async def main():
    async with demo.running() as found:
        print(found.site.path, flush=True)
        await asyncio.Event().wait()
try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
"""


@pytest.fixture(autouse=True)
def installed() -> None:
    try:
        parts.azurite()
        parts.node()
        parts.sshd()
        parts.sandbox()
    except errors.MissingPart as missing:
        pytest.skip(f"{missing.title}: {missing.hint}")


def living(home: Path) -> list[str]:
    """Every process that has the site's folder in its words or its environment, but for the tests' own."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words, surroundings = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
        except OSError:
            continue  # it has just ended
        if str(home).encode() in words + surroundings:
            found.append(f"{entry.name} {words!r}")
    return found


def ports(home: Path) -> list[int]:
    text = (home / "state" / "demo" / "site.toml").read_text()
    return [int(found) for found in re.findall(r"(?:port = |external:)(\d+)", text)]


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def session(site: demo.DemoSite, command: str) -> subprocess.Popen[bytes]:
    """A login with OpenSSH's own client."""
    vm = site.site.vm
    options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "IdentitiesOnly=yes")
    words = ["ssh", "-q", "-F", "none", *(flag for option in options for flag in ("-o", option))]
    target = ["-p", str(vm.port), "-i", str(vm.identity), f"{vm.user}@{vm.host}", command]
    return subprocess.Popen([*words, *target], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def hold() -> tuple[subprocess.Popen[str], Path]:
    """A program that keeps the site up, as the TUI does."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, "the site did not start"
    return process, Path(line)


async def test_the_site_is_up_in_the_block_and_gone_after_it_with_its_sessions(home: Path) -> None:
    async with demo.running() as found:
        assert all(map(listening, ports(home)))
        assert (home / "state/demo/data.key").stat().st_mode & 0o777 == 0o600
        assert found.site.file.data is not None and found.site.vm.host_keys == []
        client = session(found, "echo $HOME; exec sleep 1000")
        assert client.stdout is not None
        assert client.stdout.readline().decode().strip() == str(home / "state/demo/home")
    client.wait(10)
    client.communicate()
    assert living(home) == [] and not any(map(listening, ports(home)))
    assert not (home / "state/demo/processes.json").exists() and not (home / "state/demo/data.key").exists()


async def test_a_home_below_tmp_is_good_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    above = tmp_path / "sticky"
    above.mkdir()
    above.chmod(0o1777)
    monkeypatch.setenv("TRAINSHED_HOME", str(above / "home"))
    async with demo.running() as found:
        client = session(found, "echo in")
        assert client.communicate(timeout=20)[0] == b"in\n"


async def test_up_leaves_it_running_others_use_it_and_down_stops_it(home: Path) -> None:
    first = await demo.up()
    try:
        assert (await demo.up()).site == first.site
        async with demo.running() as used:
            assert used.site == first.site
        assert all(map(listening, ports(home))) and Processes(home / "state" / "demo").running
    finally:
        assert await demo.down() is not None
    assert not Processes(home / "state" / "demo").running
    async with asyncio.timeout(
        5
    ):  # what sshd has just forked for our look at its port has its words, and ends by itself
        while living(home):
            await asyncio.sleep(0.05)
    assert await demo.down() is None


async def test_what_a_killed_program_left_is_ended_by_the_next_start(home: Path) -> None:
    process, _ = hold()
    left = ports(home)
    process.kill()
    process.communicate()
    assert all(map(listening, left)), "a kill leaves them: that is what this is about"
    async with demo.running():
        assert not any(port in ports(home) for port in left)
        assert not any(map(listening, left))
    assert living(home) == []


def test_an_interrupted_program_leaves_nothing(home: Path) -> None:
    process, _ = hold()
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=20)
    assert living(home) == [] and not any(map(listening, ports(home)))


async def test_a_second_program_is_told_who_has_the_site(home: Path) -> None:
    process, _ = hold()
    try:
        with pytest.raises(errors.UsageError, match=str(process.pid)):
            async with demo.running():
                pass
        with pytest.raises(errors.UsageError, match=str(process.pid)):
            await demo.down()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert living(home) == []


async def test_cancelled_while_starting_leaves_nothing(home: Path) -> None:
    async def enter() -> None:
        async with demo.running():
            pass

    began = time.monotonic()
    await enter()  # how long a start takes on this machine, now
    took = time.monotonic() - began
    cancelled = 0
    for part in (0.0, 0.2, 0.5):
        task = asyncio.create_task(enter())
        await asyncio.sleep(part * took)  # somewhere in the middle: each is another place
        task.cancel()
        await asyncio.wait([task])
        cancelled += task.cancelled()
        assert living(home) == []
    assert cancelled >= 2


def test_a_pid_that_was_used_again_is_left_alone(home: Path) -> None:
    folder = home / "site"
    folder.mkdir()
    bystander = subprocess.Popen(["sleep", "1000"])
    try:
        record = Processes(folder)
        record.items = [{"name": "sshd", "pid": bystander.pid, "start": 1}]
        record.own(os.getpid())
        Processes(folder).stop()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_program_that_dies_before_the_pid_is_recorded_starts_nothing(home: Path) -> None:
    from core.demo.processes import HELD

    mark = home / "ran"
    held = subprocess.Popen(["/bin/sh", "-c", HELD, "sh", "touch", str(mark)], stdin=subprocess.PIPE)
    assert held.stdin is not None
    held.stdin.close()
    assert held.wait(10) != 0 and not mark.exists()


def test_what_a_run_left_on_the_vm_is_ended_too(home: Path) -> None:
    import json

    from core.agent import processes as known

    folder = home / "site"
    run = folder / "vm" / "runs" / "01JRUN"
    run.mkdir(parents=True)
    runner = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    pid, start = known.identity(runner.pid)
    line = {"seq": 1, "state": "running", "boot_id": known.boot_id(), "pid": pid, "start": start}
    (run / "state.jsonl").write_text(json.dumps(line) + "\n")
    Processes(folder).stop()
    assert runner.wait(10) == -signal.SIGTERM


def test_an_azurite_that_npm_cannot_fetch_is_one_clear_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "empty"))
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_cache", str(home / "npm"))
    with pytest.raises(errors.MissingPart, match="could not be fetched from npm") as missing:
        asyncio.run(demo.up())
    assert "a network" in missing.value.hint
    assert living(home) == [] and not list((home / "empty").rglob("package.json"))
