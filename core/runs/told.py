"""A run as the VM tells it: folders, files and command lines of this machine are made of its id."""

from __future__ import annotations

from typing import Any

import msgspec

from ..errors import AgentError
from ..events import RunInfo
from ..jobs import ulid


def told(item: dict[str, Any], vm: str) -> RunInfo:
    """Raises AgentError."""
    try:
        info = msgspec.convert({**item, "vm": vm}, RunInfo)
    except (msgspec.ValidationError, TypeError) as error:
        raise AgentError(f"what the VM tells of a run cannot be read: {error}") from None
    if not ulid.valid(info.run):
        raise AgentError(f"the VM tells of a run {info.run!r}, which is no run's id")
    return info
