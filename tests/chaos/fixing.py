"""A fix of the VM's SSH server, and whatever can end it: it is kept as a whole, or everything is as it was."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

from core import threads
from core.agent import serve
from core.checks.catalogue import CATALOGUE
from core.checks.fixes import service
from core.checks.service import LiveChecks
from core.errors import TrainshedError
from core.events import CheckFinished, FixFinished
from core.site import files
from core.ssh.link import SiteLink

from ..lab.fixing import TRIES, client, decided
from ..lab.machine import INCLUDE, Machine, machine, until
from ..lab.systemd_machine import systemd_machine
from ..lab.test_fixes_service import BY_HAND, LOOSE, RIGHT
from . import clients, seams
from .lab import Lab
from .proxy import CLEAR, Proxy, Weather
from .truth import Seen

SHORT_S = 2.0
ATTEMPT_LINES = 6300  # of Python, from the lock to the answer; a few more, so that some cases are killed after it
REVERT_LINES = 950
FIX_BYTES = 60_000  # over both connections
FRAMES = 14
SETTLED_S = 40.0
DROP_IN = "etc/ssh/sshd_config.d/10-trainshed.conf"

# Appended to the agent's copy: it ends, or stops, at a line of the agent's own code.
AT_LINE = """
import signal as _signal, sys as _sys

_tried = tried


def tried(request):
    with open({control!r}) as file:
        what, at = file.read().split()
    left = [int(at)]

    def trace(frame, event, _):
        if "/agent/" not in frame.f_code.co_filename:
            return None
        if event == "line":
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), getattr(_signal, what))
        return trace

    _sys.settrace(trace)
    try:
        return _tried(request)
    finally:
        _sys.settrace(None)
"""
MAIN = 'if __name__ == "__main__":\n'
ONCE = """
    with open({control!r}) as _file:
        _left = [int(_file.read())]

    def _trace(frame, event, _):
        if event == "line" and frame.f_code.co_filename == __file__:
            _left[0] -= 1
            if not _left[0]:
                with open({control!r}, "w") as file:
                    file.write("0")
                os.kill(os.getpid(), 9)
        return _trace

    sys.settrace(_trace)
