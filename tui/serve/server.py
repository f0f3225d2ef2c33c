"""The web server: a page, its files, a websocket for each browser. It listens on loopback alone."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import textual_serve
from aiohttp import WSMsgType, web

from core.errors import UsageError

from .child import Child, bounded
from .door import Door

HERE = Path(__file__).parent
THEIRS = Path(textual_serve.__file__).parent / "static"
FILES = {
    "textual.js": THEIRS / "js" / "textual.js",
    "xterm.css": THEIRS / "css" / "xterm.css",
    "page.css": HERE / "page.css",
}
MOST = 4  # programs at once
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
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Served:
    """`words`: of the program that each browser gets. `came` and `refused` tell of who came and who was sent away."""

    def __init__(
        self, words: Sequence[str], door: Door, came: Callable[[], None], refused: Callable[[str], None]
    ) -> None:
        self._words = words
        self._door = door
        self._came = came
        self._refused = refused
        self._sockets: set[web.WebSocketResponse] = set()

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=1024)
        app.add_routes(
            [
                web.get("/open/{ticket}", self._open),
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
            response = await handler(request)
        except web.HTTPException as answer:
            if answer.status == 404:
                self._refused("an address that does not exist")
            response = web.Response(status=answer.status, text=answer.text, headers=_location(answer))
        if not response.prepared:
            host = request.host if self._door.is_ours([request.host]) else "127.0.0.1"
            response.headers.update({**HEADERS, "Content-Security-Policy": POLICY.format(host=host)})
        return response

    def _no(self, why: str) -> web.HTTPForbidden:
        self._refused(why)
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
            await websocket.prepare(request)
            await child.start(bounded(request.query.get("width"), 80), bounded(request.query.get("height"), 24))
            await _pass_on(websocket, child)
        finally:
            self._sockets.discard(websocket)
            await asyncio.shield(child.stop())
        return websocket

    async def _shutdown(self, _app: web.Application) -> None:
        for websocket in list(self._sockets):
            await websocket.close(code=1001)


def _location(answer: web.HTTPException) -> dict[str, str]:
    return {"Location": answer.headers["Location"]} if "Location" in answer.headers else {}


async def _pass_on(websocket: web.WebSocketResponse, child: Child) -> None:
    """What the page sends, until it goes; whatever is none of its messages ends it."""
    async for message in websocket:
        if message.type != WSMsgType.TEXT:
            continue
        try:
            kind, *more = message.json()
            await _do(websocket, child, kind, *more)
        except (ValueError, TypeError, KeyError, AttributeError):
            await websocket.close(code=1003)


async def _do(websocket: web.WebSocketResponse, child: Child, kind: str, data: Any = None) -> None:
    if kind == "stdin":
        await child.send_bytes(data.encode())
    elif kind == "resize":
        await child.set_terminal_size(bounded(data["width"], 80), bounded(data["height"], 24))
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


@contextlib.asynccontextmanager
async def serving(served: Served, on: socket.socket) -> AsyncIterator[None]:
    """Answers as long as the block runs; then every program of a browser is ended. Nothing is logged."""
    runner = web.AppRunner(served.app(), access_log=None, handle_signals=False, shutdown_timeout=20.0)
    await runner.setup()
    await web.SockSite(runner, on).start()
    try:
        yield
    finally:
        await asyncio.shield(asyncio.ensure_future(runner.cleanup()))
