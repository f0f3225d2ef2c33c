"""What a fix would write on this VM, and why some of it not. Nothing is changed here."""

from __future__ import annotations

import difflib
import grp
import hashlib
import json
import os
import pwd
import shlex
import stat
from typing import Any, Dict, List, NamedTuple, Optional

from . import fix_lists, fix_place, fix_server, sshd, sshd_files
from .faults import Fault
from .fix_server import Server

KEY_GROUP = "ssh_keys"  # Red Hat's, for ssh-keysign
DROP_IN_MODE = 0o644  # at most: who may read the server's file may read ours
OF_ROOT = ("permitrootlogin", "permitemptypasswords")  # decided by what holds for root


class Write(NamedTuple):
    """A file as it will be; `text` None: it will be gone. `attributes`: {}: those of the file that is there."""

    path: str
    text: Optional[str]
    mode: int
    uid: int
    gid: int
    attributes: Dict[str, str] = {}  # noqa: RUF012 - a tuple's default, which nobody changes

    @property
    def data(self) -> bytes:
        return (self.text or "").encode("utf-8", "surrogateescape")


class Mode(NamedTuple):
    path: str
    before: int
    after: int
    uid: int


class Plan(NamedTuple):
    """`refused`: keyword or path -> why it is left as it is. `served`: paths that the server reads.

    `unseen`: settings that `sshd -T` does not show.
    """

    server: Server
    settings: Dict[str, str]
    wanted: Dict[str, List[str]]  # keyword -> what `sshd -T` has to show
    writes: List[Write]
    modes: List[Mode]
    refused: Dict[str, str]
    served: List[str]
    undoes: str = ""

    @property
    def digest(self) -> str:
        """Of all that would change: what a person agreed to is what is done."""
        parts = [self.server.config, self.server.argv, self.writes, self.modes, self.undoes]
        return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()

    @property
    def unseen(self) -> List[str]:
        return [keyword for keyword, shown in self.wanted.items() if not shown]

    @property
    def reloads(self) -> bool:
        """The server has to read what is written."""
        return any(write.path in self.served for write in self.writes)

    def shown(self) -> Dict[str, Any]:
        """For whoever is to agree."""
        return {
            "config": self.server.config,
            "settings": self.settings,
            "refused": self.refused,
            "unseen": self.unseen,
            "files": [{"path": write.path, "diff": diff(write)} for write in self.writes],
            "modes": [{"path": mode.path, "before": mode.before, "after": mode.after} for mode in self.modes],
            "commands": self.commands(),
            "digest": self.digest,
            "undoes": self.undoes,
        }

    def commands(self) -> List[str]:
        """What a person would type."""
        if not self.writes and not self.modes:
            return []
        words = []
        for write in self.writes:
            if os.path.exists(write.path):
                words.append(["cp", "-a", write.path, "/var/lib/trainshed/fixes/"])
            words.append(command(write))
        words += [["chmod", "%o" % mode.after, mode.path] for mode in self.modes]
        if self.reloads:
            words.append(self.server.command("t"))
            words.append(self.server.reload_command)
        return [" ".join(shlex.quote(word) for word in each) for each in words if each]


def command(write: Write) -> List[str]:
    """What a person would type for it."""
    if write.text is None:
        return ["rm", write.path]
    return ["install", "-m", "%o" % write.mode, "-o", str(write.uid), "-g", str(write.gid), "/dev/stdin", write.path]


def diff(write: Write) -> str:
    """Unified."""
    there = os.path.exists(write.path)
    before = fix_place.read(write.path).splitlines(True) if there else []
    after = (write.text or "").splitlines(True)
    names = (write.path if there else "/dev/null", write.path if write.text is not None else "/dev/null")
    lines = [line if line.endswith("\n") else line + "\n" for line in difflib.unified_diff(before, after, *names)]
    return "".join(lines).encode("utf-8", "replace").decode()


def plan(
    server: Server, settings: Dict[str, str], modes: Dict[str, int], files: Dict[str, List[str]], user: str
) -> Plan:
    """Raises Fault, OSError."""
    wanted, refused = fix_server.canonical(server, settings)
    settings = {keyword: value for keyword, value in settings.items() if keyword not in refused}
    fix_lists.narrow(server, settings, wanted)
    place = fix_place.find(server.config, {keyword.lower() for keyword in settings})
    refused.update(_without_effect(server, place, settings, wanted))
    settings = {keyword: value for keyword, value in settings.items() if keyword not in refused}
    most = modes.get("sshd_config", DROP_IN_MODE)
    writes = _settings(server, place, settings, most) + [_other(path, lines) for path, lines in files.items()]
    changes = _modes(server, user, modes, refused)
    writes, changes = _together([write for write in writes if _differs(write)], changes)
    wanted = {keyword: wanted[keyword] for keyword in settings}
    return Plan(server, settings, wanted, writes, changes, refused, [place.path, place.stale])


