"""What the agent answers to checks and fixes: the shape that we count on. Another one is an error, and no crash."""

from __future__ import annotations

from typing import Any

import msgspec

from ..errors import AgentError
from ..events import FixedFile, FixedMode

Shape = type[msgspec.Struct]


class Server(msgspec.Struct):
    config: dict[str, list[str]]
    root_config: dict[str, list[str]]
    config_file: str
    argv: list[str]
    command: str
    note: str
    port: int
    uid: int
    unread: list[str]


class Account(msgspec.Struct):
    groups: list[str]


class Guards(msgspec.Struct):
    processes: list[str] | None


class Passwords(msgspec.Struct):
    pwquality: dict[str, str]
    faillock: dict[str, str]


class Host(msgspec.Struct):
    """Sections that others than checks look at: a check sees for itself what it can judge."""

    user: str
    sshd: Server
    errors: dict[str, str]
    root: list[str]
    root_refused: str
    account: Account | None = None
    guards: Guards | None = None
    passwords: Passwords | None = None


class Planned(msgspec.Struct):
    config: str
    refused: dict[str, str]
    files: list[FixedFile]
    modes: list[FixedMode]
    commands: list[str]
    digest: str
    undoes: str
    revert_by: str
    checks: list[str]
    settings: dict[str, str]
    others: dict[str, list[str] | None]
    directory: bool


class Step(msgspec.Struct):
    title: str
    command: str


class Tried(msgspec.Struct):
    id: str
    steps: list[Step]
    seconds: float


class PutBack(msgspec.Struct):
    kept: bool


class Kept(msgspec.Struct):
    pass


def demand(answer: dict[str, Any], shape: Shape, longest: int = 0) -> dict[str, Any]:
    """The answer. Raises AgentError where it has not that shape, or more than `longest` bytes as JSON (0: any)."""
    try:
        msgspec.convert(answer, shape)
    except msgspec.ValidationError as error:
        raise AgentError(f"the agent's answer cannot be read: {error}", hint="try again") from None
    if longest and len(msgspec.json.encode(answer)) > longest:
        raise AgentError("the agent's answer is too long for a person to look at", hint="look at the VM's files")
    return answer
