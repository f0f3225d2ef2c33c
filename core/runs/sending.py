"""A folder on its way to the VM, by content."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from ..events import Event, Progress
from ..jobs import snapshot
from ..ssh.agent import Agent

EVERY_S = 0.2
CODE = "snapshots"  # the agent's stores
WHEELS = "wheels"


async def sent(agent: Agent, folder: snapshot.Snapshot, title: str, store: str = CODE) -> AsyncGenerator[Event, None]:
    """Progress in bytes as they are handed over; how many there will be is known to nobody before."""
    done = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal done
        async with aclosing(snapshot.chunks(folder)) as chunks:
            async for chunk in chunks:
                done += len(chunk)
                yield chunk

    call = agent.call("snapshots.put", digest=folder.digest, store=store, upload=counted())
    task = asyncio.ensure_future(call)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=EVERY_S)
            yield Progress(title=title, done=done, unit="bytes")
        await task
    finally:
        task.cancel()