"""


def _vm(lab: Lab, make: Callable[..., Any] = machine, **how: Any) -> Machine:
    """The one of this row."""
    made = getattr(lab, "fixable", None)
    if made is None:
        made = lab.ending.enter_context(make(lab.home / "fixable", **how))
        setattr(lab, "fixable", made)  # noqa: B010
        (lab.home / "control").write_text("SIGKILL 0")
        (lab.home / "control-revert").write_text("0")
        _seam(lab)
    return cast("Machine", made)


def _seam(lab: Lab) -> None:
    source = lab.seams.source
    with (source / "fixes.py").open("a") as file:
        file.write(AT_LINE.format(control=str(lab.home / "control")))
    text = (source / "revert.py").read_text().replace("STOPPED_S = 15.0", "STOPPED_S = 1.0")
    head, main, tail = text.partition(MAIN)
    assert main and "STOPPED_S = 1.0" in head
    (source / "revert.py").write_text(head + main + ONCE.format(control=str(lab.home / "control-revert")) + tail)
    seams.leave()


async def _settled(vm: Machine, before: Any, seen: Seen) -> None:
    """Nothing waits, nothing is left, and a login finds what it was or the whole fix; which is then undone."""
    await threads.call(until, lambda: decided(vm) and vm.listens(), SETTLED_S)
    after = {name: what for name, what in (await threads.call(vm.files)).items() if not name.endswith(".new")}
    kept = after != before
    seen.expect(not kept or set(after) - set(before) == {DROP_IN}, f"left: {set(after) ^ set(before)}")
    value = await threads.call(vm.setting, "maxauthtries")
    seen.expect(value in (("3", "4") if kept else ("6",)), f"kept: {kept}, and MaxAuthTries {value}")
    async with client(vm, "settled") as worker:
        if kept:
            await worker.fixed(undo=True)
        await worker.fixed({"MaxSessions": "8"})  # the next one finds its way, and leaves nothing of the last
        await worker.fixed(undo=True)
        left = await threads.call(vm.files)
        seen.expect(left == before, f"left: {set(left) ^ set(before) or 'other bytes'}")


async def _quietly(vm: Machine, name: str = "worker", *, keep: bool = True) -> None:
    """A fix whose client is told whatever happens."""
    with contextlib.suppress(TrainshedError):
        async with client(vm, name) as worker:
            answer = await worker.attempt(TRIES, seconds=SHORT_S)
            if keep:
                async with client(vm, name + "-new") as new:
                    await new.keep(answer["id"])


async def agent_killed(lab: Lab, chance: random.Random, number: int) -> Seen:
    """At any line of its code from the lock to the answer."""
    return await _at_line(lab, f"SIGKILL {chance.randint(1, ATTEMPT_LINES)}")


async def agent_stopped(lab: Lab, chance: random.Random, number: int) -> Seen:
    """It goes on when the VM has put everything back; whatever it wrote since goes back too."""
    vm = _vm(lab)
    before = vm.files()
    (lab.home / "control").write_text(f"SIGSTOP {chance.randint(1, ATTEMPT_LINES)}")
    working = asyncio.create_task(_quietly(vm, keep=False))
    await asyncio.wait([working], timeout=SHORT_S + 3)
    (lab.home / "control").write_text("SIGKILL 0")
    for pid in lab.agents(vm):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGCONT)
    await working
    seen = Seen(times=1)
    await _settled(vm, before, seen)
    return seen


async def _at_line(lab: Lab, control: str) -> Seen:
    vm = _vm(lab)
    before = vm.files()
    (lab.home / "control").write_text(control)
    await _quietly(vm)
    (lab.home / "control").write_text("SIGKILL 0")
    seen = Seen(times=1)
    await _settled(vm, before, seen)
    return seen


async def revert_killed(lab: Lab, chance: random.Random, number: int) -> Seen:
    """What puts it back ends at any line of its code; a reboot, or cron within a minute, goes on with it."""
    vm = _vm(lab)
    before = vm.files()
    (lab.home / "control-revert").write_text(str(chance.randint(20, REVERT_LINES)))
    await _quietly(vm, keep=False)
    await asyncio.sleep(SHORT_S)
    if number % 10 != 9:
        await threads.call(vm.reboot)
    seen = Seen(times=1)
    with contextlib.suppress(AssertionError):
        await threads.call(until, lambda: decided(vm), 65.0)
    await _settled(vm, before, seen)
    return seen


async def rebooted(lab: Lab, chance: random.Random, number: int) -> Seen:
    """At any moment of a fix."""
    return await _rebooted(_vm(lab), chance)


async def rebooted_with_systemd(lab: Lab, chance: random.Random, number: int) -> Seen:
    """The same where its units put it back."""
    vm = _vm(lab, systemd_machine)
    seams.use(Path(serve.__file__).parent)  # files of the lab are not seen there
    return await _rebooted(vm, chance)


async def _rebooted(vm: Machine, chance: random.Random) -> Seen:
    before, fixes = vm.files(), _fixes(vm)
    working = asyncio.create_task(_quietly(vm))
    await asyncio.sleep(chance.uniform(0.2, 2.0))
    await threads.call(vm.reboot)
    await working
    seen = Seen(times=len(_fixes(vm) - fixes))  # the reboot may come before it has begun
    await _settled(vm, before, seen)
    return seen


def _fixes(vm: Machine) -> set[str]:
    return set(os.listdir(vm.state)) if vm.state.exists() else set()


async def link_cut(lab: Lab, chance: random.Random, number: int) -> Seen:
    """Closed, reset or silent after any number of bytes, on the old connection or on the new one."""
    vm = _vm(lab)
    before, bad = vm.files(), chance.randint(0, 2)
    end, after = chance.choice(("close", "reset")), chance.randint(1, FIX_BYTES)
    proxy = Proxy(vm.port, lambda one: Weather(end=end, after=after) if one == bad else CLEAR)  # type: ignore[arg-type]
    try:
        link = SiteLink(vm.site(f"cut{number}", proxy.port))
        lab.patch.setattr(service, "REVERT_S", 6.0)
        lab.patch.setattr(service, "SPARE_S", 1.0)
        with contextlib.suppress(TrainshedError):
            await _fix(LiveChecks(cast("Any", link.site), link))
        await link.close()
    finally:
        proxy.close()
    seen = Seen(times=1)
    await _settled(vm, before, seen)
    return seen


async def _fix(live: LiveChecks, *ids: str) -> dict[str, CheckFinished]:
    found = {}
    async with aclosing(cast("Any", live.fix(ids or ["maxauthtries"]))) as happening:
        async for event in happening:
            if isinstance(event, CheckFinished):
                found[event.id] = event
            assert not isinstance(event, FixFinished) or event.result == "kept"
    return found


async def client_killed(lab: Lab, chance: random.Random, number: int) -> Seen:
    """After a frame of its calls, sent or received, on either connection."""
    vm = _vm(lab)
    before = vm.files()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*clients.PRELOADED, __name__])
    steps = number % FRAMES + 1
    wanted = (vm.site("killed").path, lab.seams.source, lab.environment, steps)
    process = context.Process(target=_mortal, args=wanted, daemon=True)
    process.start()
    await clients.ended(process)
    seen = Seen(times=1)
    await _settled(vm, before, seen)
    return seen


def _mortal(site: Path, source: Path, environment: dict[str, str], steps: int) -> None:
    from core.ssh import link as ssh_link

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(environment)
    seams.use(source)
    setattr(ssh_link, "RemoteAgent", clients.mortal(steps))  # noqa: B010
    service.REVERT_S, service.SPARE_S = 6.0, 1.0
    asyncio.run(_alone(site))


async def _alone(path: Path) -> None:
    link = SiteLink(files.load(path))
    try:
        await _fix(LiveChecks(cast("Any", link.site), link))
    finally:
        await link.close()


async def one_by_one(lab: Lab, chance: random.Random, number: int) -> Seen:
    """Each automatic fix of the catalogue alone, on a server that fails all; then it is undone."""
    vm = _vm(lab, lines=(INCLUDE, *LOOSE.split("\n")), account="worker")
    seams.use(Path(serve.__file__).parent)  # the copy reads files of ours, which are not the worker's
    automatic = [check.id for check in CATALOGUE if check.fixed.automatic]
    id = automatic[number % len(automatic)]
    (vm.home / "worker/.ssh/authorized_keys").chmod(0o644)
    before, seen = vm.files(), Seen(times=1)
    site = vm.site("one")
    link = SiteLink(site)
    try:
        live = LiveChecks(site, link)
        try:
            found = await _fix(live, id)
        except AssertionError:  # nothing had to be done
            seen.expect(id in {*RIGHT, "hostkey-alg"}, f"{id}: nothing was done")  # there is no RSA key here
        else:
            seen.expect(found[id].status == "pass" or id in BY_HAND, f"{id}: {found[id].evidence}")
            async with aclosing(cast("Any", live.fix(undo=True))) as undoing:
                [event async for event in undoing]
        seen.expect(vm.files() == before and decided(vm), f"{id}: it is not undone")
    finally:
        await link.close()
    return seen


def disk_full(place: str) -> Callable[[Lab, random.Random, int], Any]:
    """So few pages are left there, one more in each case: nothing is changed, or all of it is."""

    async def trial(lab: Lab, chance: random.Random, number: int) -> Seen:
        vm = _vm(lab, disk=place)
        before = vm.files()
        async with client(vm, "disk") as worker:
            vm.leave(number)
            kept = False
            with contextlib.suppress(TrainshedError):
                await worker.fixed(TRIES)
                kept = True
            vm.leave(None)
            seen = Seen(times=1)
            value = await threads.call(vm.setting, "maxauthtries")
            seen.expect(value == ("3" if kept else "6"), f"{number} pages, kept: {kept}, MaxAuthTries {value}")
            seen.expect(decided(vm), f"{number} pages: something waits")
            if kept:
                await worker.fixed(undo=True)
            seen.expect(vm.files() == before, f"{number} pages: {set(vm.files()) ^ set(before)}")
        return seen

    return trial
