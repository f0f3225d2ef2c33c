"""KEY=NUMBER lines as metrics."""

from __future__ import annotations

import math
import time

import pytest

from core.agent.metric_lines import LINE_BYTES, Lines, Point, points


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"loss=0.25 acc=0.9", [("loss", 0.25, None), ("acc", 0.9, None)]),
        (b"step=3, loss=1e-3; val/loss=.5", [("loss", 1e-3, 3), ("val/loss", 0.5, 3)]),
        (b"Epoch 1: 100%|####| 5/5 [00:01<00:00, loss=0.7, acc=91.5%]", [("loss", 0.7, None), ("acc", 91.5, None)]),
        (b"epoch=2 step=40 loss=1", [("epoch", 2.0, 40), ("loss", 1.0, 40)]),
        (b"\x1b[32mloss=0.1\x1b[0m", [("loss", 0.1, None)]),
        (b"lr=-1.5E+2", [("lr", -150.0, None)]),
        (b"url=http://x?a=1 path=/a/b version=1.2.3 name=x1 =5 x= a==1", []),
        (b"shape=(3, 4) batch=3x4 half=1/2", []),
        (b"no pairs at all", []),
        (b"step=1.5 loss=2", [("step", 1.5, None), ("loss", 2.0, None)]),
        (b"loss=1 loss=2", [("loss", 2.0, None)]),
    ],
)
def test_pairs_of_a_line(line: bytes, expected: list[tuple[str, float, int | None]]) -> None:
    assert points(line) == [Point(*each) for each in expected]


def test_infinities_and_nan_are_values_and_no_steps() -> None:
    found = {point.key: point for point in points(b"loss=nan top=inf low=-Inf step=nan")}
    assert math.isnan(found["loss"].value) and found["top"].value == math.inf and found["low"].value == -math.inf
    assert found["loss"].step is None


def test_a_line_counts_once_it_has_ended_however_it_is_cut() -> None:
    text = b"loss=0.5 step=1\rloss=0.25 step=2\r\nother\nloss=0.125 step=3"
    for size in (1, 2, 3, 7, len(text)):
        lines = Lines()
        found = [point for at in range(0, len(text), size) for point in lines.feed(text[at : at + size])]
        assert [(point.step, point.value) for point in found] == [(1, 0.5), (2, 0.25)]
        assert [(point.step, point.value) for point in lines.end()] == [(3, 0.125)]
        assert lines.end() == []


@pytest.mark.parametrize(
    "text", [b"val_loss=0.5 step=2\n", b"\rx=1\ry=2 step=7\n", b"x" * (LINE_BYTES + 5) + b" a=1\n"]
)
def test_a_line_whose_beginning_another_supervisor_read_is_read_whole(text: bytes) -> None:
    whole = Lines().feed(text)
    for at in (1, 4, 7, len(text) - 2):
        first, second = Lines(), Lines(text[:at])
        assert first.feed(text[:at]) + second.feed(text[at:]) == whole


def test_a_line_that_looks_like_a_number_for_long_is_read_in_linear_time() -> None:
    def cost(digits: int) -> float:
        line = (b"a=" + b"1" * digits + b"x ") * (48_000 // digits)
        began = time.process_time()
        for _ in range(20):
            points(line)
        return time.process_time() - began

    cost(30)
    assert cost(4000) < 10 * cost(30) + 0.05


def test_an_endless_line_is_not_kept_and_the_next_one_is_read() -> None:
    lines = Lines()
    for _ in range(100):
        assert lines.feed(b"x" * LINE_BYTES) == []
        assert len(lines._rest) <= LINE_BYTES
    assert lines.feed(b" loss=1\nloss=2\n") == [Point("loss", 2.0, None)]
