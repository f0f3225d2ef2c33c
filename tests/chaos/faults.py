"""The fault table."""

from __future__ import annotations

from . import containers, fixing, killed, link, staging, vm, workspace
from .campaign import Fault

DISK = 64 << 20  # bytes
SILENCE_S = 900.0  # for the case of a real silence of ten minutes

FAULTS = (
    Fault("link cut at random bytes", link.cut, 2, 30, docker=(0, 6)),
    Fault("link slow and jittering", link.slow, 1, 5, docker=(0, 2)),
    Fault("link half-open", link.silent, 1, 10, docker=(0, 2)),
    Fault("client killed after each step", killed.after_a_step, 14, 16, docker=(0, 16), together=2),
    Fault("client killed at a random byte", killed.at_a_random_byte, 7, 650, docker=(0, 60), together=2),
    Fault("client killed at a random time", killed.at_a_random_time, 7, 650, docker=(0, 60), together=2),
    Fault("client killed placing the agent", killed.placing_the_agent, 2, 40, docker=(0, 10)),
    Fault("supervisor killed", vm.supervisor_killed, 2, 60),
    Fault("supervisors killed, one after the other", containers.supervisors_killed, docker=(3, 40)),
    Fault("agent killed, run followed", vm.agent_killed_following, 1, 30, docker=(0, 10)),
    Fault("agent killed, launching", vm.agent_killed_launching, 4, 200, docker=(0, 40)),
    Fault("VM rebooted, run followed", vm.rebooted, 2, 40, docker=(1, 15)),
    Fault("VM rebooted, launching", vm.rebooted_launching, 3, 100, docker=(0, 30)),
    Fault("dockerd killed, run followed", containers.killed, docker=(1, 40)),
    Fault("dockerd killed, live-restore", containers.killed_live_restore, docker=(1, 30), live_restore=True),
    Fault("dockerd killed, launching", containers.killed_launching, docker=(1, 60)),
    Fault("dockerd away for a while", containers.away, docker=(1, 20), live_restore=True),
    Fault("dockerd hangs for a while", containers.hangs, docker=(0, 20)),
    Fault("dockerd answers 500 for a while", containers.refuses, docker=(0, 20), door=True),
    Fault("dockerd and supervisor killed", containers.all_killed, docker=(0, 20)),
    Fault("cancelled without dockerd", containers.cancelled, docker=(1, 12), live_restore=True),
    Fault("container removed", containers.removed, docker=(1, 20)),
    Fault("disk full, run followed", vm.disk_full, 1, 30, docker=(0, 10), disk_bytes=DISK),
    Fault("disk full, launching", vm.disk_full_launching, 0, 50, docker=(0, 15), disk_bytes=DISK),
    Fault("clock jumps", vm.clock_jumps, 1, 20, docker=(0, 5)),
    Fault("workspace locked", workspace.locked, 1, 10, docker=(0, 2)),
    Fault("workspace gone", workspace.gone, 1, 10, docker=(0, 2)),
    Fault("two clients, one records", workspace.two_clients, 1, 10, docker=(0, 3)),
    Fault("recording client killed", workspace.holder_killed, 1, 10, docker=(0, 3)),
    Fault("client stopped, 14 MB behind", workspace.stopped, 1, 5, docker=(0, 3)),
    Fault("client stopped for 10 minutes", workspace.stopped_for_long, 0, 1, docker=(0, 1), seconds=SILENCE_S),
    Fault("fixing: agent killed at a line", fixing.agent_killed, 1, 250),
    Fault("fixing: agent stopped at a line", fixing.agent_stopped, 0, 20),
    Fault("fixing: revert killed at a line", fixing.revert_killed, 1, 40),
    Fault("fixing: client killed after each step", fixing.client_killed, 0, 28),
    Fault("fixing: link cut at a random byte", fixing.link_cut, 1, 40),
    Fault("fixing: VM rebooted", fixing.rebooted, 0, 60),
    Fault("fixing: VM with systemd rebooted", fixing.rebooted_with_systemd, 0, 20),
    Fault("fixing: disk of the copies full", fixing.disk_full("var/lib/trainshed"), 0, 24),
    Fault("fixing: disk of cron full", fixing.disk_full("etc/cron.d"), 0, 4),
    Fault("fixing: disk of the settings full", fixing.disk_full("etc/ssh/sshd_config.d"), 1, 4),
    Fault("fixing: each check alone", fixing.one_by_one, 0, 40),
    *(Fault(name, trial, 0, times, seconds=seconds) for name, trial, times, seconds in staging.rows()),
)
