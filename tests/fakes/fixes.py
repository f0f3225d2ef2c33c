"""What the fake VM says of a fix."""

from __future__ import annotations

from core import events

DROP_IN = "/etc/ssh/sshd_config.d/10-trainshed.conf"
ADDED = f"--- /dev/null\n+++ {DROP_IN}\n@@ -0,0 +1,2 @@\n+# Made by trainshed.\n+MaxAuthTries 4\n"
REMOVED = f"--- {DROP_IN}\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-# Made by trainshed.\n-MaxAuthTries 4\n"


def planned(*, undo: bool, done: bool) -> events.FixPlanned:
    """`done`: all of it is there already."""
    change = [] if done else [events.FixedFile(path=DROP_IN, diff=REMOVED if undo else ADDED)]
    install = f"rm {DROP_IN}" if undo else f"install -m 644 -o 0 -g 0 /dev/stdin {DROP_IN}"
    modes = [events.FixedMode(path="/etc/ssh/sshd_config", before=0o644, after=0o600)]
    return events.FixPlanned(
        vm="stackvm",
        items=_items(done)[:1] if undo else _items(done),
        files=change,
        modes=[] if done or undo else modes,
        commands=[] if done else [install, "/usr/sbin/sshd -t", "systemctl reload ssh.service"],
        config="/etc/ssh/sshd_config",
        digest="5d" * 32,
        revert_by="systemd",
        revert_s=90.0,
        undoes="20261031T090000-00c0ffee" if undo else "",
    )


def _items(done: bool) -> list[events.FixItem]:
    tries = events.FixItem(
        id="ssh.auth-tries",
        title="Few tries for each connection",
        severity="low",
        status="right" if done else "fix",
        settings={} if done else {"MaxAuthTries": "4"},
        reason="MaxAuthTries 4" if done else "",
    )
    shut = events.FixItem(
        id="ssh.passwords",
        title="Passwords are refused",
        severity="high",
        status="refused",
        reason="PasswordAuthentication no: trainshed logs in by password; move to a key first",
        by_hand=["ssh-copy-id azureuser@203.0.113.10"],
    )
    return [tries, shut]


def mended() -> events.CheckFinished:
    """The check again."""
    return events.CheckFinished(
        id="ssh.auth-tries",
        group="ssh",
        title="Few tries for each connection",
        status="pass",
        severity="low",
        evidence="MaxAuthTries 4",
    )
