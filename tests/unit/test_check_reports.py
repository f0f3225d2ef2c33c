"""What a check found, handed over: reports for people, forms for machines, changes between two times."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from core.checks.catalogue import CATALOGUE
from core.checks.reports import files, html, junit, last, machines, markdown, nagios, prometheus, record
from core.checks.reports.changes import changes
from core.checks.reports.judging import Limits
from core.checks.reports.record import Report
from core.checks.reports.text import SOURCES
from core.errors import UsageError
from core.events import CheckFinished, ChecksFinished

HOSTILE = "</dd><script>alert(1)</script> | `a` *b* \x1b[31m\u202e \"q\" 'r' \\ &amp; \n next ]]> \x00"
FAIL, WARN, UNKNOWN, PASS, SKIPPED = (
    ("fail", "high"),
    ("warn", "low"),
    ("unknown", "high"),
    ("pass", "low"),
    ("skipped", "low"),
)
METRIC = re.compile(r'[a-z_]+\{([a-z]+="([^"\\\n]|\\["\\n])*",?)+\} [0-9.e+-]+')
PERFORMANCE = re.compile(r"([a-z]+=[0-9.]+s?;;;0 ?)+")


def check(status: str, severity: str = "high", id: str = "root-login", **more: Any) -> CheckFinished:
    told = {
        "title": "Root cannot log in",
        "evidence": "permitrootlogin yes",
        "expected": "no",
        "fix": "PermitRootLogin no",
    }
    return CheckFinished(id=id, group="ssh", status=status, severity=severity, **{**told, **more})  # type: ignore[arg-type]


def report(*checks: CheckFinished, before: Sequence[CheckFinished] | None = None) -> Report:
    counts: dict[str, int] = {one.status: sum(other.status == one.status for other in checks) for one in checks}
    ended = ChecksFinished(counts=counts, started=1_795_435_200.5, duration_s=0.5)
    baseline = Report(site="ward-7", vm="stackvm", started=1_795_000_000.0, duration_s=1, checks=list(before or ()))
    return record.of("ward-7", "stackvm", ended, checks, None if before is None else baseline)


ACCEPTED = {"owner": "J. <Doe>", "reason": HOSTILE, "until": "2027-01-31", "status": "fail"}
EVERYTHING = report(
    check("fail", evidence=HOSTILE, title=HOSTILE, expected=HOSTILE, fix=HOSTILE, sources=[HOSTILE]),
    check("warn", "critical", "warned", evidence=HOSTILE),
    check("unknown", "medium", "unseen", evidence=HOSTILE),
    check("pass", "low", "good", evidence=HOSTILE),
    check("skipped", "low", "off", evidence=HOSTILE),
    check("skipped", "high", "answered-for", accepted=ACCEPTED),
    before=[check("pass"), check("fail", id="warned"), check("fail", id="good")],
)


@pytest.mark.parametrize(
    ("was", "now", "kind"),
    [
        (PASS, FAIL, "new"), (None, WARN, "new"), (SKIPPED, UNKNOWN, "new"), (WARN, FAIL, "worse"),
        (UNKNOWN, FAIL, "worse"), (("fail", "low"), ("fail", "high"), "worse"), (FAIL, WARN, "better"),
        (("fail", "high"), ("fail", "low"), "better"), (FAIL, PASS, "gone"), (WARN, SKIPPED, "gone"),
        (PASS, PASS, ""), (None, PASS, ""), (PASS, SKIPPED, ""), (FAIL, FAIL, ""),
    ],
)  # fmt: skip
def test_a_change_is_of_what_is_found(was: tuple[str, str] | None, now: tuple[str, str], kind: str) -> None:
    other = check("pass", id="another")
    found = changes([check(*was), other] if was else [other], [check(*now)])
    assert [change.kind for change in found] == ([kind] if kind else [])
    if kind:
        assert (found[0].was, found[0].now) == (was[0] if was else None, now[0])


def test_other_evidence_is_a_change_and_bad_news_comes_first() -> None:
    before = [check("fail", id="same", evidence="3des"), check("fail", id="mended"), check("pass", id="broken")]
    now = [check("fail", id="same", evidence="rc4"), check("pass", id="mended"), check("fail", id="broken")]
    assert [(one.id, one.kind) for one in changes(before, now)] == [
        ("broken", "new"),
        ("mended", "gone"),
        ("same", "other"),
    ]


def test_a_link_that_was_not_tried_and_a_group_that_was_never_checked_are_no_change() -> None:
    def link(status: str, id: str, evidence: str = "seen") -> CheckFinished:
        return msgspec.structs.replace(check(status, id=id, evidence=evidence), group="data")

    holds = report(link("pass", "data-list"), link("warn", "data-rights"))
    broken = report(link("fail", "data-list"), link("skipped", "data-rights", "not tried: the link 'list' before it"))
    assert [(one.id, one.kind) for one in changes(holds.checks, broken.checks)] == [("data-list", "new")]
    last.save(msgspec.structs.replace(holds, vm="other"), None)
    last.save(msgspec.structs.replace(broken, vm="other"), last.load("ward-7", "other"))
    kept = last.load("ward-7", "other")
    assert kept is not None and [one.status for one in kept.checks] == ["fail", "warn"]
    assert [(one.id, one.kind) for one in changes(kept.checks, holds.checks)] == [("data-list", "gone")]
    ssh = report(check("fail"))
    assert changes(holds.checks, ssh.checks) == []
    first = record.of("ward-7", "other", ChecksFinished(counts={}, started=9.0, duration_s=1), ssh.checks, holds)
    assert first.since is None, "nothing was compared"


def test_a_report_is_read_again_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    files.save(EVERYTHING, path)
    again = record.read(path)
    assert again == EVERYTHING
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    printed = {"schema": 1, **record.document(report(check("pass")))}
    assert list(printed) == ["schema", "site", "vm", "started", "duration_s", "counts", "checks"]
    assert record.parse(json.dumps(printed).encode()) == report(check("pass"))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "nonsense", '{"checks": 3}', "[" * 100_000, "\x00", '{"checks":[{}]}']
    + [f'{{"site": "s", "duration_s": 1, "started": {when}}}' for when in ("1e300", "-1", "1e18", "253402300800")],
)
def test_what_is_no_report_is_refused_as_a_baseline(tmp_path: Path, text: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(text)
    for wrong in (path, tmp_path, tmp_path / "missing.json"):
        with pytest.raises(UsageError, match=r"baseline|no report"):
            record.read(wrong)


@pytest.mark.parametrize("name", ["report", "report.pdf", "report.json.gz"])
def test_an_ending_that_stands_for_nothing_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"\.html, \.htm, \.md, \.json|stands for no form") as error:
        files.writer(tmp_path / name)
    assert ".html" in error.value.hint


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file" / "r.md"
    path.parent.write_text("not a folder")
    with pytest.raises(UsageError, match="cannot be written"):
        files.save(EVERYTHING, path)
    assert path.parent.read_text() == "not a folder"


class Page(HTMLParser):
    """Every tag with its attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_is_one_file_that_runs_nothing_and_fetches_nothing() -> None:
    page = Page(html.write(EVERYTHING))
    assert not page.open
    names = {name for name, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "a"}
    assert not {key for _, attributes in page.tags for key in attributes} & {
        "src",
        "href",
        "style",
        "onload",
        "onclick",
    }
    assert ("meta", {"http-equiv": "Content-Security-Policy", "content": html.POLICY}) in page.tags
    assert "url(" not in html.STYLE and "@import" not in html.STYLE
    assert page.text.count("<script>alert(1)</script>") == 11
    for part in (
        "✗",
        "⚠",
        "Findings (3)",
        "Changed since",
        "new",
        "better",
        "As it should be (1)",
        "Not judged (1)",
        "Accepted (1)",
    ):
        assert part in page.text
    assert not re.search("[\x00\x1b\u202e]", page.text)


