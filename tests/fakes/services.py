"""A fake `Services`: every operation, scripted by a `Scenario`, with no VM and no wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from core import errors, events
from core.jobs.service import LiveJobs
from core.services import Events, Services
from core.site.secrets import Secret

from . import fixes, script
from .part import Part
from .runs import FakeRuns
from .script import FINGERPRINT, NOON, OTHER, Scenario
from .store import FakeStore


class FakeConnection(Part):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.calls: list[str] = []
        self.closed = False

    async def connect(
        self,
        target: str | None = None,
        *,
        fingerprint: str | None = None,
        accept: str | None = None,
        identity: str | None = None,
        passphrase: Secret | None = None,
        password: Secret | None = None,
    ) -> Events:
        self.calls.append(target or self.scenario.vm)
        yield events.Phase(
            step="connect", title="Reading the host key of 203.0.113.10", command="ssh-keyscan 203.0.113.10"
        )
        await self.reach("connect")
        self.need_vm()
        self._trust(fingerprint, accept)
        yield events.Phase(step="connect", title="Logging in as azureuser", command="ssh azureuser@203.0.113.10")
        await self.reach("login")
        self._login(passphrase, password)
        yield events.Phase(step="connect", title="Asking for facts")
        await self.reach("facts")
        yield events.Connected(
            host="203.0.113.10",
            port=22,
            user="azureuser",
            key_type="ssh-ed25519",
            fingerprint=FINGERPRINT,
            trusted_by="you" if accept else "site file",
            agent="3fa9c1d2e4b50718",
            agent_placed=True,
            facts=script.FACTS,
        )

    def _trust(self, fingerprint: str | None, accept: str | None) -> None:
        where = {"host": "203.0.113.10", "port": 22}
        if self.scenario.host_key == "changed" or (fingerprint and fingerprint != FINGERPRINT):
            raise errors.HostKeyChanged(
                "The host key of 203.0.113.10 is not the one that was expected",
                hint="Ask whoever runs the VM whether it was installed anew. Until then, do not log in.",
                seen=OTHER if self.scenario.host_key == "changed" else FINGERPRINT,
                pinned=fingerprint or FINGERPRINT,
                source="the fingerprint you gave" if fingerprint else "~/.config/trainshed/sites/ward-7.toml",
                **where,
            )
        if self.scenario.host_key == "unknown" and FINGERPRINT not in (fingerprint, accept):
            raise errors.HostKeyUnknown(
                "The host key of 203.0.113.10 has not been seen before",
                hint="Compare it with what whoever runs the VM gave you.",
                key_type="ssh-ed25519",
                fingerprint=FINGERPRINT,
                randomart=script.RANDOMART,
                **where,
            )

    def _login(self, passphrase: Secret | None, password: Secret | None) -> None:
        if self.scenario.passphrase and (passphrase is None or passphrase.reveal() != self.scenario.passphrase):
            raise errors.PassphraseNeeded(
                "The key is encrypted" if passphrase is None else "That passphrase does not open the key",
                hint="Type its passphrase, or add the key to your ssh-agent.",
                path="~/.ssh/id_ed25519",
            )
        if self.scenario.password and (password is None or password.reveal() != self.scenario.password):
            raise errors.PasswordNeeded(
                "The server asks for a password", hint="A key is safer.", user="azureuser", host="203.0.113.10"
            )

    async def close(self) -> None:
        self.closed = True


class FakeChecks(Part):
    async def run(self, groups: Sequence[str] = ("ssh", "data"), *, sudo: Secret | None = None) -> Events:
        self.need_vm()
        yield events.Phase(step="check", title="Asking the server for its configuration", command="sshd -T")
        self.scenario.sudo_given += [sudo.reveal()] if sudo else []
        await self.reach("check")
        found = script.checks(self.scenario.broken_link)
        for check in found:
            yield check
            await self.reach(check.id)
        ended = script.counted(found, 0.41)
        if self.scenario.checked_before:
            ended = msgspec.structs.replace(ended, since=NOON - 86_400, changes=script.compared(found))
        yield ended

    async def plan_fix(self, ids: Sequence[str] = (), *, undo: bool = False, sudo: Secret | None = None) -> Events:
        self.need_vm()
        yield events.Phase(step="check", title="Planning the fix; nothing is changed")
        if self.scenario.sudo and (sudo is None or sudo.reveal() != self.scenario.sudo):
            raise errors.RootNeeded("root is needed on the VM", hint="type the password of sudo")
        await self.reach("plan_fix")
        yield fixes.planned(undo=undo, done=self.scenario.fixed)

    async def fix(
        self, ids: Sequence[str] = (), *, agreed: str = "", undo: bool = False, sudo: Secret | None = None
    ) -> Events:
        planned = fixes.planned(undo=undo, done=self.scenario.fixed)
        yield planned
        if agreed not in ("", planned.digest):
            raise errors.FixError("the VM has changed since the plan was made", hint="look at the plan again")
        if planned.files:
            yield events.Phase(step="check", title="Written", command=planned.commands[0])
            await self.reach("fix")
            if self.scenario.locked_out:
                raise errors.FixError("a new login does not work with it", hint="everything is as it was")
            yield events.Phase(step="check", title="A new login works: the fix is kept")
        yield fixes.mended()
        result: Literal["kept", "nothing"] = "kept" if planned.files else "nothing"
        name = "20261101T120000-0badcafe" if planned.files else ""
        yield events.FixFinished(fix=name, result=result, checks=["ssh.auth-tries"], duration_s=1.25)


class FakeData(FakeStore):
    async def check(self) -> Events:
        self.need_vm()
        yield events.Phase(step="data", title="Following the path from stackvm to the container")
        found = script.links(self.scenario.broken_link)
        for check in found:
            await self.reach(check.id.replace("-", ".", 1))
            yield check
            if self.scenario.path_lost and check.id == "data-service":
                raise errors.LinkLost("the connection to stackvm was lost", hint="try again")
        yield script.counted(found, 0.034)

    async def stage(self, path: str = "") -> Events:
        yield events.Phase(step="data", title="Staging samples/ on stackvm")
        total = 124_103
        for done in range(0, total, 31_000):
            yield events.Progress(
                title="Staging", done=done, total=total, rate=590_000, left_s=(total - done) / 590_000
            )
            await self.reach("stage")
        if self.scenario.broken_link:
            raise errors.DataError("The container cannot be read: TLS", hint="3 Data shows which link is broken.")
        yield script.came(path)


class FakeModels(Part):
    async def register(self, run: str, *, name: str | None = None, tags: Mapping[str, str] | None = None) -> Events:
        yield events.Phase(step="model", title="Registering the model of the run")
        await self.reach("register")
        made = {"run": run, "data": script.DIGEST, "code": "77aa01c2" * 8, "vm": self.scenario.vm}
        known = {f"trainshed.{key}": value for key, value in made.items()}
        yield events.ModelRegistered(model=name or "breast-cancer", version="1", tags={**known, **(tags or {})})

    async def package(self, model: str) -> Events:
        yield events.Phase(step="model", title="Packaging it as a folder that serves")
        await self.reach("package")
        name, _, version = model.partition(":")
        yield events.ModelPackaged(
            model=name,
            version=version or "1",
            path=f"~/.trainshed/packages/{name}/{version or '1'}",
            digest="1c5e" * 16,
            files=["MLmodel", "model.pkl", "requirements.txt", "serve.py"],
            bytes=48_211,
        )

    async def list(self) -> Events:
        info = events.ModelInfo(model="breast-cancer", version="1", run=script.RUN, tags={})
        yield events.ModelsListed(models=[info])


class FakeDeploy(Part):
    async def start(self, model: str, *, service: str | None = None) -> Events:
        yield events.Phase(step="model", title="Starting it in a sandbox without the data")
        await self.reach("deploy")
        if self.scenario.service_fails:
            raise errors.ServiceError(
                "The service breast-cancer did not start: No module named 'sklearn'",
                hint="Its log is on the VM in ~/.trainshed/services/breast-cancer/log.",
            )
        yield events.ServiceChanged(info=self._info(model, service))

    def _info(self, model: str, service: str | None) -> events.ServiceInfo:
        name, _, version = model.partition(":")
        address = "unix:~/.trainshed/services/breast-cancer/socket"
        return events.ServiceInfo(
            service=service or name, model=name, version=version or "1", state="healthy", address=address, started=NOON
        )

    async def list(self) -> Events:
        yield events.ServicesListed(services=[self._info("breast-cancer:1", None)])

    async def invoke(self, service: str, *, row: int, data: str | None = None, target: str | None = None) -> Events:
        yield events.Phase(step="model", title=f"Asking for row {row}, which stays on the VM")
        await self.reach("invoke")
        if row > 113:
            raise errors.ServiceError(
                f"There is no row {row}: the held-out records have 114", hint="Rows count from 0."
            )
        right = row != 13
        answer = "benign" if right else "malignant"
        yield events.Predicted(
            service=service, row=row, prediction=answer, expected="benign", correct=right, duration_s=0.018
        )

    async def stop(self, service: str) -> Events:
        info = self._info("breast-cancer:1", service)
        yield events.ServiceChanged(
            info=events.ServiceInfo(service=service, model=info.model, version="1", state="stopped")
        )


class FakeEnvironments(Part):
    async def list(self) -> Events:
        kept = events.EnvironmentInfo(
            hash="5e1f" * 16, kind="venv", what="Python 3.11.2", bytes=412_000_000, built=NOON, used=NOON, runs=3,
            needed=False,
        )  # fmt: skip
        yield events.EnvironmentsListed(environments=[kept])

    async def build(self, job: Path) -> Events:
        yield events.Phase(step="launch", title=f"Reading {job.name}")
        yield events.BuildLog(text="Resolved 14 packages in 212ms\n")
        async for event in self.list():
            yield event

    async def prune(self, *, older_than_days: float = 30.0, wanted: Sequence[str] = ()) -> Events:
        yield events.EnvironmentsPruned(removed=["5e1f" * 16], bytes=412_000_000)


@dataclass
class FakeSite:
    name: str
    vm: str
    path: Path | None = None


def fake_services(scenario: Scenario | None = None) -> Services:
    scenario = scenario or Scenario()
    return Services(
        site=FakeSite(scenario.site, scenario.vm),
        connection=FakeConnection(scenario),
        checks=FakeChecks(scenario),
        data=FakeData(scenario),
        environments=FakeEnvironments(scenario),
        runs=FakeRuns(scenario),
        models=FakeModels(scenario),
        deploy=FakeDeploy(scenario),
        jobs=LiveJobs(),  # reads this machine alone
    )


__all__ = ["Scenario", "fake_services"]
