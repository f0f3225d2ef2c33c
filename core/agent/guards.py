"""What slows down who guesses passwords: programs that watch the log, rules of the firewall."""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any, Dict, List, Optional

from .hostfiles import Files

FAIL2BAN = "fail2ban-server"
PROGRAMS = (FAIL2BAN, "sshguard", "crowdsec-firewall-bouncer")  # CrowdSec alone sees, and stops nobody
JAILS = ("jail.conf", "jail.d/*.conf", "jail.local", "jail.d/*.local")  # in this order; what is read later wins
PORTS = re.compile(r"\bdport\s+(!=\s*)?(\{[^}]*\}|\S+)")
LIMITS = re.compile(r"limit rate|ct count|\b(?:recent|hashlimit|connlimit)\b")  # the last three are iptables' (ufw)
LOGGED = re.compile(r"limit rate [^{}]*\blog\b(?!.*\b(?:accept|drop|reject|jump|goto|return)\b)")  # no more than that


def guards(files: Files, port: int) -> Dict[str, Any]:
    """Who slows guessing down.

    `processes`: None where those of others are hidden. `ssh_jail`: whether fail2ban has one for sshd, None where that
    cannot be told, or fail2ban does not run. `rate_rule`: "" for none, None where only root can tell.
    """
    running = _running()
    jail = ssh_jail(files) if FAIL2BAN in (running or ()) else None
    return {"processes": running, "ssh_jail": jail, "rate_rule": _rate_rule(port)}


def ssh_jail(files: Files) -> Optional[bool]:
    """Whether a jail that reads sshd's log is enabled; None where fail2ban's files are elsewhere, hidden or broken."""
    import configparser

    jails = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(";",), allow_no_value=True)
    try:
        paths = [path for pattern in JAILS for path in files.names("/etc/fail2ban/" + pattern)]
        for path in paths:
            jails.read_string(files.text(path), path)
    except (OSError, configparser.Error):
        return None
    if not paths:
        return None
    enabled = [name for name in jails.sections() if _is_on(jails.get(name, "enabled", fallback=""))]
    return any(_filter(jails.get(name, "filter", fallback=""), name).startswith("sshd") for name in enabled)


def _is_on(text: Optional[str]) -> bool:
    return (text or "").strip().lower() in ("true", "yes", "on", "1")


def _filter(text: Optional[str], jail: str) -> str:
    """By itself it is the one with the jail's name."""
    return (text or jail).replace("%(__name__)s", jail)


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
    return next((line.strip() for line in ruleset.splitlines() if _limits(line, port)), "")


def _limits(rule: str, port: int) -> bool:
    meant = any((not negated) == _is_among(ports, port) for negated, ports in PORTS.findall(rule))
    return meant and LIMITS.search(rule) is not None and LOGGED.search(rule) is None


def _is_among(ports: str, port: int) -> bool:
    """`ports`: one, a range, or a set of both in braces, as nft lists them."""
    for word in ports.strip("{}").replace(",", " ").split():
        first, _, last = word.partition("-")
        if word == "ssh":
            first = "22"
        if first.isdigit() and int(first) <= port <= int(last if last.isdigit() else first):
            return True
    return False
