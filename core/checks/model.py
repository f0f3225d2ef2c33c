"""What a check is, what it looks at, and how it comes to a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ..events import CheckFinished, Severity, Status
from ..site.secrets import hidden
from .fix import Fix, Value, shown

Section = Literal[
    "wire",  # what the server offers before login
    "client",  # what is known here: pins, our own programs
    "password",  # the strength of the password that we log in with; judged here, never sent
    "sshd",
    "config_files",
    "host_keys",
    "ssh_dir",
    "authorized_keys",
    "moduli",
    "listeners",
    "addresses",
    "passwords",  # the policy for them, and how they are kept
    "guards",
    "packages",
    "account",
    "updates",
    "docker",
]
Config = Mapping[str, list[str]]
LONGEST = 3000  # characters of evidence


class Missing(Exception):
    """A section that the check needs could not be read, so its result is unknown."""

    def __init__(self, section: Section) -> None:
        super().__init__(section)
        self.section = section


class Verdict(NamedTuple):
    status: Status
    evidence: str
    severity: Severity | None = None  # None: the check's own


@dataclass(frozen=True)
class Wire:
    """What the server offers before login, in its order.

    `methods`: of authentication, for the account, before any is tried; None where the server did not say.
    """

    kex: tuple[str, ...]
    ciphers: tuple[str, ...]
    macs: tuple[str, ...]
    methods: tuple[str, ...] | None
    host_key_algorithms: tuple[str, ...] = ()
    compression: tuple[str, ...] = ("none",)
    banner: str = "SSH-2.0-OpenSSH"
    host_key: str = ""  # `ssh-ed25519 SHA256:…`, as it was shown


@dataclass(frozen=True)
class Seen:
    """Everything the checks look at. `host` is the agent's answer to `checks.host`, `local` what is known here.

    `errors`: why a section is missing. Asking for one that is raises Missing.
    """

    wire: Wire | None = None
    host: Mapping[str, Any] = field(default_factory=dict)
    local: Mapping[str, Any] = field(default_factory=dict)  # sections `client` and `password`
    errors: Mapping[str, str] = field(default_factory=dict)

    def has(self, section: Section) -> bool:
        if section in self.errors:
            return False
        return self.wire is not None if section == "wire" else section in self.host or section in self.local

    def offer(self) -> Wire:
        if self.wire is None or "wire" in self.errors:
            raise Missing("wire")
        return self.wire

    def section(self, name: Section) -> Any:
        if not self.has(name):
            raise Missing(name)
        return self.local[name] if name in self.local else self.host[name]

    def config(self) -> Config:
        """What holds for our account and address."""
        config: Config = self.section("sshd")["config"]
        return config

    def root_config(self) -> Config:
        """What holds for the user root."""
        config: Config = self.section("sshd")["root_config"]
        return config


def value(config: Config, *keys: str) -> str:
    """The value of the first key that is there, in lower case; "" where none is. Later keys are older names."""
    return next((config[key][0].lower() for key in keys if config.get(key)), "")


@dataclass(frozen=True)
class Check:
    """One row of the catalogue. `number` is that of the full list; `needs` are the sections it can look at.

    `value`: what profiles and sites can override, None where nothing can be; `{value}` stands for it in `expected`
    and in the fix. `quiet`: the false alarms that the check does not raise.
    """

    id: str
    number: int
    title: str
    severity: Severity
    looks_at: str
    needs: tuple[Section, ...]
    expected: str
    sources: tuple[str, ...]
    fix: Fix
    evaluate: Callable[[Seen, Any], Verdict]
    quiet: tuple[str, ...] = ()
    value: Value = None
    group: str = "ssh"

    @property
    def fixed(self) -> Fix:
        """The fix with this check's value in it."""
        return self.fix.filled(self.value)

    @property
    def expectation(self) -> str:
        """What is expected, with this check's value in it."""
        return self.expected.replace("{value}", shown(self.value) or "those that the site names")

    def run(self, seen: Seen) -> CheckFinished:
        try:
            verdict = self.evaluate(seen, self.value)
        except Missing as missing:
            verdict = Verdict("unknown", _unknown(missing.section, seen))
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            verdict = Verdict("unknown", f"what the VM answered is nothing to judge by ({type(error).__name__})")
        verdict = _in_force(verdict, self.needs, seen)
        return CheckFinished(
            id=self.id,
            group=self.group,
            title=self.title,
            status=verdict.status,
            severity=verdict.severity or self.severity,
            evidence=_bounded(verdict.evidence) + _by_root(self.needs, seen),
            expected=self.expectation,
            sources=list(self.sources),
            fix="" if verdict.status == "pass" else self.fixed.text,
        )


# What an administrator runs to see what we could not; for sshd the agent names the server's own options.
COMMANDS: dict[Section, str] = {
    "wire": "ssh -vv -o PreferredAuthentications=none HOST",
    "client": "ssh -V",
    "password": "trainshed connect",
    "sshd": "sudo sshd -T",
    "config_files": "sudo ls -lR /etc/ssh",
    "host_keys": "sudo stat -c '%a %U:%G %n' /etc/ssh/ssh_host_*_key",
    "ssh_dir": "sudo stat -c '%a %U %n' ~ ~/.ssh ~/.ssh/authorized_keys",
    "authorized_keys": "sudo ssh-keygen -lf ~/.ssh/authorized_keys",
    "moduli": "sudo awk '{print $5}' /etc/ssh/moduli",
    "listeners": "sudo ss -Hltnp",
    "addresses": "ip -brief address",
    "passwords": "sudo cat /etc/login.defs /etc/pam.d/common-password /etc/pam.d/common-auth",
    "guards": "sudo nft list ruleset",
    "packages": "dpkg-query -W openssh-server openssh-client",
    "account": "id",
    "updates": "sudo apt list --upgradable",
    "docker": "sudo docker info",
}


def _bounded(evidence: str) -> str:
    """A host can have ten thousand keys or listeners: the first are enough. No secret that it was given comes back."""
    evidence = hidden(evidence)
    return (
        evidence if len(evidence) <= LONGEST else f"{evidence[:LONGEST]}… ({len(evidence) - LONGEST} characters more)"
    )


def _in_force(verdict: Verdict, needs: tuple[Section, ...], seen: Seen) -> Verdict:
    """What is well in a file is not, yet, in a server that has not read it."""
    unread = seen.host.get("sshd", {}).get("unread") if "sshd" in needs else None
    if verdict.status != "pass" or not unread:
        return verdict
    named = ", ".join(unread)
    return Verdict("unknown", f"the server has not read {named} since it was changed: reload it; {verdict.evidence}")


def _by_root(needs: tuple[Section, ...], seen: Seen) -> str:
    read = [name for name in needs if name in seen.host.get("root", ())]
    return f" (read as root: {', '.join(read)})" if read else ""


def _unknown(section: Section, seen: Seen) -> str:
    reason = seen.errors.get(section, "not read")
    command = COMMANDS[section]
    if section == "sshd":
        command = seen.host.get("sshd", {}).get("command") or command
    return f"{reason}. An administrator can run: {command}"
