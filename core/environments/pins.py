"""What a resolution chose: `name==version` or `name @ address`, with the hashes of its files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit

import msgspec

from ..errors import BuildError
from . import requirement_line

NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
BY_VERSION = re.compile(r"[A-Za-z0-9][\w.-]*(\[[\w.,-]+\])?==[\w.+!*-]+")
BY_ADDRESS = re.compile(r"[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\]\s*)?@\s*(https?://[^\s$\\]+)", re.IGNORECASE)
# By its last part alone pip knows a wheel, decoded twice: no "%" is left in it, and ".whl" alone is no wheel's name.
WHEEL = re.compile(r"[A-Za-z0-9][\w.+!-]*\.whl")
HASH = re.compile(r"--hash[=\s](\S+)")


class Pin(msgspec.Struct, frozen=True):
    name: str  # canonical
    what: str  # "six==1.17.0" or "six @ https://…"
    hashes: list[str]  # "sha256:…"

    @property
    def version(self) -> str:
        return self.what.partition("==")[2]

    @property
    def line(self) -> str:
        return " ".join([self.what, *(f"--hash={each}" for each in self.hashes)])


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read(lines: Iterable[str]) -> list[Pin]:
    """Requirement lines, each whole; what names no package (a bare address) is left out."""
    found = []
    for line in lines:
        name = NAME.match(line)
        if name and "://" not in line[: name.end() + 3]:
            what = line.partition(" --hash")[0].partition(" ;")[0].strip()
            found.append(Pin(canonical(name[0]), what, HASH.findall(line)))
    return found


def only_wheels(chosen: Iterable[Pin]) -> None:
    """Raises BuildError for an address of anything else: pip runs what is there to build it, whatever it is told."""
    for pin in chosen:
        if not BY_VERSION.fullmatch(pin.what) and not _is_wheel(pin.what):
            shown = requirement_line.shown(pin.what)
            raise BuildError(
                f"{shown} is not a wheel, and this machine runs nothing of a package to build one",
                hint="name a version of it that an index has, or the http address of a file that ends in .whl",
            )


def _is_wheel(what: str) -> bool:
    found = BY_ADDRESS.fullmatch(what)
    if found is None:
        return False
    path = unquote(urlsplit(found[1]).path)
    return WHEEL.fullmatch(path.rpartition("/")[2]) is not None


def held(chosen: Iterable[Pin], asked: Iterable[Pin]) -> list[Pin]:
    """`chosen` with the hashes that the requirements themselves allow, where they say so.

    Raises BuildError for a package none of whose files has such a hash, and as pip does for one that has to have one.
    """
    allowed: dict[str, list[str]] = {}
    for pin in asked:
        if pin.hashes:
            allowed.setdefault(pin.name, []).extend(pin.hashes)
    return [_held(pin, allowed) for pin in chosen]


def _held(pin: Pin, allowed: Mapping[str, list[str]]) -> Pin:
    if not allowed:
        return pin
    if pin.name not in allowed:
        raise BuildError(
            f"{pin.what} is needed, and the requirements have no hash of it",
            hint="where one requirement has a --hash, all need one: those of dependencies too",
        )
    both = [each for each in pin.hashes if each in allowed[pin.name]]
    if not both:
        raise BuildError(f"{pin.what}: no file of it has a hash that the requirements name", hint="are they of today?")
    return Pin(pin.name, pin.what, both)
