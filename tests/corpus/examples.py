"""A collection of examples in git, a checkout or a bare directory: what is in it, and files of it put somewhere.

What is committed is read, by git itself. A blob that is not there (a partial clone) is left out.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

GIT = ("git", "-c", "protocol.allow=never")  # a partial clone fetches nothing
LINK, MODULE, EXECUTABLE = "120000", "160000", "100755"


class NoExamples(Exception):
    """There is no such collection; the text says how to get one."""


@dataclass(frozen=True)
class File:
    path: str  # relative to the top, with "/"
    mode: str
    blob: str


class Examples:
    """`place`: a checkout or a bare git directory. Raises NoExamples."""

    def __init__(self, place: Path) -> None:
        self.place = place
        done = self._git("rev-parse", "--show-prefix", "--verify", "HEAD^{commit}")
        lines = done.stdout.decode().split("\n")
        if done.returncode or lines[0]:  # a folder inside of another repository has a prefix
            raise NoExamples(f"{place} is neither the top of a git checkout nor a bare git directory")
        self.commit = lines[1]
        self.files = {file.path: file for file in self._listed()}

    def _git(self, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*GIT, "-C", str(self.place), *words], input=given, capture_output=True, check=False)

    def _listed(self) -> Iterator[File]:
        for entry in self._git("ls-tree", "-r", "-z", self.commit).stdout.decode().split("\0"):
            if entry:
                described, _, path = entry.partition("\t")
                mode, _, blob = described.split(" ")
                if mode != MODULE:
                    yield File(path, mode, blob)

    def contents(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """(path, content), without what is not there."""
        wanted = [self.files[path] for path in paths]
        answer = self._git("cat-file", "--batch", given="".join(f"{file.blob}\n" for file in wanted).encode()).stdout
        at = 0
        for file in wanted:
            end = answer.index(b"\n", at)
            words, at = answer[at:end].split(), end + 1
            if words[-1] != b"missing":
                size = int(words[2])
                yield file.path, answer[at : at + size]
                at += size + 1

    def below(self, folder: str) -> list[str]:
        """Every file in the folder and below it; "" is the top."""
        start = f"{folder}/" if folder else ""
        return [path for path in self.files if path.startswith(start)]

    def put(self, paths: Iterable[str], target: Path) -> None:
        """At the same places below `target`."""
        for path, content in self.contents(paths):
            place = target / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if self.files[path].mode == LINK:
                place.symlink_to(content.decode())
                continue
            place.write_bytes(content)
            place.chmod(0o755 if self.files[path].mode == EXECUTABLE else 0o644)
