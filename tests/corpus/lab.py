"""One VM behind a real sshd, with Docker, bubblewrap and a storage service, and a site file for each engine."""

from __future__ import annotations

import asyncio
import functools
import http.server
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from core.data.upload import upload
from core.demo import azurite as storage
from core.environments.service import LiveEnvironments
from core.events import TERMINAL, RunsListed
from core.runs.service import LiveRuns
from core.site import files
from core.ssh.link import SiteLink
from core.workspace import opened

from ..lab import azurite, dockerd
from ..lab.sites import hermetic
from ..lab.sshd import HOST, Sshd

ENGINES = ("docker", "bwrap")
CREDENTIAL = "TRAINSHED_CORPUS_KEY"
NOWHERE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")  # what dockerd pulls images through


@dataclass(frozen=True, kw_only=True)
class Has:
    """What a site has: a container with blobs, what jobs call them, and what jobs call its environments."""

    container: str
    blobs: Mapping[str, bytes]
    aliases: Mapping[str, str]
    environments: Mapping[str, Mapping[str, str]]
    requirements: Mapping[str, str]  # a file that `environments` names -> its text


class Engine:
    """A client of the site whose VM has this sandbox engine."""

    def __init__(self, path: Path) -> None:
        self.site = files.load(path)
        self.link = SiteLink(self.site)
        self.runs = LiveRuns(self.site, self.link, opened(self.site), read_only=True)


class Lab:
    """`root` is the VM's; `engines` has a client for each engine."""

    def __init__(self, sshd: Sshd, engines: Mapping[str, Engine]) -> None:
        self.root = sshd.home / ".trainshed"
        self.engines = engines

    def outputs(self, run: str) -> Path:
        return self.root / "runs" / run / "outputs"

    async def close(self) -> None:
        """Ends what still runs, and removes the images that were built, which its Docker would keep for ever."""
        for engine in self.engines.values():
            await _end_runs(engine)
            async for _ in LiveEnvironments(engine.site, engine.link).prune(older_than_days=0):
                pass
            await engine.link.close()


async def _end_runs(engine: Engine) -> None:
    listed = [event async for event in engine.runs.list() if isinstance(event, RunsListed)]
    for info in (info for event in listed for info in event.runs if info.state not in TERMINAL):
        async for _ in engine.runs.cancel(info.run):
            pass


@contextmanager
def served(folders: Sequence[Path]) -> Iterator[list[str]]:
    """The folders on loopback; their addresses."""
    servers = []
    for folder in folders:
        handler = functools.partial(_Quiet, directory=str(folder))
        servers.append(http.server.ThreadingHTTPServer((HOST, 0), handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
    try:
        yield [f"http://{HOST}:{server.server_address[1]}/" for server in servers]
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@asynccontextmanager
async def running(has: Has, engines: Sequence[str], daemon: dockerd.Dockerd | None) -> AsyncIterator[Lab]:
    """Without `daemon` the VM has no Docker."""
    dockerd.CACHE.mkdir(parents=True, exist_ok=True, mode=0o700)
    home = Path(tempfile.mkdtemp(dir=dockerd.CACHE))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("TRAINSHED_HOME", str(home))
        hermetic(home, patch)
        service = stack.enter_context(azurite.running(home))
        patch.setenv(CREDENTIAL, service.key)
        await asyncio.to_thread(upload, service.described(has.container), has.blobs)
        where = f"unix://{daemon.socket if daemon else '/nowhere'}"
        sshd = Sshd(home / "sshd", environment={"DOCKER_HOST": where, "TRAINSHED_BUILD_NETWORK": "host"})
        stack.callback(sshd.stop)
        lab = Lab(sshd, {engine: Engine(_site_file(engine, sshd, service, has)) for engine in engines})
        try:
            yield lab
        finally:
            await lab.close()


def _site_file(engine: str, sshd: Sshd, service: storage.Storage, has: Has) -> Path:
    pinned, key = sshd.pinned, str(sshd.client_key)
    path = files.write_new(
        f"corpus-{engine}", "vm", host=sshd.host, port=sshd.port, user=sshd.user, identity=key, host_key=pinned
    )
    document: Any = tomlkit.parse(path.read_text())
    document["vms"]["vm"]["sandbox"] = engine
    document["data"] = {
        "endpoint": service.endpoint,
        "address": HOST,
        "container": has.container,
        "credential": f"env:{CREDENTIAL}",
        "ca_bundle": str(service.certificates.root),
        "aliases": dict(has.aliases),
    }
    document["environments"] = {name: dict(found) for name, found in has.environments.items()}
    path.write_text(tomlkit.dumps(document))
    for name, text in has.requirements.items():
        (path.parent / name).write_text(text)
    return path
