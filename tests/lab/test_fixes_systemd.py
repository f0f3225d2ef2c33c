"""The same with systemd: its service is reloaded, and its timer puts back what nobody keeps, a reboot included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import FixError

from .fixing import SHORT_S, armed, as_before, client, decided
from .machine import until
from .sshd import HOST
from .systemd_machine import SocketMachine, SystemdMachine, lacking, systemd_machine

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


async def test_a_server_that_a_socket_starts_is_checked_and_fixed_by_a_restart_that_ends_no_session(home: Path) -> None:
    """One of OpenSSH 9.2 that is told to reload ends: the door is systemd's."""
    with systemd_machine(home / "vm", SocketMachine) as vm:
        before = vm.files()
        async with client(vm) as worker:
            seen = await worker.agent.call("checks.host", user="", client_address="")
            assert seen["sshd"]["note"] == "" and seen["sshd"]["config"]["maxauthtries"] == ["6"]
            assert (HOST, vm.port, "systemd") in {
                (one["address"], one["port"], one["process"]) for one in seen["listeners"]
            }
            planned = await worker.plan()
            assert planned["commands"][-1] == "systemctl restart ssh.service" and planned["revert_by"] == "systemd"
            await worker.fixed()
            assert vm.setting("maxauthtries") == "3"
            async with client(vm, "new") as new:
                after = await new.agent.call("checks.host", user="", client_address="")
                assert after["sshd"]["config"]["maxauthtries"] == ["3"] and not after["sshd"]["unread"]
            assert (await worker.plan())["files"] == [] and await worker.fixed() == "", "twice is once"
            await worker.fixed(undo=True)
            assert vm.files() == before
            await worker.attempt(seconds=SHORT_S)  # nobody keeps it
            as_before(vm, before)
            await worker.attempt()
        vm.reboot()
        as_before(vm, before)
        service = vm.etc / "systemd/system/ssh.service.d"
        service.mkdir()
        (service / "kill.conf").write_text("[Service]\nKillMode=control-group\n")
        vm.run("systemctl", "daemon-reload")
        async with client(vm) as worker:
            with pytest.raises(FixError, match="would end all sessions"):
                await worker.plan()
