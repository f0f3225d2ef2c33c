"""Sandbox policies as data. The agent carries them out, and refuses one with network and data both."""

from __future__ import annotations

from typing import Any

import msgspec

GIB = 1 << 30


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """`memory_bytes` is for the whole sandbox, `tmp_bytes` for each of /tmp, /dev/shm and HOME (all in memory)."""

    engine: str = "bwrap"
    network: bool = False
    data: bool = False
    memory_bytes: int | None = None  # None, of a job: what the VM has, but for what the runner needs
    processes: int | None = 4096  # processes and threads
    tmp_bytes: int = 2 * GIB
    background: bool = False  # everything else of the VM comes first
    slots: int = 0  # runs of this VM at once; 0: no limit
    log_bytes: int = GIB  # of a job's raw log, and of its passed log; what it prints beyond is dropped

    def __post_init__(self) -> None:
        if self.network and self.data:
            raise ValueError("a sandbox has the network or the data, never both")


JOB = Policy(data=True, background=True)
BUILD = Policy(network=True, tmp_bytes=GIB, background=True)
SERVICE = Policy(tmp_bytes=GIB // 2)


def plain(policy: Policy) -> dict[str, Any]:
    """As the agent takes it."""
    made: dict[str, Any] = msgspec.to_builtins(policy)
    return made


def for_job(*, data: bool, slots: int = 0, engine: str = "bwrap") -> dict[str, Any]:
    """A job without data inputs has no data either; it never has a network."""
    return plain(msgspec.structs.replace(JOB, data=data, slots=slots, engine=engine))


def for_service() -> dict[str, Any]:
    return plain(SERVICE)
