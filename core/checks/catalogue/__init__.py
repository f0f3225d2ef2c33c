"""The checks of the group `ssh`, one row each: what is expected, who says so, how it is put right.

`number` is the check's place in the full list. Sources: CIS = CIS Ubuntu 24.04 LTS benchmark,
DS = dev-sec ssh-baseline, SA = ssh-audit's policies and data, LY = Lynis, MZ = Mozilla's OpenSSH guidelines,
OB = OpenSSH's release notes, ours = our own reasons.
"""

from __future__ import annotations

from ..model import Check
from . import access, account, files, host, packages, passwords, settings, wire

CATALOGUE: tuple[Check, ...] = tuple(
    sorted(
        (
            *access.CHECKS,
            *account.CHECKS,
            *files.CHECKS,
            *host.CHECKS,
            *packages.CHECKS,
            *passwords.CHECKS,
            *settings.CHECKS,
            *wire.CHECKS,
        ),
        key=lambda check: check.number,
    )
)
BY_ID = {check.id: check for check in CATALOGUE}
