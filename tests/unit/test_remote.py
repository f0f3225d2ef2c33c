"""The client's side of the link, with another end that keeps to no rule."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncIterator

import pytest

from core.agent import wire
from core.errors import AgentError, LinkLost
from core.ssh import remote
from core.ssh.remote import RemoteAgent

FRAME = b"x" * 100_000


class Other:
    """What it says is put here; no bytes are its end."""

    def __init__(self) -> None:
        self.said: queue.Queue[bytes] = queue.Queue()

    def read(self, _size: int) -> bytes:
        return self.said.get()


@pytest.fixture
async def ends(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[RemoteAgent, Other]]:
    monkeypatch.setattr(remote, "MOST_BYTES", 1_000_000)
    other = Other()
    agent = RemoteAgent(wire.Reader(other.read), lambda _: None, {}, lambda: None)
    yield agent, other
    other.said.put(b"")
    await agent.close()


async def settled(agent: RemoteAgent, other: Other) -> None:
    while not agent.lost and not (other.said.empty() and not agent._came - agent._gone):
        await asyncio.sleep(0.01)


async def test_more_than_is_taken_is_not_kept(ends: tuple[RemoteAgent, Other]) -> None:
    agent, other = ends
    stream = agent.stream("x")
    first = asyncio.ensure_future(anext(stream))
    for _ in range(12):
        other.said.put(wire.encode(1, FRAME))
    assert await first == FRAME
    await asyncio.wait_for(settled(agent, other), 5)
    assert agent.lost
    with pytest.raises(LinkLost):
        async for _ in stream:
            pass


async def test_a_parsed_message_counts_for_more(ends: tuple[RemoteAgent, Other]) -> None:
    agent, other = ends
    stream = agent.stream("x")
    first = asyncio.ensure_future(anext(stream))
    for _ in range(5):
        other.said.put(wire.encode(1, {"event": [[]] * 30_000}))
    await first
    await asyncio.wait_for(settled(agent, other), 5)
    assert agent.lost


async def test_what_is_taken_or_left_by_its_call_counts_no_more(ends: tuple[RemoteAgent, Other]) -> None:
    agent, other = ends
    stream = agent.stream("x")
    for _ in range(40):
        other.said.put(wire.encode(1, FRAME))
        assert await asyncio.wait_for(anext(stream), 5) == FRAME
    for _ in range(5):
        other.said.put(wire.encode(1, FRAME))
    await asyncio.wait_for(anext(stream), 5)
    await stream.aclose()  # type: ignore[attr-defined]
    for _ in range(20):
        other.said.put(wire.encode(1, FRAME))  # of a call that has ended
        await asyncio.wait_for(settled(agent, other), 5)
    assert not agent.lost


@pytest.mark.parametrize(
    ("said", "error"),
    [(5, LinkLost), ([], LinkLost), (None, LinkLost), ({"result": None}, AgentError), ({"result": [1]}, AgentError)],
)
async def test_what_is_no_message_ends_in_an_error(
    ends: tuple[RemoteAgent, Other], said: object, error: type[Exception]
) -> None:
    agent, other = ends
    call = asyncio.ensure_future(agent.call("x"))
    await asyncio.sleep(0)
    other.said.put(wire.encode(1, said))
    with pytest.raises(error):
        await asyncio.wait_for(call, 5)
