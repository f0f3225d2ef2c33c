"""Whose a run is."""

from __future__ import annotations

import getpass
import socket


def me() -> str:
    """Who starts a run here, for the others on the VM: `user@client`. It prevents mistakes, not malice."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
