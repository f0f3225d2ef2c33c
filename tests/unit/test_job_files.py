"""What a command-job file says is what we read; `--set` replaces values by their declared types."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import JobError, UsageError
from core.jobs import document, placeholders, settings
from core.jobs.load import load
from core.jobs.records import DataInput, Job, LiteralInput

WHOLE = """\
$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
type: command
name: first-try
display_name: First try
experiment_name: wards
description: |
  Two lines
  of it.
tags: {owner: ana, empty: }
code: src
command: >-
  python train.py --lr ${{inputs.lr}} --data ${{ inputs.records }}
  --out ${{outputs.model}}
inputs:
  lr: 0.1
  epochs: 5
  shuffle: true
  note: hello there
  depth: {value: 3}
  rate: {type: number, value: 0.5}
  records: {type: uri_folder, path: azureml://datastores/site/paths/wards/, mode: ro_mount}
  table: {type: URI_FILE, path: azureml:table:1}
outputs:
  model: {type: uri_folder, mode: rw_mount}
  rest:
environment:
  image: mcr.example/base:1
  conda_file: conda.yml
environment_variables: {LEVEL: debug, WORKERS: 2, FAST: true}
compute: azureml:gpu-cluster
limits: {timeout: 3600}
resources: {instance_count: 1, shm_size: 8g}
services: {lab: {type: jupyter_lab}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("print(1)\n")
    (tmp_path / "conda.yml").write_text("name: e\ndependencies:\n- python=3.11\n- pip\n- pip: [scikit-learn==1.5.0]\n")
    return tmp_path


def read(folder: Path, text: str) -> Job:
    path = folder / "job.yml"
    path.write_text(text)
    return load(path)


def test_every_part_of_a_job_file_is_read(folder: Path) -> None:
    job = read(folder, WHOLE)
    where = f"{folder}/job.yml"
    assert job.command == ("python train.py --lr ${{inputs.lr}} --data ${{ inputs.records }} --out ${{outputs.model}}")
    assert (job.name, job.display_name, job.experiment_name) == ("first-try", "First try", "wards")
    assert job.description == "Two lines\nof it.\n"
    assert job.tags == {"owner": "ana", "empty": ""}
    assert job.code == folder / "src"
    assert job.inputs["lr"] == LiteralInput(value=0.1, kind="number", where=f"{where}:15")
    assert job.inputs["epochs"] == LiteralInput(value=5, kind="integer", where=f"{where}:16")
    assert job.inputs["shuffle"] == LiteralInput(value=True, kind="boolean", where=f"{where}:17")
    assert job.inputs["note"] == LiteralInput(value="hello there", kind="string", where=f"{where}:18")
    assert job.inputs["depth"] == LiteralInput(value=3, kind="integer", where=f"{where}:19")
    assert job.inputs["rate"] == LiteralInput(value=0.5, kind="number", where=f"{where}:20")
    assert job.inputs["records"] == DataInput(
        type="uri_folder", path="azureml://datastores/site/paths/wards/", mode="ro_mount", where=f"{where}:21"
    )
    assert job.inputs["table"] == DataInput(type="uri_file", path="azureml:table:1", mode=None, where=f"{where}:22")
    assert {name: output.type for name, output in job.outputs.items()} == {"model": "uri_folder", "rest": "uri_folder"}
    assert job.environment.image == "mcr.example/base:1"
    assert job.environment.conda == {
        "name": "e",
        "dependencies": ["python=3.11", "pip", {"pip": ["scikit-learn==1.5.0"]}],
    }
    assert job.environment_variables == {"LEVEL": "debug", "WORKERS": "2", "FAST": "True"}
    assert (job.compute, job.timeout_s) == ("gpu-cluster", 3600)
    assert job.notes == [
        f"{where}:32: resources: shm_size not used: the VM is as large as it is",
        f"{where}:33: services: not applicable: nothing can connect into the sandbox",
    ]


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("azureml:sklearn:3", "sklearn", "3"),
        ("azureml:sklearn@latest", "sklearn", "latest"),
        ("azureml:sklearn", "sklearn", ""),
        ("azureml://registries/azureml/environments/sklearn-1.5/versions/3", "sklearn-1.5", "3"),
        ("azureml://registries/azureml/environments/sklearn-1.5/labels/latest", "sklearn-1.5", "latest"),
        ("azureml://registries/azureml/environments/sklearn-1.5", "sklearn-1.5", ""),
        ("azureml:/subscriptions/s/resourceGroups/g/providers/p/workspaces/w/environments/e/versions/2", "e", "2"),
    ],
)
def test_a_named_environment_is_known_by_name_and_version(folder: Path, text: str, name: str, version: str) -> None:
    environment = read(folder, f"command: a\nenvironment: {text}\n").environment
    assert (environment.reference, environment.name, environment.version) == (text, name, version)


def test_an_environment_file_is_read_from_its_own_folder(folder: Path) -> None:
    (folder / "envs").mkdir()
    (folder / "envs" / "conda.yml").write_text("dependencies: [pip]\n")
    (folder / "envs" / "e.yml").write_text("name: mine\nversion: 2\nimage: base:1\nconda_file: conda.yml\n")
    environment = read(folder, "command: a\nenvironment: file:envs/e.yml\n").environment
    assert (environment.name, environment.version, environment.image) == ("mine", "2", "base:1")
    assert environment.conda == {"dependencies": ["pip"]}
    assert environment.conda_source == str(folder / "envs" / "conda.yml")


