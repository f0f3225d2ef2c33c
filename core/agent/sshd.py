"""The sshd that this session came through: our ancestors in /proc lead to the listening process."""

from __future__ import annotations

import os
import re
import shutil
from typing import List, NamedTuple, Optional, Tuple

WITH_VALUE = "CEbcfghkopu"  # options of sshd that take a value
WITHOUT_VALUE = "46DGQRTVdeiqrt"
GONE = " (deleted)"  # after an upgrade another file is there under the same name
FAMILY = ("sshd", "sshd-session", "sshd-auth")
PER_CONNECTION = "no listening sshd above this session (started per connection): the default configuration was read"
RESTARTED = "the sshd we came through has ended; the one started since was read"


class Unreadable(Exception):
    """The configuration cannot be told: the text says why."""


class Process(NamedTuple):
    pid: int
    parent: int
    uid: int
    name: str
    words: List[str]  # argv, or one word where the process wrote a title over it
    start: int  # clock ticks since boot


class Listener(NamedTuple):
    program: str
    options: List[Tuple[str, str]]  # the letters with their values
    uid: int
    note: str
    started: int = 0  # clock ticks since boot; 0: not known
    pid: int = 0


def process(pid: int) -> Process:
    """Raises OSError where /proc has or shows no such process."""
    with open("/proc/%d/status" % pid, encoding="utf-8", errors="replace") as file:
        fields = dict(line.rstrip("\n").split(":", 1) for line in file if ":" in line)
    with open("/proc/%d/cmdline" % pid, "rb") as raw:
        words = [word.decode(errors="replace") for word in raw.read().rstrip(b"\0 ").split(b"\0")]
    with open("/proc/%d/stat" % pid, "rb") as raw:
        start = int(raw.read().rpartition(b")")[2].split()[19])
    name = fields["Name"].strip()
    return Process(pid, int(fields["PPid"]), int(fields["Uid"].split()[0]), name, words, start)


def options(words: List[str], joined: bool) -> List[Tuple[str, str]]:
    """(letter, value) of sshd's arguments, as getopt reads them.

    `joined`: the words were split out of a title at its spaces, so a value goes on until the next option.
    """
    found: list[tuple[str, str]] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        for position, letter in enumerate(word[1:] if word.startswith("-") else "", start=2):
            if letter not in WITH_VALUE:
                continue
            value = [word[position:]] if word[position:] else rest[:1]
            rest = rest if word[position:] else rest[1:]
            while joined and rest and not is_option(rest[0]):
                value.append(rest.pop(0))
            found.append((letter, " ".join(value)))
            break
    return found


def is_option(word: str) -> bool:
    return len(word) > 1 and word[0] == "-" and word[1] in WITH_VALUE + WITHOUT_VALUE


def as_listener(found: Process) -> Optional[Listener]:
    """The server's program and options, or None where the process only serves one connection."""
    title = re.fullmatch(r"sshd: (/\S*sshd\b.*)", found.words[0], re.DOTALL)
    if title is not None:
        if " [" not in title.group(1):
            raise Unreadable("the title of sshd (process %d) is cut off, so its options cannot be read" % found.pid)
        words, joined = title.group(1).rpartition(" [")[0].split(" "), True
    elif os.path.basename(found.words[0]) == "sshd":
        words, joined = found.words, False
    else:
        return None
    if any(re.fullmatch("-[%s]*[Ri].*" % WITHOUT_VALUE, word) for word in words[1:]):
        return None
    given = [
        (letter, _whole(found.pid, value) if letter == "f" else value) for letter, value in options(words[1:], joined)
    ]
    return Listener(_program(found.pid, words[0]), given, found.uid, "", found.start, found.pid)


def _whole(pid: int, path: str) -> str:
    """From the server's own folder: in ours there may be another file of that name."""
    if os.path.isabs(path):
        return path
    try:
        return os.path.join(os.readlink("/proc/%d/cwd" % pid), path)
    except OSError:
        raise Unreadable("the server's file is %s in a folder that is not ours to see" % path) from None


def _program(pid: int, named: str) -> str:
    try:
        exe = os.readlink("/proc/%d/exe" % pid)
        return exe[: -len(GONE)] if exe.endswith(GONE) else exe
    except OSError:
        path = named if named.startswith("/") else shutil.which(named, path="/usr/sbin:/usr/local/sbin:/sbin")
        return path or "/usr/sbin/sshd"


def listener(pid: int) -> Listener:
    """The sshd above process `pid`. Raises Unreadable."""
    session: Process | None = None
    while pid > 0:
        try:
            found = process(pid)
        except OSError:
            raise Unreadable("/proc does not show process %d above this session (hidepid?)" % pid) from None
        if found.name in FAMILY:
            server = as_listener(found)
            if server is not None:
                return server
            session = found
        elif session is not None:
            break
        pid = found.parent
    if session is None:
        raise Unreadable("no sshd of OpenSSH is above this session")
    return _orphaned(session)


def _orphaned(session: Process) -> Listener:
    """Our server has no listener above it: it is started per connection, or was started again meanwhile.

    Anybody can call a program sshd: what another account runs is neither believed nor started.
    """
    since = []
    for entry in os.listdir("/proc"):
        try:
            found = process(int(entry)) if entry.isdigit() else None
            server = as_listener(found) if found and found.name == "sshd" and found.start > session.start else None
        except (OSError, Unreadable):
            continue
        if server is not None and server.uid == session.uid:
            since.append(server)
    if len(since) > 1:
        raise Unreadable("the sshd we came through has ended, and %d others were started since" % len(since))
    if since and not _installed(since[0]):
        raise Unreadable("others than root can change %s, which runs as if it were sshd" % since[0].program)
    if since:
        return since[0]._replace(note=RESTARTED)
    return Listener("/usr/sbin/sshd", [], session.uid, PER_CONNECTION)


def _installed(server: Listener) -> bool:
    """Nobody but root and the server's own account can put another program there."""
    path = os.path.realpath(server.program)
    named = os.path.basename(path) == "sshd"
    while named:
        try:
            status = os.stat(path)
        except OSError:
            return False
        if status.st_uid not in (0, server.uid) or status.st_mode & 0o022:
            return False
        if path == "/":
            return True
        path = os.path.dirname(path)
    return False
