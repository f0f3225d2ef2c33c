"""What the checks on the host look at, all in one call. Nothing is judged here."""

from __future__ import annotations

import os
import pwd
import stat
from typing import Any

from . import listeners, sshd_config, sshd_files
from .call import Call
from .docker_api import Docker, Refusal, Unanswered

SHADOW = "/etc/shadow"


def host(call: Call, user: str, client_address: str) -> dict[str, Any]:
    """Sections `sshd`, `host_keys`, `ssh_dir`, `listeners`, `docker`, `empty_passwords`; `errors`: why one is missing.

    `user`: the account whose `Match` blocks and files count ("": the one that we run as).
    `client_address`: "" for the address that sshd saw us come from.
    """
    user = user or pwd.getpwuid(os.getuid()).pw_name
    server = sshd_config.read(user, client_address)
    errors: dict[str, str] = {}
    answer: dict[str, Any] = {"sshd": server, "user": user, "errors": errors}
    if server["error"]:
        errors.update(dict.fromkeys(("sshd", "host_keys", "ssh_dir"), server["error"]))
        answer.update(host_keys=[], ssh_dir=[])
    else:
        answer["host_keys"], reason = sshd_files.host_keys(server["config"].get("hostkey", []))
        errors.update({"host_keys": reason} if reason else {})
        answer["ssh_dir"] = _ssh_dir(user, server["config"], errors)
    answer["listeners"] = _listeners(errors)
    answer["docker"] = _docker(Docker(), errors)
    answer["empty_passwords"] = empty_passwords(SHADOW)
    return answer


def _ssh_dir(user: str, config: sshd_config.Config, errors: dict[str, str]) -> list[dict[str, Any]]:
    patterns = " ".join(config.get("authorizedkeysfile", [])).split()
    try:
        return sshd_files.account_files(user, patterns)
    except KeyError:
        errors["ssh_dir"] = "no account %s" % user
    except OSError as error:
        errors["ssh_dir"] = "%s: %s" % (error.filename, error.strerror)
    return []


def _docker(docker: Docker, errors: dict[str, str]) -> dict[str, Any]:
    """{"version", "reason" (why there is none), "live_restore", "socket_mode"}."""
    version, reason = docker.usable()
    if not version:
        return {"version": "", "reason": reason}
    try:
        live = bool(docker.call("GET", "/info")["LiveRestoreEnabled"])
    except (Unanswered, Refusal, KeyError) as error:
        errors["docker"] = "Docker did not say how it is set: %s" % error
        return {"version": "", "reason": str(error)}
    mode = stat.S_IMODE(os.stat(docker.path).st_mode)
    return {"version": version, "reason": "", "live_restore": live, "socket_mode": mode}


def _listeners(errors: dict[str, str]) -> list[dict[str, Any]]:
    try:
        return listeners.listeners()
    except OSError as error:
        errors["listeners"] = "%s: %s" % (error.filename, error.strerror)
        return []


def empty_passwords(shadow: str) -> list[str] | None:
    """Accounts with no password at all, or None where the file may not be read."""
    try:
        with open(shadow, encoding="utf-8", errors="replace") as file:
            rows = [line.rstrip("\n").split(":") for line in file]
    except OSError:
        return None
    return [row[0] for row in rows if len(row) > 1 and row[1] == ""]