def test_markdown_takes_no_evidence_for_markup() -> None:
    text = markdown.write(EVERYTHING)
    assert "<script" not in text.replace(r"\<script", "") and not re.search("[\x00\x1b\u202e]", text)
    table = [line for line in text.splitlines() if line.startswith("| good")]
    assert len(table) == 1 and len(re.findall(r"(?<!\\)\|", table[0])) == 4
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert [head.split()[1] for head in heads if head.startswith("###")] == ["⚠", "✗", "?"]


def test_the_short_names_of_sources_are_told() -> None:
    found = report(check("fail", sources=["CIS 5.1.20", "ours", " "]), check("pass", sources=["SA"]))
    for text in (Page(html.write(found)).text, markdown.write(found)):
        assert "Sources. CIS: CIS benchmark for Ubuntu 24.04 LTS\n" in text
    assert "Sources." not in markdown.write(EVERYTHING)
    named = {source.split()[0] for row in CATALOGUE for source in row.sources}
    assert {name for name in named if name.isalpha() and name.isupper()} <= set(SOURCES)


@pytest.mark.parametrize(
    ("checks", "limits", "words", "code", "broken"),
    [
        ([PASS], Limits(), "OK", 0, False),
        ([FAIL, UNKNOWN], Limits(), "CRITICAL", 2, True),
        ([("fail", "medium")], Limits(), "WARNING", 1, False),
        ([("fail", "medium")], Limits(fail="low"), "CRITICAL", 2, True),
        ([WARN], Limits(fail="info"), "WARNING", 1, False),
        ([UNKNOWN, WARN], Limits(), "UNKNOWN", 3, True),
        ([UNKNOWN], Limits(unknown=None), "WARNING", 1, False),
        ([("unknown", "low")], Limits(), "WARNING", 1, False),
        ([SKIPPED], Limits(fail="info", unknown="info"), "OK", 0, False),
    ],
)
def test_each_machine_gets_its_own_exit_code(
    checks: list[tuple[str, str]], limits: Limits, words: str, code: int, broken: bool
) -> None:
    made = report(*(check(*one, id=f"c{number}", evidence=HOSTILE) for number, one in enumerate(checks)))
    text, ended = machines.told("nagios", made, limits)
    first, *rest = text.splitlines()
    assert (ended, first.split(" - ")[0]) == (code, f"TRAINSHED {words}")
    assert first.count("|") == 1 and PERFORMANCE.fullmatch(first.partition("| ")[2]) and "|" not in "".join(rest)
    assert machines.told("junit", made, limits)[1] == int(broken)
    assert machines.told("prometheus", made, limits)[1] == 0


