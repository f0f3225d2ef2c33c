"""What monitoring reads on stdout, and the exit code that it expects beside it."""

from __future__ import annotations

from typing import Literal, get_args

from . import junit, nagios, prometheus
from .judging import Limits
from .record import Report

Form = Literal["nagios", "prometheus", "junit"]
FORMS: tuple[Form, ...] = get_args(Form)


def told(form: Form, report: Report, limits: Limits) -> tuple[str, int]:
    """(text, exit code). Prometheus' is 0 whatever was found: its file says it, and has to get into its place."""
    if form == "nagios":
        return nagios.write(report, limits), nagios.code(report, limits)
    if form == "prometheus":
        return prometheus.write(report), 0
    return junit.write(report, limits), int(any(map(limits.broken, report.checks)))


def unmade(form: Form, site: str, vm: str, reason: str, code: int) -> tuple[str, int]:
    """The same where the checks could not be made at all; `code`: that of our own."""
    if form == "nagios":
        return nagios.unmade(reason), nagios.UNKNOWN
    if form == "prometheus":
        return prometheus.unmade(site, vm), 0
    return junit.unmade(site, vm, reason), code