def _without_effect(
    server: Server, place: fix_place.Place, settings: Dict[str, str], wanted: Dict[str, List[str]]
) -> Dict[str, str]:
    """Settings that would not count, although they come first: tried on a copy that nobody else reads."""
    text = fix_place.text_of(fix_place.Place(server.config, True), _all(place, settings))
    with fix_server.Draft(text) as path:
        try:
            return overruled(server, settings, wanted, path)
        except sshd.Unreadable as reason:
            raise Fault("fix", "the server's configuration cannot be read: %s" % reason) from None


def _all(place: fix_place.Place, settings: Dict[str, str]) -> Dict[str, str]:
    return fix_place.merged(fix_place.settings_of(place), settings)


def overruled(
    server: Server, settings: Dict[str, str], wanted: Dict[str, List[str]], config: str = ""
) -> Dict[str, str]:
    """Keyword -> what counts in its place for us, and why. Raises sshd.Unreadable."""
    holds = fix_server.effective(server, server.match["user"], config)
    for_root = fix_server.effective(server, "root", config)
    found = {}
    for keyword in settings:
        key = fix_server.key(keyword)
        for values, who in [(holds, server.match["user"])] + [(for_root, "root")] * (key in OF_ROOT):
            if wanted[keyword] and values.get(key, []) != wanted[keyword]:
                found[keyword] = _why(server, keyword, " ".join(values.get(key, [])), who)
    return found


def _why(server: Server, keyword: str, value: str, who: str) -> str:
    options = [option for name, option in server.listener.options if name == "o"]
    if any(option.replace("=", " ").split()[:1] and _first(option) == keyword.lower() for option in options):
        return "%s is %r: an option (-o) on the server's command line says so, and a file does not count" % (
            keyword,
            value,
        )
    for path in fix_place.included_files(server.config):
        if _in_match(path, keyword.lower()):
            return "%s is %r for %s: a Match block in %s says so" % (keyword, value, who, path)
    return "%s stays %r: another line sets it, and with this keyword the first one does not win" % (keyword, value)


def _first(option: str) -> str:
    return option.replace("=", " ").split()[0].lower()


def _in_match(path: str, keyword: str) -> bool:
    inside = False
    for line in fix_place.read(path).splitlines():
        words = line.replace("=", " ").split()
        if words and words[0].lower() == "match":
            inside = True
        elif inside and words and words[0].lower() == keyword:
            return True
    return False


def _settings(server: Server, place: fix_place.Place, settings: Dict[str, str], most: int) -> List[Write]:
    if not settings:
        return []
    status = os.stat(server.config)
    mode = stat.S_IMODE(status.st_mode)
    text = fix_place.text_of(place, _all(place, settings))
    if place.block:
        return [Write(place.path, text, mode, status.st_uid, status.st_gid)]
    stale = [Write(place.stale, None, 0, 0, 0)] if place.stale else []
    return [Write(place.path, text, mode & most & DROP_IN_MODE, 0, 0), *stale]


def _other(path: str, lines: List[str]) -> Write:
    path = os.path.realpath(path)
    mode, uid, gid = _status(path)
    return Write(path, fix_place.other_text(path, lines), mode, uid, gid)


def _status(path: str) -> Any:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return 0o644, 0, 0
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid


def _differs(write: Write) -> bool:
    if not os.path.exists(write.path):
        return write.text is not None
    return write.text != fix_place.read(write.path)


def _together(writes: List[Write], modes: List[Mode]) -> Any:
    """The mode of a file that is written anyway is part of that."""
    after = {mode.path: mode.after for mode in modes}
    written = {write.path for write in writes}
    both = [write._replace(mode=after.get(write.path, write.mode)) for write in writes]
    return both, [mode for mode in modes if mode.path not in written]


def _modes(server: Server, user: str, kinds: Dict[str, int], refused: Dict[str, str]) -> List[Mode]:
    found: Dict[str, Mode] = {}
    for kind, most in kinds.items():
        for path in _paths(server, user, kind):
            try:
                status = os.stat(path, follow_symlinks=False)
            except OSError:
                continue
            allowed = most | (0o040 if kind == "host_keys" and _group(status.st_gid) == KEY_GROUP else 0)
            before = stat.S_IMODE(status.st_mode)
            if not before & ~allowed:
                continue
            if kind not in ("host_keys", "sshd_config") and status.st_uid != pwd.getpwnam(user).pw_uid:
                refused[path] = "%s belongs to another user" % path
            elif not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                refused[path] = "%s is no plain file" % path
            else:
                found[path] = Mode(path, before, before & allowed, status.st_uid)
    return list(found.values())


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return ""


def _paths(server: Server, user: str, kind: str) -> List[str]:
    if kind == "sshd_config":
        return fix_place.included_files(server.config)
    try:
        config = fix_server.effective(server, user)
    except sshd.Unreadable as reason:
        raise Fault("fix", "the server's configuration cannot be read: %s" % reason) from None
    if kind == "host_keys":
        return [os.path.realpath(path) for path in config.get("hostkey", [])]
    patterns = " ".join(config.get("authorizedkeysfile", [])).split()
    files = sshd_files.account_files(user, patterns)
    return [entry["path"] for entry in files if entry["kind"] == kind and entry["exists"]]
