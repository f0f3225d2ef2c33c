"""Threads: results and errors cross, back-pressure holds, a reader that leaves ends the producer."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time

import pytest

from core import threads


async def test_a_call_returns_and_raises() -> None:
    assert await threads.call(lambda: 7) == 7
    with pytest.raises(KeyError):
        await threads.call({"y": 1}.__getitem__, "x")
    with pytest.raises(RuntimeError, match="StopIteration"):
        await threads.call(next, iter(()))


async def test_cancelling_a_call_does_not_wait_for_it() -> None:
    release = threading.Event()
    task = asyncio.create_task(threads.call(release.wait))
    await asyncio.sleep(0)
    began = time.monotonic()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 1
    release.set()


async def test_long_streams_do_not_starve_short_calls() -> None:
    release = threading.Event()

    async def tail(number: int) -> None:
        async for _ in threads.stream(lambda _feed: release.wait(), f"tail-{number}"):
            pass

    tails = [asyncio.create_task(tail(number)) for number in range(50)]
    assert await asyncio.wait_for(threads.call(lambda: "answered"), 5) == "answered"
    release.set()
    await asyncio.gather(*tails)


async def test_every_item_arrives_in_order_and_no_more_than_the_capacity_waits() -> None:
    ahead = 0
    worst = 0

    def produce(feed: threads.Stream) -> None:
        nonlocal ahead, worst
        for number in range(5000):
            feed.put(number)
            ahead += 1
            worst = max(worst, ahead)

    seen: list[int] = []
    async for batch in threads.stream(produce, "numbers", capacity=64):
        assert len(batch) <= 64
        ahead -= len(batch)
        seen += batch
    assert seen == list(range(5000))
    assert worst <= 64 + 64 + 1


async def test_leaving_ends_the_producer() -> None:
    ended = threading.Event()
    stopped = threading.Event()

    def produce(feed: threads.Stream) -> None:
        try:
            while True:
                feed.put(1)
        finally:
            ended.set()

    async with contextlib.aclosing(threads.stream(produce, "endless", on_stop=stopped.set)) as batches:
        async for _ in batches:
            break
    assert stopped.is_set()
    assert await threads.call(ended.wait, 5)


async def test_an_error_of_the_producer_arrives_after_its_items() -> None:
    def produce(feed: threads.Stream) -> None:
        feed.put("one")
        raise OSError("gone")

    seen = []
    with pytest.raises(OSError, match="gone"):
        async for batch in threads.stream(produce, "failing"):
            seen += batch
    assert seen == ["one"]
