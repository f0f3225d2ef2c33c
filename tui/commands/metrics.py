"""`trainshed metrics`: what a run has logged of its metrics, in short or value by value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..options import command, pass_settings
from ..settings import Settings

if TYPE_CHECKING:
    from core import events
    from core.services import Events, Services

    from ..output import Output
    from ..widgets.series import Series

HEADINGS = ("METRIC", "VALUES", "LAST", "STEP", "MIN", "MAX", "NOT FINITE")
COLUMNS = ("run", "metric", "step", "time", "value")


@command("metrics")
@click.argument("run")
@click.option("--key", "keys", multiple=True, metavar="PATTERN", help="Those whose name matches, as train/*.")
@click.option("--csv", "as_csv", is_flag=True, help="Every value, as lines of CSV.")
@pass_settings
def metrics(settings: Settings, run: str, keys: tuple[str, ...], as_csv: bool) -> None:
    """Show the metrics of RUN: the last, smallest and largest value of each.

    With --csv or --json every value that it has logged so far, in the order it came.
    """
    from core.events import RunsListed

    from .. import driver

    job = driver.Job(settings)
    shown = _Shown(job.output, keys, as_csv)
    driver.perform(job, lambda services: _values(services, run), RunsListed, on_event=shown.see)
    shown.end()


async def _values(services: Services, run: str) -> Events:
    """The run itself, then its values."""
    from contextlib import aclosing

    from core import events

    info: events.RunInfo | None = None
    async for event in services.runs.show(run):
        if isinstance(event, events.RunsListed):
            info = event.runs[0]
        yield event
    if info is None:
        return
    async with aclosing(services.runs.metrics(info.run)) as values:  # type: ignore[type-var]
        async for event in values:
            yield event


class _Shown:
    def __init__(self, output: Output, keys: tuple[str, ...], as_csv: bool) -> None:
        self._output = output
        self._keys = keys
        self._as_csv = as_csv and not output.json
        self._run = ""
        self._series: dict[str, Series] = {}

    def see(self, event: events.Event) -> None:
        from core import events

        if isinstance(event, events.RunsListed):
            self._run = event.runs[0].run
            if self._as_csv:
                self._output.lines([",".join(COLUMNS)])
        elif isinstance(event, events.Metric) and self._wanted(event.key):
            self._value(event)

    def _wanted(self, key: str) -> bool:
        from fnmatch import fnmatchcase

        return not self._keys or any(fnmatchcase(key, pattern) for pattern in self._keys)

    def _value(self, event: events.Metric) -> None:
        from ..widgets.series import Series, name

        if self._output.json:
            self._output.stream(event)
        elif self._as_csv:
            self._output.lines([_csv((event.run or self._run, event.key, event.step, event.time, event.value))])
        else:
            self._series.setdefault(name(event), Series()).add(event.step, event.value, event.time)

    def end(self) -> None:
        if self._output.json or self._as_csv:
            return
        from ..text import table

        if not self._series:
            self._output.note("no metric was logged" + (" by such a name" if self._keys else ""))
            return
        self._output.lines(table(HEADINGS, [_summed(key, series) for key, series in self._series.items()]))


def _summed(key: str, series: Series) -> tuple[str, ...]:
    from ..words import number

    ends = (number(series.low), number(series.high)) if series.low <= series.high else ("", "")
    return key, f"{len(series):,}", number(series.last), f"{series.steps[-1]:.0f}", *ends, str(series.odd or "")


def _csv(values: tuple[object, ...]) -> str:
    import csv
    import io

    from ..text import harmless

    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([harmless(str(value)) for value in values])
    return line.getvalue()
