"""`trainshed serve`: the program in a browser, and everybody who must not come in."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
import pytest

from core.agent import processes
from core.demo import RECORDED
from tests.cli.conftest import Run, start
from tui.serve import lobby
from tui.serve.door import IDLE_S, TOTAL_S, Door
from tui.serve.server import Served, listener, serving

PATIENCE_S = 40
LINK = re.compile(r"(http://127\.0\.0\.1:(\d+))(/open/\S+)")


class Server:
    """The real program; what it says is read as it comes."""

    def __init__(self, home: Path, *words: str) -> None:
        self.process = start(["serve", "--port", "0", *words], home)
        self.said = ""
        threading.Thread(target=self._read, daemon=True).start()
        link = self.link()
        self.base, self.port = link[0], int(link[1])

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line

    def wait(self, what: Any) -> Any:
        until = monotonic() + PATIENCE_S
        while not (found := what()):
            assert monotonic() < until and self.process.poll() is None, self.said
            threading.Event().wait(0.02)
        return found

    def link(self, number: int = 0) -> tuple[str, str, str]:
        """(base, port, path) of the link that was shown as the `number`th."""
        found: list[tuple[str, str, str]] = self.wait(lambda: LINK.findall(self.said)[number:])
        return found[0]

    def children(self) -> list[int]:
        return processes.tree(self.process.pid)

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE_S)


@pytest.fixture
def server(home: Path) -> Iterator[Server]:
    made = Server(home, "--replay", str(RECORDED))
    yield made
    if made.process.poll() is None:
        made.end()


async def status(session: aiohttp.ClientSession, url: str, **headers: str) -> int:
    async with session.get(url, headers=headers, allow_redirects=False) as answer:
        return answer.status


async def shown(websocket: aiohttp.ClientWebSocketResponse, text: str) -> str:
    """Until the program has drawn `text`."""
    seen = b""
    async with asyncio.timeout(PATIENCE_S):
        while text.encode() not in seen:
            message = await websocket.receive()
            assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), (message, seen[-2000:])
            seen += message.data if isinstance(message.data, bytes) else message.data.encode()
    return seen.decode(errors="replace")


@asynccontextmanager
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


async def opened(session: aiohttp.ClientSession, server: Server, number: int = 0) -> str:
    """The address of the page that the link leads to."""
    async with session.get(server.base + server.link(number)[2], allow_redirects=False) as answer:
        assert answer.status == 303 and "Set-Cookie" not in answer.headers
        return server.base + answer.headers["Location"]


async def test_only_who_has_the_link_comes_in_and_only_from_its_own_page(server: Server) -> None:
    port = server.port
    async with browser() as session:
        page = await opened(session, server)
        key = page.split("/")[-2]
        assert await status(session, server.base + server.link()[2]) == 403, "a link works once"
        async with session.head(server.base + server.link(1)[2]) as answer:
            assert answer.status == 405, "to look at a link is not to use it"
        for path in ("/", "/ws", "/s/", f"/s/{'x' * len(key)}/", f"/s/{key[:-1]}/", "/s//ws", "/static/textual.js"):
            assert await status(session, server.base + path) in (403, 404), path
        assert await status(session, f"{page}static/..%2f..%2fdoor.py") == 404
        for host in (f"evil.example:{port}", f"127.0.0.1.evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}"):
            assert await status(session, page, Host=host) == 403, f"{host}: a name that was made to lead here"
        async with session.get(page) as answer:
            text = await answer.text()
            assert answer.status == 200 and f"ws://127.0.0.1:{port}/s/{key}/ws" in text
            assert answer.headers["Referrer-Policy"] == "no-referrer" and answer.headers["X-Frame-Options"] == "DENY"
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        for name in re.findall(r'"(static/[^"]+)"', text):
            assert await status(session, page + name) == 200
        assert not re.findall(r"https?://", text), "nothing is fetched from elsewhere"

        address = page.replace("http:", "ws:") + "ws?width=80&height=24"
        good = server.base
        for origin in (None, "null", "http://evil.example", f"http://localhost:{port}", f"http://127.0.0.1:{port + 1}"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(address, headers={"Origin": origin} if origin else {})
            assert refused.value.status == 403, origin
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(f"ws://127.0.0.1:{port}/s/{'x' * len(key)}/ws", headers={"Origin": good})
        assert server.children() == [], "nobody who was refused has started anything"

        async with session.ws_connect(address, headers={"Origin": good}) as websocket:
            await shown(websocket, "REPLAY")
            await websocket.send_json(["stdin", "2"])
            await shown(websocket, "Nothing was checked yet")
            child = server.children()
            assert len(child) == 1
            for pid in (server.process.pid, *child):  # what another user of the machine, or the same one, can read
                for what in ("cmdline", "environ"):
                    held = Path(f"/proc/{pid}/{what}").read_bytes()
                    assert key.encode() not in held and server.link()[2].encode() not in held
        server.wait(lambda: not server.children())
        assert key not in server.said and "Refused: " in server.said

        for wrong in (
            '{"stdin": 1}',
            "[" * 200_000,
            '["resize", {"width": Infinity, "height": 24}]',
            "7" * 5000,
            '["stdin"]',
        ):
            async with session.ws_connect(address, headers={"Origin": good}) as websocket:
                await websocket.send_str(wrong)
                async with asyncio.timeout(PATIENCE_S):
                    async for _ in websocket:
                        pass
                assert websocket.close_code == 1003, wrong
        assert "Traceback" not in server.said and "777" not in server.said and "Infinity" not in server.said
        second = await opened(session, server, 1)
        assert second != page
        async with session.ws_connect(second.replace("http:", "ws:") + "ws", headers={"Origin": good}) as websocket:
            await shown(websocket, "REPLAY")
            pids = server.children()
            assert server.end() == 130
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


async def test_a_site_is_shown_read_only_and_a_server_that_is_killed_leaves_nothing(ward: Path, home: Path) -> None:
    server = Server(home)
    assert "Read-only" in server.said and "ssh -N -L" in server.said
    async with browser() as session:
        page = await opened(session, server)
        address = page.replace("http:", "ws:") + "ws"
        async with session.ws_connect(address, headers={"Origin": server.base}) as websocket:
            await shown(websocket, "READ-ONLY")
            await websocket.send_json(["stdin", "\t" * 60_000])  # more than it can do in the time that it has
            pids = server.children()
            assert pids and server.end(signal.SIGKILL) == -signal.SIGKILL
            until = monotonic() + PATIENCE_S
            while any(_runs(pid) for pid in pids):
                assert monotonic() < until, "the program of a browser outlived its server"
                await asyncio.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_other_addresses_are_refused_with_the_tunnel_to_use(program: Run, home: Path) -> None:
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org"):
        said = program("serve", "--host", host)
        assert said.code == 2 and "ssh -N -L 8765:127.0.0.1:8765 " in said.err, said.err


def test_without_its_package_it_says_what_to_install(fake: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    said = fake("serve")
    assert said.code == 2 and "pip install textual-serve" in said.err


async def test_who_shows_no_key_is_sent_away_and_a_session_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lobby, "PATIENCE_S", 0.5)
    monkeypatch.setattr(lobby, "MOST", 4)
    now, refused = [0.0], list[str]()
    on = listener("127.0.0.1", 0)
    port = on.getsockname()[1]
    door = Door(port, lambda: now[0])
    async with browser() as session, serving(Served([], door, lambda: None, refused.append), on):
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(6)]
        idle[-1][1].write(b"GET /s/x/ HTTP/1.1\r\nHost: ")
        async with asyncio.timeout(PATIENCE_S):
            idle[2][1].write(b"GET \x85777 HTTP/1.1\r\n\r\n")
            for reader, _ in (idle[0], idle[1]):
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
            async with session.get(door.link("127.0.0.1"), allow_redirects=False) as answer:
                page = f"http://127.0.0.1:{port}{answer.headers['Location']}"
            assert await status(session, page) == 200
            assert b"400" in await idle[2][0].read() and "what is no HTTP" in refused
            for reader, _ in idle[3:]:
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
            assert refused.count("a connection that showed no key") == 5, "the browser with the key was left alone"
        now[0] = IDLE_S - 1
        assert await status(session, page) == 200
        now[0] += IDLE_S + 1
        assert await status(session, page) == 403


def test_a_ticket_is_for_one_and_hosts_are_compared_whole() -> None:
    now = [0.0]
    door = Door(80, lambda: now[0])
    late = door.link("127.0.0.1").rpartition("/")[2]
    now[0] = 601.0
    assert door.redeem(late) is None, "a link that nobody opened is not one for ever"
    ticket = door.link("127.0.0.1").rpartition("/")[2]
    key = door.redeem(ticket)
    assert key and key != ticket and door.knows(key) and not door.knows(ticket) and door.redeem(ticket) is None
    assert not door.knows("") and not door.knows("ü")
    with door.page(key) as seconds:
        assert seconds == TOTAL_S
        now[0] += TOTAL_S - 1
        assert door.knows(key), "a page is open"
        now[0] += 2
        assert not door.knows(key)
    assert door.is_ours(["[::1]:80"]) and not door.is_ours([]) and not door.is_ours(["localhost:80", "localhost:80"])
    assert not door.is_same([], "localhost:80") and not door.is_same(["http://localhost:80"] * 2, "localhost:80")
    assert len(ticket) >= 43
