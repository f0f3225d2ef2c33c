"""Which server is meant, and how it is reached: an address and what `ssh -G` makes of it.

OpenSSH itself reads ssh_config (Include, Match, tokens and all), so a Host that works with
`ssh` works here. Without an ssh program the plain values are used.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ConfigError, UsageError

PORT = 22
TIMEOUT_S = 15.0
PROGRAM_TIMEOUT_S = 10.0
CONFIG_VARIABLE = "TRAINSHED_SSH_CONFIG"  # a file in place of ~/.ssh/config, as `ssh -F`; "none" for no file
DEFAULT_IDENTITIES = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
DEFAULT_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
GLOBAL_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
# What OpenSSH refuses in a name given on its command line (ssh.c valid_hostname, valid_ruser): it can end in a shell.
UNSAFE = re.compile(r"[\s\x00-\x1f\x7f'`\"$\\;&<>|(){}]")


@dataclass(frozen=True)
class Target:
    """What a person wrote: a host name, an address, or a Host of ssh_config."""

    host: str
    port: int | None = None
    user: str | None = None

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        if self.port is None:
            return user + self.host
        return f"{user}{bracketed(self.host)}:{self.port}"


@dataclass(frozen=True)
class Host:
    """A server and everything that is needed to reach, recognise and enter it."""

    alias: str  # as it was written: what `ssh` would be told
    hostname: str
    port: int
    user: str
    identity: Path | None = None  # named for this server: tried first
    identities: tuple[Path, ...] = ()  # of ssh_config, or ssh's defaults
    identities_only: bool = False
    agent: str | None = None  # socket of the ssh-agent; None: use none
    jumps: tuple[Target, ...] = ()  # ProxyJump: the first is the nearest to us
    proxy_command: str = ""  # its tokens are expanded
    known_as: str = ""  # HostKeyAlias
    known_hosts: tuple[Path, ...] = field(default=())
    timeout_s: float = TIMEOUT_S

    @property
    def command(self) -> str:
        """The equal `ssh` command, as a person would type it."""
        port = "" if self.port == PORT else f"-p {self.port} "
        identity = f"-i {self.identity} " if self.identity else ""
        return f"ssh {port}{identity}{self.user}@{self.alias}"


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def parse(text: str) -> Target:
    """`[USER@]HOST[:PORT]`; an IPv6 address with a port is in brackets. Raises UsageError."""
    user, _, rest = text.strip().rpartition("@")
    if rest.startswith("["):
        host, closed, tail = rest[1:].partition("]")
        if not closed or (tail and not tail.startswith(":")) or ":" not in host:
            raise _not_a_target(text, "an IPv6 address with a port is written [ADDRESS]:PORT")
        port = tail[1:] if tail else None
    elif rest.count(":") > 1:
        host, port = rest, None  # a bare IPv6 address
    else:
        host, colon, after = rest.partition(":")
        port = after if colon else None
    if "@" in text and not user:
        raise _not_a_target(text, "the user's name is missing before @")
    check_name(host, "host")
    if user:
        check_name(user, "user")
    return Target(host, _port(port, text), user or None)


def _port(text: str | None, whole: str) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise _not_a_target(whole, "a port is a number from 1 to 65535")
    return int(text)


def _not_a_target(text: str, hint: str) -> UsageError:
    return UsageError(f"not a server's address: {text!r}", hint=f"{hint}; the form is USER@HOST[:PORT]")


def check_name(text: str, what: str) -> None:
    """Refuses what ssh or a shell could take for something else. Raises UsageError."""
    if not text:
        raise UsageError(f"the {what} is empty", hint="the form is USER@HOST[:PORT]")
    if text.startswith("-"):
        raise UsageError(f"a {what} does not begin with a hyphen: {text!r}", hint="ssh would read it as an option")
    if UNSAFE.search(text):
        raise UsageError(f"not a {what}: {text!r}", hint="it holds a blank or a character that a shell would interpret")


async def resolve(target: Target, identity: Path | None = None, *, direct: bool = False) -> Host:
    """The server as ssh_config has it; what `target` and `identity` say themselves wins.

    `direct`: a jump host's own ProxyJump does not count (ssh -J takes it from the chain).
    Raises UsageError, or ConfigError where ssh cannot read its configuration.
    """
    check_name(target.host, "host")
    if target.user:
        check_name(target.user, "user")
    program = shutil.which("ssh")
    settings = parse_settings(await _ask(program, target)) if program else {}
    return build(target, settings, identity, direct=direct)


async def _ask(program: str, target: Target) -> str:
    words = ["-G", "-T"]
    config = os.environ.get(CONFIG_VARIABLE)
    words += ["-F", config] if config else []
    words += ["-p", str(target.port)] if target.port else []
    words += ["-l", target.user] if target.user else []
    process = await asyncio.create_subprocess_exec(
        program,
        *words,
        "--",
        target.host,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, complaint = await asyncio.wait_for(process.communicate(), PROGRAM_TIMEOUT_S)
    except BaseException as error:
        if process.returncode is None:
            process.kill()
        await process.wait()
        if isinstance(error, TimeoutError):
            raise ConfigError("ssh -G does not answer", hint="a Match exec of your ssh_config may hang") from None
        raise
    if process.returncode:
        lines = complaint.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise ConfigError(f"ssh cannot read its configuration: {lines[0]}", hint=f"try: ssh -G {target.host}")
    return output.decode(errors="replace")


def parse_settings(text: str) -> dict[str, list[str]]:
    """Lines of `ssh -G`: key (lower case) -> its values in order."""
    settings: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _, value = line.strip().partition(" ")
        if key:
            settings.setdefault(key.lower(), []).append(value.strip())
    return settings


def build(target: Target, settings: dict[str, list[str]], identity: Path | None, *, direct: bool = False) -> Host:
    """The Host out of what ssh said; with no settings, ssh's defaults."""
    first = {key: values[0] for key, values in settings.items()}
    hostname = first.get("hostname") or target.host
    port = target.port or int(first.get("port") or PORT)
    user = target.user or first.get("user") or getpass.getuser()
    tokens = _tokens(target.host, hostname, port, user)
    written = settings.get("identityfile", list(DEFAULT_IDENTITIES))
    known = [path for key in KNOWN_KEYS for path in split_paths(first.get(key, KNOWN_KEYS[key]))]
    command = _unless_none(first.get("proxycommand", ""))
    return Host(
        alias=target.host,
        hostname=hostname,
        port=port,
        user=user,
        identity=identity,
        identities=tuple(_path(expand(path, tokens)) for path in written if path != "none"),
        identities_only=first.get("identitiesonly", "no") == "yes",
        agent=_agent(first.get("identityagent"), tokens),
        jumps=() if direct else _jumps(_unless_none(first.get("proxyjump", ""))),
        proxy_command="" if direct else expand(command, tokens),
        known_as=first.get("hostkeyalias", ""),
        known_hosts=tuple(_path(expand(path, tokens)) for path in known),
        timeout_s=_timeout(first.get("connecttimeout", "none")),
    )


