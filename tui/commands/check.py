"""`trainshed check`: findings with evidence; the exit code says whether one is too severe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import command, pass_settings
from ..settings import Settings

if TYPE_CHECKING:
    from core.checks.reports.judging import Limits
    from core.checks.reports.record import Report

SEVERITIES = ("info", "low", "medium", "high", "critical")
GROUPS = {"ssh": ("ssh",), "data": ("data",), "all": ("ssh", "data")}
FORMATS = ("text", "nagios", "prometheus", "junit")


@command("check")
@click.argument("group", type=click.Choice(list(GROUPS)), default="all")
@click.option(
    "--fail-on", type=click.Choice(SEVERITIES), default="high", show_default=True, help="Exit 1 from this severity on."
)
@click.option(
    "--fail-on-unknown",
    type=click.Choice([*SEVERITIES, "never"]),
    is_flag=False,
    flag_value="info",
    default="high",
    help="Exit 1 for a check that could not be made, from this severity on; alone: for any.  [default: high]",
)
@click.option("--sudo", is_flag=True, help="Ask for sudo's password on the VM, to read what only root can.")
@click.option("--report", type=click.Path(path_type=Path), help="Write a report: FILE.html, FILE.md or FILE.json.")
@click.option("--baseline", type=click.Path(path_type=Path), help="Say what changed against an earlier FILE.json.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    help="For monitoring: that form on stdout, and its own exit code.",
)
@pass_settings
def check(
    settings: Settings,
    group: str,
    fail_on: str,
    fail_on_unknown: str,
    sudo: bool,
    report: Path | None,
    baseline: Path | None,
    form: str,
) -> int:
    """Check the VM's SSH server and the path to the data."""
    from core.checks.reports import files
    from core.checks.reports.judging import Limits

    if sudo and not (settings.may_ask and form == "text"):
        raise click.UsageError("--sudo: nobody can be asked; let sudo ask for no password (NOPASSWD) instead")
    if settings.json and form != "text":
        raise click.UsageError("--json and --format are two forms of the same: leave one out")
    if report is not None:
        settings.refuse_if_read_only("check --report")
        files.writer(report)  # a wrong ending is told before anything is checked
    limits = Limits(fail=fail_on, unknown=None if fail_on_unknown == "never" else fail_on_unknown)  # type: ignore[arg-type]
    if form != "text":
        return _for_machines(settings, group, form, limits, report, baseline)
    made = _made(settings, group, baseline, sudo=sudo)
    _tell(settings, made)
    if report is not None:
        _save(settings, made, report)
    return int(any(map(limits.broken, made.checks)))


def _made(settings: Settings, group: str, baseline: Path | None, *, sudo: bool = False, quiet: bool = False) -> Report:
    """The checks, each told as it is made unless `quiet`. Raises TrainshedError."""
    from core import events
    from core.checks.reports import record
    from core.errors import RootNeeded

    from .. import driver, tables

    compared = record.read(baseline) if baseline is not None else None
    services = settings.services()
    site = services.site
    job, found = driver.Job(settings), list[events.CheckFinished]()

    def seen(event: events.Event) -> None:
        if isinstance(event, events.CheckFinished):
            found.append(event)
            if not settings.json and not quiet:
                job.output.lines(tables.check(event, job.output.style, job.output.glyphs))

    password = job.questions.sudo(RootNeeded("what only root can read is read too")) if sudo else None
    ended = driver.perform(
        job,
        lambda live: live.checks.run(GROUPS[group], sudo=password),
        events.ChecksFinished,
        on_event=seen,
        services=services,
    )
    return record.of(site.name, site.vm, ended, found, compared)


def _tell(settings: Settings, made: Report) -> None:
    from core.checks.reports import record

    from .. import tables

    output = settings.output()
    if settings.json:
        output.document(record.document(made))
    else:
        output.lines(tables.summary(made, output.style))
        output.lines(tables.changes(made, output.style))
        output.lines(tables.counted(made, output.style))


def _save(settings: Settings, made: Report, path: Path) -> None:
    from core.checks.reports import files

    files.save(made, path)
    settings.output().note(f"report written to {path}")


def _for_machines(
    settings: Settings, group: str, form: str, limits: Limits, report: Path | None, baseline: Path | None
) -> int:
    from core.checks.reports import machines
    from core.errors import Interrupted, TrainshedError

    settings.no_input = True  # nobody is there to answer
    try:
        made = _made(settings, group, baseline, quiet=True)
        if report is not None:
            _save(settings, made, report)
        text, code = machines.told(form, made, limits)  # type: ignore[arg-type]
    except Interrupted:
        raise
    except TrainshedError as error:
        site, vm = (settings.found.name, settings.found.vm_name) if settings.found else (settings.site or "", "")
        reason = f"{error.title}; {error.hint}" if error.hint else error.title
        text, code = machines.unmade(form, site, vm, reason, error.exit_code)  # type: ignore[arg-type]
        settings.output().note(f"trainshed: {reason}", "bad")
    settings.output().lines(text.splitlines())
    return code
