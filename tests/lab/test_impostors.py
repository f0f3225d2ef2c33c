"""Programs of other accounts that are called sshd, on a VM whose own is started for each connection."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import FixError

from .fixing import client
from .machine import Machine, machine, per_connection, until
from .sshd import public

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a VM of its own needs root")


@contextmanager
def impostor(vm: Machine, *as_whom: str) -> Iterator[Path]:
    """Runs a copy of `sleep` called sshd, and says where it is. `sleep` fails where it is asked for `-T`."""
    place = vm.home / "worker/sshd"
    shutil.copy("/bin/sleep", place)
    vm.home.joinpath("worker").chmod(0o755)
    enter = ["nsenter", "-t", str(vm.init), "--mount", "--pid", *as_whom]
    started = subprocess.Popen([*enter, "/home/worker/sshd", "600"], stdin=subprocess.DEVNULL)
    try:
        until(lambda: "sshd" in vm.run("ps", "-C", "sshd", "-o", "args=") and " 600" in vm.run("ps", "ax"))
        yield place
    finally:
        started.kill()
        started.wait()


async def test_what_another_account_calls_sshd_is_neither_run_nor_believed(home: Path) -> None:
    """It was started after us, and nothing else listens above our session: once, root ran it with -T."""
    with machine(home / "vm", server=per_connection) as vm:
        async with client(vm) as worker:
            with impostor(vm, "setpriv", "--reuid", "64001", "--regid", "64001", "--clear-groups"):
                seen = await worker.agent.call("checks.host", user="", client_address="")
                assert seen["sshd"]["argv"][0] == "/usr/sbin/sshd"
                assert seen["sshd"]["error"] == "" and "per connection" in seen["sshd"]["note"]
                assert (await worker.plan())["config"] == "/etc/ssh/sshd_config"


async def test_a_program_in_the_hands_of_another_account_is_not_run_though_root_runs_it(home: Path) -> None:
    with machine(home / "vm", server=per_connection) as vm:
        async with client(vm) as worker:
            with impostor(vm):
                seen = await worker.agent.call("checks.host", user="", client_address="")
                assert "others than root can change /home/worker/sshd" in seen["sshd"]["error"]
                with pytest.raises(FixError, match="cannot be told: others than root"):
                    await worker.plan()


async def test_root_sees_of_the_accounts_files_what_the_account_sees(home: Path) -> None:
    """A link there could show it keys of others, or set a device going."""
    with machine(home / "vm", account="worker", lines=("AuthorizedKeysFile .ssh/authorized_keys .ssh/more",)) as vm:
        vm.config.chmod(0o600)  # so that root is asked for all of it
        hidden = vm.etc / "ssh/of-root"
        hidden.write_text(f"{public(vm.client_key)} a secret\n")
        hidden.chmod(0o600)
        (vm.home / "worker/.ssh/more").symlink_to("/etc/ssh/of-root")
        async with client(vm) as worker:
            seen = await worker.agent.call("checks.host", user="", client_address="")
        assert {"sshd", "moduli"} <= set(seen["root"]) and seen["root_refused"] == ""
        assert seen["errors"] == {"authorized_keys": "/home/worker/.ssh/more: Permission denied"}
        assert "a secret" not in str(seen)