def test_anchors_and_merge_keys_mean_what_yaml_says(folder: Path) -> None:
    job = read(
        folder,
        "command: a\nenvironment: azureml:e:1\ntags: &t {a: one, b: two}\nproperties:\n  <<: *t\n  b: three\n",
    )
    assert job.properties == {"a": "one", "b": "three"}


def test_the_file_itself_may_be_named_by_a_relative_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "job.yml").write_text("command: a\nenvironment: azureml:e:1\ncode: nosuch\n")
    monkeypatch.chdir(folder)
    with pytest.raises(JobError) as caught:
        load(Path("job.yml"))
    assert caught.value.title == f"job.yml:3: code: there is no folder {folder}/nosuch"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ({"inputs.lr": "0.01"}, 0.01),
        ({"inputs.lr": "1e-3"}, 0.001),
        ({"inputs.lr": "2"}, 2),
        ({"inputs.epochs": "-7"}, -7),
        ({"inputs.shuffle": "False"}, False),
        ({"inputs.note": "007"}, "007"),
        ({"inputs.records.path": "azureml:other:1"}, "azureml:other:1"),
    ],
)
def test_set_takes_the_declared_type(folder: Path, setting: dict[str, str], value: object) -> None:
    job = settings.applied(read(folder, WHOLE), setting)
    name = next(iter(setting)).split(".")[1]
    entry = job.inputs[name]
    found = entry.value if isinstance(entry, LiteralInput) else entry.path
    assert found == value and type(found) is type(value)


def test_set_reaches_names_tags_and_variables(folder: Path) -> None:
    given = {"display_name": "b", "experiment_name": "c", "tags.owner": "eva", "environment_variables.NEW": "1"}
    job = settings.applied(read(folder, WHOLE), given)
    assert (job.display_name, job.experiment_name) == ("b", "c")
    assert job.tags["owner"] == "eva" and job.environment_variables["NEW"] == "1"


@pytest.mark.parametrize(
    ("key", "value", "message", "hint"),
    [
        ("inputs.lrr", "1", "--set inputs.lrr: {file} has no such input", "did you mean lr?"),
        ("inputs.lr", "fast", "--set inputs.lr: 'fast' is not a number, as {file}:15 declares it", "it is 0.1 there"),
        ("inputs.lr", "nan", "--set inputs.lr: 'nan' is not a number, as {file}:15 declares it", "it is 0.1 there"),
        ("inputs.epochs", "0.5", "--set inputs.epochs: '0.5' is not a whole number, as {file}:16 declares it",
         "it is 5 there; write 1.0 there for a number"),
        ("inputs.shuffle", "maybe", "--set inputs.shuffle: 'maybe' is not a boolean, as {file}:17 declares it",
         "it is True there"),
        ("lr", "1", "--set lr: no such setting", "did you mean inputs.lr?"),
        ("owner", "1", "--set owner: no such setting",
         "inputs.NAME, display_name, experiment_name, description, tags.KEY or environment_variables.NAME"),
    ],
)  # fmt: skip
def test_set_refuses_what_is_not_declared(folder: Path, key: str, value: str, message: str, hint: str) -> None:
    job = read(folder, WHOLE)
    with pytest.raises(UsageError) as caught:
        settings.applied(job, {key: value})
    assert (caught.value.title, caught.value.hint) == (message.format(file=job.file), hint)


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True)


@given(st.lists(st.tuples(st.text(), NAMES)), st.text(), st.dictionaries(NAMES, st.text()))
def test_placeholders_are_replaced_once_and_nothing_else_is(
    parts: list[tuple[str, str]], tail: str, values: dict[str, str]
) -> None:
    plain = [(text.replace("$", ""), name) for text, name in parts]
    tail = tail.replace("$", "")
    template = "".join(text + "${{inputs." + name + "}}" for text, name in plain) + tail
    filled = placeholders.filled(template, lambda expression: values.get(expression[len("inputs.") :], "${{inputs.x}}"))
    assert filled == "".join(text + values.get(name, "${{inputs.x}}") for text, name in plain) + tail
    assert list(placeholders.expressions(template)) == [f"inputs.{name}" for _, name in plain]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yml"
    path.write_bytes(data)
    try:
        document.read(path)
    except JobError as error:
        assert str(path) in error.title and "\n" not in error.title


@given(st.text(alphabet="ab:-[]{}!&*#?|>'\"% \n~<,0.1e_\\", max_size=60))
def test_no_yaml_breaks_the_reader(text: str) -> None:
    try:
        document.parse(text, "job.yml")
    except JobError as error:
        assert error.title.startswith("job.yml")


def test_arguments_for_docker_are_told_from_the_size_of_a_machine(folder: Path) -> None:
    given = "{instance_count: 1, shm_size: 8g, docker_args: --ipc=host, instance_type: large}"
    job = read(folder, f"command: a\nenvironment: azureml:e\nresources: {given}\n")
    sizes = "shm_size, instance_type not used: the VM is as large as it is"
    rest = "docker_args not used: a sandbox has what its policy gives it"
    assert job.notes == [f"{folder}/job.yml:3: resources: {sizes}; {rest}"]
