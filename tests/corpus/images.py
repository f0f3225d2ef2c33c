"""The images that the campaign's VM has: the lab's Debian made fit for jobs that expect an image of Python."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

from core.agent.docker_api import NotThere

from ..lab.dockerd import IMAGE, Dockerd
from ..pythons import oldest

PYTHON = "corpus/python:1"
OLD = "python:3.8"  # what Dockerfiles of the examples begin with; a Dockerfile's name cannot be mapped
LABEL = "trainshed.corpus"
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
PIP_CONFIG = Path("/etc/pip.conf")
LEFT_OUT = ("__pycache__", "test", "tests", "idlelib", "config-3.8-x86_64-linux-gnu")

# `python`, pip that installs, and the OpenMP library that lightgbm wants, as an image of Python has them.
PYTHON_FILE = f"""FROM {IMAGE}
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
RUN ln -s python3 /usr/bin/python && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
"""
# How pip reaches its index is this machine's own: a Dockerfile of somebody else says nothing of it.
OLD_FILE = f"""FROM {PYTHON}
COPY python /usr/local
COPY trust {CA_BUNDLE.parent}
RUN printf '#!/bin/sh\\nexec python3.8 -m pip "$@"\\n' >/usr/local/bin/pip && chmod 755 /usr/local/bin/pip
RUN ldconfig && ln -sf python3.8 /usr/local/bin/python3 && ln -sf python3.8 /usr/local/bin/python
ENV PIP_CERT={CA_BUNDLE} PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
"""


def make(daemon: Dockerd) -> None:
    """Both, where they are not there yet. Without a Python 3.8 on this machine there is no second one."""
    _made(daemon, PYTHON, PYTHON_FILE, {})
    prefix = _old_prefix()
    if prefix is not None:
        _made(daemon, OLD, OLD_FILE, {"python": prefix, "trust/ca-certificates.crt": CA_BUNDLE})


def _old_prefix() -> Path | None:
    """The folder of a Python 3.8 that can be copied whole."""
    script = "import sys; print(sys.base_prefix if sys.version_info[:2] == (3, 8) else '')"
    found = subprocess.run([oldest(), "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    return Path(found) if found and found != "/usr" else None


def _made(daemon: Dockerd, name: str, dockerfile: str, folders: Mapping[str, Path]) -> None:
    version = hashlib.sha256(dockerfile.encode()).hexdigest()
    try:
        if (daemon.api.call("GET", f"/images/{name}/json")["Config"]["Labels"] or {}).get(LABEL) == version:
            return
    except NotThere:
        pass
    context = _context(f"{dockerfile}LABEL {LABEL}={version}\n", folders)
    said = ""
    for line in daemon.api.lines("POST", "/build", context, "application/x-tar", t=name, networkmode="host", rm="1"):
        said += str(line.get("stream", ""))
        if "error" in line:
            raise RuntimeError(f"{name} cannot be built: {line['error']}\n{said[-2000:]}")


def _context(dockerfile: str, folders: Mapping[str, Path]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(dockerfile.encode())
        archive.addfile(member, io.BytesIO(dockerfile.encode()))
        for name, path in folders.items():
            archive.add(path.resolve(), name, filter=_wanted)
    return out.getvalue()


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    member.uid = member.gid = 0
    return None if member.name.rpartition("/")[2] in LEFT_OUT else member
