"""`services.Deploy` on a real site: models that answer on the VM, reached through the agent's channel."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import msgspec

from .. import equal, threads
from ..data import versions
from ..data.service import LiveData
from ..errors import AgentError, ServiceError, UsageError
from ..events import DataStaged, Event, ModelInfo, Phase, Predicted, ServiceChanged, ServiceInfo, ServicesListed
from ..jobs import data_paths
from ..models import packages
from ..sandbox import policy
from ..site.files import Site
from ..ssh.agent import Agent, Link

if TYPE_CHECKING:
    from ..workspace import Workspace

STEP = "model"
HELDOUT_TAG = "trainshed.heldout"
TARGET_TAG = "trainshed.target"


class LiveDeploy:
    """core.services.Deploy over a real link."""

    def __init__(self, site: Site, link: Link, workspace: Workspace) -> None:
        self._site = site
        self._link = link
        self._workspace = workspace

    async def start(self, model: str, *, service: str | None = None) -> AsyncGenerator[Event, None]:
        """`NAME[:VERSION]`, packaged where it is not yet. Raises ServiceError; then an older one serves on."""
        yield Phase(step=STEP, title=f"Packaging {model}", command=equal.command("models", "package", model))
        info = await threads.call(self._workspace.model, *packages.split(model))
        agent = await self._link.agent()
        packaged = await packages.make(self._site, agent, info)
        yield packaged
        name = service or service_name(info.model)
        title = f"Starting service {name} on {self._site.vm_name}, in a sandbox without the data"
        yield Phase(
            step=STEP, title=title, command=equal.command("deploy", f"{info.model}:{info.version}", "--service", name)
        )
        found = await agent.call(
            "services.start",
            service=name,
            package=packaged.digest,
            model=info.model,
            version=info.version,
            policy=policy.for_service(),
        )
        yield ServiceChanged(info=_info(found))

    async def list(self) -> AsyncGenerator[Event, None]:
        yield ServicesListed(services=[*await self._services(await self._link.agent())])

    async def invoke(
        self, service: str, *, row: int, data: str | None = None, target: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """Raises UsageError, DataError, ServiceError. The row is read on the VM and stays there."""
        agent = await self._link.agent()
        running = await self._named(agent, service)
        tags = {} if data and target else await self._tags(agent, running)
        written = data or tags.get(HELDOUT_TAG)
        if not written:
            hint = f"--data FILE.csv names one in the container; a job's tag {HELDOUT_TAG} is the default"
            raise UsageError(f"which data row {row} is of is not known", hint=hint)
        digest = ""
        async with aclosing(self._staged(agent, self._container_path(written))) as events:
            async for event in events:
                if isinstance(event, DataStaged):
                    digest = event.data.digest
                else:
                    yield event
        title = f"Asking {service} about row {row}"
        yield Phase(step=STEP, title=title, command=equal.command("invoke", service, "--row", row))
        answer = await agent.call(
            "services.invoke",
            service=service,
            row=row,
            data={"digest": digest, "file": ""},
            target=target or tags.get(TARGET_TAG),
        )
        yield Predicted(service=service, row=row, **answer)

    async def stop(self, service: str) -> AsyncGenerator[Event, None]:
        yield Phase(step=STEP, title=f"Stopping service {service}", command=equal.command("undeploy", service))
        agent = await self._link.agent()
        yield ServiceChanged(info=_info(await agent.call("services.stop", service=service)))

    async def _services(self, agent: Agent) -> Sequence[ServiceInfo]:
        return [_info(item) for item in (await agent.call("services.list"))["services"]]

    async def _named(self, agent: Agent, service: str) -> ServiceInfo:
        known = await self._services(agent)
        for info in known:
            if info.service == service:
                return info
        hint = (
            f"services: {', '.join(info.service for info in known)}" if known else "trainshed deploy MODEL starts one"
        )
        raise ServiceError(f"there is no service {service} on {self._site.vm_name}", hint=hint)

    async def _tags(self, agent: Agent, running: ServiceInfo) -> Mapping[str, str]:
        """The version's tags, which the run's were copied into."""
        info: ModelInfo = await threads.call(self._workspace.model, running.model, running.version)
        if HELDOUT_TAG in info.tags or not info.run:
            return info.tags
        run: dict[str, Any] = await agent.call("runs.show", run=info.run)
        return {**run["tags"], **info.tags}

    def _container_path(self, written: str) -> str:
        """As in a job file, or plainly a path in the container. Raises UsageError."""
        known = data_paths.container_path(written, self._site)
        path = written if known is None else known
        if "://" in path or path.startswith("azureml:") or not path or path.endswith("/"):
            raise UsageError(f"{written} is no file in the container", hint="a path to one CSV file, or an alias")
        return path

    async def _staged(self, agent: Agent, path: str) -> AsyncGenerator[Event, None]:
        """Ends with `DataStaged`; what is on the VM already is not asked for again."""
        item = versions.newest((await agent.call("data.list"))["items"], path, self._site)
        if item is not None:
            yield msgspec.convert({"event": "data.staged", "data": item, "reused": True}, DataStaged)
            return
        async with aclosing(LiveData(self._site, self._link).stage(path)) as events:
            async for event in events:
                yield event
                if isinstance(event, DataStaged):
                    return
        raise AgentError("the agent ended staging without an answer", hint="ask again")


def service_name(model: str) -> str:
    """A service's name made from a model's: `Ward 7/risk` -> `ward-7-risk`."""
    return re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")[:63] or "model"


def _info(item: dict[str, Any]) -> ServiceInfo:
    return msgspec.convert(item, ServiceInfo)
