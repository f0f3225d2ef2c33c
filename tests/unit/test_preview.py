"""What a launch does, as a record and as rows; and the job files that are offered."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import msgspec
import pytest

from core import events
from core.errors import JobError, JobTaken
from core.jobs import nearby
from core.runs import plan, preview
from core.site import paths, schema
from core.site.files import Site
from tests.fakes.launches import asked, resolved
from tests.fakes.script import Scenario
from tui.resolved import Row, differences, rows

from .test_job_resolve import site


@pytest.fixture
def here(tmp_path: Path) -> Site:
    (tmp_path / "e.txt").write_text("six==1.0 \\\n    --hash=sha256:ab\n# why\nattrs\n")
    file = msgspec.structs.replace(site().file, environments={"e": schema.Environment(requirements="e.txt")})
    return Site(file, tmp_path / "ward-7.toml", "stackvm")


def test_the_record_has_all_that_a_job_file_and_a_site_say(tmp_path: Path, here: Site) -> None:
    (tmp_path / "src").mkdir()
    for name in ("b.py", "a.py", "left.bin"):
        (tmp_path / "src" / name).write_text("12345")
    (tmp_path / "src" / ".amlignore").write_text("left.bin\n")
    (tmp_path / "src" / "to").symlink_to("a.py")
    path = tmp_path / "job.yml"
    path.write_text(
        """\
command: pip install x && echo ${{inputs.lr}} ${{inputs.rows}} > ${{outputs.out}}/x
environment: azureml:e:1
code: src
compute: gpu
inputs:
  lr: 0.5
  n: 3
  rows: {type: uri_file, path: "azureml://datastores/site/paths/a/b.csv"}
