"""The Pythons of this VM that an environment can be made with."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import NamedTuple, Optional

from .faults import Fault

ASK = (
    "import json,os,platform,sys,sysconfig;"
    "print(json.dumps([platform.python_version(),os.path.realpath(sys.executable),"
    "os.path.realpath(sys.base_prefix),sysconfig.get_platform()]))"
)
VERSION = re.compile(r"(\d+\.\d+)(\.\d+|\.\*)?\Z")


class Interpreter(NamedTuple):
    version: str  # 3.11.2
    path: str
    prefix: str
    platform: str  # linux-x86_64


def at(path: str) -> Optional[Interpreter]:
    """The Python at that path, asked itself; None where there is none, or its prefix is no place to show."""
    return _described(path) if os.path.isabs(path) else None


def choose(wanted: str) -> Interpreter:
    """`wanted`: "3.11", "3.11.4" or "". Raises Fault where this VM has none that fits and can make environments."""
    own = _described(os.path.realpath(sys.executable))
    if own is None:
        raise Fault("environment", "the VM's python3 cannot be started", "sudo apt-get install python3")
    if wanted in ("", "3"):
        return _usable(own)
    match = VERSION.match(wanted)
    if match is None:
        raise Fault("environment", "not a version of Python: %r" % wanted, "python=3.11, say")
    minor, exact = match.group(1), wanted if (match.group(2) or ".*") != ".*" else ""
    other = shutil.which("python" + minor)
    for found in (own, _described(other) if other else None):
        if found and found.version.rsplit(".", 1)[0] == minor and exact in ("", found.version):
            return _usable(found)
    title = "the job asks for Python %s and the VM has %s" % (wanted, own.version)
    hint = "ask for python=%s, or on the VM: sudo apt-get install python%s python%s-venv"
    raise Fault("environment", title, hint % (own.version.rsplit(".", 1)[0], minor, minor))


def _described(path: str) -> Optional[Interpreter]:
    try:
        text = subprocess.run([path, "-IS", "-c", ASK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        found = Interpreter(*json.loads(text.stdout.decode()))
    except (OSError, ValueError, TypeError, subprocess.CalledProcessError):
        return None
    return found if _fits(found) else None


def _fits(python: Interpreter) -> bool:
    """Its prefix holds it and its library: a folder to bind in a sandbox, never / or a home."""
    library = "python" + python.version.rpartition(".")[0]
    inside = python.path.startswith(python.prefix.rstrip("/") + "/")
    has = any(os.path.isdir(os.path.join(python.prefix, name, library)) for name in ("lib", "lib64"))
    return (python.prefix.count("/") > 1 and inside and has) or python.prefix == "/usr"


def _usable(python: Interpreter) -> Interpreter:
    words = [python.path, "-ISc", "import venv, ensurepip"]
    done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        minor = python.version.rsplit(".", 1)[0]
        title = "the VM's Python %s cannot make environments" % minor
        raise Fault("environment", title, "on the VM: sudo apt-get install python%s-venv" % minor)
    return python
