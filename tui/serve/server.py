"""The web server: a page, its files, a websocket for each browser. It listens on loopback alone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import textual_serve
from aiohttp import WSCloseCode, WSMsgType, web

from core.errors import UsageError

from . import lobby
from .child import Child, bounded, fitting
from .door import Door

HERE = Path(__file__).parent
THEIRS = Path(textual_serve.__file__).parent / "static"
FILES = {
    "textual.js": THEIRS / "js" / "textual.js",
    "xterm.css": THEIRS / "css" / "xterm.css",
    "page.css": HERE / "page.css",
}
MOST = 8  # programs at once, those that are ending too
LONGEST = 4 << 20  # bytes of one message: a large paste
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "trainshed",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self' ws://{host}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
WRONG = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)  # of a message
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Served:
    """`words`: of the program that each browser gets. `came` and `refused` tell of who came and who was sent away."""

    def __init__(
        self, words: Sequence[str], door: Door, came: Callable[[], None], refused: Callable[[str], None]
    ) -> None:
        self._words = words
        self._door = door
        self._came = came
        self.refused = refused
        self._sockets: set[web.WebSocketResponse] = set()

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=1024)
        app.add_routes(
            [
                web.get("/open/{ticket}", self._open, allow_head=False),  # to look is not to come in
                web.get("/s/{key}/", self._page),
                web.get("/s/{key}/static/{name}", self._file),
                web.get("/s/{key}/ws", self._websocket),
            ]
        )
        app.on_shutdown.append(self._shutdown)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every request: the Host first, then the key of its session. Everything else is one answer."""
        try:
            if not self._door.is_ours(request.headers.getall("Host", [])):
                raise self._no("a Host that is not this server's")
            if "key" in request.match_info and not self._door.knows(request.match_info["key"]):
                raise self._no("no key, or a wrong one")
            if "key" in request.match_info:
                lobby.known(request.transport)
            response = await handler(request)
        except web.HTTPException as answer:
            if answer.status == 404:
                self.refused("an address that does not exist")
            response = web.Response(status=answer.status, text=answer.text, headers=_location(answer))
        except Exception as error:
            self.refused(f"a mistake of this server ({type(error).__name__})")
            response = web.Response(status=500, text="This went wrong here.\n")
        if not response.prepared:
            host = request.host if self._door.is_ours([request.host]) else "127.0.0.1"
            response.headers.update({**HEADERS, "Content-Security-Policy": POLICY.format(host=host)})
        return response

    def _no(self, why: str) -> web.HTTPForbidden:
        self.refused(why)
        return web.HTTPForbidden(text="Not here: use the link that the terminal shows.\n")

    async def _open(self, request: web.Request) -> web.StreamResponse:
        key = self._door.redeem(request.match_info["ticket"])
        if key is None:
            raise self._no("a link that was used already, or none of ours")
        self._came()
        raise web.HTTPSeeOther(f"/s/{key}/")

    async def _page(self, request: web.Request) -> web.StreamResponse:
        address = f"ws://{request.host}{request.path}ws"
        text = (HERE / "page.html").read_text(encoding="utf-8").replace("@WEBSOCKET@", address)
        return web.Response(text=text, content_type="text/html")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = FILES.get(request.match_info["name"])
        if path is None:
            raise web.HTTPNotFound
        return web.FileResponse(path)

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        if not self._door.is_same(request.headers.getall("Origin", []), request.host):
            raise self._no("a websocket of another page")
        if len(self._sockets) >= MOST:
            raise web.HTTPServiceUnavailable(text=f"{MOST} browsers are here already.\n")
        websocket = web.WebSocketResponse(heartbeat=15, max_msg_size=LONGEST)
        self._sockets.add(websocket)
        child = Child(self._words, websocket)
        try:
            with self._door.page(request.match_info["key"]) as seconds, contextlib.suppress(OSError):
                await websocket.prepare(request)
                await child.start(bounded(request.query.get("width"), 80), bounded(request.query.get("height"), 24))
                try:
                    async with asyncio.timeout(seconds):
                        await self._pass_on(websocket, child)
                except TimeoutError:
                    await websocket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"this session is a day old")
        finally:
            await asyncio.shield(self._end(websocket, child))
        return websocket

    async def _end(self, websocket: web.WebSocketResponse, child: Child) -> None:
        """It counts until its program has ended."""
        try:
            await child.stop()
        finally:
            self._sockets.discard(websocket)

    async def _pass_on(self, websocket: web.WebSocketResponse, child: Child) -> None:
        """What the page sends, until it goes; whatever is none of its messages ends it."""
        async for message in websocket:
            if message.type != WSMsgType.TEXT:
                continue
            try:
                kind, *more = message.json()
                await _do(websocket, child, kind, *more)
            except WRONG:
                self.refused("a websocket message that is none of the page's")
                await websocket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"this is no message of the page")

    async def _shutdown(self, _app: web.Application) -> None:
        for websocket in list(self._sockets):
            await websocket.close(code=1001)


def _location(answer: web.HTTPException) -> dict[str, str]:
    return {"Location": answer.headers["Location"]} if "Location" in answer.headers else {}


async def _do(websocket: web.WebSocketResponse, child: Child, kind: str, data: Any = None) -> None:
    if kind == "stdin":
        await child.send_bytes(data.encode())
    elif kind == "resize":
        await child.set_terminal_size(fitting(data["width"]), fitting(data["height"]))
    elif kind == "ping":
        await websocket.send_json(["pong", data])
    elif kind in ("focus", "blur"):
        await (child.focus() if kind == "focus" else child.blur())


def listener(host: str, port: int) -> socket.socket:
    """Raises UsageError where the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=16)
    except OSError as error:
        title = f"port {port} of {host} cannot be had: {error.strerror}"
        raise UsageError(title, hint="--port 0 takes a free one") from None


class _Told(logging.Handler):
    """What aiohttp would print, with all that was sent, is one word."""

    def __init__(self, refused: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._say = refused

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002
        self._say("what is no HTTP")


@contextlib.asynccontextmanager
async def serving(served: Served, on: socket.socket) -> AsyncIterator[None]:
    """Answers as long as the block runs; then every program of a browser is ended. Nothing is logged."""
    quiet = logging.Logger("serve")
    quiet.addHandler(_Told(served.refused))
    runner = web.AppRunner(
        served.app(), access_log=None, logger=quiet, handle_signals=False, shutdown_timeout=20.0, keepalive_timeout=15.0
    )
    await runner.setup()
    assert runner.server is not None
    visitors = lobby.Lobby(runner.server, served.refused)
    listening = await asyncio.get_running_loop().create_server(visitors, sock=on)
    try:
        yield
    finally:
        listening.close()
        await asyncio.shield(asyncio.ensure_future(runner.cleanup()))
