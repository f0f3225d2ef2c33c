"""What the checks on the host look at, all in one call. Nothing is judged here.

What only root can read is read as root where sudo lets us, and the answer says so.
"""

from __future__ import annotations

import itertools
import os
import pwd
import stat
import time
from typing import Any, Callable, Dict, List, Optional

from . import (
    account,
    addresses,
    guards,
    listeners,
    packages,
    passwords,
    public_keys,
    sshd_config,
    sshd_files,
    updates,
)
from .call import Call
from .faults import Fault
from .hostfiles import Files

MODULI = "/etc/ssh/moduli"
MOST_KEYS = 5000  # a file can have more than an answer has room for
DOCKER = "/var/run/docker.sock"


class Host:
    """What the sections are read with: the account, our server's configuration, the files' prefix."""

    def __init__(self, user: str, client_address: str, prefix: str, skew_s: float) -> None:
        self.user = user
        self.files = Files(prefix)
        self.skew_s = skew_s
        self.sudo = account.Sudo()
        self.server = sshd_config.read(user, client_address)
        self.rules: Optional[List[str]] = None

    def config(self) -> sshd_config.Config:
        """Raises Unread where the configuration of our server is not known."""
        if self.server["error"]:
            raise Unread(self.server["error"])
        config: sshd_config.Config = self.server["config"]
        return config

    def nopasswd(self) -> List[str]:
        """What sudo allows without a password."""
        if self.rules is None:
            self.rules = self.sudo.rules()
        return self.rules


class Unread(Exception):
    """The text says why."""


def host(
    call: Call, user: str, client_address: str, client_time: float = 0.0, prefix: str = "", password: str = ""
) -> Dict[str, Any]:
    """Each section by its name (SECTIONS); `errors`: why one is missing; `root`: those that root has read.

    `user`: the account whose `Match` blocks and files count ("": the one that we run as).
    `client_address`: "" for the address that sshd saw us come from. `client_time`: the client's clock, 0: not compared.
    `prefix`: a folder to read the host's files below, for tests. `password`: sudo's, kept nowhere.
    """
    user = user or pwd.getpwuid(os.getuid()).pw_name
    skew = time.time() - client_time if client_time else 0.0
    read = Host(user, client_address, prefix, skew)
    answer = _read(read, list(SECTIONS))
    answer.update(root=[], root_refused="")
    hidden = _hidden(answer)
    if os.geteuid() != 0 and hidden and (password or any(line.endswith("ALL") for line in read.nopasswd())):
        _as_root(answer, hidden, read, client_address, prefix, password)
    return answer


def collect(user: str, client_address: str, prefix: str, skew_s: float, names: List[str]) -> Dict[str, Any]:
    """The named sections; what `root.run` runs."""
    return _read(Host(user, client_address, prefix, skew_s), names)


def _read(read: Host, names: List[str]) -> Dict[str, Any]:
    errors: Dict[str, str] = {}
    answer: Dict[str, Any] = {"sshd": read.server, "user": read.user, "errors": errors}
    if read.server["error"]:
        errors["sshd"] = read.server["error"]
    for name in names:
        try:
            answer[name] = SECTIONS[name](read)
        except Unread as reason:
            errors[name] = str(reason)
        except OSError as error:
            errors[name] = "%s: %s" % (error.filename, error.strerror)
        except KeyError:
            errors[name] = "no account %s" % read.user
    return answer


def _hidden(answer: Dict[str, Any]) -> List[str]:
    """Sections that root may see more of."""
    names = [name for name in answer["errors"] if name in SECTIONS]
    names += list(SECTIONS) if "sshd" in answer["errors"] else []
    names += ["empty_passwords", "passwords"] if answer.get("empty_passwords") is None else []
    names += ["guards"] if answer.get("guards", {}).get("rate_rule") is None else []
    names += ["listeners"] if any(not item["process"] for item in answer.get("listeners", ())) else []
    return sorted(set(names) - {"docker", "account", "updates"})


