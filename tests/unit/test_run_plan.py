"""What is found out before anything on the VM is touched."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import msgspec
import pytest

from core.environments import spec
from core.errors import HostKeyChanged, JobError, Unreachable
from core.events import JobResolved, Notice
from core.jobs import load, resolve
from core.runs import launch, plan
from core.site import schema
from core.site.files import Site
from core.ssh.agent import Agent, Link

from .test_job_resolve import site


class Away:
    """A link to a VM that is off."""

    last_seen = 0.0

    def __init__(self, why: Exception | None = None) -> None:
        self.why = why or Unreachable("the VM cannot be reached")

    async def agent(self) -> Agent:
        raise self.why

    async def close(self) -> None: ...


@pytest.mark.parametrize("word", ["csv", "tensorboard:../up"])
def test_an_unknown_source_of_metrics_is_an_error_of_the_job_file(tmp_path: Path, word: str) -> None:
    path = tmp_path / "job.yml"
    path.write_text(f"command: 'true'\nenvironment: azureml:e:1\ntags: {{trainshed.metrics: lines {word}}}\n")
    with pytest.raises(JobError) as raised:
        plan.make(path, {}, site())
    assert str(path) in raised.value.title and word in raised.value.title and "FOLDER" in raised.value.hint


async def test_what_is_sent_from_outside_of_the_job_files_folder_is_said_with_its_place(tmp_path: Path) -> None:
    folder, keys = tmp_path / "job", tmp_path / "home" / ".ssh"
    (folder / "src").mkdir(parents=True)
    keys.mkdir(parents=True)
    (keys / "id").write_text("key\n")
    (folder / "rows.csv").symlink_to(keys / "id")
    (folder / "own.csv").write_text("1\n")
    path = folder / "job.yml"
    path.write_text("""\
command: 'true'
environment: azureml:e:1
code: ../home/.ssh
inputs:
  k: {type: uri_file, path: ../home/.ssh/id}
  linked: {type: uri_file, path: rows.csv}
  own: {type: uri_file, path: own.csv}
""")
    (tmp_path / "e.txt").write_text("six\n")
    file = msgspec.structs.replace(site().file, environments={"e": schema.Environment(requirements="e.txt")})
    here = Site(file, tmp_path / "ward-7.toml", "stackvm")
    end = f"of this machine, which is outside of the job file's folder {folder}"
    said = [
        f"code: what is sent is {keys} {end}",
        f"input k: what is sent is {keys}/id {end}",
        f"input linked: what is sent is {keys}/id {end}",
    ]
    made = plan.make(path, {}, here)
    assert [text for text in made.warnings if "is sent" in text] == said
    assert [(each.what, each.shown) for each in made.outgoing] == [
        ("code", "../home/.ssh"),
        ("input k", "../home/.ssh/id"),
        ("input linked", "rows.csv"),
        ("input own", "own.csv"),
    ]
    dry = [event async for event in launch.dry(here, Away(), path, {}) if isinstance(event, JobResolved)]
    assert [each.warnings for each in dry] == [said, said]
    assert [(each.what, each.outside) for each in dry[0].travels] == [
        ("code", True),
        ("input k", True),
        ("input linked", True),
        ("input own", False),
    ]
    path.write_text(path.read_text().replace("../home/.ssh\n", "src\n").partition("inputs:")[0])
    assert not [text for text in plan.make(path, {}, here).warnings if "is sent" in text]


async def test_a_build_context_from_elsewhere_is_said_before_it_is_sent_too(tmp_path: Path) -> None:
    folder, context = tmp_path / "job", tmp_path / "context"
    folder.mkdir()
    context.mkdir()
    (context / "Dockerfile").write_text("FROM lab/python:1\n")
    path = folder / "job.yml"
    path.write_text("command: 'true'\nenvironment: {build: {path: ../context}}\n")
    made = plan.make(path, {}, site())
    (said,) = [text for text in made.warnings if "is sent" in text]
    assert said.startswith(f"Docker build context: what is sent is {context} of this machine, which is outside of")
    assert [each.shown for each in made.outgoing] == ["../context"]
    unreached = cast("Link", object())
    alone = launch.Launch(site(), unreached, None).environment(made)
    assert await anext(alone) == Notice(text=said)
    await alone.aclose()


def test_a_path_with_an_end_of_line_is_one_line(tmp_path: Path) -> None:
    folder, path = tmp_path / "job", tmp_path / "job" / "job.yml"
    folder.mkdir()
    (tmp_path / "a\nb\u2028c").mkdir()
    text = """command: 'true'\nenvironment: {build: {path: .}}\ncode: "../a\\nb\\u2028c"\n"""
    path.write_text(text)
    (folder / "Dockerfile").write_text("FROM lab/python:1\n")
    made = plan.make(path, {}, site())
    (said,) = [text for text in made.warnings if "is sent" in text]
    assert said.isprintable() and r"/a\nb\u2028c" in said
    assert [each.shown for each in made.outgoing] == [r"'../a\nb\u2028c'", "."]


def test_another_run_says_of_each_input_where_it_is(tmp_path: Path) -> None:
    """The job file that it had may have been anywhere: its folder means nothing here."""
    path = tmp_path / "job.yml"
    (tmp_path / "own.csv").write_text("1\n")
    path.write_text("command: 'true'\nenvironment: azureml:e:1\ninputs: {own: {type: uri_file, path: own.csv}}\n")
    job = load.load(path)
    resolved = resolve.resolve(job, site())
    taken = plan.local_input(job, "own", resolved.local["own"])
    made = plan.Plan(
        job=job, resolved=resolved, snapshot=None, environment=spec.Spec(), inputs={"own": taken}, parent="R"
    )
    assert made.warnings == [f"input own: what is sent is {tmp_path}/own.csv of this machine"]


async def test_a_dry_run_does_not_pass_over_a_changed_host_key(tmp_path: Path) -> None:
    path = tmp_path / "job.yml"
    (tmp_path / "Dockerfile").write_text("FROM lab/python:1\n")
    path.write_text("command: 'true'\nenvironment: {build: {path: .}}\n")
    alone = [event async for event in launch.dry(site(), Away(), path, {}) if isinstance(event, JobResolved)]
    assert [each.not_asked for each in alone] == ["", "the VM cannot be reached"]
    with pytest.raises(HostKeyChanged):
        async for _ in launch.dry(site(), Away(HostKeyChanged("another key")), path, {}):
            pass
