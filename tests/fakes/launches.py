"""What the fake site says of a job before it runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from core import errors, events

from . import script
from .script import NOON, Scenario

COMMAND = "python train.py --data /data/records --epochs 40 --lr 0.05"
KINDS = {"epochs": "integer", "lr": "number", "augment": "boolean"}
VALUES = {"epochs": "40", "lr": "0.05", "augment": "false"}
FILES = (("train.py", 2900), ("model.py", 800), ("util/__init__.py", 400))


def resolved(scenario: Scenario, job: str, settings: Mapping[str, str]) -> events.JobResolved:
    """Raises UsageError for a setting that the job does not take."""
    _check(job, settings)
    values = {name: settings.get(f"inputs.{name}", value) for name, value in VALUES.items()}
    command = COMMAND.replace("0.05", values["lr"]).replace("40", values["epochs"])
    command += f" {scenario.edited}" if scenario.edited else ""
    files = [events.SentFile(path=path, bytes=size) for path, size in FILES]
    code = events.Travel(what="code", place="/home/ana/demo/src", files=files, bytes=4100, digest="77aa01c2" * 8)
    return events.JobResolved(
        digest=hashlib.sha256(f"{job}\n{command}".encode()).hexdigest(),
        job=job,
        site=scenario.site,
        vm=scenario.vm,
        name="breast-cancer",
        experiment="demo",
        command=command,
        inputs=[*_literals(values), _records()],
        outputs=[events.ResolvedOutput(name="plots", type="uri_folder", inside="/job/outputs/plots")],
        environment=events.ResolvedEnvironment(
            kind="venv",
            what="the VM's Python",
            packages=["scikit-learn==1.5.2", "pandas==2.2.3", "mlflow-skinny==3.4.0"],
        ),
        variables={"PYTHONUNBUFFERED": "1"},
        tags={"trainshed.target": "malignant"},
        limits=events.RunLimits(
            timeout_s=7200, slots=1, gpus="", memory_bytes=None, tmp_bytes=2 << 30, log_bytes=1 << 30
        ),
        code="sent",
        travels=[code],
        warnings=["job.yml:9: command: pip install: a job has no network: put it into the environment's requirements"],
        notes=["job.yml:24: compute: site ward-7 has no gpu-cluster: runs on stackvm"],
    )


def _check(job: str, settings: Mapping[str, str]) -> None:
    for key in settings:
        if key not in {f"inputs.{name}" for name in (*VALUES, "records")} | {"display_name"}:
            raise errors.UsageError(f"--set {key}: {job} has no such input", hint="did you mean lr?")


def _literals(values: Mapping[str, str]) -> list[events.ResolvedInput]:
    return [
        events.ResolvedInput(
            name=name,
            source="literal",
            type=KINDS[name],
            value=value,
            was=VALUES[name] if value != VALUES[name] else None,
        )
        for name, value in values.items()
    ]


def _records() -> events.ResolvedInput:
    return events.ResolvedInput(
        name="records", source="site", type="uri_folder", path="samples/", inside="/data/records"
    )


def asked(known: events.JobResolved, *, built: bool) -> events.JobResolved:
    """The same, with what the VM has already."""
    staged = script.staged("samples/")
    records = msgspec.structs.replace(
        _records(), files=staged.files, bytes=staged.bytes, digest=staged.digest, staged=NOON
    )
    return msgspec.structs.replace(
        known,
        asked=True,
        engine="bwrap",
        inputs=[records if each.name == "records" else each for each in known.inputs],
        environment=msgspec.structs.replace(known.environment, hash="5e1f" * 16, built=built),
        travels=[msgspec.structs.replace(each, there=False) for each in known.travels],
    )
