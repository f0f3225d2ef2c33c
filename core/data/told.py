"""What the VM tells of data, as records: whatever it says, what is no record is an error of the agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from ..errors import AgentError

T = TypeVar("T")
LARGEST = 2**63


def read(told: object, kind: type[T], **more: object) -> T:
    """`told` and `more` as a record of `kind`; fields that it lacks are left out. Raises AgentError."""
    try:
        fields = {**dict(told), **more} if isinstance(told, Mapping) else told
        found = msgspec.convert(fields, kind)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise AgentError(f"what the VM tells of its data cannot be read: {error}", hint="connect again") from None
    if not measured(fields):
        raise AgentError("what the VM tells of its data cannot be read: not a number", hint="connect again")
    return found


def measured(told: object) -> bool:
    """Whether every number in it is one that can be reckoned with: JSON has others, at any depth."""
    left = [told]
    while left:
        match left.pop():
            case Mapping() as mapping:
                left.extend(mapping.values())
            case [*items]:
                left.extend(items)
            case int() | float() as number if not abs(number) < LARGEST:
                return False
    return True


def part(told: object, name: str) -> Any:
    """One field of an answer. Raises AgentError."""
    if not isinstance(told, Mapping) or name not in told:
        raise AgentError(f"the VM's answer about its data has no {name}", hint="connect again")
    return told[name]
