"""Tracking operations of the VM, as the workspace takes them."""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import aclosing
from typing import Any

from .. import threads
from ..errors import RemoteError, WorkspaceError
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
        refused: list[str] = []
        for op in batch:
            if op["op"] == "run":
                refused += await self._attempt(f"child run {op['run']}", self._ensure(op), op["run"])
        values: dict[str, list[Op]] = {}
        for op in batch:
            try:
                plain = _value(op)
            except (KeyError, TypeError, ValueError) as error:
                refused.append(f"{op['op']} of run {op['run']}: {type(error).__name__}")
                continue
            if plain is not None:
                values.setdefault(op["run"], []).append(plain)
        for run, ops in values.items():
            refused += await self._attempt(f"what run {run} logged", threads.call(self._workspace.write, run, ops), run)
        for op in batch:
            refused += await self._attempt(f"{op['op']} of run {op['run']}", self._one(op), op["run"])
        return [f"the workspace refused: {text}" for text in refused]

    async def _attempt(self, what: str, work: Coroutine[Any, Any, list[str]], run: str) -> list[str]:
        """One item that can never be written is said, and the others go on."""
        try:
            return await work
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            return [f"{what}: {type(error).__name__}"]
        except WorkspaceError as error:
            if error.facts.get("refused") or (error.facts.get("unknown") and run != self._info.run):
                return [f"{what}: {error.title}"]
            raise

    async def _ensure(self, op: dict[str, Any]) -> list[str]:
        await threads.call(self._workspace.ensure_run, self._child(op))
        return []

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
                    if len(data) > ARTIFACT_BYTES:
                        return [f"artifact {op['path']}: the VM sent more than it said"]
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
