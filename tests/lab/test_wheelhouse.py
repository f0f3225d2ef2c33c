"""Packages that the client fetches for a VM that reaches no index: here one with no network; real uv and real pip."""

from __future__ import annotations

import asyncio
import errno
import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from core.agent import call, environments, snapshots
from core.environments.service import LiveEnvironments
from core.environments.target import Installed, Target
from core.environments.wheelhouse import FRESH, Wheelhouse
from core.errors import BuildError, LinkLost, RunError
from core.events import BuildLog, EnvironmentsListed, Event, Notice, Phase, RunFinished
from core.runs.service import LiveRuns
from core.site import files
from core.workspace import opened
from tests.pythons import oldest

from .agent_adapter import ProcessLink
from .test_agent_snapshots import chunks, member, tar
from .test_runs_service import collected, ended, one, text_of
from .vm import PYTHON, VM, one_vm, vm
from .wheels import Index, digest, source, wheel

__all__ = ["one_vm", "vm"]

pytestmark = pytest.mark.timeout(180)

NO_NETWORK = ("unshare", "-n") if os.geteuid() == 0 else ("unshare", "-cn")
HERE = Target(python="3.11.2", implementation="CPython", machine="x86_64", libc="2.36", pip="23.0.1")


class Lab:
    """A site whose VM is this machine without its network."""

    def __init__(self, home: Path, packages: str, python: str = PYTHON) -> None:
        self.folder = home / "client"
        self.folder.mkdir(exist_ok=True)
        lines = ['name = "lab"', "[vms.vm]", 'host = "127.0.0.1"', "slots = 0", f'packages = "{packages}"']
        lines += ["[environments]", 'own = {requirements = "own.txt"}']
        (self.folder / "own.txt").touch()
        (self.folder / "lab.toml").write_text("\n".join(lines) + "\n")
        self.site = files.load(self.folder / "lab.toml")
        self.root = home / "vm"
        self.link = ProcessLink(self.root, python=python, prefix=NO_NETWORK)
        self.runs = LiveRuns(self.site, self.link, opened(self.site))
        self.houses = Path(os.environ["XDG_CACHE_HOME"]) / "trainshed" / "wheelhouses"

    def job(self, command: str, requirements: str) -> Path:
        (self.folder / "own.txt").write_text(requirements)
        path = self.folder / "job.yml"
        path.write_text(f"command: {json.dumps(command)}\nenvironment: azureml:own@latest\n")
        return path

    async def ran(self, job: Path) -> tuple[list[Event], str]:
        """The launch, and what the job printed."""
        launched = await collected(self.runs.launch(job))
        followed = await collected(self.runs.follow("@latest"))
        assert one(followed, RunFinished).status == "completed", text_of(followed)
        return launched, text_of(followed)

    def left(self) -> list[str]:
        """What is kept on the client, but for locks."""
        return sorted(path.name for path in self.houses.iterdir() if path.is_dir()) if self.houses.is_dir() else []

    def sent(self) -> list[Path]:
        return sorted(path for path in (self.root / "wheels").iterdir() if not path.name.startswith("."))


@pytest.fixture(autouse=True)
def cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheelhouses of a test are its own, and so are the caches of uv and pip."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index(tmp_path / "index").served() as made:
        yield made


@pytest_asyncio.fixture
async def lab(home: Path) -> AsyncIterator[Lab]:
    made = Lab(home, "client")
    yield made
    await ended(made)  # type: ignore[arg-type]


def log_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, BuildLog))


async def filled(requirements: str, target: Target) -> tuple[Wheelhouse, list[str]]:
    """The wheelhouse and the names of its wheels."""
    house = Wheelhouse(requirements, target)
    async for _ in house.filled():
        pass
    return house, sorted(path.name for path in house.folder.glob("*.whl"))


