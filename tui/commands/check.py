"""`trainshed check`: findings with evidence; the exit code says whether one is too severe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..options import command, pass_settings
from ..settings import Settings

if TYPE_CHECKING:
    from core.events import CheckFinished

SEVERITIES = ("info", "low", "medium", "high", "critical")
GROUPS = {"ssh": ("ssh",), "data": ("data",), "all": ("ssh", "data")}


@command("check")
@click.argument("group", type=click.Choice(list(GROUPS)), default="all")
@click.option(
    "--fail-on", type=click.Choice(SEVERITIES), default="high", show_default=True, help="Exit 1 from this severity on."
)
@click.option("--fail-on-unknown", is_flag=True, help="Exit 1 also where a check could not be made.")
@pass_settings
def check(settings: Settings, group: str, fail_on: str, fail_on_unknown: bool) -> int:
    """Check the VM's SSH server and the path to the data."""
    from core import events

    from .. import documents, driver, tables

    job = driver.Job(settings)
    output, found = job.output, list[events.CheckFinished]()

    def seen(event: events.Event) -> None:
        if isinstance(event, events.CheckFinished):
            found.append(event)
            if not settings.json:
                output.lines(tables.check(event, output.style, output.glyphs))

    services = settings.services()
    site = services.site.name
    ended = driver.perform(
        job, lambda live: live.checks.run(GROUPS[group]), events.ChecksFinished, on_event=seen, services=services
    )
    if settings.json:
        output.document(documents.checks(site, ended, found))
    else:
        output.lines(tables.counted(ended, output.style))
    return int(any(_is_failure(finding, fail_on, fail_on_unknown) for finding in found))


def _is_failure(finding: CheckFinished, fail_on: str, fail_on_unknown: bool) -> bool:
    if finding.status == "unknown":
        return fail_on_unknown
    return finding.status == "fail" and SEVERITIES.index(finding.severity) >= SEVERITIES.index(fail_on)
