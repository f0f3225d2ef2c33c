"""What slows down who guesses passwords: programs that watch the log, rules of the firewall."""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any, Dict, List, Optional

PROGRAMS = ("fail2ban-server", "sshguard", "crowdsec")
LIMITS = "limit rate|ct count|meter|update @|add @"
RATE = r"dport\s.*\b(?:ssh|%%d)\b.*(?:%s)|(?:%s).*dport\s.*\b(?:ssh|%%d)\b" % (LIMITS, LIMITS)


def guards(port: int) -> Dict[str, Any]:
    """`processes`: None where those of others are hidden; `rate_rule`: "" for none, None where only root can tell."""
    return {"processes": _running(), "rate_rule": _rate_rule(port)}


def _running() -> Optional[List[str]]:
    if not os.path.exists("/proc/1/comm"):
        return None  # hidepid
    found: set[str] = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        name = _comm(pid)
        found.update(program for program in PROGRAMS if name == program[:15].encode() and _able(pid))
    return sorted(found)


def _able(pid: str) -> bool:
    """It is root's, or our own account's: anybody can call a program so, and only root's can lock anybody out."""
    try:
        return os.stat("/proc/" + pid).st_uid in (0, os.geteuid())
    except OSError:
        return False


def _comm(pid: str) -> bytes:
    """Its name, as the kernel cuts it off; b"" for one that has just ended. Without Python's own layers: it adds up."""
    try:
        fd = os.open("/proc/%s/comm" % pid, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, 64).strip()
    except OSError:
        return b""
    finally:
        os.close(fd)


def _rate_rule(port: int) -> Optional[str]:
    if os.geteuid() != 0:
        return None
    try:
        done = subprocess.run(
            ["nft", "list", "ruleset"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=10,
            check=False,
        )
    except FileNotFoundError:
        return ""
    except (OSError, subprocess.TimeoutExpired):
        return None
    return rate_rule(done.stdout.decode(errors="replace"), port) if done.returncode == 0 else None


def rate_rule(ruleset: str, port: int) -> str:
    """The first rule that limits how often our port is connected to."""
    pattern = re.compile(RATE % (port, port))
    return next((line.strip() for line in ruleset.splitlines() if pattern.search(line)), "")
