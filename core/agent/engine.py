"""What stands between this VM and a `bwrap` sandbox, in words that say what to install."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

NEEDED = (0, 8)  # --disable-userns came with bubblewrap 0.8.0
APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
SWITCHES = {
    "/proc/sys/kernel/unprivileged_userns_clone": "kernel.unprivileged_userns_clone=1",
    "/proc/sys/user/max_user_namespaces": "user.max_user_namespaces=15000",
}
APPARMOR_FIX = (
    "Ubuntu's AppArmor refuses user namespaces to bubblewrap. Allow them for bwrap alone: "
    "sudo apt-get install apparmor-profiles && "
    "sudo ln -s /usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/bwrap-userns-restrict && "
    "sudo apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict"
)


def version(text: str) -> tuple[int, ...]:
    """Of `bubblewrap 0.8.0`: (0, 8, 0)."""
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def missing() -> str:
    """Why bubblewrap cannot be tried at all, or ""."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed: sudo apt-get install bubblewrap"
    for name in ("unshare", "setpriv", "mount") if os.geteuid() == 0 else ():
        if shutil.which(name) is None:
            return "%s is not installed: apt-get install util-linux mount" % name
    done = subprocess.run(["bwrap", "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode(errors="replace").strip()
    if version(text) < NEEDED:
        return "%s is too old: 0.8 or newer is needed (Debian 12, Ubuntu 24.04 and later have it)" % text
    return ""


def explain(error: str) -> str:
    """Why a trial run failed, from what it printed and how the kernel is set."""
    if _read(APPARMOR) == "1":
        return APPARMOR_FIX
    for path, setting in SWITCHES.items():
        if _read(path) == "0":
            return "user namespaces are switched off on this VM: sudo sysctl -w %s" % setting
    lines = [line for line in error.splitlines() if line.strip()]
    return "bubblewrap does not start: %s" % (lines[-1] if lines else "it said nothing")


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
