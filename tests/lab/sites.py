"""Site files that lead to real servers of tests, and an ssh_config that keeps the machine's own out of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.site import files
from core.site.files import Site
from core.ssh.hosts import CONFIG_VARIABLE

from .sshd import Sshd


def hermetic(home: Path, monkeypatch: pytest.MonkeyPatch, *lines: str) -> Path:
    """Uses an ssh_config of our own: `lines`, then no agent, no keys, `home/known_hosts` (which it returns)."""
    known = home / "known_hosts"
    common = ["Host *", f"UserKnownHostsFile {known}", "GlobalKnownHostsFile none", "IdentityAgent none"]
    config = home / "ssh_config"
    config.write_text("\n".join([*lines, *common, "IdentityFile none"]) + "\n")
    monkeypatch.setenv(CONFIG_VARIABLE, str(config))
    return known


def site_of(
    server: Sshd, *, host: str | None = None, host_key: str | None = "", identity: Path | None = None, name: str = "lab"
) -> Site:
    """A site whose VM is `server`; `host_key` None: none is pinned. With `host`, a Host of the ssh_config."""
    path = files.write_new(
        name,
        "vm",
        host=host or server.host,
        port=None if host else server.port,
        user=None if host else server.user,
        identity=None if host and identity is None else str(identity or server.client_key),
        host_key=server.pinned if host_key == "" else host_key,
    )
    return files.load(path)
