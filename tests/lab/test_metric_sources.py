"""Metrics of real runs that do not log them by MLflow: from their output and from event files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from tensorboardX import SummaryWriter

from core import errors

from .vm import VM, Followed, new_ulid, one_vm, vm

__all__ = ["one_vm", "vm"]


def metrics(done: Followed) -> list[tuple[str, int, float]]:
    return [(op["key"], op["step"], op["value"]) for op in done.tracking if op["op"] == "metric"]


def event_file(folder: Path, values: dict[str, list[float]]) -> bytes:
    with SummaryWriter(str(folder)) as writer:
        for tag, each in values.items():
            for step, value in enumerate(each):
                writer.add_scalar(tag, value, step, walltime=1.7e9 + step)
    (path,) = folder.glob("*.tfevents.*")
    return path.read_bytes()


def start(vm: VM, command: str, sources: str, **fields: Any) -> Followed:
    return vm.run(vm.agent(), command, tags={"trainshed.metrics": sources}, **fields)


def test_pairs_that_a_job_prints_are_its_metrics(vm: VM) -> None:
    command = r"printf 'step=1 loss=0.5\rstep=2 loss=0.25\n'; echo loss=9 >&2; echo acc=1; echo acc=2; printf end=1"
    done = start(vm, command, "lines")
    assert metrics(done) == [
        ("loss", 1, 0.5), ("loss", 2, 0.25), ("loss", 3, 9.0), ("acc", 0, 1.0), ("acc", 1, 2.0), ("end", 0, 1.0)
    ]  # fmt: skip
    assert done.text.startswith("step=1 loss=0.5\rstep=2"), "the log is what the job printed"


def test_nothing_is_read_that_the_job_did_not_ask_for(one_vm: VM) -> None:
    done = one_vm.run(one_vm.agent(), "echo loss=1; touch outputs/events.out.tfevents.1")
    assert metrics(done) == []


def test_event_files_are_read_while_they_grow_and_to_the_end(vm: VM, tmp_path: Path) -> None:
    data = event_file(tmp_path, {"loss": [1.0, 0.5, 0.25], "acc": [0.5]})
    digest = vm.data({"events": data})
    command = (
        "mkdir -p outputs/tb/train runs && head -c 150 /data/it/events > outputs/tb/train/events.out.tfevents.1"
        " && sleep 2.5 && tail -c +151 /data/it/events >> outputs/tb/train/events.out.tfevents.1"
        " && cp /data/it/events runs/events.out.tfevents.2 && ln -s /data/it/events runs/events.out.tfevents.3"
        " && mkfifo runs/events.out.tfevents.4 && ln -s /data outputs/tb/more"
    )
    inputs = {"it": {"digest": digest, "path": "", "kind": "uri_folder"}}
    done = start(vm, command, "tensorboard:outputs/tb tensorboard:runs", inputs=inputs)
    assert done.result["state"] == "completed", done.result
    own = [("loss", 0, 1.0), ("loss", 1, 0.5), ("loss", 2, 0.25), ("acc", 0, 0.5)]
    expected = [*own, *((f"train/{key}", step, value) for key, step, value in own)]
    assert sorted(metrics(done)) == sorted(expected)
    times = {op["time"] for op in done.tracking if op["op"] == "metric" and op["key"] == "loss"}
    assert times == {1.7e9, 1.7e9 + 1, 1.7e9 + 2}, "when the job measured it, not when it was read"


def test_without_a_folder_the_keys_say_where_the_file_is(one_vm: VM, tmp_path: Path) -> None:
    digest = one_vm.data({"events": event_file(tmp_path, {"loss": [1.0]})})
    command = "mkdir -p a outputs/b; for x in a outputs/b .; do cp /data/it/events $x/events.out.tfevents.1; done"
    inputs = {"it": {"digest": digest, "path": "", "kind": "uri_folder"}}
    done = start(one_vm, command, "tensorboard", inputs=inputs)
    assert sorted(metrics(done)) == [("a/loss", 0, 1.0), ("loss", 0, 1.0), ("outputs/b/loss", 0, 1.0)]


def test_a_folder_that_is_swapped_for_a_link_leads_nowhere(one_vm: VM, tmp_path: Path) -> None:
    outside = one_vm.root / "elsewhere"
    outside.mkdir()
    (outside / "events.out.tfevents.9").write_bytes(event_file(tmp_path, {"secret": [1.0]}))
    os.chmod(outside, 0o755)
    done = start(one_vm, f"ln -s {outside} logs; echo loss=1", "tensorboard:logs, lines")
    assert metrics(done) == [("loss", 0, 1.0)]


@pytest.mark.parametrize("word", ["csv", "tensorboard:/etc", "tensorboard:../up", "lines:x"])
def test_an_unknown_source_is_refused_before_anything_starts(one_vm: VM, word: str) -> None:
    job = one_vm.job("true", tags={"trainshed.metrics": f"lines {word}"})
    with pytest.raises(errors.RunError, match=word.replace(".", r"\.")):
        one_vm.agent().call("runs.create", run=job["run"], job=job, policy={"engine": "bwrap"})
    assert not one_vm.folder(new_ulid()).exists() and not one_vm.folder(job["run"]).exists()
