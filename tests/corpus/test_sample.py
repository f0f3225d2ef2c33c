"""The campaign on a small collection of our own; `make corpus` carries it out on Azure's."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ..contract.reading import azure_reader
from ..lab.dockerd import IMAGE, Dockerd, one_dockerd
from . import campaign, kinds, lab
from .campaign import Row
from .examples import Examples, NoExamples
from .expected import Expected, Outcome, fails, refused, runs
from .lab import Has
from .tried import NOT_BUILT, REFUSED, RUNS

__all__ = ["one_dockerd"]

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(180)]  # of azure-ai-ml about itself

SCHEMA = "$schema: https://azuremlschemas.azureedge.net/latest/{}.schema.json\n"
COMMAND = SCHEMA.format("commandJob")
IMAGED = "environment:\n  image: library/python:latest\n"

FILES = {
    "shell/job.yml": COMMAND + "command: |\n  echo one\n  echo $MARK\nenvironment_variables: {MARK: two}\n" + IMAGED,
    "code/job.yml": COMMAND
    + """\
code: src
command: >-
  python3 main.py --rate ${{inputs.rate}}
  --to ${{outputs.result}}
inputs: {rate: 0.5}
outputs:
  result:
  kept: {type: uri_folder, mode: rw_mount, path: azureml://datastores/workspaceblobstore/paths/kept}
environment: azureml://registries/azureml/environments/curated/labels/latest
""",
    "code/src/main.py": "import sys\n\nopen(sys.argv[4] + '/rate.txt', 'w').write('rate ' + sys.argv[2])\n",
    "data/job.yml": """\
type: command
command: cat ${{inputs.table}} && ls ${{inputs.folder}}
inputs:
  table: {type: uri_file, path: https://public.example.org/sets/table.csv}
  folder: {type: uri_folder, path: wasbs://sets@public.example.org/}
environment: azureml:curated@latest
""",
    "cluster/job.yml": COMMAND
    + """\
command: echo alone
compute: <the name of your cluster>
environment: azureml:curated:7
resources: {instance_count: 1, shm_size: 8g, docker_args: --ipc=host}
services:
  board: {type: tensor_board, properties: {logDir: outputs/tb}, nodes: all}
identity: {type: user_identity}
""",
    "context/job.yml": COMMAND
    + "code: .\ncommand: cat /mark; ls\nenvironment:\n  build: {path: ../docker, dockerfile_path: Dockerfile}\n",
    "docker/Dockerfile": f"FROM {IMAGE}\nRUN echo built >/mark\n",
    "nowhere/job.yml": COMMAND + "command: a\nenvironment:\n  build: {path: .}\n",
    "nowhere/Dockerfile": "FROM 127.0.0.1:9/nowhere/nothing:1\n",
    "offline/job.yml": COMMAND
    + "command: curl -sS --version; cat ${{inputs.table}}\ninputs: {table: 'https://public.example.org/t.csv'}\n"
    + IMAGED,
    "wide/job.yml": COMMAND
    + "command: a\nenvironment: azureml:curated:1\ndistribution: {type: mpi, process_count_per_instance: 2}\n",
    "several/job.yml": SCHEMA.format("pipelineJob") + "type: pipeline\njobs: {}\n",
    "fitted/job.yaml": SCHEMA.format("autoMLJob") + "type: automl\ntask: regression\n",
    "part/component.yml": SCHEMA.format("commandComponent") + "type: command\nname: c\ncommand: a\nenvironment: e\n",
}

EXPECTED = {
    "shell/job.yml": runs("one\ntwo\n"),
    "code/job.yml": runs("result/rate.txt: rate 0.5", "job.yml:9: outputs.kept: path not used"),
    "data/job.yml": runs("1,2", "table.csv"),
    "cluster/job.yml": runs(
        "alone",
        "has no <the name of your cluster>: runs on vm",
        "shm_size not used",
        "docker_args not used",
        "services: not applicable",
        "identity: not applicable",
    ),
    "context/job.yml": Expected(
        Outcome(RUNS, ("built\njob.yml",)), Outcome(REFUSED, ("needs Docker", "no name to map"))
    ),
    "nowhere/job.yml": Expected(
        Outcome(NOT_BUILT, ("nowhere/nothing", "docker load")), Outcome(REFUSED, ("needs Docker",))
    ),
    "offline/job.yml": fails(
        "job.yml:2: command: curl: a job has no network", "job.yml:3: inputs.table: is passed on as text", why="offline"
    ),
    "wide/job.yml": refused("job.yml:4: distribution.process_count_per_instance", why="2 processes"),
}

HAS = Has(
    container="examples",
    blobs={"sets/table.csv": b"1,2\n"},
    aliases={"https://public.example.org/sets/": "sets/", "wasbs://sets@public.example.org/": "sets/"},
    environments={name: {"image": IMAGE, "requirements": "none.txt"} for name in ("curated", "library/python:latest")},
    requirements={"none.txt": ""},
)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examples]:
    folder = tmp_path_factory.mktemp("examples")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    author = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=main")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "m"]):
        subprocess.run(["git", *author, *words], cwd=folder, check=True)
    yield Examples(folder)


def test_jobs_are_told_from_what_only_looks_like_one(examples: Examples) -> None:
    found = campaign.found(examples)
    assert {kind: len(paths) for kind, paths in found.jobs.items()} == {"command": 8, "pipeline": 1, "automl": 1}
    assert found.others == {"commandComponent": 1}


def test_a_bare_directory_reads_as_its_checkout_and_another_folder_is_none(examples: Examples, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    subprocess.run(["git", "clone", "-q", "--bare", str(examples.place), str(bare)], check=True)
    assert dict(Examples(bare).contents(FILES)) == {name: text.encode() for name, text in FILES.items()}
    for place in (tmp_path, tmp_path / "nowhere", examples.place / "code"):
        with pytest.raises(NoExamples):
            Examples(place)


def test_other_kinds_of_job_are_refused_in_a_line_each(examples: Examples, tmp_path: Path) -> None:
    jobs = campaign.found(examples).jobs
    campaign.put(examples, jobs, tmp_path)
    lines, wrong = campaign.refusals(tmp_path, jobs)
    assert (len(lines), wrong) == (2, [])
    assert "pipeline: 1 refused: FILE:LINE: type: pipeline jobs are not done yet" in "".join(lines)
    assert campaign.refusals(tmp_path, {"sweep": jobs["command"]})[1], "a file that is taken is wrong"


async def rows(examples: Examples, folder: Path, daemon: Dockerd, expected: Mapping[str, Expected]) -> dict[str, Row]:
    jobs = campaign.found(examples).jobs
    campaign.put(examples, jobs, folder)
    with azure_reader() as azure:
        async with lab.running(HAS, lab.ENGINES, daemon) as running:
            made = campaign.rows(running, folder, jobs[kinds.COMMAND], azure, expected)
            return {row.path: row async for row in made}


async def test_each_form_of_a_command_job_runs_or_says_why_not(
    examples: Examples, tmp_path: Path, one_dockerd: Dockerd
) -> None:
    expected = {path: outcome for path, outcome in EXPECTED.items() if path != "shell/job.yml"}
    made = await rows(examples, tmp_path, one_dockerd, expected)
    new, wide = made.pop("shell/job.yml"), made.pop("wide/job.yml")
    assert {path: row.wrong for path, row in made.items()} == {path: [] for path in made}
    assert new.wrong[0].startswith("new: ") and new.engines == {"docker": "runs", "bwrap": "runs"}
    assert new.wrong[1].endswith("one\ntwo\ncompleted \n\n"), "what is new is shown with what was seen"
    assert wide.wrong == ["reading: we refuse, Azure takes, expected: equal"]
    assert "context/job.yml" in campaign.table(made.values())