outputs: {out: {type: uri_folder}}
limits: {timeout: 3600}
tags: {trainshed.gpus: 2}
""".replace("gpus: 2", "gpus: '2'")
    )
    known = preview.record(plan.make(path, {"inputs.lr": "0.25"}, here), here)
    assert (known.job, known.rerun, known.asked, known.code) == (str(path), False, False, "sent")
    assert known.command == "pip install x && echo 0.25 /data/rows/b.csv > /job/outputs/out/x"
    assert [(each.name, each.source, each.type, each.value, each.was, each.path) for each in known.inputs] == [
        ("lr", "literal", "number", "0.25", "0.5", ""),
        ("n", "literal", "integer", "3", None, ""),
        ("rows", "site", "uri_file", "", None, "a/b.csv"),
    ]
    assert [(each.name, each.inside) for each in known.outputs] == [("out", "/job/outputs/out")]
    (code,) = known.travels
    assert [(file.path, file.bytes, file.link) for file in code.files] == [
        (".amlignore", 9, None), ("a.py", 5, None), ("b.py", 5, None), ("to", 0, "a.py"),
    ]  # fmt: skip
    assert (code.place, code.bytes, code.ignore_file, code.outside) == (str(tmp_path / "src"), 19, ".amlignore", False)
    assert (known.environment.kind, known.environment.packages) == ("venv", ["six==1.0", "attrs"])
    assert (known.limits.timeout_s, known.limits.slots, known.limits.gpus) == (3600, 1, "2")
    assert [text.partition(": ")[2][:20] for text in known.warnings] == ["command: pip install"]
    assert len(known.notes) == 1 and "site ward-7 has no gpu" in known.notes[0]
    assert events.from_json(json.loads(json.dumps(events.to_json(known)))) == known, "as a journal keeps it"


def test_rows_begin_with_warnings_and_long_lists_are_counted() -> None:
    known = resolved(Scenario(), "job.yml", {"inputs.lr": "1"})
    packages = [f"p{number}" for number in range(9)]
    environment = msgspec.structs.replace(known.environment, packages=packages, fetched_here=True)
    (code,) = known.travels
    known = msgspec.structs.replace(
        known, environment=environment, travels=[msgspec.structs.replace(code, outside=True)]
    )
    found = rows(known)
    assert found[0].kind == "warning" and found[1] == Row("command", known.command, "main")
    assert Row("changed", "lr: 0.05 → 1") in found
    texts = [row.text for row in found]
    assert "  p3" in texts and "  p4" not in texts and "  and 5 more packages" in texts
    assert "  p8" in [row.text for row in rows(known, listed=99)]
    assert not any(row.text.startswith("epochs") for row in rows(known, hidden={"epochs"}))
    assert any("not known yet" in text for text in texts) and any("only the VM knows" in text for text in texts)
    (leaves,) = [row for row in found if row.label == "leaves here"]
    assert leaves.kind == "careful" and leaves.text.startswith(
        "code: 3 files, 4.1 kB of /home/ana/demo/src, outside of the job"
    )
    assert any(text.startswith("the environment's packages, fetched by this machine") for text in texts)
    built = [row.text for row in rows(asked(known, built=True))]
    assert any("built already (5e1f5e1f5e1f)" in text for text in built)
    assert any("2 files, 124 kB, sha256 9f2c4be1a07d" in text for text in built)
    assert not any("fetched by this machine" in text for text in built)


def test_how_a_run_differs_from_the_job_file() -> None:
    job, run = resolved(Scenario(), "job.yml", {}), resolved(Scenario(), "job.yml", {"inputs.lr": "1"})
    assert [row.text for row in differences(job, job, "")] == ["the same as job.yml"]
    environment = msgspec.structs.replace(run.environment, packages=["pandas==2.2.3", "mlflow-skinny==3.4.0", "new"])
    run = msgspec.structs.replace(run, environment=environment, inputs=run.inputs[1:])
    texts = [row.text for row in differences(job, run, "ab" * 32)]
    assert texts[:3] == ["lr: 0.05 → 1", "no input epochs", "packages: +new -scikit-learn==1.5.2"]
    assert "abababababab" in texts[3] and "77aa01c277aa" in texts[3]


async def test_job_files_near_and_launched_are_offered_once_and_only_paths_are_kept(home: Path, tmp_path: Path) -> None:
    job = "command: x\nenvironment: azureml:e:1\n"
    texts = {
        "job.yml": job,
        "a/b/far.yaml": f"# a comment\n{job}",
        "a/b/c/d/e/deep.yml": job,
        ".hidden/x.yml": job,
        "node_modules/x.yml": job,
        "large.yml": job + "#" * 300_000,
        "conda.yml": "dependencies: [x]\n",
        "sweep.yml": f"{job}trial: {{}}\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "loop").symlink_to(tmp_path)
    assert await nearby.offered("w", tmp_path) == ([], [tmp_path / "job.yml", tmp_path / "a/b/far.yaml"])
    for name in ("job.yml", "gone.yml", "a/b/far.yaml", "job.yml"):
        nearby.remember("w", tmp_path / name)
    store = paths.state("w") / "jobs.json"
    assert json.loads(store.read_text()) == [str(tmp_path / name) for name in ("job.yml", "a/b/far.yaml", "gone.yml")]
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    assert await nearby.offered("w", tmp_path) == ([tmp_path / "job.yml", tmp_path / "a/b/far.yaml"], [])
    assert await nearby.completed(f"{tmp_path}/a") == f"{tmp_path}/a/"
    assert await nearby.completed(f"{tmp_path}/a/b/f") == f"{tmp_path}/a/b/far.yaml"
    assert await nearby.completed(f"{tmp_path}/none") is None
    store.write_text("not json")
    assert nearby.launched("w") == []


async def test_a_typed_job_file_is_its_owners_and_writes_over_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new.yml"
    kept = await nearby.keep("command: x\nfoo: 1\n", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (tmp_path / "new-2.yml").mkdir()
    with pytest.raises(JobTaken, match="is there already") as taken:
        await nearby.keep("other", path)
    assert taken.value.facts == {"beside": str(tmp_path / "new-3.yml")}
    with pytest.raises(JobTaken, match="was changed since it was kept here"):
        await nearby.keep("other", path, kept="of another text")
    with pytest.raises(JobError, match=r"new\.yml:2: foo: no such key"):
        await nearby.read(path)
    kept = await nearby.keep("other", path, kept=kept)
    assert path.read_text() == "other" and stat.S_IMODE(path.stat().st_mode) == 0o600
    path.unlink()
    await nearby.keep("a third one", path, kept=kept)
    for text, name in (("x", "no/folder.yml"), ("x", "a\0b.yml"), ("\ud800", "c.yml")):
        with pytest.raises(JobError, match="cannot be written: "):
            await nearby.keep(text, tmp_path / name)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["new-2.yml", "new.yml"]
