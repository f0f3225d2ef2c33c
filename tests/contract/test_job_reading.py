"""Our reading of command-job files equals azure-ai-ml's own, for files in the style that people publish."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.jobs.load import load

from .reading import azure_reader, ours, theirs

pytestmark = pytest.mark.filterwarnings("ignore")  # of azure-ai-ml about itself

SCHEMA = "$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json\n"

FILES = {
    "the smallest": "command: echo hello\nenvironment: azureml:base@latest\n",
    "an image and a shell command": SCHEMA
    + """\
command: |
  echo "one"
  python --version
environment:
  image: docker.io/python
compute: azureml:cpu-cluster
tags: {example: hello}
display_name: Say hello
experiment_name: hello
description: Prints a line.
""",
    "code, literals and a folded command": SCHEMA
    + """\
type: command
code: src
command: >-
  python main.py
  --file ${{inputs.table}}
  --rate ${{inputs.rate}}
  --max-iter ${{inputs.iterations}}
inputs:
  table:
    path: azureml:flowers:1
    type: uri_file
  rate: 0.1
  iterations: 1000
environment: azureml://registries/azureml/environments/sklearn-1.5/labels/latest
compute: azureml:cpu
""",
    "a conda file beside the job": SCHEMA
    + """\
code: ./src
command: python main.py
environment:
  image: mcr.example/openmpi:1
  conda_file: conda.yml
""",
    "an inline conda file": """\
command: python main.py
environment:
  image: base:1
  conda_file:
    name: e
    channels: [conda-forge]
    dependencies: [python=3.11, pip, {pip: [pandas, "numpy<3"]}]
""",
    "a docker build context": "command: a\nenvironment:\n  build: {path: src, dockerfile_path: Dockerfile.train}\n",
    "a docker build context with a Dockerfile of the usual name": "command: a\nenvironment:\n  build: {path: src}\n",
    "an environment in a file": "command: a\nenvironment: file:env.yml\n",
    "a docker build context beside the environment's file": "command: a\nenvironment: file:src/built.yml\n",
    "an environment of the workspace by version": "command: a\nenvironment: azureml:mine:7\n",
    "an environment of a registry by version": "command: a\nenvironment: azureml://registries/r/environments/e/versions/12\n",
    "every kind of literal": """\
command: a
environment: azureml:e:1
inputs:
  whole: 7
  octal: 010
  hexadecimal: 0x10
  thousands: 1_000
  number: 2.5
  scientific: 1.0e-3
  not_a_number: 1e-3
  yes_word: yes
  no_word: Off
  quoted_number: '7'
  quoted_boolean: "true"
  empty: ''
  text: two words
  colon: "a: b"
  long_form: {value: hello}
  long_number: {value: 5}
""",
    "folders, files, tables and models": """\
command: ls ${{inputs.folder}} ${{inputs.model}}
environment: azureml:e:1
inputs:
  folder: {type: uri_folder, path: azureml://datastores/site/paths/wards/, mode: ro_mount}
  other: {path: azureml://datastores/site/paths/all}
  web: {type: uri_file, path: https://example.org/iris.csv, mode: download}
  blob: {type: URI_FOLDER, path: wasbs://c@a.blob.example.org/x, mode: DOWNLOAD}
  labelled: {type: uri_folder, path: azureml:patients@latest}
  table: {type: mltable, path: azureml:table:3, mode: eval_mount}
  model: {type: mlflow_model, path: azureml:model:1}
  custom: {type: custom_model, path: azureml:net:2, mode: direct}
""",
    "outputs of every kind": """\
command: train --to ${{outputs.model}}
environment: azureml:e:1
outputs:
  model: {type: mlflow_model, mode: rw_mount}
  rest:
  table: {type: uri_file, path: azureml://datastores/site/paths/out.csv, mode: upload}
""",
    "variables and a limit": """\
command: env
environment: azureml:e:1
environment_variables: {LEVEL: debug, WORKERS: 2, FAST: true, RATE: 0.5}
limits: {timeout: 3600}
""",
    "what belongs to a cluster": """\
command: train
environment: azureml:e:1
compute: azureml:gpu
resources: {instance_count: 1, instance_type: large, shm_size: 8g, docker_args: --ipc=host}
distribution: {type: pytorch, process_count_per_instance: 1}
services: {lab: {type: jupyter_lab}, ssh: {type: ssh, ssh_public_keys: key}}
identity: {type: user_identity}
queue_settings: {job_tier: spot}
""",
    "names, properties and odd tags": """\
name: my-first_job
command: a
environment: azureml:e
properties: {a: b}
tags: {"with space": x, empty: "", none: }
""",
    "anchors and merge keys": """\
command: a
environment: azureml:e:1
tags: &shared {team: wards, tier: gold}
properties: {<<: *shared, tier: silver}
""",
    "braces with spaces": "command: echo ${{ inputs.a }}\nenvironment: azureml:e:1\ninputs: {a: 1}\n",
}


@pytest.fixture(scope="module")
def azure_reading() -> Any:
    with azure_reader() as load_job:
        yield load_job


@pytest.mark.parametrize("title", FILES)
def test_our_reading_equals_azure_ai_mls(tmp_path: Path, azure_reading: Any, title: str) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("print(1)\n")
    (tmp_path / "src" / "Dockerfile.train").write_text("FROM scratch\n")
    (tmp_path / "src" / "built.yml").write_text("name: mine\nversion: 2\nbuild: {path: .}\n")
    (tmp_path / "conda.yml").write_text("name: e\ndependencies: [python=3.11, pip]\n")
    (tmp_path / "env.yml").write_text("image: base:2\nconda_file: conda.yml\n")
    path = tmp_path / "job.yml"
    path.write_text(FILES[title])
    assert ours(load(path)) == theirs(azure_reading(path), tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "command: a\n",
        "command: 5\nenvironment: azureml:e:1\n",
        "command: a\nenvironment: e:1\n",
        "command: a\nenvironment: azureml:e:1\nunknown: 1\n",
        "command: a\nenvironment: azureml:e:1\ntags: {a: 1}\n",
        "command: a\nenvironment: azureml:e:1\ncode: ./nosuch\n",
        "command: a\nenvironment: azureml:e:1\ninputs: {a: }\n",
        "command: a\nenvironment: azureml:e:1\ninputs: {a: 2026-01-01}\n",
        "command: a\nenvironment: azureml:e:1\ninputs: {a: .inf}\n",
        "command: a\nenvironment: azureml:e:1\ninputs: {a: {type: uri_fil, path: x}}\n",
        "command: a\nenvironment: azureml:e:1\nlimits: {timeout: 10m}\n",
        "command: a\nenvironment: azureml:e:1\ntype: Command\n",
    ],
)
def test_what_azure_ai_ml_refuses_we_refuse(tmp_path: Path, azure_reading: Any, text: str) -> None:
    path = tmp_path / "job.yml"
    path.write_text(text)
    for read in (load, azure_reading):
        with pytest.raises(Exception) as caught:  # theirs have no class in common
            read(path)
        assert type(caught.value).__name__ in ("JobError", "ValidationError", "ValidationException")
