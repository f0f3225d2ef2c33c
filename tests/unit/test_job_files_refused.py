"""Bad job files: each gives one message that names file, line and key."""

# ruff: noqa: E501 (a table)

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import JobError
from core.jobs import document
from core.jobs.load import load

BASE = "command: echo hi\nenvironment: azureml:sklearn@latest\n"

# (what the file holds, the message after its path, the hint)
REFUSED = [
    ("", " is empty", ""),
    ("# only a comment\n", " is empty", ""),
    ("hello\n", ":1: a job file is a mapping, not text", ""),
    ("- a\n- b\n", ":1: a job file is a mapping, not a list", ""),
    ("command: [\n", ":2: not YAML: expected the node content, but found '<stream end>'", ""),
    ("command: echo\n\tcode: src\n", ":2: not YAML: found character '\\t' that cannot start any token", ""),
    (BASE + "---\ncommand: other\n", ":4: a second document begins here", "one job, one file"),
    (BASE + "command: echo again\n", ":3: command: appears twice (first in line 1)", ""),
    (BASE + "inputs:\n  lr: 0.1\n  lr: 0.2\n", ":5: inputs.lr: appears twice (first in line 4)", ""),
    (BASE + "tags:\n  1: one\n", ":4: tags: a key has to be text, not 1", "write it in quotes"),
    (BASE + "tags:\n  yes: one\n", ":4: tags: a key has to be text, not yes", "write it in quotes"),
    (BASE + "tags: &t\n  a: *t\n", ":3: an anchor holds itself", ""),
    (BASE + "tags: !mine {a: b}\n", ":3: tags: the YAML tag !mine is not taken here", ""),
    (BASE + "description: !!python/object:os.system x\n",
     ":3: description: the YAML tag !!python/object:os.system is not taken here", ""),
    ("environment: azureml:e:1\n", ":1: command is missing", ""),
    ("command: echo\n", ":1: environment is missing", ""),
    ("command: 5\nenvironment: azureml:e:1\n", ":1: command: has to be text, not a number", "write it in quotes"),
    ("command: ' '\nenvironment: azureml:e:1\n", ":1: command: is empty", ""),
    (BASE + "comand: echo\n", ":3: comand: no such key here", "did you mean command?"),
    (BASE + "type: sweep\n", ":3: type: sweep jobs are not done yet; only command jobs are", "type: command, or no type at all"),
    (BASE + "type: Command\n", ":3: type: 'Command': only command jobs are done here", "type: command, or no type at all"),
    ("type: pipeline\njobs: {}\n", ":1: type: pipeline jobs are not done yet; only command jobs are",
     "type: command, or no type at all"),
    ("jobs: {}\n", ":1: jobs: belongs to a pipeline job; only command jobs are done here", ""),
    (BASE + "name: 7\n", ":3: name: has to be text, not a number", "write it in quotes"),
    (BASE + "display_name:\n", ":3: display_name: has to be text, not nothing", ""),
    (BASE + "tags: [a]\n", ":3: tags: has to be a mapping, not a list", ""),
    (BASE + "tags:\n  epochs: 5\n", ":4: tags.epochs: has to be text, not a number", "write it in quotes"),
    (BASE + "tags:\n  on_site: true\n", ":4: tags.on_site: has to be text, not a boolean", "write it in quotes"),
    (BASE + "tags:\n  day: 2026-10-01\n", ":4: tags.day: has to be text, not a date", "write it in quotes"),
    (BASE + "limits: {timeout: 10m}\n", ":3: limits.timeout: has to be a whole number of seconds", ""),
    (BASE + "limits: {timeout: 0}\n", ":3: limits.timeout: has to be a whole number of seconds", ""),
    (BASE + "limits: {time_out: 60}\n", ":3: limits.time_out: no such key here", "did you mean timeout?"),
    (BASE + "code: ./nosuch\n", ":3: code: there is no folder {folder}/nosuch", ""),
    (BASE + "code: train.py\n", ":3: code: {folder}/train.py is a file", "name its folder: {folder}"),
    (BASE + "code: git+https://example.org/a.git\n", ":3: code: git+https://example.org/a.git is not on this machine",
     "code has to be a folder here: it is what the VM gets"),
    (BASE + "code:\n", ":3: code: has to be text, not nothing", ""),
    # environments
    ("command: a\nenvironment: sklearn:1\n",
     ":2: environment: 'sklearn:1' is not an environment: azureml:NAME:VERSION, azureml:NAME@latest, "
     "azureml://registries/REGISTRY/environments/NAME, file:FILE, or a mapping with image, conda_file or build",
     "write azureml:sklearn:1"),
    ("command: a\nenvironment: {}\n", ":2: environment: describes nothing: it has neither image, conda_file nor build", ""),
    ("command: a\nenvironment:\n", ":2: environment: has to be a mapping, not nothing", ""),
    ("command: a\nenvironment:\n  conda_file: nosuch.yml\n", ":3: environment.conda_file: there is no file {folder}/nosuch.yml", ""),
    ("command: a\nenvironment:\n  imag: x\n", ":3: environment.imag: no such key here", "did you mean image?"),
    ("command: a\nenvironment:\n  image: x\n  dependencies: [pip]\n", ":4: environment.dependencies: belongs to a conda file",
     "put it below conda_file, or into a file that conda_file names"),
    ("command: a\nenvironment:\n  image: x\n  build: {path: .}\n",
     ":4: environment.build: an environment has image or build, not both", ""),
    ("command: a\nenvironment: file:nosuch.yml\n", ":2: environment: there is no file {folder}/nosuch.yml", ""),
    # inputs and outputs
    (BASE + "inputs: [lr]\n", ":3: inputs: has to be a mapping, not a list", ""),
    (BASE + "inputs:\n  lr:\n", ":4: inputs.lr: has to be text, a number or a boolean, not nothing", ""),
    (BASE + "inputs:\n  lr: [1, 2]\n", ":4: inputs.lr: has to be text, a number or a boolean, not a list", ""),
    (BASE + "inputs:\n  day: 2026-10-01\n", ":4: inputs.day: has to be text, a number or a boolean, not a date",
     "write it in quotes"),
    (BASE + "inputs:\n  day: 2026-13-41\n", ":4: inputs.day: 2026-13-41 is not a valid timestamp", ""),
    (BASE + "inputs:\n  lr: .inf\n", ":4: inputs.lr: infinity and not-a-number are not taken", ""),
    (BASE + "inputs:\n  9x: 1\n", ":4: inputs.9x: a name has letters, digits, _ and -, and begins with a letter or _", ""),
    (BASE + "inputs:\n  ../x: 1\n", ":4: inputs.../x: a name has letters, digits, _ and -, and begins with a letter or _", ""),
    (BASE + "inputs:\n  d: {type: uri_foldr, path: a}\n",
     ":4: inputs.d.type: 'uri_foldr' is not one of uri_file, uri_folder, mltable, custom_model, mlflow_model, triton_model",
     "did you mean uri_folder?"),
    (BASE + "inputs:\n  d: {type: uri_folder}\n", ":4: inputs.d: has no path",
     "path: azureml://datastores/site/paths/… or what [data.aliases] maps"),
    (BASE + "inputs:\n  d: {path: x, mod: download}\n", ":4: inputs.d.mod: no such key here", "did you mean mode?"),
    (BASE + "inputs:\n  d: {path: x, mode: rw_mount}\n",
     ":4: inputs.d.mode: 'rw_mount' is not one of ro_mount, download, direct, eval_mount, eval_download",
     "did you mean ro_mount?"),
    (BASE + "inputs:\n  d: {path: 5}\n", ":4: inputs.d.path: has to be text, not a number", "write it in quotes"),
    (BASE + "inputs:\n  n: {type: integer}\n", ":4: inputs.n: has type integer and no value", ""),
    (BASE + "inputs:\n  n: {type: integer, value: 0.5}\n", ":4: inputs.n.value: is a number, and the input's type is integer", ""),
    (BASE + "inputs:\n  n: {type: number, value: true}\n", ":4: inputs.n.value: is a boolean, and the input's type is number", ""),
    (BASE + "inputs:\n  n: {type: number, default: 1}\n",
     ":4: inputs.n.default: a job gives a value; a default belongs to a component", "write value: …"),
    (BASE + "inputs:\n  n: ${{inputs.m}}\n", ":4: inputs.n: an input of a command job cannot refer to another",
     "write the value itself"),
    (BASE + "outputs:\n  m: {type: uri_folder, mode: mont}\n",
     ":4: outputs.m.mode: 'mont' is not one of rw_mount, upload, mount, direct", "did you mean mount?"),
    ("command: train ${{inputs.lr}}\nenvironment: azureml:e:1\ninputs: {lrate: 1}\n",
     ":1: command: ${{inputs.lr}}: there is no such input", "known here: lrate"),
    ("command: train ${{input.lr}}\nenvironment: azureml:e:1\n",
     ":1: command: ${{input.lr}} is neither an input nor an output", "${{inputs.NAME}} or ${{outputs.NAME}}"),
    ("command: train ${{outputs.model}}\nenvironment: azureml:e:1\noutputs: {models: }\n",
     ":1: command: ${{outputs.model}}: there is no such output", "did you mean models?"),
    # variables
    (BASE + "environment_variables:\n  1A: x\n", ":4: environment_variables.1A: is not a name of an environment variable", ""),
    (BASE + "environment_variables:\n  A:\n",
     ":4: environment_variables.A: has to be text, a number or a boolean, not nothing", ""),
    # what one VM has not
    (BASE + "resources:\n  instance_count: 2\n",
     ":4: resources.instance_count: instance_count 2 would run on several machines or processes; "
     "a run here is one process on one VM", "a run has one VM: make it 1"),
    (BASE + "resources:\n  gpus: 2\n", ":4: resources.gpus: no such key here",
     "known here: docker_args, instance_count, instance_type, locations, max_instance_count, properties, shm_size"),
    (BASE + "distribution:\n  type: pytorch\n  process_count_per_instance: 4\n",
     ":5: distribution.process_count_per_instance: pytorch would run on several machines or processes; "
     "a run here is one process on one VM", "take distribution out to run the job as one process"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message", "hint"), REFUSED, ids=[repr(row[0][-40:]) for row in REFUSED])
def test_a_bad_file_gives_one_message_with_file_line_and_key(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    (tmp_path / "train.py").write_text("print(1)\n")
    path = tmp_path / "job.yml"
    path.write_text(text)
    with pytest.raises(JobError) as caught:
        load(path)
    assert caught.value.title == f"{path}{_filled(message, tmp_path)}"
    assert caught.value.hint == _filled(hint, tmp_path)


def _filled(text: str, folder: Path) -> str:
    return text.replace("{folder}", str(folder))


def _message(path: Path) -> tuple[str, str]:
    with pytest.raises(JobError) as caught:
        load(path)
    return caught.value.title, caught.value.hint


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert _message(tmp_path / "job.yml")[0] == f"there is no file {tmp_path}/job.yml"


def test_a_folder_in_place_of_a_file_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "train.yml").touch()
    assert _message(tmp_path) == (f"{tmp_path} is a folder, not a file", "it holds train.yml")


def test_a_pipe_in_place_of_a_file_holds_nothing_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "job.yml")
    assert _message(tmp_path / "job.yml")[0] == f"{tmp_path / 'job.yml'} is a pipe, not a file"


def test_binary_rubbish_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "job.yml"
    path.write_bytes(b"command: x\n\x93\xfa\x00\x01")
    assert _message(path)[0] == f"{path}:2: not UTF-8 text"
    path.write_bytes(b"command: x\n\nname: a\x00b\n")
    assert _message(path)[0] == f"{path}:3: not text: character #x00 is not allowed"


def test_a_huge_file_is_refused_without_being_parsed(tmp_path: Path) -> None:
    path = tmp_path / "job.yml"
    path.write_bytes(b"a: b\n" * 100_000)
    assert _message(path)[0] == f"{path} is larger than 256 KB: not a job file"


def test_anchors_that_grow_without_end_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    path = tmp_path / "job.yml"
    path.write_text("\n".join(lines))
    assert "more than 20000 values, anchors expanded" in _message(path)[0]


def test_a_file_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "job.yml"
    path.write_text("a: " + "[" * 20_000)
    assert _message(path)[0] == f"{path}: nested too deeply"


def test_an_error_in_a_conda_file_names_that_file(tmp_path: Path) -> None:
    (tmp_path / "conda.yml").write_text("name: e\ndependencies:\n- pip\ndependencies: []\n")
    path = tmp_path / "job.yml"
    path.write_text("command: a\nenvironment: {conda_file: conda.yml}\n")
    assert _message(path)[0] == f"{tmp_path}/conda.yml:4: dependencies: appears twice (first in line 2)"


def test_a_message_never_spans_lines(tmp_path: Path) -> None:
    for text, _, _ in REFUSED:
        path = tmp_path / "job.yml"
        path.write_text(text)
        try:
            load(path)
        except JobError as error:
            assert "\n" not in error.title


def test_a_known_key_close_by_is_offered() -> None:
    assert document.did_you_mean("enviroment", ["environment", "command"]) == "did you mean environment?"
    assert document.did_you_mean("zzz", ["b", "a"]) == "known here: a, b"
