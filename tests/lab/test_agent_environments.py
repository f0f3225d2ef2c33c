"""Environments built by real pip in a real sandbox, from packages made here: no index is asked."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.server
import io
import os
import re
import ssl
import subprocess
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import errors
from core.agent import distributions

from .agent_process import AgentProcess
from .vm import PYTHON, VM, one_vm, vm

__all__ = ["one_vm", "vm"]


def wheel(folder: Path, name: str, body: str) -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}.py", body)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/entry_points.txt", f"[console_scripts]\n{name}-say = {name}:main\n")
        file.writestr(f"{info}/RECORD", "")
    return path


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A package index on loopback: the line that makes pip use it and no other."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, directory=str(folder), **kwargs)  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    with answering(Handler) as port:
        yield f"--index-url http://127.0.0.1:{port}\n"


@contextlib.contextmanager
def answering(handler: type[http.server.BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A web server on loopback that ends with the block, also when a test fails in it: its port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "index" / "lab-package"
    folder.mkdir(parents=True)
    wheel(folder, "lab_package", "def main():\n    print('it speaks')\n")
    with serving(tmp_path / "index") as line:
        yield line


def environments(vm: VM) -> list[str]:
    return sorted(name for name in os.listdir(vm.root / "environments") if not name.startswith(".lock"))


# What no package has recorded as its own, and what is recorded and not there: a pip that replaces pip goes by that.
UNRECORDED = """python - <<'END'
import importlib.metadata, pathlib
(site,) = pathlib.Path("/env/lib").glob("python3*/site-packages")
every = importlib.metadata.distributions(path=[str(site)])
recorded = {path.locate().resolve() for each in every for path in each.files}
there = {path.resolve() for path in [*site.rglob("*"), *pathlib.Path("/env/bin").iterdir()] if path.is_file()}
by_venv = ("activate", "Activate", "python")
print([path.name for path in there - recorded if path.suffix != ".pyc" and not path.name.startswith(by_venv)], end=" ")
print([path.name for path in recorded - there if path.suffix != ".pyc"])
END
true"""


def test_an_environment_is_built_once_with_a_live_log_and_a_job_runs_in_it(vm: VM, index: str) -> None:
    agent = vm.agent()
    text, result = "", dict[str, Any]()
    for message in agent.stream("environments.build", requirements=index + "lab-package==1.0\n", python=""):
        assert isinstance(message, dict)
        text += message.get("text", "")
        result = message.get("result", result)
    assert "Successfully installed lab" in text
    folder = Path(result["path"])
    assert folder.name == result["hash"] and (folder / "build.log").read_text() == text
    again = agent.call("environments.build", requirements=f"# the same\n{index}\nlab-package==1.0  # x\n", python="")
    assert again == {**result, "reused": True}
    job = f"lab_package-say; python -c 'import sys; print(sys.prefix)'; {UNRECORDED}; pip check; pip3 -V; touch /env/x"
    done = vm.run(agent, job, environment=result["hash"])
    said = "it speaks\n/env\n[] []\nNo broken requirements found.\npip "
    assert done.text.startswith(said) and "Read-only" in done.text
    assert environments(vm) == [result["hash"]]


def test_two_clients_build_once_and_both_see_the_log(one_vm: VM, index: str) -> None:
    results: list[tuple[bool, str]] = []

    def build(agent: AgentProcess) -> None:
        text = ""
        for message in agent.stream("environments.build", requirements=index + "lab-package\n", python=""):
            assert isinstance(message, dict)
            text += message.get("text", "")
            if "result" in message:
                results.append((message["result"]["reused"], text))

    threads = [threading.Thread(target=build, args=(one_vm.agent(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(reused for reused, _ in results) == [False, True, True]
    assert next(text for reused, text in results if not reused).count("Successfully installed") == 1


def test_a_failed_build_tells_pips_last_words_and_leaves_nothing_that_looks_complete(vm: VM, index: str) -> None:
    agent = vm.agent()
    with pytest.raises(errors.BuildError, match="cannot be built") as caught:
        agent.call("environments.build", requirements=index + "no-such-package==9\n", python="")
    assert "no-such-package==9" in caught.value.hint
    assert len(environments(vm)) == 1 and environments(vm)[0].endswith(".failed.log")


def test_hashes_are_checked(one_vm: VM, index: str, tmp_path: Path) -> None:
    agent = one_vm.agent()
    good = hashlib.sha256((tmp_path / "index/lab-package/lab_package-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    line = index + "lab-package==1.0 \\\n    --hash=sha256:%s\n"
    with pytest.raises(errors.BuildError) as caught:
        agent.call("environments.build", requirements=line % ("0" * 64), python="")
    assert "HASH" in caught.value.hint.upper()
    assert agent.call("environments.build", requirements=line % good, python="")["reused"] is False


def test_no_requirements_is_just_python(vm: VM) -> None:
    agent = vm.agent()
    made = agent.call("environments.build", requirements="\n# nothing\n", python="3")
    assert vm.run(agent, "python -c 'print(6 * 7)'", environment=made["hash"]).text == "42\n"


def test_a_python_that_the_vm_lacks_is_named_beside_the_one_it_has(one_vm: VM) -> None:
    have = subprocess.run([PYTHON, "-V"], capture_output=True, text=True).stdout.split()[1]
    with pytest.raises(errors.BuildError) as caught:
        one_vm.agent().call("environments.build", requirements="", python="3.7.1")
    assert "3.7.1" in caught.value.title and have in caught.value.title and "apt-get" in caught.value.hint
    minor = have.rpartition(".")[0]
    assert one_vm.agent().call("environments.build", requirements="", python=minor)["python"] == have


def test_cancelling_a_build_ends_its_tree_and_frees_the_lock(one_vm: VM, tmp_path: Path) -> None:
    hits = threading.Event()

    class Slow(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hits.set()
            time.sleep(30)

    with answering(Slow) as port:
        agent = one_vm.agent()
        stream = agent.stream(
            "environments.build", requirements=f"--index-url http://127.0.0.1:{port}\nx==1\n", python=""
        )
        reader = threading.Thread(target=lambda: next(stream, None), daemon=True)
        reader.start()
        assert hits.wait(60)
        assert str(port) in _requirements(one_vm)
        assert any(words.startswith("/env/bin/python -m pip") for words in _sandboxed(one_vm))
        agent.close()  # as a client that goes away does
        end = time.monotonic() + 10
        while _sandboxed(one_vm):
            assert time.monotonic() < end, _sandboxed(one_vm)
            time.sleep(0.05)
    lock = next((one_vm.root / "environments").glob(".lock-*"))
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert [name for name in environments(one_vm) if not name.startswith(".building-")] == []


def _requirements(vm: VM) -> str:
    return next((vm.root / "environments").glob(".building-*/requirements.txt")).read_text()


def _sandboxed(vm: VM) -> list[str]:
    """The processes that have a folder of the VM mounted: those of its builds."""
    found = []
    for mounts in Path("/proc").glob("[0-9]*/mountinfo"):
        with contextlib.suppress(OSError):  # it has just ended
            if vm.root.name in mounts.read_text():
                found.append(mounts.with_name("cmdline").read_text().replace("\0", " "))
    return found


def test_a_build_sees_no_data_and_writes_nowhere_but_in_its_environment(one_vm: VM, tmp_path: Path) -> None:
    """The backend of a source package is foreign code: it looks around while pip builds with it."""
    one_vm.data({"record.csv": b"1"})
    folder = tmp_path / "index" / "spy"
    folder.mkdir(parents=True)
    backend = (
        "import os\ndef build_wheel(*_, **__):\n"
        "    seen = sorted(set(os.listdir('/')) & {'data', 'work', 'root', 'var', 'run', 'sys', 'mnt'})\n"
        "    denied = [path for path in ('/usr', '/opt', '/etc', '/') if not os.access(path, os.W_OK)]\n"
        "    raise SystemExit('SEEN %s DENIED %s UID %d' % (seen, denied, os.getuid()))\n"
    )
    project = '[build-system]\nrequires = []\nbuild-backend = "spy"\nbackend-path = ["."]\n'
    with tarfile.open(folder / "spy-1.0.tar.gz", "w:gz") as archive:
        for name, text in (("spy.py", backend), ("pyproject.toml", project + '[project]\nname="spy"\nversion="1.0"\n')):
            info = tarfile.TarInfo(f"spy-1.0/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    with serving(tmp_path / "index") as index, pytest.raises(errors.BuildError) as caught:
        one_vm.agent().call("environments.build", requirements=index + "spy==1.0\n", python="")
    assert "SEEN [] DENIED ['/usr', '/opt', '/etc', '/'] UID 65534" in caught.value.hint


HOSTILE = """
import os, zipfile
def build_wheel(folder, *_, **__):
    exec(open("act.py").read())
    path = os.path.join(folder, "hostile-1.0-py3-none-any.whl")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("hostile.py", "")
        file.writestr("hostile-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: hostile\\nVersion: 1.0\\n")
        wheel = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        file.writestr("hostile-1.0.dist-info/WHEEL", wheel)
        file.writestr("hostile-1.0.dist-info/RECORD", "")
    return os.path.basename(path)
