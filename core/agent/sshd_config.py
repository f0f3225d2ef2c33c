"""What the configuration of our sshd says for us, by `sshd -T`.

Without `-f` that reads the system's file, not that of the server we came through;
so the server's own options are used again.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
import threading
from typing import Any, Dict, List, Optional

from . import sshd_files, sshd_loaded
from .sshd import Listener, Unreadable, listener

Config = Dict[str, List[str]]

DEFAULT_FILE = "/etc/ssh/sshd_config"
DEFAULT_HOST_KEYS = ["/etc/ssh/ssh_host_%s_key" % kind for kind in ("rsa", "ecdsa", "ed25519")]


def parse(text: str) -> Config:
    """The output of `sshd -T`: a key may have several lines, each one value."""
    config: Config = {}
    for line in text.splitlines():
        key, _, value = line.strip().partition(" ")
        if key:
            config.setdefault(key.lower(), []).append(value)
    return config


def connection(user: str, client_address: str) -> Dict[str, str]:
    """What `Match` is to be asked for. Raises Unreadable outside an SSH session."""
    words = os.environ.get("SSH_CONNECTION", "").split()
    if len(words) != 4:
        raise Unreadable("this is not an SSH session: SSH_CONNECTION is not set")
    address = client_address or words[0]
    return {"user": user, "host": address, "addr": address, "laddr": words[2], "lport": words[3]}


def named(match: Dict[str, str], config: Config) -> Dict[str, str]:
    """`Match Host` is asked for the name of our address where sshd asks DNS for it (UseDNS), else for the address."""
    if config.get("usedns", ["no"])[0] != "yes":
        return match
    import socket

    try:
        name = socket.getnameinfo((match["addr"], 0), socket.NI_NAMEREQD)[0].lower()
        own = {row[4][0] for row in socket.getaddrinfo(name, None)}
    except OSError:
        return match
    return dict(match, host=name) if match["addr"] in own else match


def dump(server: Listener, match: Dict[str, str]) -> Config:
    """`sshd -T` as the server itself would read its configuration. Raises Unreadable."""
    command = arguments(server, match)
    done = run(command)
    if done.returncode != 0 and "no hostkeys available" in done.stderr:
        return _dump_with_throw_away_key(command)
    return _parsed(done)


def arguments(server: Listener, match: Dict[str, str]) -> List[str]:
    kept = [part for letter, value in server.options if letter in "fop" for part in ("-" + letter, value)]
    return [server.program, "-T", *kept, "-C", ",".join("%s=%s" % pair for pair in match.items())]


def _dump_with_throw_away_key(command: List[str]) -> Config:
    """sshd wants to load a host key before it prints anything, and only root can read the real ones."""
    folder = tempfile.mkdtemp(prefix="trainshed-")
    try:
        key = os.path.join(folder, "key")
        made = run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key])
        if made.returncode != 0:
            raise Unreadable("ssh-keygen: " + first_lines(made.stderr))
        config = _parsed(run([*command, "-h", key]))
        config["hostkey"] = [path for path in config.get("hostkey", []) if path != key] or list(DEFAULT_HOST_KEYS)
        return config
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(command: List[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=10,
            check=False,
            universal_newlines=True,
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unreadable("%s: %s" % (command[0], error)) from None


def _parsed(done: subprocess.CompletedProcess[str]) -> Config:
    if done.returncode != 0:
        raise Unreadable(first_lines(done.stderr) or "sshd -T ended with code %d" % done.returncode)
    config = parse(done.stdout)
    if "port" not in config:  # without any setting every check would take them for well
        raise Unreadable("sshd -T does not print the settings")
    return config


def first_lines(text: str) -> str:
    return "; ".join(line.strip() for line in text.splitlines()[:3] if line.strip())


class _Dump(threading.Thread):
    """One `sshd -T`, beside whatever else is done until its `config` is asked for."""

    def __init__(self, server: Listener, match: Dict[str, str]) -> None:
        super().__init__(daemon=True)
        self._asked = server, match
        self._found: Config = {}
        self._error: Optional[Unreadable] = None
        self.start()

    def run(self) -> None:
        try:
            self._found = dump(*self._asked)
        except Unreadable as reason:
            self._error = reason

    def config(self) -> Config:
        """Raises Unreadable."""
        self.join()
        if self._error is not None:
            raise self._error
        return self._found


def read(user: str, client_address: str) -> Dict[str, Any]:
    """The section `sshd` of the answer; `error` is "" when the configuration is whole.

    `root_config`: the same for the user root, whose login is decided by what holds for root.
    `command`: what an administrator can run to see what we could not.
    `unread`: files that the server has not read since they were changed.
    """
    answer: dict[str, Any] = {"argv": [], "config_file": "", "config": {}, "root_config": {}, "uid": 0}
    answer.update(note="", error="", command="sudo sshd -T", port=0, started=0, unread=[])
    try:
        match = connection(user, client_address)
        answer["port"] = int(match["lport"])
        server = listener(os.getpid())
        file = dict(server.options).get("f", DEFAULT_FILE)
        command = arguments(server, match)
        answer.update(argv=command, config_file=file, uid=server.uid, note=server.note, started=server.started)
        answer["command"] = "sudo " + " ".join(shlex.quote(word) for word in command)
        hidden = sshd_files.hidden_include(file)
        if hidden:
            raise Unreadable(hidden)
        both = {name: _Dump(server, dict(match, user=name)) for name in (user, "root")}
        by_name = named(match, both[user].config())
        if by_name != match:
            both = {name: _Dump(server, dict(by_name, user=name)) for name in (user, "root")}
        answer["config"] = both[user].config()
        answer["root_config"] = both["root"].config()
        answer["unread"] = sshd_loaded.unread(server, answer["config"], file)
    except Unreadable as reason:
        answer["error"] = str(reason)
    return answer
