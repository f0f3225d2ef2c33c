"""The plain text of what an operation found: tables, and `name  value` lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from core import events
from core.checks.reports.changes import SEVERITIES
from core.checks.reports.record import Report, findings
from core.checks.reports.text import KINDS, change, evidence

from . import comparison
from . import staged as texts
from .resolved import LISTED, Row, rows
from .text import harmless, pairs, printable, table
from .words import ENGINES, STATUS, clock, duration, how_staged, memory, now, number, size

COLOURS = {"pass": "good", "warn": "warning", "fail": "bad", "unknown": "warning", "skipped": "quiet"}
LONGEST_CELL = 40  # characters of a value beside others
Style = Callable[[str, str], str]


def moment(seconds: float | None) -> str:
    """Local date and time."""
    return clock(seconds, "%Y-%m-%d %H:%M:%S") if seconds else ""


def connected(event: events.Connected) -> list[str]:
    facts = event.facts
    return pairs(
        [
            ("connected", f"{event.user}@{event.host} port {event.port}"),
            ("host key", f"{event.key_type} {event.fingerprint} (trusted by {event.trusted_by})"),
            ("agent", f"{event.agent} ({'put in place' if event.agent_placed else 'was there'})"),
            ("host name", facts.hostname),
            ("system", f"{facts.os}, kernel {facts.kernel}, {facts.architecture}"),
            ("CPUs", str(facts.cpus)),
            ("memory", memory(facts.memory_bytes)),
            ("disk", f"{size(facts.disk_free_bytes)} free of {size(facts.disk_total_bytes)}"),
            ("GPU", "; ".join(facts.gpus) or "none"),
            ("Python", facts.python),
            ("Docker", facts.docker or "none"),
            ("bubblewrap", facts.bwrap or "none"),
            ("sandbox", facts.sandbox or f"none: {facts.sandbox_reason}"),
            ("clock", f"{facts.clock_skew_s:+.2f} s against this machine"),
        ]
    )


def check(event: events.CheckFinished, style: Style, glyphs: bool) -> list[str]:
    """One finding: its line, and below it what to know where it is not simply good."""
    mark = STATUS[event.status]
    status = (f"{mark.glyph} {mark.word}" if glyphs else mark.word).ljust(10)
    took = f"  ({duration(event.duration_s)})" if event.duration_s is not None else ""
    severity = f" [{event.severity}]" if event.status in ("fail", "warn", "unknown") else ""
    head = f"{style(COLOURS[event.status], status)} {event.id}  {printable(event.title)}{severity}{took}"
    more = [("found", evidence(event))]
    if event.status in ("fail", "warn"):
        more += [("expected", event.expected), ("fix", event.fix), ("sources", "; ".join(event.sources))]
    return [head, *(f"           {line}" for line in pairs(more))]


def changes(report: Report, style: Style) -> list[str]:
    """What is different from the baseline, or from the last time."""
    if report.since is None or not report.changes:
        return [] if report.since is None else ["", f"nothing changed since {moment(report.since)}"]
    rows = [(KINDS[item.kind], item.id, item.title, change(item)) for item in report.changes]
    return [
        "",
        style("strong", f"changed since {moment(report.since)}"),
        *table(("", "CHECK", "TITLE", "STATUS"), rows),
    ]


def summary(report: Report, style: Style) -> list[str]:
    """What was found by severity, in few words: the findings themselves have scrolled away."""
    named = {"fail": "", "warn": " (warn)", "unknown": " (unknown)"}
    rows = []
    for severity in SEVERITIES:
        found = [check for check in findings(report.checks) if check.severity == severity]
        rows += [(severity, ", ".join(check.id + named[check.status] for check in found))] if found else []
    return ["", style("strong", "worst first"), *pairs(rows)] if rows else []


def counted(event: events.ChecksFinished | Report, style: Style) -> list[str]:
    words = ", ".join(f"{count} {STATUS[status].word}" for status, count in event.counts.items() if count)
    return ["", style("strong", f"{words or 'nothing checked'} in {duration(event.duration_s)}")]


def staged(event: events.DataStaged) -> list[str]:
    item = event.data
    values = [
        ("path", item.path or "(all)"),
        ("digest", item.digest),
        ("files", f"{item.files:,}"),
        ("size", size(item.bytes)),
    ]
    return pairs([*values, ("result", how_staged(event))])


def environments(listed: Iterable[events.EnvironmentInfo]) -> list[str]:
    rows = [
        (
            info.hash[:12],
            info.kind,
            info.what,
            size(info.bytes),
            moment(info.used),
            str(info.runs),
            "yes" if info.needed else "",
        )
        for info in listed
    ]
    return table(("HASH", "KIND", "WHAT", "SIZE", "USED", "RUNS", "NEEDED"), rows)


def pruned(event: events.EnvironmentsPruned) -> list[str]:
    return [*event.removed, f"{len(event.removed)} removed, {size(event.bytes)}"]


def runs(listed: Iterable[events.RunInfo]) -> list[str]:
    rows = [
        (info.run, _state(info), moment(info.created), info.owner, info.experiment, info.name, _metrics(info.metrics))
        for info in listed
    ]
    return table(("RUN", "STATE", "CREATED", "OWNER", "EXPERIMENT", "NAME", "METRICS"), rows)


def _state(info: events.RunInfo) -> str:
    return info.state if info.ahead is None else f"queued ({info.ahead} before)"


def _metrics(values: dict[str, float]) -> str:
    return " ".join(f"{key}={number(value)}" for key, value in values.items())


def run(info: events.RunInfo) -> list[str]:
    reason = info.reason if info.ahead is None else f"{info.ahead} before it"
    word = info.state if info.ahead is None else "queued"
    state = f"{word} ({reason})" if reason else word
    used = "" if info.peak_memory is None else f"{size(info.peak_memory)} at most, {duration(info.cpu_s or 0)} of CPU"
    exit_code = "" if info.exit_code is None else str(info.exit_code)
    head = [("run", info.run), ("name", info.name), ("experiment", info.experiment), ("state", state)]
    head += [
        ("exit code", exit_code),
        ("created", moment(info.created)),
        ("ended", moment(info.ended)),
        ("owner", info.owner),
        ("used", used),
        ("VM", info.vm),
    ]
    head += [("parent", info.parent or ""), ("command", info.command)]
    head += [("code", info.code_digest), ("environment", info.environment)]
    head += [("engine", ENGINES.get(info.engine, info.engine))]
    head += [(f"data {name}", digest) for name, digest in info.data.items()]
    head += [(f"parameter {name}", value) for name, value in info.params.items()]
    head += [(f"metric {name}", number(value)) for name, value in info.metrics.items()]
    head += [(f"tag {name}", value) for name, value in info.tags.items()]
    head += [
        ("artifacts", ", ".join(info.artifacts)),
        ("models", ", ".join(info.models)),
        ("log", size(info.log_bytes)),
    ]
    return pairs(head)


def compared(event: events.RunsCompared, *, only_differences: bool = False) -> list[str]:
    """A table of values, then the code: each file that differs, and how."""
    shown = comparison.lines(event)
    shown = comparison.differing(shown) if only_differences else shown
    rows = [
        (line.group, line.name, *comparison.around(line.a, line.b, LONGEST_CELL), line.difference) for line in shown
    ]
    going = [info.state not in events.TERMINAL for info in (event.a, event.b)]
    if any(going):
        a, b = (moment(now()) if goes_on else "" for goes_on in going)
        rows.insert(0, ("run", "as of", a, b, ""))
    rows.insert(0, ("run", "id", event.a.run, event.b.run, ""))
    files = [
        text
        for file in event.code.files
        for text in ("", harmless(comparison.changed(file)), *map(harmless, file.diff.splitlines()[2:]))
    ]
    return [*table(("WHAT", "NAME", "A", "B", "DIFFERENCE"), rows), "", comparison.code(event.code), *files]


def downloaded(event: events.Downloaded) -> list[str]:
    head = [("run", event.run), ("folder", event.folder), ("files", f"{event.files:,}"), ("size", size(event.bytes))]
    there = f"{event.same:,}" if event.same else ""
    return pairs([*head, ("there already", there), ("models left", f"{event.left:,} files" if event.left else "")])


def models(listed: Iterable[events.ModelInfo]) -> list[str]:
    rows = [(info.model, info.version, info.run, moment(info.created), info.source) for info in listed]
    return table(("MODEL", "VERSION", "RUN", "REGISTERED", "SOURCE"), rows)


def model(info: events.ModelInfo) -> list[str]:
    head = [("model", info.model), ("version", info.version), ("run", info.run), ("registered", moment(info.created))]
    head += [("source", info.source), ("digest", info.digest)]
    return pairs([*head, *((f"tag {name}", value) for name, value in info.tags.items())])


def registered(event: events.ModelRegistered) -> list[str]:
    how = "was registered already" if event.existed else "registered"
    head = [("model", f"{event.model}:{event.version} {how}")]
    return pairs([*head, *((f"tag {name}", value) for name, value in event.tags.items())])


def packaged(event: events.ModelPackaged) -> list[str]:
    head = [("model", f"{event.model}:{event.version}"), ("folder", event.path), ("digest", event.digest)]
    return pairs([*head, ("files", ", ".join(event.files)), ("size", size(event.bytes))])


def services(listed: Iterable[events.ServiceInfo]) -> list[str]:
    rows = [(info.service, f"{info.model}:{info.version}", info.state, info.address, info.reason) for info in listed]
    return table(("SERVICE", "MODEL", "STATE", "ADDRESS", "REASON"), rows)


def service(info: events.ServiceInfo) -> list[str]:
    head = [("service", info.service), ("model", f"{info.model}:{info.version}"), ("state", info.state)]
    return pairs([*head, ("address", info.address), ("reason", info.reason), ("started", moment(info.started))])


def predicted(event: events.Predicted) -> list[str]:
    verdict = {True: "right", False: "wrong", None: "no label to compare with"}[event.correct]
    head = [("service", event.service), ("row", str(event.row)), ("prediction", event.prediction)]
    return pairs([*head, ("label", event.expected or ""), ("answer", verdict), ("took", duration(event.duration_s))])


def finished(event: events.RunFinished) -> list[str]:
    exit_code = "" if event.exit_code is None else str(event.exit_code)
    head = [("run", event.run), ("state", event.status), ("reason", event.reason), ("exit code", exit_code)]
    head += [(f"metric {name}", number(value)) for name, value in event.metrics.items()]
    return pairs([*head, ("artifacts", ", ".join(event.artifacts))])


def resolved(event: events.JobResolved, *, listed: int = LISTED) -> list[str]:
    """`listed`: how many files and packages are named one by one."""
    found = rows(event, listed=listed)
    width = max(len(row.label) for row in found)
    return [line for row in found for line in _lines(row, width)]


def _lines(row: Row, width: int) -> list[str]:
    if row.kind in ("warning", "note"):
        return [f"{'warning: ' if row.kind == 'warning' else 'note: '}{harmless(row.text)}"]
    first, *more = [harmless(line) for line in row.text.splitlines() or [""]]
    return [f"{harmless(row.label).ljust(width)}  {first}".rstrip(), *(f"{' ' * width}  {line}" for line in more)]


WRITERS: dict[type[Any], Callable[[Any], list[str]]] = {
    events.Connected: connected,
    events.DataListed: texts.listed,
    events.DataStaged: staged,
    events.DataChosen: texts.chosen,
    events.DataEvicted: texts.removed,
    events.DataPurged: texts.removed,
    events.ReceiptsListed: lambda event: texts.receipts(event.receipts),
    events.EnvironmentsListed: lambda event: environments(event.environments),
    events.EnvironmentsPruned: pruned,
    events.JobResolved: resolved,
    events.RunsListed: lambda event: runs(event.runs),
    events.RunsCompared: compared,
    events.RunInfo: run,
    events.RunFinished: finished,
    events.Downloaded: downloaded,
    events.RunStateChanged: lambda event: pairs([("run", event.run), ("state", event.state), ("reason", event.reason)]),
    events.ModelsListed: lambda event: models(event.models),
    events.ModelInfo: model,
    events.ModelRegistered: registered,
    events.ModelPackaged: packaged,
    events.ServicesListed: lambda event: services(event.services),
    events.ServiceChanged: lambda event: service(event.info),
    events.Predicted: predicted,
    events.SiteWritten: lambda event: pairs([("site file", event.path)]),
}


def text(value: Any) -> list[str]:
    """The lines for an event or a record."""
    return WRITERS[type(value)](value)
