"""A registered version as a folder that serves, on the VM that holds its bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .. import threads
from ..errors import RunError, UsageError
from ..events import ModelInfo, ModelPackaged
from ..site.files import Site
from ..ssh.agent import Agent

MODEL_TAG = "trainshed.model"  # the model's name in the run
SERVER = Path(__file__).parents[1] / "deploy" / "server.py"


def split(model: str) -> tuple[str, str | None]:
    """`NAME[:VERSION]`. Raises UsageError."""
    name, colon, version = model.partition(":")
    if not name or (colon and not version):
        raise UsageError(f"{model!r} does not name a model", hint="NAME or NAME:VERSION")
    return name, version or None


async def make(site: Site, agent: Agent, info: ModelInfo) -> ModelPackaged:
    """Again gives the same. Raises RunError where the model's bytes are not on this VM."""
    place = urlsplit(info.source)
    parts = place.path.strip("/").split("/")  # VM/runs/ULID/models/NAME
    if place.scheme != "trainshed" or len(parts) != 5:
        raise RunError(f"{info.model} version {info.version} was not registered by trainshed", hint=info.source)
    vm, _, run, _, model = parts
    if (place.netloc, vm) != (site.name, site.vm_name):
        title = f"{info.model} version {info.version} is on VM {vm} of site {place.netloc}"
        raise RunError(title, hint=f"this is VM {site.vm_name} of site {site.name}; its bytes do not travel")
    files = {"server.py": await threads.call(SERVER.read_text, encoding="utf-8")}
    made: dict[str, Any] = await agent.call(
        "models.package",
        run=run,
        model=info.tags.get(MODEL_TAG, model),
        version=info.version,
        name=info.model,
        files=files,
    )
    return ModelPackaged(model=info.model, version=info.version, **made)
