"""`trainshed deploy`, `services`, `invoke`, `undeploy`: models that answer, on the VM."""

from __future__ import annotations

import click

from ..options import command, pass_settings
from ..settings import Settings


@command("deploy")
@click.argument("model", metavar="NAME[:VERSION]")
@click.option("--service", metavar="NAME", help="What to call the service; by default the model's name.")
@pass_settings
def deploy(settings: Settings, model: str, service: str | None) -> None:
    """Serve a packaged model on the VM, in a sandbox without the data."""
    from core.events import ServiceChanged

    from ..simple import ask

    settings.refuse_if_read_only("deploy")
    ask(settings, lambda services: services.deploy.start(model, service=service), ServiceChanged)


@command("services")
@pass_settings
def services(settings: Settings) -> None:
    """List what is being served."""
    from core.events import ServicesListed

    from ..simple import ask

    ask(settings, lambda live: live.deploy.list(), ServicesListed)


@command("invoke")
@click.argument("service")
@click.option("--row", type=click.IntRange(min=0), required=True, help="The row's number, from 0; it stays on the VM.")
@click.option("--data", metavar="PATH", help="The CSV in the container; by default the run's held-out rows.")
@click.option("--target", metavar="COLUMN", help="The column that holds the label.")
@pass_settings
def invoke(settings: Settings, service: str, row: int, data: str | None, target: str | None) -> None:
    """Ask SERVICE for one prediction on a row that is picked on the VM."""
    from core.events import Predicted

    from ..simple import ask

    ask(settings, lambda live: live.deploy.invoke(service, row=row, data=data, target=target), Predicted)


@command("undeploy")
@click.argument("service")
@pass_settings
def undeploy(settings: Settings, service: str) -> None:
    """Stop SERVICE; its package stays."""
    from core.events import ServiceChanged

    from ..simple import ask

    settings.refuse_if_read_only("undeploy")
    ask(settings, lambda live: live.deploy.stop(service), ServiceChanged)
