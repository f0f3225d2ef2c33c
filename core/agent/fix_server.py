"""The very server that we came through, for a fix: its own command, its tests of a configuration, its reload."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import tempfile
import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from . import revert, sshd, sshd_config, sshd_files, sshd_loaded
from .faults import Fault

TITLE = re.compile(r"sshd: (/\S*sshd\b.*) \[.*", re.DOTALL)
UNIT = re.compile(r"/([^/\n]+\.service)$", re.MULTILINE)
TRIES, AGAIN_S = 5, 0.1
KEEPING = ("process", "none")  # KillMode of a service whose sessions outlive it
KEPT = "fopch"  # options that decide what a configuration means
OLDER_NAMES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "skeyauthentication": "kbdinteractiveauthentication",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
    "hostbasedacceptedkeytypes": "hostbasedacceptedalgorithms",
}
Values = Dict[str, List[str]]


class Server(NamedTuple):
    """`argv`: how it is started, [] where it is started for each connection. `unit`: of systemd, or "".

    `socket`: systemd listens for it. Such a server ends where it is to reload (seen with 9.2): it is restarted.
    """

    listener: sshd.Listener
    pid: int
    argv: List[str]
    folder: str
    unit: str
    config: str
    match: Dict[str, str]
    socket: bool = False

    @property
    def port(self) -> int:
        return int(self.match["lport"])

    @property
    def address(self) -> str:
        return self.match["laddr"]

    def record(self) -> Dict[str, Any]:
        """What the revert has to know."""
        record = {"argv": self.argv, "folder": self.folder, "unit": self.unit, "port": self.port}
        return dict(record, address=self.address, socket=self.socket)

    def command(self, letter: str) -> List[str]:
        """`sshd -t`, or `-T`, with the server's own options."""
        kept = [part for name, value in self.listener.options if name in KEPT for part in ("-" + name, value)]
        return [self.listener.program, "-" + letter, *kept]

    @property
    def asked(self) -> List[str]:
        """`sshd -T` for our account and address."""
        return [*self.command("T"), "-C", ",".join("%s=%s" % pair for pair in self.match.items())]

    @property
    def reload_command(self) -> List[str]:
        """[]: nothing has to be reloaded."""
        if self.unit:
            return ["systemctl", "restart" if self.socket else "reload", self.unit]
        return ["kill", "-HUP", str(self.pid)] if self.argv else []


def find(pid: int, user: str, connection: str) -> Server:
    """`pid`: a process of the session. `connection`: its SSH_CONNECTION. Raises Fault."""
    words = connection.split()
    if len(words) != 4:
        raise Fault("fix", "this is not an SSH session, so no server can be fixed")
    match = {"user": user, "host": words[0], "addr": words[0], "laddr": words[2], "lport": words[3]}
    try:
        listener = sshd.listener(pid)
        found = _above(pid)
        if found is None and listener.note == sshd.RESTARTED:
            found = _listening(int(words[3]), words[2])
    except (sshd.Unreadable, OSError) as reason:
        raise Fault("fix", "the server that we came through cannot be told: %s" % reason) from None
    if listener.uid != 0:
        raise Fault(
            "fix", "the server that we came through is not root's: it is its owner's to change", "edit its file"
        )
    config = dict(listener.options).get("f", sshd_config.DEFAULT_FILE)
    if found is None:
        return _named(Server(listener, 0, [], "/", "", config, match))
    folder = os.readlink("/proc/%d/cwd" % found.pid)
    argv, unit = arguments(found, listener.program), _unit(found.pid)
    socket = bool(unit) and _activated(int(words[3]), words[2])
    if socket and _kill_mode(unit) not in KEEPING:
        title = "%s is started by a socket of systemd, and to restart it would end all sessions" % unit
        raise Fault(
            "fix", title, "KillMode=process in it, or systemctl disable --now ssh.socket, then start the service"
        )
    return _named(Server(listener, found.pid, argv, folder, unit, config, match, socket))


def _named(server: Server) -> Server:
    """With our host's name, where it asks DNS for that; what it has against its configuration is told later."""
    if sshd_files.hidden_include(server.config):
        return server  # sshd would wait for a FIFO
    with contextlib.suppress(sshd.Unreadable):
        return server._replace(match=sshd_config.named(server.match, effective(server, server.match["user"])))
    return server


def _above(pid: int) -> Optional[sshd.Process]:
    while pid > 0:
        found = sshd.process(pid)
        if found.name in sshd.FAMILY and sshd.as_listener(found) is not None:
            return found
        pid = found.parent
    return None


def _listening(port: int, address: str) -> Optional[sshd.Process]:
    processes = [sshd.process(pid) for pid in revert.listeners(port, address)]
    return next((found for found in processes if found.uid == 0 and sshd.as_listener(found) is not None), None)


def arguments(found: sshd.Process, program: str) -> List[str]:
    """The words that start the server again; where it wrote a title over them, they are read out of that."""
    title = TITLE.fullmatch(found.words[0])
    rest = title.group(1).split(" ") if title else list(found.words)
    first = rest.pop(0)
    argv = [first if first.startswith("/") else program]
    while rest:
        word = rest.pop(0)
        at = next((at for at, letter in enumerate(word) if at and letter in sshd.WITH_VALUE), 0)
        if not (word.startswith("-") and at):
            argv.append(word)
            continue
        value = [word[at + 1 :]] if word[at + 1 :] else [rest.pop(0)] if rest else []
        while title and rest and not sshd.is_option(rest[0]):
            value.append(rest.pop(0))
        argv += [word[: at + 1], " ".join(value)]
    return argv


