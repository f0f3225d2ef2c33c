"""`trainshed check` for archives, cron and monitoring."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core import kept
from core.kept import elsewhere
from core.site import paths
from tests.cli.conftest import Run
from tests.fakes.script import Scenario
from tui.settings import Settings

GONE = Scenario(unreachable=True)


def test_a_report_is_written_by_its_ending(fake: Run, tmp_path: Path) -> None:
    for name, begin in (("r.html", "<!doctype html>"), ("r.md", "# Check of ward-7"), ("r.json", "{")):
        said = fake("check", "--report", str(tmp_path / name))
        assert said.code == 1  # it is a finding that decides, as without a report
        assert f"report written to {tmp_path / name}" in said.err
        assert (tmp_path / name).read_text().startswith(begin)
        fake("check", "--report", str(tmp_path / name))
    noted = [item.path for item in kept.found(["checks"])]
    assert noted == [tmp_path / name for name in ("r.html", "r.md", "r.json")], "each once"
    (tmp_path / "r.md").unlink()
    elsewhere.forget_what_is_gone()
    assert len((paths.states().parent / elsewhere.NAME).read_text().splitlines()) == 2
    said = fake("--read-only", "check", "--report", str(tmp_path / "r.md"))
    assert (said.code, said.out) == (2, "") and not (tmp_path / "r.md").exists()
    said = fake("check", "--report", str(tmp_path / "r.pdf"))
    assert (said.code, said.out) == (2, "") and ".html, .htm, .md, .json" in said.err


def test_what_changed_is_told_against_the_baseline(fake: Run, tmp_path: Path) -> None:
    path = tmp_path / "before.json"
    path.write_text(fake("check", "--json").out)
    assert "nothing changed since 2026-11-23" in fake("check", "--baseline", str(path)).out
    document = json.loads(path.read_text())
    for row in document["checks"]:
        row["status"] = "pass"
    path.write_text(json.dumps(document))
    said = fake("check", "--baseline", str(path), "--json")
    assert "new" in {change["kind"] for change in json.loads(said.out)["changes"]}
    path.write_text("{}")
    said = fake("check", "--baseline", str(path))
    assert (said.code, said.out) == (2, "") and "no report in JSON" in said.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 1),
        (("--fail-on", "critical"), 0),
        (("--fail-on", "critical", "--fail-on-unknown"), 1),
        (("--fail-on", "critical", "--fail-on-unknown", "info"), 1),
        (("--fail-on", "critical", "--fail-on-unknown", "never"), 0),
        (("--format", "nagios"), 2),
        (("--format", "prometheus"), 0),
        (("--format", "junit"), 1),
    ],
)
def test_the_exit_code_is_that_of_who_reads_it(fake: Run, words: tuple[str, ...], code: int) -> None:
    assert fake("check", "ssh", *words).code == code


def test_sudo_asks_a_person_or_nobody(fake: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (fake("check", "--sudo").code, fake("check", "--sudo", "--format", "nagios").code) == (2, 2)
    monkeypatch.setattr(Settings, "may_ask", True)
    monkeypatch.setattr("tui.questions._has_terminal", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "geheim")
    scenario = Scenario()
    said = fake("check", "--sudo", scenario=scenario)
    assert scenario.sudo_given == ["geheim"] and "geheim" not in said.out + said.err


def test_monitoring_hears_of_a_vm_that_is_away(fake: Run) -> None:
    expected = {"nagios": (3, "TRAINSHED UNKNOWN - 203.0.113.10 port 22: connection refused"),
                "prometheus": (0, 'trainshed_check_up{site="ward-7",vm="stackvm"} 0'),
                "junit": (3, "connection refused")}  # fmt: skip
    for form, (code, text) in expected.items():
        said = fake("check", "--format", form, scenario=GONE)
        assert said.code == code and text in said.out, form
        assert "connection refused" in said.err
    assert fake("check", "--json", "--format", "nagios").code == 2
    assert fake("--site", "nowhere", "check", "--format", "nagios").code == 3
