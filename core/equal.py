"""The command line that does the same, as a shell takes it: names of files and data may hold anything."""

from __future__ import annotations

import shlex


def command(*words: object) -> str:
    return shlex.join(["trainshed", *map(str, words)])