def _unit(pid: int) -> str:
    """The service of systemd whose main process it is, or ""."""
    if not os.path.isdir(revert.RUNNING_SYSTEMD):
        return ""
    with open("/proc/%d/cgroup" % pid, encoding="utf-8") as file:
        named = UNIT.search(file.read())
    return named.group(1) if named else ""


def _activated(port: int, address: str) -> bool:
    """systemd itself listens there, and starts the server when somebody comes."""
    held = revert.sockets(port, address)
    for fd in os.listdir("/proc/1/fd"):
        with contextlib.suppress(OSError):
            if os.readlink("/proc/1/fd/%s" % fd) in held:
                return True
    return False


def _kill_mode(unit: str) -> str:
    with contextlib.suppress(sshd.Unreadable):
        return sshd_config.run(["systemctl", "show", "--property=KillMode", "--value", unit]).stdout.strip()
    return ""


def complaint(command: List[str]) -> str:
    """What `sshd -t …` says against a configuration, or ""."""
    try:
        done = sshd_config.run(command)
    except sshd.Unreadable as reason:
        return str(reason)
    if done.returncode == 0:
        return ""
    return sshd_config.first_lines(done.stderr) or "%s ended with code %d" % (command[0], done.returncode)


def test(server: Server) -> str:
    """What the server has against its configuration, or ""."""
    return complaint(server.command("t"))


def unread(server: Server) -> str:
    """Why a reload would do more than a fix does, or "": somebody's change waits in a file, and none could undo that.

    A server that has just been told to reload writes its PidFile after it listens.
    """
    for _ in range(TRIES):
        try:
            paths = sshd_loaded.unread(server.listener, effective(server, server.match["user"]), server.config)
        except sshd.Unreadable:
            return ""
        if not paths:
            return ""
        time.sleep(AGAIN_S)
    return "the server has not read %s since it was changed, and would with this fix" % ", ".join(paths)


def effective(server: Server, user: str, config: str = "") -> Values:
    """What holds for a user from our address, with another file as well (`config`). Raises sshd.Unreadable."""
    options = [(name, value) for name, value in server.listener.options if name in KEPT]
    if config:
        options = [("f", config), *((name, value) for name, value in options if name != "f")]
    return sshd_config.dump(server.listener._replace(options=options), dict(server.match, user=user))


def canonical(server: Server, settings: Dict[str, str]) -> Tuple[Values, Dict[str, str]]:
    """(how `sshd -T` writes the settings, why this server does not take some of them)."""
    alone = server._replace(listener=server.listener._replace(options=[]))
    try:
        return _canonical(alone, settings), {}
    except sshd.Unreadable:
        pass  # one of them, or more
    values: Values = {}
    refused: Dict[str, str] = {}
    for keyword, value in settings.items():
        try:
            values.update(_canonical(alone, {keyword: value}))
        except sshd.Unreadable as reason:
            refused[keyword] = "this server does not take it: %s" % _words(str(reason))
    return values, refused


def _canonical(server: Server, settings: Dict[str, str]) -> Values:
    with Draft("".join("%s %s\n" % pair for pair in settings.items())) as path:
        shown = effective(server, server.match["user"], path)
    return {keyword: shown.get(key(keyword), []) for keyword in settings}


def _words(complaint: str) -> str:
    """Without the place in a draft: `FILE: line 1: Bad configuration option: X; FILE: terminating …`."""
    found = re.search(r"line 1:? (.+)", complaint.split("; ")[0])
    return found.group(1) if found else complaint


def key(keyword: str) -> str:
    """As `sshd -T` prints it."""
    return OLDER_NAMES.get(keyword.lower(), keyword.lower())


class Draft:
    """A configuration to be tried, which nobody else reads."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __enter__(self) -> str:
        self._folder = tempfile.mkdtemp(prefix="trainshed-")
        path = os.path.join(self._folder, "sshd_config")
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(self._text)
        return path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def reload(server: Server) -> None:
    """The server reads its configuration again, and listens as before. Raises Fault."""
    if not server.argv:
        return
    before = revert.image(server.pid), revert.sockets(server.port, server.address)
    if server.unit:
        if server.socket:
            revert.run("systemctl", "reset-failed", server.unit)  # its starts so far, of which too many shut the door
        if revert.run(*server.reload_command) != 0:
            raise Fault("fix", "%s failed" % " ".join(server.reload_command))
        if server.socket:
            return  # the new one is there before systemctl ends
    else:
        os.kill(server.pid, signal.SIGHUP)
    until = time.monotonic() + revert.RELOAD_S
    while time.monotonic() < until:
        after = revert.image(server.pid), revert.sockets(server.port, server.address)
        if not revert.alive(server.pid):
            raise Fault("fix", "the server ended when it was to read its configuration again")
        if after[1] and (after[0] != before[0] or after[1] != before[1]):
            return
        time.sleep(0.02)
    raise Fault("fix", "the server did not read its configuration again within %g s" % revert.RELOAD_S)
