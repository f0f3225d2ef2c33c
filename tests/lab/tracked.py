"""The agent's tracking server as a process of its own, a relay in front of it, and real MLflow clients."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.agent import jobs

from .agent_process import place
from .warm import Warm

RUN = "01JDTRACK0000000000000000A"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trainshed-tests"
SERVER = """
import json, sys
from agent import tracking
server = tracking.serve(sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3]))
print("ready", flush=True)
sys.stdin.read()
server.close()
"""

# What a job's MLflow finds, wherever its server is.
SETTINGS = {
    **{key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")},
    **jobs.MLFLOW,
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MPLBACKEND": "Agg",
}


def older_mlflow() -> tuple[str, str]:
    """(Python of a cached venv with MLflow 2.22, or "", why there is none). All else in it is the tests' own."""
    folder = CACHE / "mlflow2"
    python = folder / "bin" / "python"
    done = folder / "complete"
    if not done.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        words = ["venv", "--without-pip", "--clear", str(folder)]
        made = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True)
        if made.returncode == 0:
            (own,) = folder.glob("lib/*/site-packages")
            (own / "tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
            words = ["pip", "--python", str(python), "install", "-q", "mlflow-skinny==2.22.*"]
            made = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, timeout=600)
        if made.returncode != 0:
            return "", "MLflow 2.22 cannot be installed: " + (made.stderr.strip().splitlines() or ["?"])[-1]
        done.touch()
    return str(python), ""


class Relay:
    """TCP on loopback to a unix socket, as in the sandbox; it may be longer than an address can be."""

    def __init__(self, socket_path: Path) -> None:
        self._path = socket_path
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            up, down = await asyncio.open_unix_connection(f"/proc/self/fd/{directory}/{self._path.name}")
        except OSError:
            writer.close()
            return
        finally:
            os.close(directory)
        await asyncio.gather(self._copy(reader, down), self._copy(up, writer))

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(256 * 1024):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    def close(self) -> None:
        async def end() -> None:
            self._server.close()
            rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            self._loop.stop()

        asyncio.run_coroutine_threadsafe(end(), self._loop)
        self._thread.join(10)


class Tracked:
    """A run's folder with its tracking server."""

    def __init__(self, base: Path, *, python: str = sys.executable, policy: dict[str, Any] | None = None) -> None:
        self.folder = base / "runs" / RUN
        self.folder.mkdir(parents=True)
        self.job = {"run": RUN, "name": "a job", "experiment": "wards", "tags": {"asked": "yes"}, "created": 1.7e9}
        self._base, self._python, self._policy = base, python, policy or {}
        self.start()
        self.relay = Relay(self.folder / "tracking" / "tracking.sock")

    def start(self) -> None:
        words = [self._python, "-sSE", "-c", SERVER, str(self.folder), json.dumps(self.job), json.dumps(self._policy)]
        self.process = subprocess.Popen(
            words, cwd=place(self._base), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None and self.process.stdout.readline() == "ready\n"

    def stop(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()

    def kill(self) -> None:
        self.process.kill()
        self.stop()

    def close(self) -> None:
        self.stop()
        self.relay.close()

    @property
    def env(self) -> dict[str, str]:
        return {
            **SETTINGS,
            "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{self.relay.port}",
            "MLFLOW_RUN_ID": RUN,
        }

    def run(self, client: str | Warm, code: str, **env: str) -> str:
        """stdout of a script that has to succeed, in a Python that starts for it or in a warm one."""
        if isinstance(client, Warm):
            return client.run(code, {**self.env, **env})
        with tempfile.TemporaryDirectory() as empty:
            done = subprocess.run(
                [client, "-c", code], cwd=empty, env={**self.env, **env}, capture_output=True, text=True, timeout=110
            )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ops(self, op: str | None = None) -> list[dict[str, Any]]:
        """What is in the log; every line has to be whole, and numbered from 1 without a gap."""
        path = self.folder / "tracking" / "log.jsonl"
        found = [json.loads(line) for line in path.read_text().splitlines()]
        assert [line["seq"] for line in found] == list(range(1, len(found) + 1))
        return [line for line in found if op in (None, line["op"])]


def tracked(base: Path, **options: Any) -> Iterator[Tracked]:
    """For fixtures."""
    server = Tracked(base, **options)
    try:
        yield server
    finally:
        server.close()
