"""What of a site file a step's result stands on: when that changes, the result may hold no longer."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

# step -> (what people call it, its keys in the site file; VM stands for the VM in use)
GROUNDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "connect": ("the VM's address or host key", ("vms.VM.host", "vms.VM.port", "vms.VM.user", "vms.VM.host_keys")),
    "data": ("[data]", ("data.endpoint", "data.container", "data.prefix", "data.address")),
    "launch": ("[environments] or an alias", ("environments", "data.aliases", "vms.VM.sandbox")),
}


def of(path: Path | None, vm: str) -> dict[str, str]:
    """A digest for each step above; empty where the file cannot be read."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8")) if path is not None else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return {step: _digest([_at(raw, key, vm) for key in keys]) for step, (_, keys) in GROUNDS.items()} if raw else {}


def _at(raw: Any, key: str, vm: str) -> Any:
    for part in key.split("."):
        raw = raw.get(vm if part == "VM" else part) if isinstance(raw, dict) else None
    return raw


def _digest(values: list[Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:16]
