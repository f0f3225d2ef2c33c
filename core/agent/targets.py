"""What wheels have to fit: the Python that will import them, asked itself, on this VM or in an image."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any, Dict, Iterator

from .docker_api import Docker, NotThere, Refusal, Unanswered
from .faults import Fault
from .interpreters import Interpreter

# Written for any Python 3 that an image may have. The pip of a venv is the one that ensurepip brings.
ASK = """
import json, os, platform, sys
try:
    libc = os.confstr("CS_GNU_LIBC_VERSION").split()[-1]
except (AttributeError, OSError, ValueError):
    libc = ""
version, installed = "", {}
try:
    if sys.argv[1:] == ["image"]:
        import pip
        version = pip.__version__
        from importlib.metadata import distributions
        for each in distributions():
            if each.metadata["Name"] and each.version:
                installed[each.metadata["Name"]] = {"version": each.version, "requires": list(each.requires or [])}
    else:
        import ensurepip
        version = ensurepip.version()
except ImportError:
    pass
print("\\n" + json.dumps({
    "python": platform.python_version(), "implementation": platform.python_implementation(),
    "machine": platform.machine(), "libc": libc, "pip": version, "installed": installed,
}))
"""
TEXTS = ("python", "implementation", "machine", "libc", "pip")
PATIENCE_S = 60.0
LABEL = "trainshed.asked"
MEMORY_BYTES = 1 << 30
PROCESSES = 64
MOST = 4 << 20  # characters of an answer


def of_python(python: Interpreter) -> Dict[str, Any]:
    """{"python": "3.11.2", "implementation": "CPython", "machine": "x86_64", "libc": "2.36" of glibc or "", "pip",
    "installed": {name: {"version", "requires": as its metadata says}} that requirements go on top of}. Raises Fault.
    """
    try:
        done = subprocess.run(
            [python.path, "-IS", "-c", ASK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=PATIENCE_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Fault("environment", "%s cannot be asked what it is: %s" % (python.path, error))
    return _read(done.stdout.decode(errors="replace"), python.path)


def of_image(docker: Docker, image: str) -> Dict[str, Any]:
    """The same of an image that is on this VM, asked in a container with no network. Raises Fault, Unanswered."""
    asked = {
        "Image": image,
        "Entrypoint": ["python3"],
        "Cmd": ["-c", ASK, "image"],
        "Tty": True,
        "Labels": {LABEL: "1"},
        "HostConfig": {
            "Memory": MEMORY_BYTES,
            "PidsLimit": PROCESSES,
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
        },
    }
    _sweep(docker)
    try:
        made = docker.call("POST", "/containers/create", asked)["Id"]
    except (NotThere, Refusal) as error:
        raise Fault("environment", "image %s cannot be asked what it is: %s" % (image, error))
    try:
        docker.call("POST", "/containers/%s/start" % made)
        docker.call("POST", "/containers/%s/wait" % made, timeout=PATIENCE_S)
        return _read(_bounded(docker.text("/containers/%s/logs" % made, stdout="true", stderr="true")), image)
    except (NotThere, Refusal) as error:
        raise Fault("environment", "image %s has no python3 that requirements could go on top of" % image, str(error))
    finally:
        remove(docker, made)


def _bounded(texts: Iterator[str]) -> str:
    """Foreign code prints it."""
    held, size = [], 0
    for text in texts:
        size += len(text)
        if size > MOST:
            break
        held.append(text)
    return "".join(held)


def _sweep(docker: Docker) -> None:
    """What an agent left that was killed while it asked."""
    filters = json.dumps({"label": [LABEL], "status": ["created", "exited", "dead"]})
    for each in docker.call("GET", "/containers/json", all="true", filters=filters):
        if time.time() - each["Created"] > 2 * PATIENCE_S:
            remove(docker, each["Id"])


def remove(docker: Docker, container: str) -> None:
    try:
        docker.call("DELETE", "/containers/%s" % container, force="true", v="true")
    except (NotThere, Refusal, Unanswered):
        pass  # it has gone, or Docker has


def _read(text: str, whose: str) -> Dict[str, Any]:
    """Foreign code says it. Raises Fault where it is not what ASK prints."""
    lines = [line for line in text.splitlines() if line.startswith("{")]
    try:
        found: Dict[str, Any] = json.loads(lines[-1])
        if _is_answer(found):
            return found
    except (IndexError, ValueError, RecursionError):
        pass
    raise Fault("environment", "the Python of %s does not tell what it is" % whose, text[-500:])


def _is_answer(found: Dict[str, Any]) -> bool:
    """Whether it is as `of_python` has it."""
    installed = found.get("installed")
    return all(isinstance(found.get(key), str) for key in TEXTS) and (
        isinstance(installed, dict) and all(map(_is_installed, installed.values()))
    )


def _is_installed(found: Any) -> bool:
    requires = found.get("requires") if isinstance(found, dict) else None
    return isinstance(requires, list) and all(isinstance(text, str) for text in [found.get("version"), *requires])
