"""TensorBoard event files, written by a real writer."""

from __future__ import annotations

import os
import random
import struct
from pathlib import Path

import numpy
import pytest
from tensorboardX import SummaryWriter
from tensorboardX.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboardX.record_writer import masked_crc32c

from core.agent import tfevents
from core.agent.tfevents import Broken, Scalar


def read_all(path: Path) -> list[Scalar]:
    found, at = list[Scalar](), 0
    with path.open("rb") as file:
        while True:
            scalars, after = tfevents.read(file.fileno(), at)
            found += scalars
            if after == at:
                return found
            at = after


def written(folder: Path) -> Path:
    with SummaryWriter(str(folder)) as writer:
        for step in range(3):
            writer.add_scalar("loss/train", 1 / (step + 1), step, walltime=1.7e9 + step)
        writer.add_histogram("weights", numpy.arange(100.0), 1)
        writer.add_image("picture", numpy.random.default_rng(1).random((3, 400, 400)), 1)
        writer.add_text("words", "a text is no scalar", 1)
        writer.add_scalar("late", float("nan"), 2**40, walltime=1.7e9)
    (path,) = folder.glob("*.tfevents.*")
    return path


def record(data: bytes) -> bytes:
    header = struct.pack("<Q", len(data))
    return header + struct.pack("<I", masked_crc32c(header)) + data + struct.pack("<I", masked_crc32c(data))


def event(**tensor: object) -> bytes:
    """As TensorFlow 2 writes a scalar."""
    metadata = summary_pb2.SummaryMetadata(plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="scalars"))
    value = summary_pb2.Summary.Value(tag="t", metadata=metadata, tensor=tensor_pb2.TensorProto(**tensor))
    made: bytes = event_pb2.Event(
        wall_time=1.5, step=-4, summary=summary_pb2.Summary(value=[value])
    ).SerializeToString()
    return made


def test_scalars_of_a_file_in_order_and_nothing_else(tmp_path: Path) -> None:
    found = read_all(written(tmp_path))
    assert [each[:3] for each in found] == [
        *(("loss/train", step, 1.7e9 + step) for step in range(3)), ("late", 2**40, 1.7e9)
    ]  # fmt: skip
    assert [each.value for each in found[:3]] == pytest.approx([1, 1 / 2, 1 / 3], rel=1e-6)
    assert found[3].value != found[3].value


@pytest.mark.parametrize(
    ("tensor", "value"),
    [
        ({"dtype": types_pb2.DT_FLOAT, "tensor_content": struct.pack("<f", 0.5)}, 0.5),
        ({"dtype": types_pb2.DT_FLOAT, "float_val": [0.5]}, 0.5),
        ({"dtype": types_pb2.DT_DOUBLE, "double_val": [0.1]}, 0.1),
        ({"dtype": types_pb2.DT_INT64, "int64_val": [-3]}, -3.0),
        ({"dtype": types_pb2.DT_INT32, "tensor_content": struct.pack("<i", -3)}, -3.0),
    ],
)
def test_scalars_as_tensors(tensor: dict[str, object], value: float) -> None:
    assert tfevents.scalars(event(**tensor)) == [Scalar("t", -4, 1.5, value)]


def test_tensors_that_are_no_scalars_are_passed_over() -> None:
    vector = {"dtype": types_pb2.DT_FLOAT, "tensor_content": struct.pack("<ff", 1, 2)}
    text = {"dtype": types_pb2.DT_STRING, "string_val": [b"1.0"]}
    assert tfevents.scalars(event(**vector)) == tfevents.scalars(event(**text)) == []


def test_a_file_that_grows_by_single_bytes_gives_each_scalar_once(tmp_path: Path) -> None:
    whole = written(tmp_path / "a")
    data = whole.read_bytes()[:400] + record(event(dtype=types_pb2.DT_FLOAT, float_val=[1.0]))
    cut = tmp_path / "cut"
    found, at = list[Scalar](), 0
    with cut.open("wb", buffering=0) as writer, cut.open("rb") as reader:
        for byte in data:
            writer.write(bytes([byte]))
            try:
                scalars, at = tfevents.read(reader.fileno(), at)
            except Broken:
                break  # the 400th byte cuts a record: what follows it is none
            found += scalars
    assert found == read_all(whole)[: len(found)] and len(found) >= 3


def test_a_record_of_many_megabytes_is_passed_over_unread(tmp_path: Path) -> None:
    path = tmp_path / "events"
    scalar = record(event(dtype=types_pb2.DT_FLOAT, float_val=[1.0]))
    path.write_bytes(scalar + record(os.urandom(5 << 20)) + scalar)
    assert len(read_all(path)) == 2


def test_rubbish_is_broken_or_nothing_and_never_anything_else(tmp_path: Path) -> None:
    rng = random.Random(7)
    path = tmp_path / "events"
    good = event(dtype=types_pb2.DT_FLOAT, float_val=[1.0])
    for _ in range(2000):
        bad = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        tfevents.scalars(bytes(bad[: rng.randrange(len(bad) + 1)]))
    path.write_bytes(b"not an event file at all, only text\n" * 10)
    with pytest.raises(Broken):
        read_all(path)
