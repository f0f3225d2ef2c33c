"""The link: a real agent, placed and called over a real sshd."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import signal
import subprocess
import tarfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from core.agent import serve
from core.errors import AgentError, LinkLost, TrainshedError
from core.site import files
from core.ssh import place
from core.ssh.link import SiteLink
from core.ssh.remote import RemoteAgent

from . import trial
from .sites import hermetic, site_of
from .sshd import Sshd, kill


@pytest.fixture(autouse=True)
def agent_source(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    hermetic(home, monkeypatch)
    yield trial.install(home, monkeypatch)
    monkeypatch.undo()
    trial.forget()


@pytest.fixture
async def link(sshd: Sshd) -> AsyncIterator[SiteLink]:
    made = SiteLink(site_of(sshd))
    yield made
    await made.close()


def placed_in(server: Sshd) -> Path:
    return server.home / ".trainshed" / "agent" / place.source_hash()


def commands(server: Sshd) -> int:
    return server.log.read_text().count("Starting session: command")


async def until(condition: Path, seconds: float = 10) -> None:
    """Another process's doing has no event here."""
    end = time.monotonic() + seconds
    while not condition.exists():
        assert time.monotonic() < end, f"{condition} does not appear"
        await asyncio.sleep(0.01)


async def test_the_agent_is_placed_once_and_then_costs_one_command(link: SiteLink, sshd: Sshd) -> None:
    agent = await link.agent()
    assert (await agent.call("trial.echo", a=1, b=["x"])) == {"a": 1, "b": ["x"]}
    assert [link.placed, commands(sshd)] == [True, 3]
    where = await agent.call("trial.environment")
    assert (where["cwd"], where["umask"]) == (str(placed_in(sshd)), 0o077)
    assert where["root"] == str(sshd.home / ".trainshed")
    assert link.agent_hash == place.source_hash()
    await link.close()
    await (await link.agent()).call("trial.echo")
    assert [link.placed, commands(sshd)] == [False, 4]
    assert not list((sshd.home / ".trainshed" / "agent").glob(".new*"))
    assert placed_in(sshd).parent.stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o022 for path in placed_in(sshd).rglob("*")} == {0}


def test_an_agent_that_came_only_in_part_is_not_put_in_place(tmp_path: Path) -> None:
    """As from a client that is killed between two of its files."""
    whole = place.source_tar()
    with tarfile.open(fileobj=io.BytesIO(whole)) as tar:
        starts = [member.offset for member in tar][1:]
    for cut in [*starts[::12], starts[-1], None]:
        root = tmp_path / str(cut)
        words = ["sh", "-c", place.place_command(str(root)).removeprefix("exec ")]
        done = subprocess.run(words, input=whole[:cut], capture_output=True, timeout=60)
        there = [path.name for path in (root / "agent").iterdir()]
        assert (place.PLACED in done.stdout) == (cut is None), done
        assert there == ([] if cut else [place.source_hash()])


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk needs root")
def test_a_client_that_places_the_agent_once_more_leaves_it_readable_in_sandboxes(tmp_path: Path) -> None:
    words = ["sh", "-c", place.place_command(str(tmp_path)).removeprefix("exec ")]
    agent = tmp_path / "agent" / place.source_hash() / "agent"
    for again in (False, True):  # two clients that come at once both find nothing, and one of them is later
        done = subprocess.run(words, input=place.source_tar(), capture_output=True, timeout=30)
        assert place.PLACED in done.stdout, done
        closed = [path.name for path in [agent, *agent.iterdir()] if not path.stat().st_mode & 0o004]
        assert not closed, "the second client" if again else "the first"
    assert tmp_path.joinpath("agent").stat().st_mode & 0o077 == 0, "nobody else gets as far as that"


