"""A job on a site: where its data is, what its command becomes, what is said about the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import JobError
from core.jobs import resolve
from core.jobs.load import load
from core.jobs.resolve import Resolved
from core.site import schema
from core.site.files import Site

ALIASES = {
    "https://example.org/iris.csv": "samples/iris.csv",
    "azureml:patients@latest": "patients/2026-10/",
    "azureml://datastores/workspaceblobstore/paths/": "shared/",
    "azureml://datastores/workspaceblobstore/paths/old/": "archive/",
}


def site(*, data: bool = True) -> Site:
    vms = {name: schema.VM(host="192.0.2.1") for name in ("stackvm", "bigvm")}
    container = schema.Data(endpoint="https://a.blob.example", container="records", credential="env:X", aliases=ALIASES)
    file = schema.SiteFile(name="ward-7", vms=vms, default_vm="stackvm", data=container if data else None)
    return Site(file, Path("/sites/ward-7.toml"), "stackvm")


def resolved(folder: Path, text: str, *, data: bool = True) -> Resolved:
    path = folder / "job.yml"
    path.write_text(text if "environment:" in text else f"{text}environment: azureml:e:1\n")
    return resolve.resolve(load(path), site(data=data))


def one(folder: Path, entry: str) -> Resolved:
    return resolved(folder, f"command: cat ${{{{inputs.d}}}}\ninputs:\n  d: {entry}\n")


@pytest.mark.parametrize(
    ("entry", "path", "inside"),
    [
        ("{type: uri_folder, path: azureml://datastores/site/paths/wards/7/}", "wards/7/", "/data/d"),
        ("{type: uri_folder, path: azureml://datastores/site/paths/wards/7}", "wards/7/", "/data/d"),
        ("{type: uri_folder, path: azureml://datastores/site/paths/}", "", "/data/d"),
        ("{type: uri_folder, path: azureml://datastores/site/paths}", "", "/data/d"),
        ("{type: uri_file, path: azureml://datastores/site/paths/a/b.csv}", "a/b.csv", "/data/d/b.csv"),
        ("{type: uri_file, path: https://example.org/iris.csv}", "samples/iris.csv", "/data/d/iris.csv"),
        ("{type: uri_folder, path: azureml:patients@latest}", "patients/2026-10/", "/data/d"),
        ("{path: azureml://datastores/workspaceblobstore/paths/x/y}", "shared/x/y/", "/data/d"),
        ("{path: azureml://datastores/workspaceblobstore/paths/old/y}", "archive/y/", "/data/d"),
        ("{type: mltable, path: azureml:patients@latest}", "patients/2026-10/", "/data/d"),
        ("{type: custom_model, path: azureml://datastores/site/paths/m/net.pt}", "m/net.pt", "/data/d/net.pt"),
        ("{type: custom_model, path: azureml://datastores/site/paths/m/net}", "m/net/", "/data/d"),
    ],
)
def test_data_is_found_in_the_sites_container(tmp_path: Path, entry: str, path: str, inside: str) -> None:
    found = one(tmp_path, entry)
    assert (found.data["d"].path, found.data["d"].inside) == (path, inside)
    assert found.command == f"cat {inside}"


@pytest.mark.parametrize(
    "path",
    ["https://example.org/b.csv", "azureml:unknown:1", "wasbs://c@a.blob.example/x", "azureml:patients:3"],
)
def test_what_cannot_be_had_on_site_is_said_with_the_way_to_alias_it(tmp_path: Path, path: str) -> None:
    with pytest.raises(JobError) as caught:
        one(tmp_path, f"{{path: '{path}'}}")
    assert caught.value.title == f"{tmp_path}/job.yml:3: inputs.d: {path} cannot be had on site ward-7"
    assert caught.value.hint == f'in /sites/ward-7.toml, below [data.aliases]: "{path}" = "its path in the container"'


@pytest.mark.parametrize("site_has_data", [True, False])
def test_a_path_that_no_alias_names_is_one_on_this_machine(tmp_path: Path, site_has_data: bool) -> None:
    text = """\
