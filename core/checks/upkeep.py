"""Evaluators: what our account is on the host, and how the host is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .model import Seen, Verdict
from .rules import worst

SKEW_S = 5.0  # the measure itself is off by up to half a round trip


# Groups whose members are root in all but name. The last three need a program: `doors` says which is there.
ROOT_GROUPS = {
    "docker": "who may use Docker is root",
    "disk": "who reads and writes the disks as such is root",
    "lxd": "who may use LXD is root",
    "incus-admin": "who may use Incus so is root",
    "libvirt": "who may use the system's libvirt is root",
}
ALWAYS = ("docker", "disk")


def root_groups(seen: Seen, _: None) -> Verdict:
    account = seen.section("account")
    groups = f"groups: {', '.join(account['groups']) or 'none'}"
    if account["uid"] == 0:
        return Verdict("skipped", "the account is root itself: see root-login")
    ours = [group for group in ROOT_GROUPS if group in account["groups"]]
    doors = [group for group in ours if group in (*ALWAYS, *account["doors"])]
    if doors:
        why = [ROOT_GROUPS[group] for group in doors]
        why += ["a rootless Docker is there too"] if "docker" in doors and account["rootless_docker"] else []
        return Verdict("fail", f"{groups}: {'; '.join(why)}")
    if ours:
        return Verdict("warn", f"{groups}: {', '.join(ours)} makes root of us once its program is installed", "low")
    return Verdict("pass", groups)


def updates_time(seen: Seen, _: None) -> Verdict:
    return worst(list(_upkeep(seen.section("updates"))))


def _upkeep(found: dict[str, Any]) -> Iterator[Verdict]:
    unattended = found["unattended"]
    if unattended is None:
        yield Verdict("unknown", "not a system with apt: how it is updated is not known to us")
    else:
        told = f"off: {unattended}" if unattended else "on"
        yield Verdict("fail" if unattended else "pass", f"unattended-upgrades {told}")
    if found["reboot_required"]:
        yield Verdict("fail", "a reboot is due (/var/run/reboot-required)")
    if found["sshd_stale"]:
        yield Verdict("fail", "the sshd that runs is older than its file: restart it after the update")
    if found["clock_synchronised"] is False:
        yield Verdict("warn", "the clock is not synchronised", "low")
    if abs(found["skew_s"]) > SKEW_S:
        yield Verdict("warn", f"the clock differs from this computer's by {found['skew_s']:.0f} s", "low")
    if found["kill_user_processes"] and not found["linger"]:
        yield Verdict("fail", "KillUserProcesses=yes without linger: a logout ends what runs")
    if found["sudo_all"]:
        yield Verdict("warn", "sudo allows our account everything without a password", "low")
    yield Verdict("pass", f"clock {'synchronised' if found['clock_synchronised'] else 'not known'}")
