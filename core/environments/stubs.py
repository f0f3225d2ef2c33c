"""What an image has, as wheels with nothing but metadata: a resolver can keep it, also where no index has it."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

from . import pins
from .target import Installed

VERSION = re.compile(r"(\d+!)?\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[a-z0-9]+(\.[a-z0-9]+)*)?")
NAME = re.compile(r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?")
EXTRA = re.compile(r"extra\s*==\s*['\"]([\w.-]+)['\"]")
WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def write(folder: Path, installed: Mapping[str, Installed]) -> list[str]:
    """`name==version` of each; what an image has under no proper name or version is left out. Blocks."""
    folder.mkdir()
    kept = {name: has for name, has in installed.items() if NAME.fullmatch(name) and VERSION.fullmatch(has.version)}
    for name, has in kept.items():
        _stub(folder, pins.canonical(name).replace("-", "_"), has)
    return [f"{name}=={has.version}" for name, has in kept.items()]


def _by_address(requirement: str) -> bool:
    """One that this machine would fetch, or read, for an image that says so."""
    return "://" in requirement or "@" in requirement.partition(";")[0]


def _stub(folder: Path, name: str, has: Installed) -> None:
    requires = [line for line in has.requires if line.isprintable() and not _by_address(line)]  # foreign text
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {has.version}"]
    lines += [f"Provides-Extra: {extra}" for extra in dict.fromkeys(EXTRA.findall("\n".join(requires)))]
    lines += [f"Requires-Dist: {line}" for line in requires]
    info = f"{name}-{has.version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{has.version}-py3-none-any.whl", "w") as file:
        file.writestr(f"{info}/METADATA", "\n".join(lines) + "\n")
        file.writestr(f"{info}/WHEEL", WHEEL)
        file.writestr(f"{info}/RECORD", "")
