"""`trainshed scan`: what a job's code could send out or leave behind, and what would travel with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import command, pass_settings
from ..settings import Settings

if TYPE_CHECKING:
    from core.site.files import Site

LEVELS = ("refused", "warning", "note")  # from the worst on


def _rules(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from ..scanned import rules

        settings = context.ensure_object(Settings)
        rules(settings.output())
        context.exit()


@command("scan")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--fail-on",
    type=click.Choice([*LEVELS, "never"]),
    default="refused",
    show_default=True,
    help="Exit 1 from this level on.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "sarif"]), default="text", help="For editors: SARIF 2.1.0."
)
@click.option("--files", is_flag=True, help="List each file that would travel, with its size.")
@click.option(
    "--rules", is_flag=True, is_eager=True, expose_value=False, callback=_rules, help="List the rules, and exit."
)
@pass_settings
def scan(settings: Settings, path: Path, fail_on: str, form: str, files: bool) -> int:
    """Look at the code of PATH: a folder, a job file or a script.

    It informs and never protects: what a job can reach, its sandbox decides. A finding is allowed on its line or the
    one above it: # trainshed: allow RULE because REASON
    """
    from core import events

    from .. import driver, scanned

    if settings.json and form != "text":
        raise click.UsageError("--json and --format are two forms of the same: leave one out")
    job = driver.Job(settings)
    found: list[events.ScanFinding] = []

    def seen(event: events.Event) -> None:
        if isinstance(event, events.ScanFinding):
            found.append(event)

    site = _site(settings)
    aliases, environments = _known(site)
    ended = driver.perform(
        job,
        lambda services: services.jobs.scan(path, aliases=aliases, environments=environments),
        events.ScanFinished,
        on_event=seen,
        services=settings.open(site),
    )
    if settings.json:
        job.output.document(scanned.document(found, ended))
    elif form == "sarif":
        scanned.sarif(found, ended, job.output)
    else:
        job.output.lines(scanned.report(found, ended, job.output, files=files))
    failing = LEVELS[: LEVELS.index(fail_on) + 1] if fail_on in LEVELS else ()
    return int(any(ended.counts[level] for level in failing))


def _site(settings: Settings) -> Site | None:
    """For what it knows of names in job files: a scan needs none. Raises ConfigError for one that was named."""
    from core.errors import ConfigError

    try:
        return settings.find_site()
    except ConfigError:
        if settings.site:
            raise
        return None


def _known(site: Site | None) -> tuple[dict[str, str], dict[str, str]]:
    """(the aliases of its data, the requirements of its environments)."""
    if site is None:
        return {}, {}
    named = {name: each.requirements for name, each in site.file.environments.items() if each.requirements}
    aliases = site.file.data.aliases if site.file.data is not None else {}
    return aliases, {name: str(site.resolve(relative)) for name, relative in named.items()}