def test_a_disk_that_is_full_while_the_agent_is_placed_does_not_spoil_it(tmp_path: Path) -> None:
    """What there is is whole: the agent starts, or it is placed again when there is room."""
    source = sum((path.stat().st_size + 4095) // 4096 * 4096 for path in place.SOURCE.glob("*.py"))
    check = "import agent, importlib, pkgutil; [importlib.import_module('agent.' + each.name) for each in " + (
        "pkgutil.iter_modules(agent.__path__) if each.name != '__main__']"
    )
    script = """
        mount -t tmpfs -o "size=$1" tmpfs "$2" && eval "$3"
        for D in "$2"/agent/*/; do
            cd "$D" 2>/dev/null || continue
            echo there && ls agent/__pycache__ 2>/dev/null | wc -l && "$(cat python)" -sSEB -c "$4" || exit 9
        done
    """
    seen = []
    for number in range(8):
        words = ["unshare", "-m", "sh", "-c", script, "sh", str(source + number * source // 2), str(tmp_path)]
        words += [place.place_command(str(tmp_path)).removeprefix("exec "), check]
        done = subprocess.run(words, input=place.source_tar(), capture_output=True, timeout=60)
        assert done.returncode != 9, done.stderr.decode()[-2000:]
        seen.append(done.stdout.decode().split()[1:3])
    counts = [int(words[1]) for words in seen if len(words) == 2 and words[0] == "there"]
    assert 0 in counts and max(counts) > 50, seen


@pytest.mark.parametrize("change", ["edited", "added", "removed", "interpreter gone"])
async def test_a_tampered_agent_is_replaced(link: SiteLink, sshd: Sshd, change: str) -> None:
    await link.agent()
    await link.close()
    folder = placed_in(sshd) / "agent"
    if change == "edited":
        (folder / "facts.py").write_text((folder / "facts.py").read_text() + "\n# harmless\n")
    elif change == "added":
        (folder / "extra.py").write_text("raise SystemExit\n")
    elif change == "removed":
        (folder / "trial.py").unlink()
    else:
        (placed_in(sshd) / "python").write_text("/nowhere/python3\n")
    agent = await link.agent()
    assert link.placed and await agent.call("trial.echo", x=1) == {"x": 1}
    assert serve.source_hash(str(folder)) == place.source_hash()
    assert not (folder / "extra.py").exists()


async def test_noise_of_the_login_shell_is_skipped(link: SiteLink, sshd: Sshd) -> None:
    ran = sshd.home / "ran"
    noise = f"touch '{ran}'; seq 1 2000; printf 'no newline at the end'; echo to stderr >&2"
    (sshd.home / ".bashrc").write_text(noise + "\n")
    assert await (await link.agent()).call("trial.echo", x=1) == {"x": 1}
    assert ran.exists(), "the account's shell is not bash: this proved nothing"


async def test_noise_without_end_is_an_error_that_says_so(link: SiteLink, sshd: Sshd) -> None:
    (sshd.home / ".bashrc").write_text("yes | head -c 200000\n")
    with pytest.raises(AgentError, match="prints without end"):
        await link.agent()


@pytest.mark.parametrize("root", ["absolute", "~/with blank's quote", "plain/relative"])
async def test_the_root_may_be_anywhere(home: Path, sshd: Sshd, root: str) -> None:
    site = site_of(sshd)
    chosen = str(home / "abso lute") if root == "absolute" else root
    text = site.path.read_text() + f'root = "{chosen}"\n'
    site.path.write_text(text)
    link = SiteLink(files.load(site.path))
    expected = Path(chosen) if root == "absolute" else sshd.home / chosen.removeprefix("~/")
    try:
        assert (await (await link.agent()).call("trial.environment"))["root"] == str(expected)
    finally:
        await link.close()


async def test_no_python_is_one_clear_error(home: Path) -> None:
    tools = home / "tools"
    tools.mkdir()
    for name in ("sh", "tar", "mkdir", "mktemp", "rm", "mv"):
        (tools / name).symlink_to(f"/bin/{name}")
    old = tools / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.6.9 && exit 0\nexit 1\n')
    old.chmod(0o755)
    server = Sshd(home / "sshd", environment={"PATH": str(tools)})
    link = SiteLink(site_of(server))
    try:
        with pytest.raises(AgentError, match=r"no Python 3\.8 or newer.*Python 3\.6\.9"):
            await link.agent()
    finally:
        await link.close()
        server.stop()


async def test_a_root_that_cannot_be_written_is_one_clear_error(link: SiteLink, sshd: Sshd) -> None:
    (sshd.home / ".trainshed").write_text("in the way")
    with pytest.raises(AgentError, match="cannot be started"):
        await link.agent()


async def test_callers_share_one_connection(link: SiteLink, sshd: Sshd) -> None:
    agents = await asyncio.gather(*(link.agent() for _ in range(20)))
    assert len(set(map(id, agents))) == 1
    assert sshd.log.read_text().count("Accepted publickey") == 1


async def test_one_caller_that_gives_up_does_not_take_the_others_along(link: SiteLink) -> None:
    first, second = asyncio.create_task(link.agent()), asyncio.create_task(link.agent())
    await asyncio.sleep(0)
    first.cancel()
    assert await (await second).call("trial.echo") == {}
    assert first.cancelled() or first.cancelling()


async def test_fifty_calls_at_once_each_get_their_own_answer(link: SiteLink) -> None:
    agent = await link.agent()

    async def one(number: int) -> int:
        seen = 0
        async for message in agent.stream("trial.numbers", count=100 + number, size=1000):
            seen += len(message) if isinstance(message, bytes) else 0
        return seen

    assert await asyncio.gather(*(one(number) for number in range(50))) == [
        (100 + number) * 1000 for number in range(50)
    ]


async def test_a_slow_reader_blocks_nobody(link: SiteLink) -> None:
    agent = await link.agent()
    slow = agent.stream("trial.numbers", count=5000, size=60000)
    assert await anext(slow) == {"event": "number", "number": 0}
    began = time.monotonic()
    for _ in range(20):
        assert await agent.call("trial.numbers", count=200) == {"count": 200}
    assert time.monotonic() - began < 10
    assert isinstance(agent, RemoteAgent)
    assert sum(queue.qsize() for queue in agent._calls.values()) < 200  # 300 MB would have come without credit
    await slow.aclose()  # type: ignore[attr-defined]
    assert await agent.call("trial.echo") == {}


async def test_events_and_bytes_keep_their_order_and_the_result_is_last(link: SiteLink) -> None:
    agent = await link.agent()
    messages = [message async for message in agent.stream("trial.numbers", count=300, size=3)]
    assert messages[-1] == {"result": {"count": 300}}
    assert messages[0:-1:2] == [{"event": "number", "number": number} for number in range(300)]
    assert messages[1:-1:2] == [b"xxx"] * 300


async def test_closing_a_stream_cancels_the_call_on_the_vm(link: SiteLink, home: Path) -> None:
    agent = await link.agent()
    running = agent.stream("trial.wait", mark=str(home / "one"))
    await anext(running)
    await running.aclose()  # type: ignore[attr-defined]
    await until(home / "one.cancelled")
    task = asyncio.create_task(agent.call("trial.wait", mark=str(home / "two")))
    await until(home / "two.started")
    task.cancel()
    await until(home / "two.cancelled")
    assert await agent.call("trial.echo") == {}


async def test_an_upload_arrives_whole(link: SiteLink) -> None:
    agent = await link.agent()
    chunks = [os.urandom(size) for size in (1, 0, 70000, 200000, 5_000_000)]

    async def upload() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    data = b"".join(chunks)
    expected = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert await agent.call("trial.swallow", upload=upload()) == expected


async def test_an_upload_that_nobody_reads_blocks_neither_calls_nor_its_own_end(link: SiteLink, home: Path) -> None:
    agent = await link.agent()
    sent = 0

    async def upload() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(400):
            sent += 1
            yield b"x" * 65536

    go = home / "go"
    task = asyncio.create_task(agent.call("trial.swallow", upload=upload(), go=str(go)))
    for _ in range(5):
        assert await agent.call("trial.echo", x=1) == {"x": 1}
    assert sent < 100
    go.touch()
    assert (await task)["bytes"] == 400 * 65536


async def test_an_upload_that_fails_ends_the_call_with_its_own_error(link: SiteLink) -> None:
    agent = await link.agent()

    async def upload() -> AsyncIterator[bytes]:
        yield b"x"
        raise FileNotFoundError("gone")

    with pytest.raises(FileNotFoundError):
        await agent.call("trial.swallow", upload=upload())
    assert await agent.call("trial.echo") == {}


async def test_an_error_of_the_agent_has_its_code(link: SiteLink) -> None:
    with pytest.raises(AgentError, match="does not know the operation"):
        await (await link.agent()).call("no.such.operation")
    with pytest.raises(AgentError, match="TypeError"):
        await (await link.agent()).call("trial.numbers")


async def test_a_connection_cut_in_mid_call_is_link_lost_and_the_next_agent_is_new(
    link: SiteLink, sshd: Sshd, home: Path
) -> None:
    agent = await link.agent()
    tasks = [asyncio.create_task(agent.call("trial.wait", mark=str(home / f"m{number}"))) for number in range(3)]
    await until(home / "m2.started")
    sshd.cut()
    for result in await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5):
        assert isinstance(result, LinkLost) and result.retryable
    with pytest.raises(LinkLost):
        await agent.call("trial.echo")
    assert link.last_seen > 0
    again = await link.agent()
    assert again is not agent and await again.call("trial.echo", x=2) == {"x": 2}


async def test_an_agent_that_dies_is_link_lost(link: SiteLink) -> None:
    agent = await link.agent()
    with pytest.raises(LinkLost):
        await asyncio.wait_for(agent.call("trial.die"), 5)
    assert await (await link.agent()).call("trial.echo") == {}


async def test_what_the_agent_complains_about_neither_blocks_nor_shows(
    link: SiteLink, capfd: pytest.CaptureFixture[str]
) -> None:
    agent = await link.agent()
    assert await agent.call("trial.noisy", size=300_000) == {}
    assert "secret-of-a-record" not in "".join(capfd.readouterr())


async def test_closing_is_quick_in_mid_transfer_and_leaves_no_process(link: SiteLink, sshd: Sshd) -> None:
    agent = await link.agent()
    pid = (await agent.call("trial.environment"))["pid"]
    flood = agent.stream("trial.numbers", count=100_000, size=60_000)
    await anext(flood)
    began = time.monotonic()
    await link.close()
    assert time.monotonic() - began < 2
    with pytest.raises(LinkLost):
        async for _ in flood:
            pass
    await gone(pid)
    await link.close()


async def gone(pid: int) -> None:
    end = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < end, "the agent is still there"
        await asyncio.sleep(0.01)


async def test_closing_is_quick_when_the_server_hangs(link: SiteLink, sshd: Sshd) -> None:
    agent = await link.agent()
    stopped = sshd.sessions()
    kill(stopped, signal.SIGSTOP)
    try:
        call = asyncio.create_task(agent.call("trial.echo", data="x" * 5_000_000))
        await asyncio.sleep(0)
        began = time.monotonic()
        await link.close()
        assert time.monotonic() - began < 2
        with pytest.raises(TrainshedError):
            await asyncio.wait_for(call, 5)
    finally:
        kill(stopped, signal.SIGCONT)


async def test_giving_up_a_connect_ends_it_at_once(link: SiteLink, sshd: Sshd) -> None:
    kill([sshd.process.pid], signal.SIGSTOP)
    try:
        task = asyncio.create_task(link.agent())
        await asyncio.sleep(0.2)
        began = time.monotonic()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert time.monotonic() - began < 1
    finally:
        kill([sshd.process.pid], signal.SIGCONT)
    assert await (await link.agent()).call("trial.echo") == {}
    assert [t for t in threading.enumerate() if not t.daemon] == [threading.main_thread()]


async def test_the_loop_is_not_held_up_by_a_connect(link: SiteLink) -> None:
    worst = 0.0

    async def watch() -> None:
        nonlocal worst
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.005)
            worst = max(worst, time.monotonic() - before - 0.005)

    watcher = asyncio.create_task(watch())
    await link.agent()
    watcher.cancel()
    assert worst < 0.25
