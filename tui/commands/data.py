"""`trainshed data`: what is staged on the VM. The records never pass through the client."""

from __future__ import annotations

import click

from ..options import group, pass_settings
from ..settings import Settings


@group("data")
def data() -> None:
    """What is staged on the VM; stage more."""


@data.command("list")
@pass_settings
def list_(settings: Settings) -> None:
    """List what is staged on the VM."""
    from core.events import DataListed

    from ..simple import ask

    ask(settings, lambda services: services.data.list(), DataListed)


@data.command("stage")
@click.argument("path", default="")
@pass_settings
def stage(settings: Settings, path: str) -> None:
    """Bring PATH of the container to the VM: a blob, a folder with a trailing /, or all of the site's prefix."""
    from core.events import DataStaged

    from ..simple import ask

    settings.refuse_if_read_only("data stage")
    ask(settings, lambda services: services.data.stage(path), DataStaged)
