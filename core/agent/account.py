"""What our account is on the host: its groups, what sudo allows it."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import subprocess
from typing import Any, Dict, Iterator, List, Optional

from .hostfiles import Files

# Groups whose members are root by way of a program, with the sockets that it answers at: without one, nothing does.
DOORS = {
    "lxd": ("/var/snap/lxd/common/lxd/unix.socket", "/var/lib/lxd/unix.socket", "/run/lxd-installer.socket"),
    "incus-admin": ("/var/lib/incus/unix.socket", "/run/incus/unix.socket"),
    "libvirt": ("/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"),
}


def account(files: Files, user: str) -> Dict[str, Any]:
    """`name`, `uid`, `groups` (those of this session and those that a new login gets), `rootless_docker`.

    `doors`: groups of DOORS whose program is there.

    Raises KeyError where there is no such account.
    """
    entry = pwd.getpwnam(user)
    ids = set(os.getgrouplist(user, entry.pw_gid))
    if entry.pw_uid == os.getuid():
        ids.update(os.getgroups())
    return {
        "name": user,
        "uid": entry.pw_uid,
        "groups": sorted(_name(gid) for gid in ids),
        "doors": [group for group, sockets in DOORS.items() if any(map(files.exists, sockets))],
        "rootless_docker": files.exists("/run/user/%d/docker.sock" % entry.pw_uid),
    }


def _name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


@contextlib.contextmanager
def eyes(user: str) -> Iterator[None]:
    """Root sees what the account sees, as sshd does in its home folder: a link there leads to nothing that is hidden.

    Raises KeyError where there is no such account.
    """
    entry = pwd.getpwnam(user)
    if os.geteuid() != 0 or entry.pw_uid == 0:
        yield
        return
    groups, gid = os.getgroups(), os.getegid()
    os.setgroups(os.getgrouplist(user, entry.pw_gid))
    os.setegid(entry.pw_gid)
    os.seteuid(entry.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(gid)
        os.setgroups(groups)


class Sudo:
    """What sudo allows without a password. Asked for at once, answered when `rules` is called."""

    def __init__(self) -> None:
        self._asked: Optional[subprocess.Popen[str]] = None
        if os.geteuid() == 0:
            return
        try:
            self._asked = subprocess.Popen(
                ["sudo", "-n", "-l"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                universal_newlines=True,
                errors="replace",
                env={**os.environ, "LC_ALL": "C"},
            )
        except OSError:
            pass  # there is no sudo

    def rules(self) -> List[str]:
        """The rules that ask for no password; empty where there are none, or sudo says nothing without one."""
        if self._asked is None:
            return []
        try:
            text = self._asked.communicate(timeout=10)[0]
        except subprocess.TimeoutExpired:
            self._asked.kill()
            self._asked.communicate()
            return []
        lines = [line.strip() for line in text.splitlines()]
        return [line for line in lines if line.startswith("(") and "NOPASSWD:" in line]
