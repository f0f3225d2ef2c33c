"""1 Connect: the VM's address, its host key, the login, and what it has."""

from __future__ import annotations

from functools import partial

from core import events

from .prompts import Choice
from .step import PlainStep
from .talk import Doing

OPTIONS = ("fingerprint", "identity")


class PlainConnect(PlainStep):
    STEP = "connect"

    def choices(self) -> list[Choice]:
        target = self._target() or "a VM, whose address is asked first"
        return [
            Choice("connect", f"Connect to {target}", self.connect),
            Choice("change", "Change the address, the expected fingerprint, or the key", self.change),
        ]

    def _target(self) -> str:
        return self.typed("target") or self.session.vm

    def _given(self) -> dict[str, str]:
        values = {
            "fingerprint": self.typed("fingerprint", self.session.fingerprint),
            "identity": self.typed("identity"),
        }
        return {name: value for name, value in values.items() if value}

    async def connect(self) -> None:
        if not self._target():
            await self._ask_target()
            if not self._target():
                self.talk.say("Without an address there is nothing to connect to.")
                return
        target, given = self.typed("target"), self._given()
        words = [target] if target else []
        for option in OPTIONS:
            words += [f"--{option}", given[option]] if option in given else []
        begin = partial(
            self.session.services.connection.connect,
            target or None,
            fingerprint=given.get("fingerprint"),
            identity=given.get("identity"),
        )
        await self.operate(Doing(f"Connecting to {self._target()}", ("connect", *words), begin, asks=True))

    repeat = connect

    async def _ask_target(self) -> None:
        await self.ask("target", "VM", "its name in the site, or such as azureuser@203.0.113.10", self.session.vm)

    async def change(self) -> None:
        await self._ask_target()
        known = self.session.fingerprint
        await self.ask("fingerprint", "Fingerprint", "optional, SHA256: and so on, as its owner told you", known)
        await self.ask("identity", "Key file", "optional, your ssh-agent and SSH configuration serve as for ssh")

    def receive(self, event: events.Event) -> None:
        if isinstance(event, events.Connected):
            self.session.connected = event

    def done(self, doing: Doing) -> None:  # noqa: ARG002
        found = self.session.connected
        if found is not None:
            note = f"connected to {found.facts.hostname} as {found.user}"
            self.finish(f"{found.host} {found.fingerprint}", note)
