"""`Services.jobs`: what can be told of a job on this machine alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from .. import threads
from ..services import Events

if TYPE_CHECKING:
    from .scan.staged import StagedFile


class LiveJobs:
    async def scan(
        self,
        path: Path,
        *,
        staged: Sequence[StagedFile] = (),
        aliases: Mapping[str, str] | None = None,
        environments: Mapping[str, str] | None = None,
    ) -> Events:
        """Closing it ends the scan after the file that is looked at."""
        from .scan import scanning

        wanted = scanning.Wanted(
            staged=list(staged), aliases=dict(aliases or {}), environments=dict(environments or {})
        )

        def produce(stream: threads.Stream) -> None:
            for event in scanning.scan(path, wanted):
                stream.put(event)

        async with aclosing(threads.stream(produce, "scan")) as batches:
            async for batch in batches:
                for event in batch:
                    yield event
