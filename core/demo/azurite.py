"""A real Azurite over HTTPS, in memory, under a Stack Hub style name that no resolver needs to know."""

from __future__ import annotations

import base64
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import MissingPart
from . import certs, parts

ACCOUNT = "trainshed"
HOST = f"{ACCOUNT}.blob.local.azurestack.external"
ADDRESS = "127.0.0.1"
START_S = 30.0
PORTS = 5  # tries: another program may take the port between our look and Azurite's

Start = Callable[[list[str], Mapping[str, str]], "subprocess.Popen[bytes]"]


@dataclass(frozen=True)
class Storage:
    """A running storage service. `key`: its account key, base64."""

    port: int
    key: str
    certificates: certs.Certificates

    @property
    def endpoint(self) -> str:
        return f"https://{HOST}:{self.port}"

    def described(self, container: str) -> dict[str, Any]:
        """As `core.data.source` describes it."""
        return {
            "endpoint": self.endpoint,
            "address": ADDRESS,
            "container": container,
            "prefix": "",
            "credential": self.key,
            "ca_pem": self.certificates.root.read_text(encoding="utf-8"),
            "api_version": "auto",
        }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port


def command(port: int, certificates: certs.Certificates) -> list[str]:
    """The words that start it; the account and its key are in the environment."""
    return [
        parts.node().node,
        str(parts.azurite()),
        *("--blobHost", ADDRESS, "--blobPort", str(port)),
        *("--cert", str(certificates.certificate), "--key", str(certificates.key)),
        *("--inMemoryPersistence", "--disableTelemetry", "--silent"),
    ]


def start(folder: Path, begin: Start, give_up: Callable[[subprocess.Popen[bytes]], object]) -> Storage:
    """Starts it by `begin(command, environment)` and waits until it answers. Raises MissingPart."""
    certificates = certs.make(folder, HOST)
    key = base64.b64encode(secrets.token_bytes(64)).decode()
    environment = {**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"}
    for _ in range(PORTS):
        port = free_port()
        process = begin(command(port, certificates), environment)
        if listens(ADDRESS, port, process):
            return Storage(port, key, certificates)
        give_up(process)
    raise MissingPart("Azurite does not start", hint=f"its own words are in {folder / 'azurite.log'}")


def listens(address: str, port: int, process: subprocess.Popen[bytes]) -> bool:
    """Waits until the port accepts connections; False where the process ended or START_S passed."""
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((address, port), 1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return process.poll() is None
    return False
