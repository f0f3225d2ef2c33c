"""`trainshed data`: what is staged on the VM. The records never pass through the client."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import group, pass_settings
from ..settings import Settings


@group("data")
def data() -> None:
    """What is staged on the VM; stage more, free the space, remove records for good."""


@data.command("list")
@pass_settings
def list_(settings: Settings) -> None:
    """List what is staged on the VM: sizes, last use, who needs it, stagings that did not end."""
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


UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


def _span(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    """`30d`, `12h`, `45m` in seconds. Raises BadParameter."""
    if value is None:
        return None
    number, unit = value[:-1], UNITS.get(value[-1:].lower())
    if unit is None or not number.isascii() or not number.isdecimal() or len(number) > 6:
        raise click.BadParameter(f"{value!r} is no span: 30d, 12h, 45m or 2w")
    return int(number) * unit


@data.command("evict")
@click.argument("targets", nargs=-1, metavar="[DIGEST|PATH]...")
@click.option("--unused-for", "unused_for_s", metavar="30d", callback=_span, help="What nothing has used for so long.")
@click.option("--keep", metavar="N", type=click.IntRange(min=0), help="The newest N versions of each path stay.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_settings
def evict(
    settings: Settings, targets: tuple[str, ...], unused_for_s: float | None, keep: int | None, dry_run: bool, yes: bool
) -> None:
    """Free the space of staged data, which can be staged again.

    What a run that has not ended or a served model needs stays, and so does what is being staged.
    """
    from .removal import Eviction

    if not dry_run:
        settings.refuse_if_read_only("data evict")
    Eviction(settings, targets, unused_for_s, keep).carry_out(dry=dry_run, yes=yes)


@data.command("purge")
@click.argument("targets", nargs=-1, metavar="[DIGEST|PATH]...")
@click.option("--all", "everything", is_flag=True, help="All that is staged.")
@click.option("--names", is_flag=True, help="The receipt has the names of the files.")
@click.option("--receipt", metavar="FILE", type=click.Path(path_type=Path), help="A copy of the receipt.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_settings
def purge(
    settings: Settings,
    targets: tuple[str, ...],
    everything: bool,
    names: bool,
    receipt: Path | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Remove records from the VM for good, and keep a receipt.

    Every version that has some of what is named goes, unfinished stagings too. The container keeps what it has.
    """
    from .removal import Purge

    if not dry_run:
        settings.refuse_if_read_only("data purge")
    Purge(settings, targets, everything, names, receipt).carry_out(dry=dry_run, yes=yes)


@data.command("receipts")
@click.option("--vm", is_flag=True, help="Those that the VM has, other people's too.")
@pass_settings
def receipts(settings: Settings, vm: bool) -> None:
    """List the receipts of purges that are kept on this machine."""
    from core.events import ReceiptsListed

    from ..simple import ask

    ask(settings, lambda services: services.data.receipts(vm=vm), ReceiptsListed)
