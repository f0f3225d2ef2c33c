"""What the services see of the agent on the VM."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

Message = dict[str, Any] | bytes


class Agent(Protocol):
    """Calls to the agent over one channel; several may be under way at once.

    Both raise the error that the agent answered (`errors.from_code`), or LinkLost.
    """

    async def call(self, op: str, /, *, upload: AsyncIterator[bytes] | None = None, **args: Any) -> dict[str, Any]:
        """The result; events on the way are dropped."""
        ...

    def stream(self, op: str, /, *, upload: AsyncIterator[bytes] | None = None, **args: Any) -> AsyncIterator[Message]:
        """Every event (a dict with `event`) and every run of bytes, then one dict `{"result": {…}}`.

        Closing the iterator cancels the call on the VM.
        """
        ...


class Link(Protocol):
    """The connection of a site's VM: made when first asked for, made anew after it was lost.

    `last_seen`: when the VM last spoke, in seconds since the epoch; 0: never.
    """

    @property
    def last_seen(self) -> float: ...

    async def agent(self) -> Agent: ...

    async def close(self) -> None: ...
