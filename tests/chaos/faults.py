"""The fault table."""

from __future__ import annotations

from . import killed, link, vm, workspace
from .campaign import Fault

DISK = 64 << 20  # bytes

FAULTS = (
    Fault("link cut at random bytes", link.cut, sample=2, full=30),
    Fault("link slow and jittering", link.slow, sample=1, full=5),
    Fault("link half-open", link.silent, sample=1, full=10),
    Fault("client killed after each step", killed.after_a_step, sample=14, full=16, together=2),
    Fault("client killed at a random byte", killed.at_a_random_byte, sample=7, full=650, together=2),
    Fault("client killed at a random time", killed.at_a_random_time, sample=7, full=650, together=2),
    Fault("client killed placing the agent", killed.placing_the_agent, sample=2, full=40),
    Fault("supervisor killed", vm.supervisor_killed, sample=2, full=60),
    Fault("agent killed, run followed", vm.agent_killed_following, sample=1, full=30),
    Fault("agent killed, launching", vm.agent_killed_launching, sample=4, full=200),
    Fault("VM rebooted, run followed", vm.rebooted, sample=2, full=40),
    Fault("VM rebooted, launching", vm.rebooted_launching, sample=3, full=100),
    Fault("disk full, run followed", vm.disk_full, sample=1, full=30, disk_bytes=DISK),
    Fault("disk full, launching", vm.disk_full_launching, sample=0, full=50, disk_bytes=DISK),
    Fault("clock jumps", vm.clock_jumps, sample=1, full=20),
    Fault("workspace locked", workspace.locked, sample=1, full=10),
    Fault("workspace gone", workspace.gone, sample=1, full=10),
    Fault("two clients, one records", workspace.two_clients, sample=1, full=10),
    Fault("recording client killed", workspace.holder_killed, sample=1, full=10),
    Fault("client stopped, 14 MB behind", workspace.stopped, sample=1, full=5),
)
