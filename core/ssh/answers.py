"""What a person said when asked; kept for the connection's life, so that a reconnection asks nothing again."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..site.secrets import Secret


@dataclass
class Answers:
    fingerprint: str | None = None  # given out of band: the server has to show it
    accepted: set[str] = field(default_factory=set)  # fingerprints that were said yes to, jump hosts' included
    identity: Path | None = None  # in place of what the site and ssh_config say
    passphrase: Secret | None = None
    password: Secret | None = None
