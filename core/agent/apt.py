"""Whether apt upgrades this host by itself: what is installed, how apt is set, the timers that begin it."""

from __future__ import annotations

import os
import re
from typing import Dict, List

from .hostfiles import Files

PROGRAM = "/usr/bin/unattended-upgrade"
PART = re.compile(r'//[^\n]*|#(?!clear\b|include\b)[^\n]*|/\*.*?\*/|"[^"]*"|[{};]|[^\s{};"]+', re.DOTALL)
COMMENTS = ("//", "/*")
PERIODIC = "apt::periodic::"
TIMERS = ("apt-daily.timer", "apt-daily-upgrade.timer")
UNITS = "/etc/systemd/system"


def obstacle(files: Files) -> str:
    """Why it does not, or "". Raises OSError."""
    if not files.exists(PROGRAM):
        return "not installed"
    found = _settings(files)
    if found.get(PERIODIC + "enable", "1") == "0":
        return "APT::Periodic::Enable 0"
    for key in ("Unattended-Upgrade", "Update-Package-Lists"):
        if found.get(PERIODIC + key.lower(), "0") in ("0", ""):
            return "no APT::Periodic::%s" % key
    stopped = [name for name in TIMERS if not _begins(files, name)]
    return "%s is off" % stopped[0] if stopped else ""


def _settings(files: Files) -> Dict[str, str]:
    found: Dict[str, str] = {}
    for path in [*files.names("/etc/apt/apt.conf.d/*"), "/etc/apt/apt.conf"]:
        if re.search(r"/[A-Za-z0-9_-]+(\.conf)?$", path):  # apt leaves others out too
            read(files.optional(path), found)
    return found


def read(text: str, found: Dict[str, str]) -> None:
    """Adds a file of apt's: keys in lower case, `A::B "value";` or `A { B "value"; };`."""
    scopes: List[str] = [""]
    words: List[str] = []
    for part in PART.findall(text):
        if part.startswith(COMMENTS) or (part[0] == "#" and part not in ("#clear", "#include")):
            continue
        if part not in ("{", "}", ";"):
            words.append(part.strip('"'))
            continue
        if part == "{":
            scopes.append("%s%s::" % (scopes[-1], "".join(words[:1]).lower()))
        elif part == ";" and words[:1] == ["#clear"]:
            gone = tuple(word.lower() for word in words[1:])
            for key in [key for key in found if key.startswith(gone)]:
                del found[key]
        elif part == ";" and len(words) > 1:
            found[scopes[-1] + words[0].lower()] = words[1]
        elif part == "}" and len(scopes) > 1:
            scopes.pop()
        words = []


def _begins(files: Files, timer: str) -> bool:
    """It is neither masked nor, where systemd runs, switched off."""
    path = files.path("%s/%s" % (UNITS, timer))
    if os.path.islink(path) and os.readlink(path) == "/dev/null":
        return False
    wanted = files.path("%s/timers.target.wants/%s" % (UNITS, timer))
    return os.path.lexists(wanted) or not files.exists("/run/systemd/system")
