"""`trainshed connect`: compare the host key, log in, put the agent in place, show facts."""

from __future__ import annotations

from functools import partial

import click

from ..options import command, pass_settings
from ..settings import Settings


@command("connect")
@click.argument("target", required=False, metavar="[VM | USER@HOST[:PORT]]")
@click.option("--fingerprint", metavar="SHA256:…", help="The host key's fingerprint, as its owner gave it to you.")
@click.option("--identity", "-i", metavar="FILE", help="The private key to log in with.")
@pass_settings
def connect(settings: Settings, target: str | None, fingerprint: str | None, identity: str | None) -> None:
    """Compare the host key, log in, show facts about the VM.

    With an address that no site knows, the site file is written.
    """
    from core import events

    from .. import driver, tables
    from ..documents import document
    from ..targets import find

    site, address = find(settings, target)
    if address:
        settings.refuse_if_read_only("connecting to a new address (it writes a site file)")
    job = driver.Job(settings)
    services = settings.open(site)
    start = partial(services.connection.connect, address, fingerprint=fingerprint, identity=identity)
    written: list[events.SiteWritten] = []

    def remember(event: events.Event) -> None:
        if isinstance(event, events.SiteWritten):
            written.append(event)

    found = driver.perform(
        job, lambda _: driver.asking(job.questions, start), events.Connected, on_event=remember, services=services
    )
    if settings.json:
        job.output.document({**document(found), "site_file": written[0].path if written else None})
        return
    job.output.lines(tables.text(found))
    for event in written:
        job.output.lines(tables.text(event))