KNOWN_KEYS = {
    "userknownhostsfile": " ".join(DEFAULT_KNOWN_HOSTS),
    "globalknownhostsfile": " ".join(GLOBAL_KNOWN_HOSTS),
}


def _unless_none(value: str) -> str:
    return "" if value.lower() == "none" else value


def _jumps(value: str) -> tuple[Target, ...]:
    return tuple(parse(hop.removeprefix("ssh://").rstrip("/")) for hop in value.split(",") if hop)


def _timeout(value: str) -> float:
    return float(value) if value.isdigit() and int(value) > 0 else TIMEOUT_S


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _tokens(alias: str, hostname: str, port: int, user: str) -> dict[str, str]:
    home = str(Path.home())
    local = os.uname().nodename if hasattr(os, "uname") else ""
    uid = str(os.getuid()) if hasattr(os, "getuid") else ""
    return {"%": "%", "d": home, "h": hostname, "i": uid, "k": alias, "l": local, "L": local.partition(".")[0]} | {
        "n": alias,
        "p": str(port),
        "r": user,
        "u": getpass.getuser(),
    }


def expand(text: str, tokens: dict[str, str]) -> str:
    """%-tokens of ssh_config(5) and `${VARIABLE}`; an unknown token stays as it is."""
    replaced = re.sub(r"%(.)", lambda found: tokens.get(found[1], found[0]), text)
    return re.sub(r"\$\{(\w+)\}", lambda found: os.environ.get(found[1], found[0]), replaced)


def _agent(value: str | None, tokens: dict[str, str]) -> str | None:
    if value is None or value == "SSH_AUTH_SOCK":
        return os.environ.get("SSH_AUTH_SOCK") or None
    if value == "none":
        return None
    if value.startswith("$") and not value.startswith("${"):
        return os.environ.get(value[1:]) or None
    return str(_path(expand(value, tokens)))


def split_paths(value: str) -> Sequence[str]:
    """`ssh -G` prints several paths on one line and quotes none: one begins with / ~ % or $."""
    paths: list[str] = []
    for word in value.split(" "):
        if word.startswith(("/", "~", "%", "$")) or not paths:
            paths.append(word)
        else:
            paths[-1] += " " + word
    return [path for path in paths if path and path != "none"]
