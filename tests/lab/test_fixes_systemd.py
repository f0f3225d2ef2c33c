"""The same with systemd: its service is reloaded, and its timer puts back what nobody keeps, a reboot included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import FixError

from .fixing import SHORT_S, armed, as_before, client, decided
from .machine import until
from .systemd_machine import SystemdMachine, lacking, systemd_machine

pytestmark = pytest.mark.skipif(bool(lacking()), reason=lacking())


@pytest.fixture
def vm(home: Path) -> Iterator[SystemdMachine]:
    with systemd_machine(home / "vm") as made:
        yield made


async def test_with_systemd_it_is_kept_or_goes_back_by_itself_and_after_a_reboot(vm: SystemdMachine) -> None:
    before = vm.files()
    async with client(vm) as worker:
        planned = await worker.plan()
        assert planned["commands"][-1] == "systemctl reload ssh.service" and planned["revert_by"] == "systemd"
        answer = await worker.attempt()
        assert vm.setting("maxauthtries") == "3"
        assert sorted(path.suffix for path in armed(vm)) == [".service", ".service", ".timer"]
        assert "trainshed-fix-" in vm.run("systemctl", "list-timers", "--no-legend")
        await worker.keep(answer["id"])
        until(lambda: "trainshed" not in vm.run("systemctl", "list-timers", "--all", "--no-legend"))
        assert decided(vm) and vm.setting("maxauthtries") == "3"
        await worker.fixed(undo=True)
        assert vm.files() == before
        await worker.attempt(seconds=SHORT_S)  # nobody keeps it
        assert vm.setting("maxauthtries") == "3"
        as_before(vm, before)
        await worker.attempt()
    vm.reboot()
    as_before(vm, before)
    # a service that ends when it is to reload is started again
    override = vm.etc / "systemd/system/ssh.service.d"
    override.mkdir()
    (override / "die.conf").write_text("[Service]\nRestart=no\nExecReload=\nExecReload=/bin/kill -KILL $MAINPID\n")
    vm.run("systemctl", "daemon-reload")
    async with client(vm) as worker:
        with pytest.raises(FixError, match=r"the server (ended|did not read)|systemctl reload"):
            await worker.attempt()
    as_before(vm, before)
