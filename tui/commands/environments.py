"""`trainshed environments`: what is built on the VM for jobs to run in."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import group, pass_settings
from ..settings import Settings


@group("environments")
def environments() -> None:
    """List, build or remove environments."""


@environments.command("list")
@pass_settings
def list_(settings: Settings) -> None:
    """List what is built on the VM, the latest used first."""
    from core.events import EnvironmentsListed

    from ..simple import ask

    ask(settings, lambda services: services.environments.list(), EnvironmentsListed)


@environments.command("build")
@click.argument("job", type=click.Path(path_type=Path), metavar="JOB.yml")
@pass_settings
def build(settings: Settings, job: Path) -> None:
    """Build the environment of a job file, and start nothing."""
    from core.events import EnvironmentsListed

    from ..simple import ask

    settings.refuse_if_read_only("environments build")
    ask(settings, lambda services: services.environments.build(job), EnvironmentsListed)


@environments.command("prune")
@click.argument("wanted", nargs=-1, metavar="[HASH]...")
@click.option("--older-than", "days", metavar="DAYS", type=click.FloatRange(min=0), default=30, show_default=True,
              help="Those that no run has used for so long.")  # fmt: skip
@pass_settings
def prune(settings: Settings, wanted: tuple[str, ...], days: float) -> None:
    """Remove environments that no run, package or service needs; they are built again when asked for."""
    from core.events import EnvironmentsPruned

    from ..simple import ask

    settings.refuse_if_read_only("environments prune")
    ask(
        settings,
        lambda services: services.environments.prune(older_than_days=days, wanted=wanted),
        EnvironmentsPruned,
    )
