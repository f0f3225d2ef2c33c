"""Each way by which a script sends data out or leaves it behind: one ordinary script, one that hides what it does.

They are in `attacks/`, take the file with the records as their argument and aim at CLOUD (a documentation address).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "attacks"
UNSEEN = ""  # not seen: the sandbox stops it


@dataclass(frozen=True)
class Attack:
    """`plain` and `hidden`: the rule that is expected; UNSEEN, with `why`."""

    name: str
    leak: str
    plain: str
    hidden: str
    why: str = ""

    def scripts(self) -> list[tuple[Path, str]]:
        """(script, the rule that is expected)."""
        found = []
        for kind, rule in (("plain", self.plain), ("hidden", self.hidden)):
            found += [(path, rule) for path in FOLDER.glob(f"{self.name}_{kind}.*")]
        return found


ATTACKS = (
    Attack("http", "Net", "http", "http"),
    Attack("azure", "Net", "object-store", "http"),
    Attack("s3", "Net", "object-store", "object-store"),
    Attack("dns", "Net", "dns", "socket"),
    Attack("icmp", "Net", "raw-socket", "command"),
    Attack("push", "Net", "upload", "upload"),
    Attack("pip", "Net", "package-address", "install"),
    Attack("mail", "Net", "mail", "webhook"),
    Attack("ssh", "Net", "ssh", "ssh"),
    Attack("socket", "Net", "socket", "native"),
    Attack("command", "Net", "command", "socket"),
    Attack("install", "Net", "install", "hidden-code"),
    Attack("telemetry", "Net", "tracker", "log-forwarding"),
    Attack("metadata", "Net", "metadata", "socket"),
    Attack("docker", "Net", "docker", "docker"),
    Attack("unix", "Net", "unix-socket", "unix-socket"),
    Attack("inherited", "Net", "inherited", UNSEEN, "the numbers are listed at run time, and os.write is ordinary"),
    Attack("proc", "Net", "proc", "proc"),
    Attack("workers", "Net", "workers", "workers"),
    Attack("ipv6", "Net", "socket", "socket"),
    Attack("hook", "Net", "start-hook", "hidden-code"),
    Attack("mount", "Res", "write-outside", UNSEEN, "the place is read from /proc/mounts"),
    Attack("cache", "Res", "write-outside", UNSEEN, "the place is made at run time"),
    Attack("core", "Res", "core-dump", "core-dump"),
    Attack("behind", "Res", "stays-behind", "stays-behind"),
    Attack("link", "Res", "link", "link"),
    Attack("setuid", "Res", "privilege", "privilege"),
)