async def test_a_job_imports_a_package_and_its_dependency_on_a_vm_without_network(lab: Lab) -> None:
    job = lab.job("python -c 'import dateutil, six; print(dateutil.__version__)'", "python-dateutil==2.9.0.post0\n")
    events, text = await lab.ran(job)
    assert text == "2.9.0.post0\n"
    log = log_of(events)
    assert "Resolving for Python 3." in log and "Looking in links: /opt/wheels" in log
    assert lab.left() == [] and lab.sent() == [], "nobody needs them any more"
    lab.link.asked.clear()
    again, text = await lab.ran(job)
    assert text == "2.9.0.post0\n" and log_of(again) == ""
    assert [op for op, _ in lab.link.asked][:2] == ["environments.find", "environments.build"]
    assert any("was built before" in event.text for event in again if isinstance(event, Notice))


async def test_an_environment_is_built_ahead_in_the_same_way(lab: Lab, index: Index) -> None:
    wheel(index.folder, "lab-top", "1.0")
    job = lab.job("python -c 'import lab_top'", index.line + "lab-top\n")
    events = await collected(LiveEnvironments(lab.site, lab.link).build(job))
    assert [each.kind for each in one(events, EnvironmentsListed).environments] == ["venv"]
    assert log_of((await lab.ran(job))[0]) == ""


async def test_two_launches_at_the_same_time_fetch_once_and_both_run(home: Path, index: Index) -> None:
    wheel(index.folder, "lab-top", "1.0")
    labs = [Lab(home, "client"), Lab(home, "client")]
    fetched: list[str] = []
    index.before = lambda agent: fetched.append(agent)
    try:
        job = labs[0].job("python -c 'import lab_top'", index.line + "lab-top\n")
        both = await asyncio.gather(*(collected(lab.runs.launch(job)) for lab in labs))
        assert sorted("on this machine already" in log_of(events) for events in both) == [False, True]
        assert len([agent for agent in fetched if agent.startswith("pip/")]) == 2, "its page and its file"
        assert labs[0].left() == [] and labs[0].sent() == []
    finally:
        for lab in labs:
            await ended(lab)  # type: ignore[arg-type]


async def test_where_the_vm_reaches_no_index_the_error_says_what_to_set(home: Path, index: Index) -> None:
    wheel(index.folder, "lab-top", "1.0")
    lab = Lab(home, "index")
    try:
        with pytest.raises(BuildError) as caught:
            await collected(lab.runs.launch(lab.job("true", index.line + "lab-top\n")))
        assert 'packages = "client"' in caught.value.hint and index.asked == []
    finally:
        await ended(lab)  # type: ignore[arg-type]


def test_a_package_that_is_missing_is_not_taken_for_an_index_that_is(one_vm: VM, index: Index) -> None:
    wheel(index.folder, "lab-top", "1.0")
    with pytest.raises(BuildError) as caught:
        one_vm.agent().call("environments.build", requirements=index.line + "lab-other\n")
    assert index.asked and "packages =" not in caught.value.hint


async def test_what_is_chosen_fits_the_vm_and_not_the_client(index: Index) -> None:
    folder, needs = index.folder, ['lab-old; python_version < "3.10"', 'lab-arm; platform_machine == "aarch64"']
    needs += ['lab-mac; sys_platform == "darwin"', "lab-native>=1"]
    wheel(folder, "lab-top", "1.0", needs=needs)
    for name in ("lab-old", "lab-arm", "lab-mac"):
        wheel(folder, name, "2.0")
    for tag in ("cp39-cp39-manylinux_2_31_aarch64", "cp39-cp39-manylinux_2_28_aarch64", "cp39-cp39-macosx_11_0_arm64"):
        wheel(folder, "lab-native", "1.0", tag=tag)
    wheel(folder, "lab-native", "1.0", tag="cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64")
    wheel(folder, "lab-native", "1.1", tag="cp311-cp311-manylinux_2_34_x86_64")
    old = Target(python="3.9.18", implementation="CPython", machine="aarch64", libc="2.29", pip="23.0.1")
    assert (await filled(index.line + "lab-top\n", old))[1] == [
        "lab_arm-2.0-py3-none-any.whl",
        "lab_native-1.0-cp39-cp39-manylinux_2_28_aarch64.whl",
        "lab_old-2.0-py3-none-any.whl",
        "lab_top-1.0-py3-none-any.whl",
    ]
    new = "lab_native-1.1-cp311-cp311-manylinux_2_34_x86_64.whl"
    assert (await filled(index.line + "lab-top\n", HERE))[1] == [new, "lab_top-1.0-py3-none-any.whl"]
    plain = Target(python="3.11.2", implementation="CPython", machine="x86_64", libc="2.36", pip="20.0.2")
    first = (await filled(index.line + "lab-top\n", plain))[1][0]
    assert first == "lab_native-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "as old pips know"