def test_prometheus_reads_every_line() -> None:
    for text in (prometheus.write(EVERYTHING), prometheus.unmade('w"7\n\\', "")):
        lines = text.splitlines()
        assert text.endswith("\n") and all(line.startswith("# ") or METRIC.fullmatch(line) for line in lines), lines
        names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
        assert len(names) == len(set(names))
    assert 'status="fail"} 1' in prometheus.write(EVERYTHING)
    assert 'trainshed_check_started_seconds{site="ward-7",vm="stackvm"} 1795435200.500' in prometheus.write(EVERYTHING)


def test_junit_counts_what_it_holds() -> None:
    suite = ElementTree.fromstring(junit.write(EVERYTHING, Limits(unknown="info")))[0]
    cases = suite.findall("testcase")
    assert [len(cases)] + [len(suite.findall(f"testcase/{tag}")) for tag in ("failure", "error", "skipped")] == [
        6,
        1,
        1,
        2,
    ]
    assert [suite.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["6", "1", "1", "2"]
    assert suite.get("timestamp") == "2026-11-23T12:00:00"
    alone = ElementTree.fromstring(machines.unmade("junit", "s", "v", "refused " + HOSTILE, 3)[0])[0]
    assert alone.get("errors") == "1" and "refused" in str(alone.findall("testcase/error")[0].get("message"))


def test_where_no_check_was_made_each_form_says_so() -> None:
    assert machines.unmade("nagios", "s", "v", "refused | \n x", 3) == (
        "TRAINSHED UNKNOWN - refused / x\n",
        nagios.UNKNOWN,
    )
    assert machines.unmade("junit", "s", "v", "no", 3)[1] == 3
    text, code = machines.unmade("prometheus", "s", "v", "no", 3)
    assert code == 0 and 'trainshed_check_up{site="s",vm="v"} 0' in text


def test_the_last_result_is_kept_by_group_and_for_its_owner_alone() -> None:
    first = report(check("fail"), check("pass", id="tls"))
    first = msgspec.structs.replace(
        first, checks=[first.checks[0], msgspec.structs.replace(first.checks[1], group="data")]
    )
    assert last.load("ward-7", "stackvm") is None
    last.save(first, None)
    last.save(report(check("pass")), first)
    kept = last.load("ward-7", "stackvm")
    assert kept is not None and [(one.id, one.status) for one in kept.checks] == [
        ("root-login", "pass"),
        ("tls", "pass"),
    ]
    path = last.path("ward-7", "stackvm")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.write_text("{")
    assert last.load("ward-7", "stackvm") is None
