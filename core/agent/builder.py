"""One build of an environment: venv and pip in a sandbox, its log streamed and kept."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
from typing import Any, Dict, List

from . import interpreters, sandbox
from .call import Call
from .faults import Fault

REQUIREMENTS = "/opt/requirements.txt"
ASKED = "/opt/asked.txt"
WHEELS = "/opt/wheels"
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
MAKE = 'exec "$0" -Im venv --without-pip /env'
WITH_PIP = 'set -e; "$0" -I %s/venv_install.py; ' % sandbox.SOURCE
PIP_INSTALL = "/env/bin/python -m pip install --no-input --disable-pip-version-check --progress-bar off --no-cache-dir"
INSTALL = WITH_PIP + "exec " + PIP_INSTALL + ' "$@"'
# What a client has sent is held to what was asked for: installs nothing, and fails where something does not fit.
CHECK = "-q --no-index --no-deps -r "
CHECKED = WITH_PIP + PIP_INSTALL + ' "$@"; exec ' + PIP_INSTALL + " " + CHECK + ASKED
HINT_LINES = 12
LOG = "build.log"
OFFLINE = {"PIP_CONFIG_FILE": os.devnull, "PYTHONUNBUFFERED": "1"}
# pip's own words, of all its versions, where no connection came about; a package that is missing has none of them.
UNREACHABLE = re.compile(
    "connection broken by|NewConnectionError|ConnectTimeout|Failed to establish a new connection|No route to host|"
    "Temporary failure in name resolution|Name or service not known|Network is unreachable|Connection refused"
)
CLIENT = 'the VM reaches no package index: with packages = "client" for it in the site file, the client fetches them'


def build_in(
    call: Call,
    temporary: str,
    env: str,
    scratch: str,
    lines: List[str],
    python: interpreters.Interpreter,
    policy: Dict[str, Any],
    wheels: str = "",
) -> None:
    """Fills `env`; `scratch` is its /tmp; the log and the list stay in `temporary`, which it does not see.
    `wheels`: a folder with all that is installed, and its requirements.txt; no index is asked then.

    pip keeps no cache: what one build leaves in a cache is what another would install.
    Raises Fault with the last lines of the log, or Cancelled after ending the tree.
    """
    binds = [
        (env, sandbox.ENV, "rw"),
        (scratch, "/tmp", "rw"),  # noqa: S108 (the sandbox's own)
        (listed(temporary, lines), REQUIREMENTS, "ro"),
        *(bind for bind in sandbox.prefix_binds(python.prefix) if python.path != sandbox.interpreter()),
    ]
    if wheels:
        binds += [(wheels, WHEELS, "ro"), (listed(temporary, asked(lines), "asked.txt"), ASKED, "ro")]
    script = (CHECKED if wheels else INSTALL) if lines else MAKE
    argv = ["/bin/sh", "-c", script, python.path, *flags(lines, REQUIREMENTS, WHEELS if wheels else "")]
    code = run(call, temporary, policy, binds, OFFLINE if wheels else variables(), argv)
    if code != 0:
        hint = last_words(said(temporary))
        raise Fault("environment", "the environment cannot be built (exit code %d)" % code, hint)


def asked(lines: List[str]) -> List[str]:
    """Of requirements, those that can be held against what is installed: no options, no addresses."""
    return [line for line in lines if not line.startswith("-") and "://" not in line]


def listed(temporary: str, lines: List[str], name: str = "requirements.txt") -> str:
    """The requirements as a file that the build may read."""
    path = os.path.join(temporary, name)
    with sandbox.create(path) as file:
        file.write("".join(line + "\n" for line in lines).encode())
    sandbox.share(path)
    return path


def run(
    call: Call,
    temporary: str,
    policy: Dict[str, Any],
    binds: List[sandbox.Bind],
    env: Dict[str, str],
    argv: List[str],
) -> int:
    """The exit code of `argv` in a sandbox. Its output is the build's log. Raises Cancelled after ending the tree."""
    process = sandbox.start(policy, binds, env, "/env", argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        _stream(call, process, os.path.join(temporary, LOG))
    finally:
        sandbox.terminate(process)
        if process.stdout is not None:
            process.stdout.close()
    return process.returncode


def flags(lines: List[str], requirements: str, wheels: str) -> List[str]:
    """pip's, for the file `requirements` or for the folder `wheels` as the build sees them."""
    if wheels:
        return ["--no-index", "--find-links", wheels, "--require-hashes", "-r", wheels + "/requirements.txt"]
    return [*(["--require-hashes"] if any("--hash=" in line for line in lines) else []), "-r", requirements]


def variables() -> Dict[str, str]:
    env = {
        "PIP_CONFIG_FILE": "/etc/pip.conf" if os.path.exists("/etc/pip.conf") else os.devnull,
        "PYTHONUNBUFFERED": "1",
    }
    if os.path.exists(CA_BUNDLE):
        env.update(PIP_CERT=CA_BUNDLE, SSL_CERT_FILE=CA_BUNDLE)
    return env


def _stream(call: Call, process: "subprocess.Popen[bytes]", path: str) -> None:
    """Until the log ends; the client sees it as it is written."""
    assert process.stdout is not None  # noqa: S101
    fd = process.stdout.fileno()
    with sandbox.create(path) as log, selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while True:
            call.wait(0)
            if not selector.select(0.2):
                continue
            chunk = os.read(fd, 64 * 1024)
            if not chunk:
                process.wait()
                return
            log.write(chunk)
            call.event(event="build.log", text=chunk.decode(errors="replace"))


def said(temporary: str) -> str:
    """The build's log."""
    with open(os.path.join(temporary, LOG), encoding="utf-8", errors="replace") as file:
        return file.read()


def tail(text: str, most: int = HINT_LINES) -> str:
    return "\n".join([line for line in text.splitlines() if line.strip()][-most:])


def last_words(text: str) -> str:
    """The end of pip's log, and the way out where it is that no index could be reached."""
    return tail(text) + ("\n" + CLIENT if UNREACHABLE.search(text) else "")
