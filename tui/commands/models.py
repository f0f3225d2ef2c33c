"""`trainshed models`: registered models, and their packages on the VM."""

from __future__ import annotations

import click

from ..options import group, pass_settings
from ..settings import Settings


@group("models")
def models() -> None:
    """List, show, register or package models."""


@models.command("list")
@pass_settings
def list_(settings: Settings) -> None:
    """List the registered models."""
    from core.events import ModelsListed

    from ..simple import ask

    ask(settings, lambda services: services.models.list(), ModelsListed)


@models.command("show")
@click.argument("model", metavar="NAME[:VERSION]")
@pass_settings
def show(settings: Settings, model: str) -> None:
    """Show one version of a model, the newest by default."""
    from core.errors import UsageError
    from core.events import ModelsListed

    from .. import driver, simple

    job = driver.Job(settings)
    listed = driver.perform(job, lambda services: services.models.list(), ModelsListed).models
    name, _, version = model.partition(":")
    named = [info for info in listed if info.model == name]
    found = [info for info in named if version in ("", info.version)]
    if not found:
        known = [f"{info.model}:{info.version}" for info in named] or sorted({info.model for info in listed})
        raise UsageError(f"there is no model {model!r}", hint=f"known: {', '.join(known) or 'none yet'}")
    simple.show(job.output, max(found, key=lambda info: (len(info.version), info.version)))


@models.command("register")
@click.argument("run")
@click.option("--name", help="The model's name; by default what the job called it.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag of the new version.")
@pass_settings
def register(settings: Settings, run: str, name: str | None, tags: tuple[str, ...]) -> None:
    """Register the model that RUN logged; twice gives the same version."""
    from core.events import ModelRegistered

    from ..assignments import parsed
    from ..simple import ask

    settings.refuse_if_read_only("models register")
    values = parsed(tags, "--tag", "owner=ward-7")
    ask(settings, lambda services: services.models.register(run, name=name, tags=values), ModelRegistered)


@models.command("package")
@click.argument("model", metavar="NAME[:VERSION]")
@pass_settings
def package(settings: Settings, model: str) -> None:
    """Put the model on the VM as a folder that serves."""
    from core.events import ModelPackaged

    from ..simple import ask

    settings.refuse_if_read_only("models package")
    ask(settings, lambda services: services.models.package(model), ModelPackaged)
