"""What wheels have to fit: the VM's Python and C library, in the words of uv and of pip."""

from __future__ import annotations

import re

import msgspec

from ..errors import BuildError

# glibc versions that uv knows by name; what is between two is as good as the lower one.
UV_KNOWS = (17, 28, *range(31, 41))
LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
OLDEST = {"x86_64": 5, "aarch64": 17}  # the first glibc 2.x that wheels are tagged with
HINT = "map the environment in [environments] of the site file to what this site has"


class Installed(msgspec.Struct, frozen=True):
    version: str
    requires: list[str] = []


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """As the agent's `targets` has it."""

    python: str  # 3.11.2
    implementation: str  # CPython
    machine: str  # x86_64
    libc: str  # 2.36, of glibc; "" is another C library
    pip: str  # that installs there
    installed: dict[str, Installed] = {}  # by name: what the requirements go on top of

    @property
    def title(self) -> str:
        return f"Python {self.python}, {self.machine}, glibc {self.libc}"

    @property
    def glibc(self) -> int:
        """The minor version of glibc 2 that wheels may need there. Raises BuildError where no wheels can be chosen."""
        if self.implementation != "CPython" or not self.python.startswith("3."):
            raise BuildError(f"no packages can be fetched for {self.implementation} {self.python}", hint=HINT)
        if self.machine not in OLDEST:
            raise BuildError(f"no packages can be fetched for a {self.machine} machine", hint=HINT)
        found = re.match(r"2\.(\d{1,3})(?!\d)", self.libc)
        if found is None or int(found[1]) < UV_KNOWS[0]:
            libc = f"glibc {self.libc}" if self.libc else "a C library that is not glibc"
            raise BuildError(f"no packages can be fetched for {libc}", hint=f"glibc 2.17 or newer is needed; {HINT}")
        # manylinux_2_X tags are known to pip since 20.3
        return int(found[1]) if _numbers(self.pip) >= (20, 3) else UV_KNOWS[0]

    def uv(self) -> list[str]:
        """Options of `uv pip compile`."""
        known = max(minor for minor in UV_KNOWS if minor <= self.glibc)
        return ["--python-platform", f"{self.machine}-manylinux_2_{known}", "--python-version", self.python]

    def pip_options(self) -> list[str]:
        """Options of `pip download`."""
        major, minor = self.python.split(".")[:2]
        words = ["--implementation", "cp", "--python-version", f"{major}.{minor}", "--abi", f"cp{major}{minor}"]
        for tag in self._tags():
            words += ["--platform", tag]
        return words

    def _tags(self) -> list[str]:
        """The newest first, as pip prefers them."""
        tags = []
        for minor in range(self.glibc, OLDEST[self.machine] - 1, -1):
            tags.append(f"manylinux_2_{minor}_{self.machine}")
            if minor in LEGACY:
                tags.append(f"{LEGACY[minor]}_{self.machine}")
        return [*tags, f"linux_{self.machine}"]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:2]))
