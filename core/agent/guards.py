"""What slows down who guesses passwords: programs that watch the log, rules of the firewall."""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any, Dict, List, Mapping, Optional

from .hostfiles import Files

FAIL2BAN = "fail2ban-server"
PROGRAMS = (FAIL2BAN, "sshguard", "crowdsec-firewall-bouncer", "cs-firewall-bouncer")  # crowdsec itself only watches
JAILS = ("jail.conf", "jail.d/*.conf", "jail.local", "jail.d/*.local")  # in the order in which fail2ban reads them
ON = ("1", "true", "yes", "on")
SERVICES = {"ssh": 22}
QUOTED = re.compile(r'"[^"]*"')
IPTABLES = re.compile(r'xt match "(\w+)"')  # as nft shows what iptables has made
LIMIT = re.compile(r"\b(?:limit rate|ct count|recent|hashlimit|connlimit)\b")
VERDICT = re.compile(r"\b(?:accept|drop|reject|jump|goto)\b")  # without one it is only logged, or counted
PORTS = re.compile(r"\b(?:tcp|th) dport (!= )?(\{[^}]*\}|[^\s!]\S*)")


def guards(files: Files, port: int) -> Dict[str, Any]:
    """`processes`: None where those of others are hidden; `idle`: what runs and guards nothing, with the reason.

    `rate_rule`: "" for none, None where only root can tell.
    """
    running = _running()
    idle = []
    jailed = _jailed(files, port) if running and FAIL2BAN in running else True
    if running and not jailed:
        running.remove(FAIL2BAN)
        idle += ["%s, which has no jail for sshd at port %d" % (FAIL2BAN, port)] if jailed is False else []
    return {"processes": running, "idle": idle, "unknown_jails": jailed is None, "rate_rule": _rate_rule(port)}


def _jailed(files: Files, port: int) -> Optional[bool]:
    """fail2ban watches sshd, with its own jail or another one with that filter, and shuts our port.

    None where its files are elsewhere, hidden or broken.
    """
    import configparser

    jails = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(";",), allow_no_value=True)
    paths = [path for name in JAILS for path in files.names("/etc/fail2ban/" + name)]
    try:
        for path in paths:
            jails.read_string(files.text(path), path)
    except (OSError, configparser.Error):
        return None
    if not paths:
        return None
    return any(_watches(name, jails[name], port) for name in jails.sections())


def _watches(name: str, jail: Mapping[str, Optional[str]], port: int) -> bool:
    wanted = (jail.get("filter") or name).replace("%(__name__)s", name)
    if (jail.get("enabled") or "").strip().lower() not in ON or not re.match(r"sshd\b", wanted):
        return False
    shut = (jail.get("port") or "").replace(":", "-")
    return not shut or "%" in shut or "allports" in (jail.get("banaction") or "") or _is_in(port, shut)


def _running() -> Optional[List[str]]:
    if not os.path.exists("/proc/1/comm"):
        return None  # hidepid
    found: set[str] = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        name = _comm(pid)
        found.update(program for program in PROGRAMS if name == program[:15].encode() and _able(pid))
    return sorted(found)


def _able(pid: str) -> bool:
    """It is root's: anybody can call a program so, a job of our own account too, and none of them locks anybody out."""
    try:
        return os.stat("/proc/" + pid).st_uid == 0
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


def _limits(line: str, port: int) -> bool:
    rule = QUOTED.sub("", IPTABLES.sub(r"\1", line))
    if not LIMIT.search(rule) or not VERDICT.search(rule):
        return False
    return any(_is_in(port, ports) is not bool(negated) for negated, ports in PORTS.findall(rule))


def _is_in(port: int, ports: str) -> bool:
    """Ports, services and ranges of ports."""
    for word in re.split(r"[{},\s]+", ports):
        first, dash, last = word.partition("-")
        ends = [SERVICES.get(end, int(end) if end.isdigit() else -1) for end in (first, last if dash else first)]
        if 0 <= ends[0] <= port <= ends[1]:
            return True
    return False