command: ls ${{inputs.a}} ${{inputs.b}} ${{inputs.c}}
inputs: {a: {path: ../data}, b: {type: uri_file, path: "file:x/rows.csv"}, c: {type: mlflow_model, path: /srv/net}}
"""
    found = resolved(tmp_path, text, data=site_has_data)
    assert found.command == "ls /data/a /data/b/rows.csv /data/c" and found.data == {}
    paths = {name: (need.path, need.kind) for name, need in found.local.items()}
    above = f"{tmp_path}/../data/"
    assert paths == {
        "a": (above, "uri_folder"),
        "b": (f"{tmp_path}/x/rows.csv", "uri_file"),
        "c": ("/srv/net/", "uri_folder"),
    }
    sent = {"a": "d1", "b": "d2", "c": "d3"}
    record = resolve.record(
        found, run="R", snapshot=None, environment=None, digests={}, sent=sent, created=1.0, owner="o", source={}
    )
    assert record["inputs"]["a"] == {"digest": "d1", "local": True, "path": "", "kind": "uri_folder", "from": above}


def test_a_file_that_is_a_folder_and_a_path_that_climbs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="the type is uri_file, and azureml:patients@latest is a folder"):
        one(tmp_path, "{type: uri_file, path: azureml:patients@latest}")
    with pytest.raises(JobError, match="is not a path in a container"):
        one(tmp_path, "{path: azureml://datastores/site/paths/../other}")


def test_all_that_cannot_be_had_is_said_at_once(tmp_path: Path) -> None:
    entries = ("azureml:x:1", "azureml:y:2", "azureml:patients@latest")
    text = "command: a\ninputs:\n" + "".join(
        f"  {name}: {{path: '{path}'}}\n" for name, path in zip("abc", entries, strict=True)
    )
    with pytest.raises(JobError) as caught:
        resolved(tmp_path, text)
    where = f"{tmp_path}/job.yml"
    assert caught.value.title == (
        f"{where}:3: inputs.a: azureml:x:1 cannot be had on site ward-7; "
        f"{where}:4: inputs.b: azureml:y:2 cannot be had on site ward-7"
    )
    assert '"azureml:x:1" =' in caught.value.hint and '"azureml:y:2" =' in caught.value.hint


def test_a_site_without_data_says_so(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"inputs\.d: site ward-7 has no data"):
        resolved(tmp_path, "command: a\ninputs: {d: {path: azureml://datastores/site/paths/x}}\n", data=False)


def test_placeholders_become_paths_and_literals_as_azure_writes_them(tmp_path: Path) -> None:
    found = resolved(
        tmp_path,
        """\
command: t --lr ${{inputs.lr}} --n ${{ inputs.n }} --flag ${{inputs.flag}} --say "${{inputs.say}}" ${{outputs.model}}
inputs: {lr: 1.0e-3, n: 5, flag: true, say: two words}
outputs: {model: }
environment_variables: {RATE: "${{inputs.lr}}", OUT: "${{outputs.model}}/x"}
""",
    )
    assert found.command == 't --lr 0.001 --n 5 --flag True --say "two words" /job/outputs/model'
    assert found.env == {"RATE": "0.001", "OUT": "/job/outputs/model/x"}
    assert found.params == {"lr": "0.001", "n": "5", "flag": "True", "say": "two words"}
    assert found.outputs == {"model": "uri_folder"}


def test_a_value_that_looks_like_a_placeholder_is_not_replaced_again(tmp_path: Path) -> None:
    (tmp_path / "job.yml").write_text("command: a ${{inputs.x}}\nenvironment: azureml:e:1\ninputs: {x: 1}\n")
    job = load(tmp_path / "job.yml")
    import msgspec

    entry = msgspec.structs.replace(job.inputs["x"], value="${{inputs.x}}")
    found = resolve.resolve(msgspec.structs.replace(job, inputs={"x": entry}), site())
    assert found.command == "a ${{inputs.x}}"


def test_names_default_to_the_file_and_its_folder(tmp_path: Path) -> None:
    found = resolved(tmp_path, "command: a\n")
    assert (found.name, found.experiment) == ("job", tmp_path.name)
    named = resolved(tmp_path, "command: a\nname: n\nexperiment_name: e\ndescription: d\ntags: {t: u}\n")
    assert (named.name, named.experiment) == ("n", "e")
    assert named.tags == {"t": "u", "trainshed.job_name": "n", "mlflow.note.content": "d"}


def test_a_compute_that_the_site_lacks_is_said_and_another_vm_of_it_is_an_error(tmp_path: Path) -> None:
    found = resolved(tmp_path, "command: a\ncompute: azureml:gpu\n")
    assert found.notes == [f"{tmp_path}/job.yml:2: compute: site ward-7 has no gpu: runs on stackvm"]
    assert resolved(tmp_path, "command: a\ncompute: stackvm\n").notes == []
    with pytest.raises(JobError, match="bigvm is another VM of site ward-7"):
        resolved(tmp_path, "command: a\ncompute: bigvm\n")


def test_the_job_cannot_lead_its_tracking_elsewhere_and_is_told_so(tmp_path: Path) -> None:
    variables = "{MLFLOW_TRACKING_URI: https://x.example, MLFLOW_RUN_ID: y, A: b}"
    found = resolved(tmp_path, f"command: a\nenvironment_variables: {variables}\n")
    assert found.notes == [
        "environment_variables.MLFLOW_RUN_ID: set by trainshed, the job's value is not used",
        "environment_variables.MLFLOW_TRACKING_URI: set by trainshed, the job's value is not used",
    ]
    record = resolve.record(
        found, run="R", snapshot=None, environment=None, digests={}, sent={}, created=1.0, owner="ana@laptop", source={}
    )
    assert record["env"]["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:5000"
    assert record["env"]["MLFLOW_RUN_ID"] == "R" and record["env"]["A"] == "b"


def test_the_record_names_data_by_digest(tmp_path: Path) -> None:
    found = one(tmp_path, "{type: uri_file, path: https://example.org/iris.csv}")
    record = resolve.record(
        found,
        run="R",
        snapshot="s",
        environment="e",
        digests={"samples/iris.csv": "d1"},
        sent={},
        created=1.0,
        owner="o",
        source={"job": 1},
    )
    assert record["inputs"] == {
        "d": {"digest": "d1", "local": False, "path": "iris.csv", "kind": "uri_file", "from": "samples/iris.csv"}
    }
    assert (record["snapshot"], record["environment"], record["parent"]) == ("s", "e", None)
    assert record["source"] == {"job": 1}
