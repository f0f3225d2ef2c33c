"""Files around sshd: what its configuration includes, its host keys, the account's own keys."""

from __future__ import annotations

import glob
import grp
import os
import pwd
import re
import stat
from typing import Any, Iterator, Optional, Set

from . import hostfiles, public_keys

INCLUDE = re.compile(r"[ \t\r\f]*include(?:[ \t]*=[ \t]*|[ \t]+)(.+)", re.IGNORECASE)


def hidden_include(path: str, seen: Optional[Set[str]] = None) -> str:
    """Why a part of the configuration cannot be read by us, or "".

    sshd fails on a file that it may not read, but takes a folder that it may not list for an empty one.
    """
    seen = {path} if seen is None else seen
    try:
        patterns = _patterns(path)
    except OSError as error:
        return "%s: %s" % (path, error.strerror)
    for pattern in patterns:
        reason = _hidden_folder(pattern)
        for found in sorted(set(glob.glob(pattern)) - seen):
            seen.add(found)
            reason = reason or hidden_include(found, seen)
        if reason:
            return reason
    return ""


def _patterns(path: str) -> list[str]:
    """What a file includes. Raises OSError, also for what is no plain file."""
    return [pattern for line in hostfiles.read(path).split("\n") for pattern in included(line)]


def config_files(path: str, seen: Optional[Set[str]] = None) -> list[dict[str, Any]]:
    """Path, mode and uid of the configuration, of every file that it includes, and of the folders (`folder`) of both.

    A folder counts where nothing is in it yet: who may write there includes what he likes. Raises OSError.
    """
    if stat.S_ISCHR(os.stat(path).st_mode):
        return []  # /dev/null in the place of a drop-in
    top = seen is None
    seen = {path} if seen is None else seen
    found = [_config_entry(path, False), _config_entry(os.path.dirname(os.path.realpath(path)), True)]
    for pattern in _patterns(path):
        found += [_config_entry(folder, True) for folder in glob.glob(os.path.dirname(pattern))]
        for inner in sorted(set(glob.glob(pattern)) - seen):
            seen.add(inner)
            found += config_files(inner, seen)
    return list({entry["path"]: entry for entry in found}.values()) if top else found


def _config_entry(path: str, folder: bool) -> dict[str, Any]:
    status = os.stat(path)
    return {"path": path, "mode": stat.S_IMODE(status.st_mode), "uid": status.st_uid, "folder": folder}


def included(line: str) -> list[str]:
    """Patterns of an Include line, absolute; none of any other."""
    match = INCLUDE.match(line)
    if match is None:
        return []
    return [os.path.join("/etc/ssh", word) for word in arguments(match.group(1))]


def arguments(text: str) -> list[str]:
    """Words as sshd splits them: quotes of both kinds, a backslash before a quote or a space, # at a word's start."""
    found: list[str] = []
    rest = text.rstrip(" \t\r\n\f")
    while True:
        rest = rest.lstrip(" \t")
        if not rest or rest[0] == "#":
            return found
        word, quote, at = "", "", 0
        while at < len(rest) and (quote or rest[at] not in " \t"):
            char, after = rest[at], rest[at + 1 : at + 2]
            if char == "\\" and after and (after in "\"'\\" or (after == " " and not quote)):
                word, at = word + after, at + 1
            elif not quote and char in "\"'":
                quote = char
            elif quote and char == quote:
                quote = ""
            else:
                word += char
            at += 1
        if quote:
            return []  # sshd says what is wrong with it
        found.append(word)
        rest = rest[at:]


def _hidden_folder(pattern: str) -> str:
    folder = "/"
    for part in pattern.strip("/").split("/"):
        wanted = os.R_OK | os.X_OK if glob.has_magic(part) else os.X_OK
        if os.path.isdir(folder) and not os.access(folder, wanted):
            return "%s: Permission denied" % folder
        if glob.has_magic(part):
            return ""
        folder = os.path.join(folder, part)
    return ""


def host_keys(paths: list[str]) -> tuple[list[dict[str, Any]], str]:
    """(path, mode, uid, group, mtime, type, bits, pinned of each private host key, why one cannot be seen or "")."""
    found, error = [], ""
    for path in paths:
        try:
            status = os.stat(path)
        except FileNotFoundError:
            continue  # a default that this host does not have
        except OSError as failure:
            error = "%s: %s" % (path, failure.strerror)
            continue
        entry = {"path": path, "mode": stat.S_IMODE(status.st_mode), "uid": status.st_uid}
        entry.update(group=_group(status.st_gid), mtime=status.st_mtime)
        found.append({**entry, **_public_half(path)})
    return found, error


def _public_half(path: str) -> dict[str, Any]:
    """`type`, `bits` and `pinned` (as a site file has it), empty where the public half cannot be read."""
    key = public_keys.of_host(path) or {"type": "", "bits": 0, "fingerprint": ""}
    return {"type": key["type"], "bits": key["bits"], "pinned": ("%(type)s %(fingerprint)s" % key).strip()}


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def account_files(user: str, patterns: list[str]) -> list[dict[str, Any]]:
    """The home folder, its `.ssh` and the files of authorised keys, with the folders that lead to those.

    Each: path, kind (`home`, `folder`, `ssh` or `keys`), mode, uid, exists, and account (the uid that may own it).
    `patterns`: words of AuthorizedKeysFile. Raises OSError where a path may not be seen, KeyError for no such user.
    """
    account = pwd.getpwnam(user)
    paths = {account.pw_dir: "home", os.path.join(account.pw_dir, ".ssh"): "ssh"}
    for pattern in patterns:
        if pattern == "none":
            continue
        keys = os.path.join(account.pw_dir, _expanded(pattern, account))
        for folder in _leading(os.path.dirname(keys), account.pw_dir):
            paths.setdefault(folder, "folder")
        paths[keys] = "keys"
    return [_file(path, kind, account.pw_uid) for path, kind in paths.items()]


def _expanded(pattern: str, account: pwd.struct_passwd) -> str:
    values = {"%%": "%", "%h": account.pw_dir, "%u": account.pw_name, "%U": str(account.pw_uid)}
    return re.sub("%.", lambda match: values.get(match.group(), match.group()), pattern)


def _leading(folder: str, home: str) -> Iterator[str]:
    """Folders whose permissions StrictModes looks at: up to the home folder, else up to the root."""
    while folder != os.path.dirname(folder) and folder != home:
        yield folder
        folder = os.path.dirname(folder)


def _file(path: str, kind: str, account: int) -> dict[str, Any]:
    entry: dict[str, Any] = {"path": path, "kind": kind, "mode": 0, "uid": 0, "exists": False, "account": account}
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return entry
    entry.update(mode=stat.S_IMODE(status.st_mode), uid=status.st_uid, exists=True)
    return entry