async def test_a_vm_with_another_python_than_the_clients_builds_and_runs(home: Path, index: Index) -> None:
    wheel(index.folder, "lab-top", "1.0", needs=['lab-eight; python_version == "3.8"'])
    wheel(index.folder, "lab-eight", "3.0")
    lab = Lab(home, "client", python=oldest())
    command = "python -c 'import sys, lab_top; print(sys.version_info[:2])'; python -c 'import lab_eight' && echo both"
    try:
        _, text = await lab.ran(lab.job(command + "; true", index.line + "lab-top\n"))
    finally:
        await ended(lab)  # type: ignore[arg-type]
    version = subprocess.run(
        [oldest(), "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True
    )
    assert text.splitlines()[0] == version.stdout.strip()
    assert ("both" in text) == (version.stdout.strip() == "(3, 8)")


async def test_hashes_of_the_requirements_hold(index: Index, home: Path) -> None:
    good = digest(wheel(index.folder, "lab-top", "1.0", needs=["lab-low"]))
    low = digest(wheel(index.folder, "lab-low", "1.0"))
    line = index.line + "lab-top==1.0 --hash=sha256:%s\nlab-low==1.0 --hash=sha256:%s\n"
    house, names = await filled(line % (good, low), HERE)
    assert names == ["lab_low-1.0-py3-none-any.whl", "lab_top-1.0-py3-none-any.whl"]
    pinned = (house.folder / "requirements.txt").read_text()
    assert pinned == f"lab-low==1.0 --hash=sha256:{low}\nlab-top==1.0 --hash=sha256:{good}\n"
    with pytest.raises(BuildError, match=r"lab-top==1\.0: no file of it has a hash"):
        await filled(line % ("0" * 64, low), HERE)
    with pytest.raises(BuildError, match=r"lab-low==1\.0 is needed, and the requirements have no hash"):
        await filled(f"{index.line}lab-top==1.0 --hash=sha256:{good}\n", HERE)


async def test_a_wheel_that_is_not_what_its_index_says_is_refused(lab: Lab, index: Index) -> None:
    index.lies.add(wheel(index.folder, "lab-top", "1.0").name)
    with pytest.raises(BuildError, match="not the one that the index names"):
        await collected(lab.runs.launch(lab.job("true", index.line + "lab-top\n")))
    assert lab.left() == []


def test_the_vm_takes_no_wheel_but_those_that_are_pinned(vm: VM, index: Index) -> None:
    """What arrives is checked again, by pip on the VM; a build that failed, or succeeded, takes it away."""
    made, agent = wheel(index.folder, "lab-top", "1.0"), vm.agent()

    def sent(pinned: str) -> str:
        line = f"lab-top==1.0 --hash=sha256:{pinned}\n".encode()
        content = tar((member(made.name), made.read_bytes()), (member("requirements.txt"), line))
        key = hashlib.sha256(content).hexdigest()
        agent.call("snapshots.put", digest=key, store="wheels", upload=chunks(gzip.compress(content)))
        return key

    key = sent("0" * 64)
    with pytest.raises(BuildError) as caught:
        agent.call("environments.build", requirements="lab-top\n", wheels=key)
    assert "HASHES" in caught.value.hint and not (vm.root / "wheels" / key).exists()
    with pytest.raises(RunError, match="not on this VM"):
        agent.call("environments.build", requirements="lab-top\n", wheels=key)
    key = sent(digest(made))
    built = agent.call("environments.build", requirements="lab-top\n", wheels=key)
    assert not (vm.root / "wheels" / key).exists()
    done = vm.run(agent, "python -c 'import lab_top; print(lab_top.WHAT)'", environment=built["hash"])
    assert done.text == "1.0 py3-none-any\n"


def sent_wheels(one_vm: VM, *wheels: Path) -> str:
    """The digest of what the VM has been sent: these wheels, pinned as they are."""
    lines = [f"{path.name.split('-')[0]}=={path.name.split('-')[1]} --hash=sha256:{digest(path)}\n" for path in wheels]
    pinned = "".join(lines).encode()
    content = tar(*((member(path.name), path.read_bytes()) for path in wheels), (member("requirements.txt"), pinned))
    key = hashlib.sha256(content).hexdigest()
    with one_vm.agent() as agent:
        agent.call("snapshots.put", digest=key, store="wheels", upload=chunks(gzip.compress(content)))
    return key


def test_wheels_that_are_not_what_was_asked_for_make_no_environment(one_vm: VM, index: Index) -> None:
    """Whoever asks for the same gets what one client sent: it has to fit, whatever that client's settings were."""
    old, new = wheel(index.folder, "lab-top", "1.0"), wheel(index.folder, "lab-top", "2.0")
    agent = one_vm.agent()
    with pytest.raises(BuildError, match="cannot be built"):
        agent.call("environments.build", requirements="lab-top>=2\n", wheels=sent_wheels(one_vm, old))
    with pytest.raises(BuildError, match="cannot be built"):
        agent.call("environments.build", requirements="lab-top\nlab-low\n", wheels=sent_wheels(one_vm, new))
    made = agent.call("environments.build", requirements="lab-top>=2\n", wheels=sent_wheels(one_vm, new))
    (listed,) = agent.call("environments.list")["environments"]
    assert listed["hash"] == made["hash"] and listed["what"].endswith(", packages that a client sent")


def test_wheels_stay_for_as_long_as_a_build_has_them_and_no_longer(one_vm: VM, index: Index) -> None:
    key = sent_wheels(one_vm, wheel(index.folder, "lab-top", "1.0"))
    place, root = one_vm.root / "wheels" / key, str(one_vm.root)
    with snapshots.used(root, key), snapshots.used(root, key) as folder:
        snapshots.remove_wheels(root, key)
        assert folder == str(place) and place.is_dir()
    snapshots.remove_wheels(root, key)
    assert not place.exists()


def test_wheels_go_when_the_disk_is_full(one_vm: VM, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    key = sent_wheels(one_vm, wheel(index.folder, "lab-top", "1.0"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(environments, "_fill", full)
    asked = call.Call(1, "environments.build", str(one_vm.root), lambda *_: None)
    with pytest.raises(OSError, match="No space"):
        environments.build(asked, requirements="lab-top\n", wheels=key)
    assert not (one_vm.root / "wheels" / key).exists()


@pytest.mark.parametrize(
    ("requirements", "message"),
    [
        ("lab-mac\n", r"no wheel of lab-mac==1\.0 for the VM \(Python 3\.11\.2, x86_64, glibc 2\.36\)"),
        ("lab-source\n", r"no wheel of lab-source\S* for the VM"),
        ("lab-top\n", r"no wheel of lab-mac==1\.0 for the VM"),
        ("lab-none\n", "no index of this machine has lab-none"),
        ("lab-mac>=2\nlab-mac<2\n", "cannot be resolved"),
    ],
)
async def test_what_cannot_be_had_is_one_message(index: Index, requirements: str, message: str) -> None:
    wheel(index.folder, "lab-mac", "1.0", tag="cp311-cp311-macosx_11_0_arm64")
    wheel(index.folder, "lab-top", "1.0", needs=["lab-mac"])
    (index.folder / "lab-source").mkdir()
    (index.folder / "lab-source" / "lab_source-1.0.tar.gz").write_bytes(b"never opened")
    with pytest.raises(BuildError, match=message):
        await filled(index.line + requirements, HERE)


@pytest.mark.parametrize(
    ("form", "metadata", "message"),
    [
        ("lab-evil @ {}", "2.2", r"lab-evil @ http\S+ is not a wheel"),
        ("{}", "2.2", r"lab-evil @ http\S+ is not a wheel"),
        ("lab-evil @ {}#lab_evil-1.0-py3-none-any.whl", "2.2", "is not a wheel"),
        ("lab-evil @ {}?a.whl", "2.2", "is not a wheel"),
        ("lab-evil @ {}", "1.0", "cannot be resolved"),
    ],
)
async def test_nothing_of_a_source_at_an_address_runs_on_the_client(
    index: Index, tmp_path: Path, form: str, metadata: str, message: str
) -> None:
    """pip builds what an address leads to, also where it is told to take wheels alone."""
    made, fetching = source(index.folder, "lab-evil", tmp_path / "ran", metadata=metadata), list[str]()
    index.before = fetching.append
    asked = form.format(f"{index.line.split()[1]}/lab-evil/{made.name}")
    with pytest.raises(BuildError, match=message):
        await filled(f"{index.line}{asked}\n", HERE)
    assert not (tmp_path / "ran").exists() and not [agent for agent in fetching if agent.startswith("pip/")]


async def test_nothing_of_a_source_that_a_wheel_needs_by_address_runs_on_the_client(
    index: Index, tmp_path: Path
) -> None:
    made, address = source(index.folder, "lab-evil", tmp_path / "ran"), index.line.split()[1]
    outer = wheel(index.folder, "lab-outer", "1.0", needs=[f"lab-evil @ {address}/lab-evil/{made.name}"])
    with pytest.raises(BuildError, match=r"lab-evil @ http\S+/lab_evil-1\.0\.tar\.gz is not a wheel"):
        await filled(f"{index.line}lab-outer @ {address}/lab-outer/{outer.name}\n", HERE)
    assert not (tmp_path / "ran").exists()


async def test_a_repository_that_a_wheel_needs_is_not_fetched(index: Index, home: Path) -> None:
    repository, address = home / "repository", index.line.split()[1]
    subprocess.run(["git", "init", "-q", repository], check=True)
    (repository / "pyproject.toml").write_text('[project]\nname = "lab-own"\nversion = "1.0"\n')
    who = ["-c", "user.email=lab@example", "-c", "user.name=lab"]
    for words in (["add", "."], [*who, "commit", "-qm", "lab"]):
        subprocess.run(["git", *words], cwd=repository, check=True)
    outer = wheel(index.folder, "lab-outer", "1.0", needs=[f"lab-own @ git+file://{repository}"])
    with pytest.raises(BuildError) as caught:
        await filled(f"{index.line}lab-outer @ {address}/lab-outer/{outer.name}\n", HERE)
    assert "transport 'file' not allowed" in caught.value.hint
    assert not list((home / "cache").rglob("checkouts/*/*"))


async def test_no_file_of_the_client_is_taken_for_a_wheel_that_names_it(index: Index, tmp_path: Path) -> None:
    own, address = wheel(tmp_path / "own", "lab-own", "1.0"), index.line.split()[1]
    outer = wheel(index.folder, "lab-outer", "1.0", needs=[f"lab-own @ file://{own}"])
    with pytest.raises(BuildError, match=r"lab-own @ file:\S+ is not a wheel") as caught:
        await filled(f"{index.line}lab-outer @ {address}/lab-outer/{outer.name}\n", HERE)
    assert "http address" in caught.value.hint


@pytest.mark.parametrize("form", ["lab-own @ file:{own}", "lab-own @ file://{own}", "lab-own @ {own}", "evil @ {evil}"])
async def test_what_an_image_says_that_it_needs_leads_to_no_address(index: Index, tmp_path: Path, form: str) -> None:
    own, evil = wheel(tmp_path / "own", "lab-own", "1.0"), source(index.folder, "evil", tmp_path / "ran")
    wheel(index.folder, "lab-top", "1.0", needs=["lab-base"])
    address = index.line.split()[1].replace("://", ":")
    needs = form.format(own=own, evil=f"{address}/evil/{evil.name}")
    image = msgspec.structs.replace(HERE, installed={"lab-base": Installed(version="1.0", requires=[needs])})
    assert (await filled(index.line + "lab-top\n", image))[1] == ["lab_top-1.0-py3-none-any.whl"]
    assert not (tmp_path / "ran").exists() and not [path for path in index.asked if "evil" in path]


async def test_a_wheel_at_an_address_is_fetched_and_so_is_the_one_that_it_needs(index: Index) -> None:
    address = index.line.split()[1]
    low = wheel(index.folder, "lab-low", "1.0")
    top = wheel(index.folder, "lab-top", "1.0", needs=[f"lab-low @ {address}/lab-low/{low.name}"])
    for form in ("lab-top @ {}", "{}"):
        _, names = await filled(index.line + form.format(f"{address}/lab-top/{top.name}") + "\n", HERE)
        assert names == [low.name, top.name]


async def test_a_client_without_an_index_says_so_and_shows_no_password() -> None:
    with pytest.raises(BuildError, match="reaches no package index") as caught:
        await filled("lab-top\n--index-url http://me:hunter2@127.0.0.1:9/simple\n", HERE)
    assert "hunter2" not in caught.value.hint and "127.0.0.1:9" in caught.value.hint


async def test_pips_settings_of_this_machine_say_where_the_index_is(
    index: Index, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(index.folder, "lab-top", "1.0")
    wheel(index.folder, "lab-top", "2.0")
    (home / "constraints.txt").write_text("lab-top<2\n")
    address = index.line.split()[1].replace("//", "//me:hunter2@")
    (home / "pip.conf").write_text(f"[global]\nindex-url = {address}\nconstraint = {home}/constraints.txt\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(home / "pip.conf"))
    house, names = await filled("lab-top\n", HERE)
    assert names == ["lab_top-1.0-py3-none-any.whl"]
    kept = b"".join(path.read_bytes() for path in house.folder.rglob("*") if path.is_file())
    assert b"hunter2" not in kept


async def test_the_proxy_of_pips_settings_is_used_by_both(
    index: Index, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(index.folder, "lab-top", "1.0")
    proxy = index.line.split()[1]
    (home / "pip.conf").write_text(
        f"[global]\nindex-url = http://index.invalid\ntrusted-host = index.invalid\nproxy = {proxy}\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(home / "pip.conf"))
    assert (await filled("lab-top\n", HERE))[1] == ["lab_top-1.0-py3-none-any.whl"]
    assert {path.split("/lab-top")[0] for path in index.asked} == {"http://index.invalid"}


async def test_uvs_settings_of_this_machine_say_where_the_index_is(
    index: Index, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(index.folder, "lab-top", "1.0")
    address = index.line.split()[1]
    (home / "uv.toml").write_text(f'[[index]]\nurl = "{address}"\ndefault = true\n')
    monkeypatch.setenv("UV_CONFIG_FILE", str(home / "uv.toml"))
    assert (await filled("lab-top\n", HERE))[1] == ["lab_top-1.0-py3-none-any.whl"]


def children() -> list[str]:
    listed = subprocess.run(["ps", "-o", "args=", "--ppid", str(os.getpid())], capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if " -m pip" in line or " pip compile" in line]


@pytest.mark.parametrize("who", ["uv/", "pip/"])
async def test_a_launch_that_is_cancelled_ends_what_it_started(lab: Lab, index: Index, who: str) -> None:
    wheel(index.folder, "lab-top", "1.0")
    loop, waiting = asyncio.get_running_loop(), asyncio.Event()

    def wait(agent: str) -> None:
        if agent.startswith(who):
            loop.call_soon_threadsafe(waiting.set)
            time.sleep(5)

    index.before = wait
    launching = asyncio.ensure_future(collected(lab.runs.launch(lab.job("true", index.line + "lab-top\n"))))
    await asyncio.wait_for(waiting.wait(), 30)
    assert children() and lab.left()[0].startswith(FRESH)
    launching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await launching
    assert children() == [] and lab.left() == []
    index.before = lambda _: None
    assert (await lab.ran(lab.job("python -c 'import lab_top'", index.line + "lab-top\n")))[1] == ""


CLIENT = """
import asyncio, sys
import msgspec
from core.environments.service import LiveEnvironments
from core.environments.target import Target
from core.environments.wheelhouse import Wheelhouse
async def main():
    house = Wheelhouse(sys.argv[1], msgspec.json.decode(sys.argv[2], type=Target))
    async for line in house.filled():
        print(line, end="", flush=True)
    print("FILLED", flush=True)
asyncio.run(main())
"""


async def test_a_client_that_is_killed_leaves_no_half_wheelhouse(index: Index, home: Path) -> None:
    """At each line that it says, and the next one goes on from there."""
    wheel(index.folder, "lab-top", "1.0", needs=["lab-low"])
    wheel(index.folder, "lab-low", "1.0")
    words = [sys.executable, "-c", CLIENT, index.line + "lab-top\n", msgspec.json.encode(HERE).decode()]
    house = Wheelhouse(index.line + "lab-top\n", HERE)
    for number in range(20):
        client = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert client.stdout is not None
        lines = [line for line, _ in zip(client.stdout, range(number + 1), strict=False)]
        client.send_signal(signal.SIGKILL)
        client.wait()
        client.stdout.close()
        if house.folder.exists():
            names = sorted(path.name for path in house.folder.iterdir())
            assert names == ["lab_low-1.0-py3-none-any.whl", "lab_top-1.0-py3-none-any.whl", "requirements.txt"]
        if lines[-1] == "FILLED\n":
            break
    assert lines[-1] == "FILLED\n" and number > 3
    asked = len(index.asked)
    async for line in house.filled():
        assert "on this machine already" in line
    assert len(index.asked) == asked
    left = [path.name for path in house.folder.parent.iterdir() if path.is_dir()]
    assert left == [house.folder.name], "and nothing of those before"


@pytest.mark.parametrize("title", ["Sending", "Building"])
async def test_an_agent_that_is_lost_costs_no_second_fetch(lab: Lab, index: Index, title: str) -> None:
    wheel(index.folder, "lab-top", "1.0")
    job = lab.job("python -c 'import lab_top; print(lab_top.WHAT)'", index.line + "lab-top\n")
    with pytest.raises(LinkLost):
        async with aclosing(lab.runs.launch(job)) as launching:
            async for event in launching:
                if isinstance(event, Phase) and event.title.startswith(title):
                    lab.link.cut()
    assert len(lab.left()) == 1
    asked = len(index.asked)
    events, text = await lab.ran(job)
    assert text == "1.0 py3-none-any\n" and len(index.asked) == asked
    assert "on this machine already" in log_of(events)
    assert lab.left() == [] and lab.sent() == []


async def test_what_was_sent_and_never_used_goes_with_the_next_prune(lab: Lab) -> None:
    agent = await lab.link.agent()
    for name, age in (("a" * 64, 2 * 86400.0), ("b" * 64, 0.0)):
        (lab.root / "wheels" / name).mkdir(parents=True)
        os.utime(lab.root / "wheels" / name, (time.time() - age,) * 2)
    await agent.call("environments.prune", older_s=0, wanted=[])
    assert [path.name for path in lab.sent()] == ["b" * 64]
