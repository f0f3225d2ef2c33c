"""Tracking operations of the VM, as the workspace takes them."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

from .. import threads
from ..errors import RemoteError
from ..events import RunInfo, RunState
from ..ssh.agent import Link
from ..workspace import Metric, Op, Param, Tag, Workspace, lineage, model_source

ARTIFACT_BYTES = 1024 * 1024  # a larger one stays on the VM, and so does every file of a model
STATES: dict[str, RunState] = {"FINISHED": "completed", "FAILED": "failed", "KILLED": "cancelled"}


class Recorder:
    """Of one run, whose record in the workspace is there already."""

    def __init__(self, link: Link, workspace: Workspace, info: RunInfo, site: str) -> None:
        self._link = link
        self._workspace = workspace
        self._info = info
        self._site = site

    async def write(self, batch: list[dict[str, Any]]) -> list[str]:
        """Everything of it, in an order that the workspace can take. Returns what was refused, in words."""
        for op in batch:
            if op["op"] == "run":
                await threads.call(self._workspace.ensure_run, self._child(op))
        values: dict[str, list[Op]] = {}
        for op in batch:
            plain = _value(op)
            if plain is not None:
                values.setdefault(op["run"], []).append(plain)
        refused = []
        for run, ops in values.items():
            refused += await threads.call(self._workspace.write, run, ops)
        for op in batch:
            refused += await self._one(op)
        return [f"the workspace refused: {text}" for text in refused]

    def _child(self, op: dict[str, Any]) -> RunInfo:
        return RunInfo(
            run=op["run"],
            name=op["name"],
            experiment=self._info.experiment,
            state="running",
            created=op["time"],
            parent=op["parent"],
            vm=self._info.vm,
        )

    async def _one(self, op: dict[str, Any]) -> list[str]:
        kind = op["op"]
        if kind == "artifact" and op["bytes"] <= ARTIFACT_BYTES and not op.get("model"):
            return await self._artifact(op)
        if kind == "register":
            await self._register(op)
        elif kind == "status" and op["run"] != self._info.run and op["status"] in STATES:
            await threads.call(self._workspace.finish, op["run"], STATES[op["status"]], op["time"])
        return []

    async def _artifact(self, op: dict[str, Any]) -> list[str]:
        agent = await self._link.agent()
        child = "" if op["run"] == self._info.run else op["run"]
        data = bytearray()
        stream = agent.stream("artifacts.read", run=self._info.run, path=op["path"], of=child)
        try:
            async with aclosing(stream) as messages:  # type: ignore[type-var]
                async for message in messages:
                    if isinstance(message, bytes):
                        data += message
        except RemoteError as error:
            return [f"artifact {op['path']}: {error.title}"]
        await threads.call(self._workspace.put_artifact, op["run"], op["path"], bytes(data))
        return []

    async def _register(self, op: dict[str, Any]) -> None:
        tags = {**op.get("tags", {}), **lineage(self._info)}
        source = model_source(self._site, self._info.vm, self._info.run, op["model"])
        await threads.call(self._workspace.register, op["name"], self._info.run, source, op["digest"], tags)


def _value(op: dict[str, Any]) -> Op | None:
    if op["op"] == "metric":
        return Metric(op["key"], float(op["value"]), op["step"], op["time"])
    if op["op"] == "param":
        return Param(op["key"], op["value"])
    if op["op"] == "tag":
        return Tag(op["key"], op["value"])
    if op["op"] == "untag":
        return Tag(op["key"], None)
    return None
