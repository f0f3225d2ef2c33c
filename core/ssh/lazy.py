"""The modules that need paramiko, imported when a connection is first made."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

UNUSED = "invoke"  # paramiko's reader of ssh_config would run `Match exec` with it; ours is ssh itself


def load(name: str) -> ModuleType:
    """`core.ssh.NAME`. Without the unused library paramiko imports in half the time. Blocks."""
    if UNUSED in sys.modules or "paramiko" in sys.modules:
        return importlib.import_module(f"{__package__}.{name}")
    sys.modules[UNUSED] = None  # type: ignore[assignment]
    try:
        return importlib.import_module(f"{__package__}.{name}")
    finally:
        del sys.modules[UNUSED]
