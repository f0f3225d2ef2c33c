"""The account that we use, and how the host is kept."""

from __future__ import annotations

from .. import upkeep
from ..fix import Fix
from ..model import Check

CHECKS = (
    Check(
        id="docker-group",
        number=56,
        title="No group makes root of the account",
        severity="high",
        looks_at="the groups of our account; whether LXD, Incus, libvirt are there",
        needs=("account",),
        expected="not in docker (rootless Docker, or docker by a rule of sudo), disk, lxd, incus-admin or libvirt",
        sources=("ours", "Docker: daemon attack surface", "LXD: access to the daemon", "Debian: SystemGroups"),
        fix=Fix(
            by_hand=(
                "gpasswd -d ACCOUNT GROUP, then log in anew",
                "in place of docker: dockerd-rootless-setuptool.sh install as the account",
            )
        ),
        evaluate=upkeep.root_groups,
        quiet=(
            "Docker without root (rootless)",
            "lxd, which cloud images give by themselves, without LXD, is a warning",
        ),
    ),
    Check(
        id="updates-time",
        number=57,
        title="The host is kept up to date, and its clock is right",
        severity="medium",
        looks_at=(
            "unattended-upgrades and its timers, reboot-required, an sshd that is older than its file, the clock, "
            "KillUserProcesses and linger, what sudo allows without a password"
        ),
        needs=("updates",),
        expected="updates by themselves, no reboot due, sshd as installed, a right clock, runs that outlive a logout",
        sources=("LY", "ours"),
        fix=Fix(
            files={
                "/etc/apt/apt.conf.d/20auto-upgrades": (
                    'APT::Periodic::Update-Package-Lists "1";',
                    'APT::Periodic::Unattended-Upgrade "1";',
                ),
            },
            by_hand=("apt install unattended-upgrades chrony; reboot where it is due; loginctl enable-linger ACCOUNT",),
        ),
        evaluate=upkeep.updates_time,
    ),
)
