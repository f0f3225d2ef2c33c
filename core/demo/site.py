"""The site file of the embedded site, and its one credential."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..site import files
from . import dataset
from .azurite import ADDRESS, Storage
from .processes import write_private
from .sshd import Server

NAME = "demo"
VM = "stackvm"
ENVIRONMENT = "sklearn-1.9"
REQUIREMENTS = Path(__file__).with_name("job") / "requirements.txt"

NOTE = """# The embedded site of trainshed: real parts on loopback, made by `trainshed demo`.
# The data credential is a file of mode 0600 beside this one: `demo up` serves later commands, which need it.
# It opens nothing but the Azurite of this site, and a new one is made at every start.
"""


def write(folder: Path, server: Server, storage: Storage) -> files.Site:
    """Writes `site.toml` and the credential's file. The host key is not pinned: `connect` does that."""
    import tomlkit

    write_private(folder / "data.key", storage.key + "\n")
    text = NOTE + tomlkit.dumps(_document(folder, server, storage))
    write_private(folder / "site.toml", text)
    return files.load(folder / "site.toml")


def _document(folder: Path, server: Server, storage: Storage) -> dict[str, Any]:
    return {
        "name": NAME,
        "default_vm": VM,
        "vms": {
            VM: {
                "host": ADDRESS,
                "port": server.port,
                "user": server.user,
                "identity": str(server.identity),
                "root": str(folder / "vm"),
                "sandbox": "bwrap",
            }
        },
        "data": {
            "endpoint": storage.endpoint,
            "address": ADDRESS,
            "container": dataset.CONTAINER,
            "credential": "file:data.key",
            "ca_bundle": storage.certificates.root.name,
            "api_version": "auto",
            "aliases": {"azureml:breast-cancer@latest": dataset.FOLDER},
        },
        "workspace": {"kind": "local"},
        "environments": {ENVIRONMENT: {"requirements": str(REQUIREMENTS)}},
    }
