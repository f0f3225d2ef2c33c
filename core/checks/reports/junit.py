"""The report as JUnit XML, the form that CI servers read: a finding from `fail_on` on is a failure."""

from __future__ import annotations

from xml.etree import ElementTree

from ...events import CheckFinished
from .judging import Limits
from .record import Report
from .text import clean, evidence, moment


def write(report: Report, limits: Limits) -> str:
    failures = sum(limits.broken(check) and check.status != "unknown" for check in report.checks)
    errors = sum(limits.broken(check) and check.status == "unknown" for check in report.checks)
    skipped = sum(check.status == "skipped" for check in report.checks)
    totals = {"tests": len(report.checks), "failures": failures, "errors": errors, "skipped": skipped}
    suite = ElementTree.Element("testsuite", name=clean(f"{report.site} {report.vm}".strip()))
    suite.attrib.update({key: str(value) for key, value in totals.items()}, time=f"{report.duration_s:.3f}")
    suite.set("timestamp", moment(report.started)[:19].replace(" ", "T"))
    for check in report.checks:
        _case(suite, check, limits)
    return _document(suite)


def unmade(site: str, vm: str, reason: str) -> str:
    """One test case that says why the checks could not be made."""
    suite = ElementTree.Element("testsuite", name=clean(f"{site} {vm}".strip()), tests="1", failures="0", errors="1")
    case = ElementTree.SubElement(suite, "testcase", classname="trainshed", name="the checks can be made")
    ElementTree.SubElement(case, "error", message=clean(reason))
    return _document(suite)


def _case(suite: ElementTree.Element, check: CheckFinished, limits: Limits) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", classname=f"trainshed.{check.group}", name=clean(f"{check.id}: {check.title}")
    )
    if check.duration_s is not None:
        case.set("time", f"{check.duration_s:.3f}")
    if check.status == "skipped":
        ElementTree.SubElement(case, "skipped", message=clean(evidence(check)))
    elif limits.broken(check):
        kind = "error" if check.status == "unknown" else "failure"
        told = ElementTree.SubElement(case, kind, type=check.severity, message=clean(check.evidence))
        told.text = clean(f"expected: {check.expected}; fix: {check.fix}")
    else:
        ElementTree.SubElement(case, "system-out").text = clean(f"{check.status}: {check.evidence}")


def _document(suite: ElementTree.Element) -> str:
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
