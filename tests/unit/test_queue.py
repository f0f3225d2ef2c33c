"""Whose turn it is: first come, first served, never more than fit."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from core.agent import queue
from core.agent.queue import Entry, Place, turn


def entry(
    ticket: int, *, slots: int = 1, gpus: int = 0, assigned: tuple[int, ...] = (), running: bool = False
) -> Entry:
    return Entry(ticket, f"R{ticket}", slots, gpus, list(assigned), running)


def test_the_first_one_runs_and_the_second_waits() -> None:
    first, second = entry(1), entry(2)
    assert turn([first, second], first, []) == [] and turn([first, second], second, []) is None
    assert turn([entry(1, running=True), second], second, []) is None
    assert turn([second], second, []) == []


def test_nobody_overtakes_one_that_waits_for_more() -> None:
    busy = entry(1, slots=4, gpus=1, assigned=(0,), running=True)
    large, small = entry(2, slots=4, gpus=2), entry(3, slots=4, gpus=1)
    assert turn([busy, large, small], large, [0, 1]) is None
    assert turn([busy, large, small], small, [0, 1]) is None
    assert turn([large, small], large, [0, 1]) == [0, 1] and turn([large, small], small, [0, 1]) is None


def test_gpus_are_given_once() -> None:
    busy = entry(1, slots=4, gpus=1, assigned=(1,), running=True)
    assert turn([busy, entry(2, slots=4, gpus=2)], entry(2, slots=4, gpus=2), [0, 1, 2]) == [0, 2]


def test_no_limit_is_no_limit() -> None:
    running = [entry(number, slots=0, running=True) for number in range(1, 30)]
    assert turn([*running, entry(30, slots=0)], entry(30, slots=0), []) == []


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=12), st.integers(1, 3))
def test_whatever_ends_when_the_limits_hold_and_the_order_too(wanted: list[tuple[int, bool]], slots: int) -> None:
    """A simulation: each in turn starts if it may; now and then the oldest that runs ends."""
    machine = [0, 1]
    entries = [entry(number, slots=slots, gpus=gpus) for number, (gpus, _) in enumerate(wanted, 1)]
    started: list[int] = []
    for _ in range(len(wanted) * 3):
        for mine in [each for each in entries if not each.running]:
            given_gpus = turn(entries, mine, machine)
            if given_gpus is not None:
                entries[entries.index(mine)] = mine._replace(running=True, assigned=given_gpus)
                started.append(mine.ticket)
        running = [each for each in entries if each.running]
        used = [number for each in running for number in each.assigned]
        assert len(running) <= slots and len(used) == len(set(used)) and all(len(e.assigned) == e.gpus for e in running)
        if running:
            entries.remove(running[0])
    assert started == sorted(started) and not entries


def test_places_are_taken_in_order_and_given_up(tmp_path: Path) -> None:
    root = str(tmp_path)
    first, second = Place(root, "A" * 26, 1, 0, []), Place(root, "B" * 26, 1, 0, [])
    for run in ("A", "B"):
        (tmp_path / "runs" / (run * 26)).mkdir(parents=True)
    assert queue.ahead(root, "B" * 26) == 1
    assert not second.start() and first.start() and not second.start()
    assert queue.ahead(root, "A" * 26) is None
    first.leave()
    assert queue.ahead(root, "B" * 26) == 0 and second.start()
    second.leave()
    assert os.listdir(tmp_path / "queue") == ["lock"]


def test_gpus_and_their_devices_are_found_by_name(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert queue.gpus(str(tmp_path)) == [0, 2, 10]
    assert queue.devices([2], str(tmp_path)) == [
        str(tmp_path / name) for name in ("nvidia-uvm", "nvidia2", "nvidiactl")
    ]
    assert queue.devices([], str(tmp_path)) == []
