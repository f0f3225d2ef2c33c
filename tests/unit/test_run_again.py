"""A run's job as a VM tells it, which may be written by somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from core.environments.spec import Spec
from core.errors import RunError
from core.events import JobResolved
from core.jobs.records import DataInput, Environment, Job, LiteralInput
from core.runs import again
from core.runs.bound import Bound
from core.ssh.agent import Link

from .test_job_resolve import site

RUN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


class Vm:
    """Answers what it likes, and has nothing."""

    last_seen = 0.0

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record

    async def agent(self) -> Vm:
        return self

    async def call(self, op: str, **_: Any) -> dict[str, Any]:
        nothing = {"have": False, "items": [], "hash": "", "built": False, "note": "", "engine": "bwrap"}
        return {"runs.job": self.record}.get(op, nothing)


def told(local: str = "", requirements: str = "six\n", command: str = "true") -> dict[str, Any]:
    rows = DataInput(type="uri_file", path="rows", local=local, mode=None, where="job.yml:3")
    literal = LiteralInput(value=1, kind="integer", where="job.yml:4")
    job = Job(
        file=Path("/x/job.yml"),
        command=command,
        command_where="job.yml:1",
        environment=Environment(),
        inputs={"rows": rows if local else literal},
    )
    source = msgspec.to_builtins({"job": job, "environment": Spec(requirements=requirements)}, enc_hook=str)
    return {"source": source, "inputs": {}, "snapshot": None}


async def looked(record: dict[str, Any], values: Mapping[str, str]) -> JobResolved:
    vm = cast("Link", Vm(record))
    events = again.Again(site(), vm, RUN).events(values, resume=False, new=None, dry=True, bound=Bound())
    return [event async for event in events if isinstance(event, JobResolved)][-1]


async def test_a_vm_names_no_file_of_this_machine_that_a_rerun_would_send(tmp_path: Path) -> None:
    key, rows = tmp_path / "id_ed25519", tmp_path / "rows.csv"
    key.write_text("key\n")
    rows.write_text("1\n")
    for values in ({}, {"tags.rows": str(rows)}):
        with pytest.raises(RunError, match=f"input rows would be {key} of this machine") as raised:
            await looked(told(str(key)), values)
        assert "--set inputs.rows=PATH" in raised.value.hint
    for name in ("inputs.rows", "inputs.rows.path"):
        (travel,) = (await looked(told(str(key)), {name: str(rows)})).travels
        assert travel.place == str(rows), "what a person names is sent"
    sent = {**told(str(key)), "inputs": {"rows": {"local": True, "from": str(key), "digest": "d" * 64}}}
    assert (await looked(sent, {})).travels == [], "what the run was sent is on the VM"


@pytest.mark.parametrize(
    "line",
    [
        "-e /tmp/package",
        "  --editable=/tmp/package",
        "-r /etc/passwd",
        "a @ https://h/${TOKEN}/a-1-py3-none-any.whl",
        "--index-url https://h/${TOKEN}/simple",
        "a @ file:///etc/passwd",
        "git+https://h/a",
        "six\u2028-e /tmp/package",
        "six\r-e /tmp/package",
    ],
)
async def test_a_vms_requirement_asks_nothing_of_this_machine(line: str) -> None:
    with pytest.raises(RunError, match=f"run {RUN}: requirements: "):
        await looked(told(requirements=f"six==1.17.0\n{line}\n"), {})


async def test_requirements_that_a_launch_takes_are_a_reruns_too() -> None:
    text = "--index-url https://h/simple\nsix==1.17.0 --hash=sha256:ab\na @ https://h/a-1-py3-none-any.whl\n"
    assert (await looked(told(requirements=text), {})).environment.packages


@pytest.mark.parametrize("name", ["a b", "a[@click=app.quit]", "", "a#b"])
async def test_names_that_no_job_file_has_are_refused(name: str) -> None:
    record = told()
    inputs = record["source"]["job"]["inputs"]
    inputs[name] = inputs.pop("rows")
    with pytest.raises(RunError, match="no job file can have one"):
        await looked(record, {})


async def test_a_command_with_inputs_that_nobody_declared_is_an_error_and_no_crash() -> None:
    with pytest.raises(RunError, match=r"inputs\.nope"):
        await looked(told(command="cat ${{inputs.nope}}"), {})
