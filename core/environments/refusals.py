"""What uv and pip say when they cannot, as one message."""

from __future__ import annotations

import re

from ..errors import BuildError
from .target import Target

HINT_LINES = 12
UNREACHABLE = re.compile(
    r"Failed to fetch|error sending request|dns error|tcp connect error|Could not connect|connection broken by|"
    r"Network is unreachable"
)
STATUS = re.compile(r"HTTP status (?:client|server) error")
NO_WHEEL = re.compile(r"(\S+) (?:has|have) no (?:usable wheels|wheels with a matching)")
NOT_FOUND = re.compile(r"(\S+) was not found in the (?:package registry|provided package locations)")
HASHES = re.compile(r"DO NOT MATCH THE HASHES")


def of_uv(said: str, target: Target) -> BuildError:
    last = _last(said)
    if "No module named uv" in said:
        return BuildError("uv is not installed beside trainshed", hint="install trainshed again")
    if STATUS.search(said):
        return BuildError("an index of this machine does not give what was asked for", hint=last)
    if UNREACHABLE.search(said):
        return _unreachable(last)
    missing = NOT_FOUND.findall(said)
    wheels = [name for name in NO_WHEEL.findall(said) if name not in missing]
    if wheels:
        names = ", ".join(dict.fromkeys(wheels))
        return BuildError(
            f"there is no wheel of {names} for the VM ({target.title}), and this machine cannot build one for it",
            hint="name a version that has one; " + last,
        )
    if missing:
        return BuildError(f"no index of this machine has {', '.join(dict.fromkeys(missing))}", hint=last)
    return BuildError(f"the requirements cannot be resolved for the VM ({target.title})", hint=last)


def of_pip(said: str) -> BuildError:
    last = _last(said)
    if HASHES.search(said):
        return BuildError("a file that was fetched is not the one that the index names", hint=last)
    if UNREACHABLE.search(said):
        return _unreachable(last)
    return BuildError("the packages cannot be fetched", hint=last)


def _unreachable(last: str) -> BuildError:
    hint = "pip's or uv's configuration on this machine says where its index is; " + last
    return BuildError("this machine reaches no package index, and it is to fetch the VM's packages", hint=hint)


def _last(said: str) -> str:
    return "\n".join([line for line in said.splitlines() if line.strip()][-HINT_LINES:])