def _as_root(
    answer: Dict[str, Any], hidden: List[str], read: Host, client_address: str, prefix: str, password: str
) -> None:
    asked = {
        "user": read.user,
        "client_address": client_address,
        "prefix": prefix,
        "skew_s": read.skew_s,
        "names": hidden,
    }
    from . import root

    try:
        seen = root.run("collect", asked, password)
    except Fault as fault:
        answer["root_refused"] = fault.title
        return
    for name in hidden:
        answer["errors"].pop(name, None)
        if name in seen:
            answer[name] = seen[name]
            answer["root"].append(name)
    if "sshd" in answer["errors"] and not seen["sshd"]["error"]:
        answer["sshd"] = seen["sshd"]
        answer["root"].append("sshd")
        del answer["errors"]["sshd"]
    answer["errors"].update(seen["errors"])


def _host_keys(read: Host) -> List[Dict[str, Any]]:
    found, reason = sshd_files.host_keys(read.config().get("hostkey", []))
    if reason:
        raise Unread(reason)
    return found


def _config_files(read: Host) -> List[Dict[str, Any]]:
    if read.server["error"] and not read.server["config_file"]:
        raise Unread(read.server["error"])
    return sshd_files.config_files(read.server["config_file"])


def _patterns(read: Host) -> List[str]:
    return " ".join(read.config().get("authorizedkeysfile", [])).split()


def _ssh_dir(read: Host) -> List[Dict[str, Any]]:
    return sshd_files.account_files(read.user, _patterns(read))


def _authorized_keys(read: Host) -> Dict[str, Any]:
    paths = [entry["path"] for entry in _ssh_dir(read) if entry["kind"] == "keys" and entry["exists"]]
    with account.eyes(read.user):
        keys = list(itertools.islice((key for path in paths for key in public_keys.authorised(path)), MOST_KEYS + 1))
    if len(keys) > MOST_KEYS:
        raise Unread("more than %d keys in %s" % (MOST_KEYS, " ".join(paths)))
    return {"files": paths, "keys": keys}


def _moduli(read: Host) -> Dict[str, Any]:
    """`sizes`: bits less one -> number of primes."""
    path = (read.config().get("modulifile") or [MODULI])[0]
    sizes: Dict[str, int] = {}
    for line in Files().optional(path).splitlines():  # named by our server's own configuration
        words = line.split(None, 6)
        if len(words) == 7 and words[0].isdigit():
            sizes[words[4]] = sizes.get(words[4], 0) + 1
    return {"path": path, "sizes": sizes}


def _service(read: Host) -> str:
    """PAMServiceName, which sshd has since 9.8."""
    name: str = (read.server["config"].get("pamservicename") or ["sshd"])[0]
    return name


def _docker(_: Host) -> Dict[str, Any]:
    """{"version", "reason" (why there is none), "live_restore", "socket_mode"}."""
    if not os.environ.get("DOCKER_HOST") and not os.path.exists(DOCKER):
        return {"version": "", "reason": "there is no Docker on this VM (%s)" % DOCKER}
    from .docker_api import Docker, Refusal, Unanswered  # its HTTP takes 10 ms to import

    docker = Docker()
    version, reason = docker.usable()
    if not version:
        return {"version": "", "reason": reason}
    try:
        live = bool(docker.call("GET", "/info")["LiveRestoreEnabled"])
    except (Unanswered, Refusal, KeyError) as error:
        raise Unread("Docker did not say how it is set: %s" % error) from None
    mode = stat.S_IMODE(os.stat(docker.path).st_mode)
    return {"version": version, "reason": "", "live_restore": live, "socket_mode": mode}


def _updates(read: Host) -> Dict[str, Any]:
    server = read.server
    return updates.updates(
        read.files, read.user, (server["argv"] or [""])[0], server["started"], read.nopasswd(), read.skew_s
    )


SECTIONS: Dict[str, Callable[[Host], Any]] = {
    "host_keys": _host_keys,
    "config_files": _config_files,
    "ssh_dir": _ssh_dir,
    "authorized_keys": _authorized_keys,
    "moduli": _moduli,
    "listeners": lambda read: listeners.listeners(read.files),
    "addresses": lambda read: addresses.addresses(read.files),
    "passwords": lambda read: passwords.passwords(read.files, read.user, _service(read)),
    "empty_passwords": lambda read: passwords.empty_passwords(read.files),
    "guards": lambda read: guards.guards(read.files, read.server["port"] or 22),
    "packages": lambda read: packages.packages(read.files),
    "account": lambda read: account.account(read.files, read.user),
    "docker": _docker,
    "updates": _updates,
}