"""


def hostile(index: Path, act: str) -> None:
    """A source package whose build backend does `act`, then gives a wheel as any other does."""
    folder = index / "hostile"
    folder.mkdir(parents=True, exist_ok=True)
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    about = "Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n"
    with tarfile.open(folder / "hostile-1.0.tar.gz", "w:gz") as archive:
        for name, text in (("backend.py", HOSTILE), ("pyproject.toml", project), ("act.py", act), ("PKG-INFO", about)):
            info = tarfile.TarInfo(f"hostile-1.0/{name}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))


def test_a_package_leads_the_agent_to_no_file_of_the_host_by_links_fifos_or_a_record(vm: VM, tmp_path: Path) -> None:
    victim = vm.root / "victim"
    victim.write_text("host\n")
    victim.chmod(0o600)
    vm.give(victim)
    act = (
        f"os.symlink({str(victim)!r}, '/env/environment.json')\n"
        f"os.symlink({str(victim)!r}, '/env/requirements.txt')\n"
        "os.mkfifo('/env/build.log')\nos.mkdir('/env/closed', 0)\n"
        "import glob\nsite = glob.glob('/env/lib/python*/site-packages')[0]\n"
        "for name in ('a', 'b', 'c', 'd'):\n    os.mkdir(site + '/%s.dist-info' % name)\n"
        f"os.symlink({str(victim)!r}, site + '/b.dist-info/METADATA')\n"
        "open(site + '/c.dist-info/METADATA', 'w').write('Name: -r x --index-url http://evil\\nVersion: 1\\n')\n"
        "open(site + '/d.dist-info/METADATA', 'w').write('Name: good\\nVersion: 2\\n')\n"
    )
    hostile(tmp_path / "index", act)
    agent = vm.agent()
    with serving(tmp_path / "index") as line:
        made = agent.call("environments.build", requirements=line + "hostile\n", python="")
    folder = Path(made["path"])
    assert victim.read_text() == "host\n" and victim.stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir(folder)) == ["build.log", "env", "environment.json", "requirements.txt"]
    odd = [path for path in (folder / "env").rglob("*") if not (path.is_file() or path.is_dir() or path.is_symlink())]
    assert odd == [], "by a FIFO those who read the environment could write to each other"
    assert {path.lstat().st_uid for path in (folder, *folder.iterdir())} == {0 if vm.is_root else folder.stat().st_uid}
    assert vm.run(agent, f"cat {victim} /env/environment.json", environment=made["hash"]).text.count("host\n") == 0
    lines = distributions.pinned(str(vm.root), made["hash"]).splitlines()
    assert "good==2" in lines and "hostile==1.0" in lines and all(re.fullmatch(r"[\w.+!-]+==\S+", x) for x in lines)


def test_no_build_leaves_anything_for_another_to_install(one_vm: VM, tmp_path: Path) -> None:
    act = "for name in ('/home/job', '/home/job/.cache/pip'):\n    os.makedirs(name, exist_ok=True)\n    "
    act += "print('FOUND', os.listdir(name))\n    open(name + '/left', 'w').close()\nraise SystemExit('LOOKED')\n"
    hostile(tmp_path / "index", act)
    with serving(tmp_path / "index") as line:
        for _ in range(2):
            with pytest.raises(errors.BuildError) as caught:
                one_vm.agent().call("environments.build", requirements=line + "hostile==1.0\n", python="")
            assert "LOOKED" in caught.value.hint and "left" not in caught.value.hint
    assert not (one_vm.root / "cache").exists()


@pytest.mark.parametrize("engine", ["auto", "bwrap"])
def test_nothing_to_install_is_an_environment_too_whatever_the_engine(one_vm: VM, engine: str) -> None:
    built = one_vm.agent().call("environments.build", requirements="", engine=engine)
    assert built["engine"] == "bwrap" and one_vm.agent().call("environments.build", requirements="")["reused"]
