"""`trainshed scan`: what a person reads, what a program reads, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.jobs.scan.rules import RULES
from tests.cli.conftest import Run, Said
from tests.unit.test_scan_content import ROWS
from tui.cli import call
from tui.settings import Settings

CODE = """import requests
requests.post("https://e.example/u?sig=abc", data=x)
# trainshed: allow http because it is the licence server
requests.get("http://licence.e.example")
torch.hub.load("x", "y")
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "train.py").write_text("import torch\n" + CODE)
    (folder / "records.csv").write_text(ROWS)
    (folder / "new\nline\x1b[31m.py").write_text("import requests\nrequests.get(u)\n")
    return folder


def test_findings_by_level_then_what_would_travel(fake: Run, code: Path) -> None:
    said = fake("scan", str(code))
    assert (said.code, said.err) == (1, "") and "\x1b" not in said.out
    lines = said.out.splitlines()
    assert [line for line in lines if not line.startswith(" ") and line][:-2] == [
        "✗ refused  1",
        "⚠ warning  2",
        "· note  1",
        "allowed  1",
        f"would travel  3 files, {sum(path.stat().st_size for path in code.iterdir()) / 1000:.1f} kB",
        next(line for line in lines if line.startswith("1 refused, 2 warnings, 1 note, 1 allowed in ")),
    ]
    assert "    records.csv  CSV, 400 rows, 3.5 kB" in lines
    assert "    train.py:3     requests.post → https://e.example/…" in lines
    assert "    new line.py:2  requests.get" in lines
    assert "  train.py:5  http  because it is the licence server" in lines
    assert lines[-2].endswith("# trainshed: allow RULE because REASON")
    assert lines[-1] == "a scan informs and never protects: what a job can reach, its sandbox decides"
    assert "sig" not in said.out


@pytest.mark.parametrize(("level", "code_"), [("refused", 0), ("warning", 1), ("note", 1), ("never", 0)])
def test_the_exit_code_is_that_of_the_level(fake: Run, code: Path, level: str, code_: int) -> None:
    (code / "records.csv").unlink()
    assert fake("scan", str(code), "--fail-on", level).code == code_
    (code / "train.py").write_text(CODE.replace("https://e.example/u?sig=abc", "http://localhost"))
    (code / "new\nline\x1b[31m.py").unlink()
    allowed = fake("scan", str(code), "--fail-on", level)
    assert allowed.code == 0 and "allow RULE" not in allowed.out, "what is allowed does not count"
    (code / "train.py").unlink()
    assert "would travel  nothing" in fake("scan", str(code)).out


def test_json_is_one_document(fake: Run, code: Path) -> None:
    said = fake("scan", str(code), "--json")
    document = json.loads(said.out)
    assert (document["schema"], document["kind"], document["counts"]) == (
        1, "folder", {"refused": 1, "warning": 2, "note": 1, "allowed": 1},
    )  # fmt: skip
    assert {each["path"] for each in document["files"]} == {path.name for path in code.iterdir()}
    allowed = next(each for each in document["findings"] if each["allowed"])
    assert (allowed["rule"], allowed["line"], allowed["allowed"]) == ("http", 5, "it is the licence server")


def test_sarif_has_rules_places_and_what_is_allowed(fake: Run, code: Path) -> None:
    log = json.loads(fake("scan", str(code), "--format", "sarif").out)
    assert set(log) == {"$schema", "version", "runs"} and log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [rule.id for rule in RULES]
    seen = [
        (each["ruleId"], each["level"], each["locations"][0]["physicalLocation"], "suppressions" in each)
        for each in run["results"]
    ]
    assert run["originalUriBaseIds"] == {"CODE": {"uri": f"{code.as_uri()}/"}}
    assert ("data-file", "error", {"artifactLocation": {"uri": "records.csv", "uriBaseId": "CODE"}}, False) in seen
    train = {"artifactLocation": {"uri": "train.py", "uriBaseId": "CODE"}, "region": {"startLine": 5}}
    assert ("http", "warning", train, True) in seen and len(seen) == 5
    assert fake("scan", str(code), "--format", "sarif", "--json").code == 2
    job = code.parent / "job.yml"
    job.write_text("command: curl http://e.example\ncode: src\nenvironment: azureml:x@latest\n")
    (run,) = json.loads(fake("scan", str(job), "--format", "sarif").out)["runs"]
    places = [each["locations"][0]["physicalLocation"]["artifactLocation"] for each in run["results"]]
    assert {"uri": job.as_uri()} in places and {"uri": "train.py", "uriBaseId": "CODE"} in places
    assert f"  from {code}, and paths above are as in it" in fake("scan", str(job)).out.splitlines()


def test_no_site_is_needed_and_a_wrong_path_is_an_error(
    home: Path, code: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: str) -> Said:
        exit_code = call(words, Settings())
        captured = capsys.readouterr()
        return Said(exit_code, captured.out, captured.err)

    assert run("scan", str(code / "train.py")).code == 0
    gone = run("scan", str(code / "gone"))
    assert (gone.code, gone.out) == (2, "") and "there is no file or folder" in gone.err
    assert run("scan", str(code), "--site", "ward-9").code == 2, "a site that was named has to be there"
    listed = run("scan", "--rules")
    assert listed.code == 0 and len(listed.out.splitlines()) == len(RULES) + 1
