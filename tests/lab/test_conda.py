"""Conda packages from a channel of the test, by real rattler in a real sandbox; jobs run in what it makes."""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import errors
from core.agent import conda_install, distributions
from core.demo import certs
from core.events import Notice

from .channel import PREFIX, Channel
from .test_agent_environments import answering, environments
from .test_environment_store import listed
from .test_runs_service import Lab, collected, ended, text_of
from .vm import VM, one_vm, vm
from .wheels import Index, wheel

__all__ = ["one_vm", "vm"]

pytestmark = pytest.mark.timeout(240)


class Served(Channel):
    """`url` is where it is; `asked`: what was asked for."""

    def __init__(self, folder: Path, port: int, asked: list[str]) -> None:
        super().__init__(folder / "lab")
        self.url = f"http://127.0.0.1:{port}/lab"
        self.asked = asked

    def wanted(self, *dependencies: str) -> dict[str, Any]:
        return {"channels": [self.url], "dependencies": list(dependencies)}


def handler(folder: Path, asked: list[str]) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, directory=str(folder), **kwargs)  # type: ignore[arg-type]

        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[Served]:
    asked: list[str] = []
    with answering(handler(tmp_path / "channel", asked)) as port:
        made = Served(tmp_path / "channel", port, asked)
        for version in ("1.0", "1.2", "2.0"):
            made.add("lab-low", version, {"share/low.txt": version + "\n"}, new_format=version == "1.2")
        say = f"#!{PREFIX}/bin/sh\ncat {PREFIX}/share/low.txt\n"
        shell = '#!/bin/sh\nexec /bin/sh "$@"\n'
        made.add("lab-top", "1.0", {"bin/lab-say": say, "bin/sh": shell}, depends=["lab-low <2"])
        yield made


@pytest.fixture(scope="module")
def kept() -> Iterator[Path]:
    """Beside the VMs, so that files can be linked."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def rattler(request: pytest.FixtureRequest, kept: Path) -> Iterator[None]:
    """What installs conda packages is an environment of its own: the first test builds it for those that follow."""
    names = [name for name in ("one_vm", "vm") if name in request.fixturenames]
    made: VM | None = request.getfixturevalue(names[0]) if names else None
    if made is None or made.prefix:  # another user cannot be given files that are linked
        yield
        return
    if any(kept.iterdir()):
        shutil.copytree(kept, made.root / "environments", copy_function=os.link, symlinks=True)
    yield
    if not any(kept.iterdir()):
        for file in (made.root / "environments").glob("*/requirements.txt"):
            if "py-rattler" in file.read_text():
                shutil.copytree(file.parent, kept / file.parent.name, copy_function=os.link, symlinks=True)


@pytest.fixture
def etc(one_vm: VM, tmp_path: Path) -> Path:
    """The VM's /etc/conda: the VM is in a mount namespace of its own, whose /etc is a copy."""
    if os.geteuid() != 0:
        pytest.skip("a mount needs root")
    copy = tmp_path / "etc"
    subprocess.run(["cp", "-a", "/etc", str(copy)], check=True)
    mounted = f'mount --bind {copy} /etc && exec "$@"'
    one_vm.prefix = ["unshare", "-m", "--propagation", "private", "sh", "-c", mounted, "sh"]
    (copy / "conda").mkdir(exist_ok=True)
    return copy / "conda"


def build(vm: VM, **asked: Any) -> tuple[dict[str, Any], str, list[str]]:
    """The result, the log and the notices."""
    text, notices, result = "", list[str](), dict[str, Any]()
    for message in vm.agent().stream("environments.build", **asked):
        assert isinstance(message, dict)
        if message.get("event") == "notice":
            notices.append(message["text"])
        else:
            text += message.get("text", "")
        result = message.get("result", result)
    return result, text, notices


def test_the_newest_that_goes_together_is_installed_and_a_job_runs_in_it(vm: VM, channel: Served) -> None:
    made, log, notices = build(vm, conda=channel.wanted("lab-top"))
    assert "lab-low 1.2 0" in log and "Installing 2 packages" in log and notices == []
    agent = vm.agent()
    script = "lab-say; head -n 1 /env/bin/lab-say; echo $CONDA_PREFIX:$VIRTUAL_ENV; ls -A /env; touch /env/x"
    done = vm.run(agent, script, environment=made["hash"])
    lines = done.text.splitlines()
    assert lines[:3] == ["1.2", "#!/env/bin/sh", "/env:"], done.text
    assert ".packages" not in lines and "conda-meta" in lines and "Read-only" in lines[-1]
    assert (made["engine"], made["reused"]) == ("bwrap", False)
    info = listed(vm)[made["hash"]]
    assert (info["kind"], info["what"]) == ("conda", "lab-top")
    folder = Path(made["path"])
    assert sorted(os.listdir(folder)) == ["build.log", "conda.json", "env", "environment.json", "requirements.txt"]


def test_the_same_packages_are_installed_once(one_vm: VM, channel: Served) -> None:
    first, _, _ = build(one_vm, conda=channel.wanted("lab-low =1.0", "lab-top"))
    asked = len(channel.asked)
    again, log, _ = build(one_vm, conda=channel.wanted("lab-top", "lab-low  =1.0"))
    assert again == {**first, "reused": True} and log == "" and len(channel.asked) == asked
    assert one_vm.run(one_vm.agent(), "lab-say", environment=first["hash"]).text == "1.0\n"
    other = one_vm.agent().call("environments.find", conda=channel.wanted("lab-top", "lab-low=1.0"))
    assert (other["built"], other["target"]) == (False, None) and other["hash"] != first["hash"]
    tool = [each for each in listed(one_vm).values() if each["kind"] == "venv"]
    assert len(tool) == 1, "rattler is an environment of its own"
    removed = one_vm.agent().call("environments.prune", older_s=0, wanted=[])["removed"]
    assert sorted(removed) == sorted([first["hash"], tool[0]["hash"]])


def test_pip_requirements_go_on_top_of_a_conda_python(one_vm: VM, channel: Served, tmp_path: Path) -> None:
    channel.add_python()
    module = "def main():\n    import sys\n    print('said by', sys.executable)\n"
    files = {"site-packages/lab_noarch.py": module}
    channel.add(
        "lab-noarch", "1.0", files, depends=["python"], noarch="python", entry_points=["lab-speak = lab_noarch:main"]
    )
    with Index(tmp_path / "index").served() as index:
        wheel(index.folder, "lab-wheel", "3.0")
        asked = channel.wanted("lab-noarch", "lab-low", "pip")
        made, log, _ = build(one_vm, conda=asked, requirements=index.line + "lab-wheel\n")
    assert "Successfully installed lab-wheel-3.0" in log
    script = (
        "which python; lab-speak; head -n 1 /env/bin/lab-speak; python -c 'import lab_wheel; print(lab_wheel.WHAT)'"
    )
    lines = one_vm.run(one_vm.agent(), script, environment=made["hash"]).text.splitlines()
    assert lines[0] == "/env/bin/python" and lines[1].startswith("said by /env/bin/python3.")
    assert distributions.pinned(str(one_vm.root), made["hash"]) == "lab-wheel==3.0\n"
    assert lines[2] == "#!" + lines[1].split()[-1] and lines[3:] == ["3.0 py3-none-any"]


def test_pip_requirements_that_cannot_be_had_are_told_from_conda_packages(
    one_vm: VM, channel: Served, tmp_path: Path
) -> None:
    channel.add_python()
    with (
        Index(tmp_path / "index").served() as index,
        pytest.raises(errors.BuildError, match="on top of the conda packages") as caught,
    ):
        build(one_vm, conda=channel.wanted("pip"), requirements=index.line + "lab-none\n")
    assert "lab-none" in caught.value.hint
    assert not [name for name in environments(one_vm) if name.startswith(".building-")]


@pytest.mark.parametrize(
    ("dependencies", "title", "hint"),
    [
        (["lab-top", "lab-low>=2"], "cannot be had together", "lab-low <2"),
        (["lab-none"], "cannot be had together", "No candidates were found for lab-none"),
        (["lab-low=>>1"], "cannot be asked for", "1"),
    ],
)
def test_the_solvers_own_words_are_told(
    one_vm: VM, channel: Served, dependencies: list[str], title: str, hint: str
) -> None:
    with pytest.raises(errors.BuildError, match=title) as caught:
        build(one_vm, conda=channel.wanted(*dependencies))
    assert hint in caught.value.hint


def test_a_channel_that_cannot_be_read_is_named(one_vm: VM, channel: Served) -> None:
    for address in ("http://127.0.0.1:9/lab", channel.url + "/none"):
        with pytest.raises(errors.BuildError, match="channel cannot be read") as caught:
            build(one_vm, conda={"channels": [channel.url, address], "dependencies": ["lab-low"]})
        assert address in caught.value.hint
    assert len([name for name in environments(one_vm) if not name.endswith(".failed.log")]) == 1, "rattler's alone"


def test_without_an_index_the_installer_of_conda_packages_is_what_is_missing(one_vm: VM, channel: Served) -> None:
    one_vm.prefix = ["unshare", "-n" if os.geteuid() == 0 else "-cn"]
    shutil.rmtree(one_vm.root / "environments", ignore_errors=True)
    with pytest.raises(errors.BuildError, match=r"what installs conda packages .*py-rattler") as caught:
        build(one_vm, conda=channel.wanted("lab-low"))
    assert "has to reach a package index" in caught.value.hint and "packages =" not in caught.value.hint


def test_a_package_that_is_not_what_its_channel_says_is_refused(one_vm: VM, channel: Served) -> None:
    path = channel.folder / "noarch" / "lab-low-2.0-0.tar.bz2"
    path.write_bytes((channel.folder / "noarch" / "lab-low-1.0-0.tar.bz2").read_bytes())
    with pytest.raises(errors.BuildError, match="cannot be installed") as caught:
        build(one_vm, conda=channel.wanted("lab-low"))
    assert "hash" in caught.value.hint and "lab-low" in caught.value.hint


def test_scripts_that_conda_would_run_on_activation_are_told_of(one_vm: VM, channel: Served) -> None:
    channel.add("lab-active", "1.0", {"etc/conda/activate.d/lab-active.sh": "export LAB=1\n"})
    for _ in range(2):
        _, _, notices = build(one_vm, conda=channel.wanted("lab-active"))
        assert len(notices) == 1 and "lab-active.sh" in notices[0] and "not run" in notices[0]


def test_a_link_among_the_packages_leads_the_agent_nowhere(one_vm: VM, channel: Served) -> None:
    target = one_vm.root / "victim"
    (target / "activate.d").mkdir(parents=True)
    (target / "activate.d" / "stolen.sh").touch()
    channel.add("lab-link", "1.0", {"etc/conda": f"->{target}"})
    _, _, notices = build(one_vm, conda=channel.wanted("lab-link"))
    assert notices == []


def test_a_build_with_conda_packages_sees_no_data_and_writes_nowhere_but_in_its_environment(
    one_vm: VM, channel: Served
) -> None:
    """A post-link script is foreign code, and it is run as conda runs it."""
    one_vm.data({"record.csv": b"1"})
    script = "#!/bin/sh\nexec > $PREFIX/seen.txt\nls /\nid -u\ntouch /usr/x /opt/x /etc/x 2>&1 | wc -l\n"
    channel.add("lab-spy", "1.0", {"bin/.lab-spy-post-link.sh": script})
    made, _, _ = build(one_vm, conda=channel.wanted("lab-spy"))
    seen = one_vm.run(one_vm.agent(), "cat /env/seen.txt", environment=made["hash"]).text.split()
    assert seen[-2:] == ["65534", "3"] and not {"data", "root", "work", "var", "run"} & set(seen)


def test_the_cuda_of_the_vms_driver_counts_although_a_build_does_not_see_it(
    one_vm: VM, channel: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel.add("lab-gpu", "2.0", {"share/gpu.txt": "gpu\n"}, depends=["__cuda >=12"])
    channel.add("lab-gpu", "1.0", {"share/gpu.txt": "cpu\n"})
    plain, log, _ = build(one_vm, conda=channel.wanted("lab-gpu"))
    assert "lab-gpu 1.0" in log
    driver = tmp_path / "nvidia-smi"
    driver.write_text('#!/bin/sh\n[ -n "$1" ] || echo "| Driver Version: 550.54   CUDA Version: 12.4 |"\n')
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    other, log, _ = build(one_vm, conda=channel.wanted("lab-gpu"))
    assert "lab-gpu 2.0" in log and other["hash"] != plain["hash"]


def test_cancelling_ends_the_build(one_vm: VM, channel: Served) -> None:
    build(one_vm, conda=channel.wanted("lab-low"))
    waiting = threading.Event()

    class Slow(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            waiting.set()
            time.sleep(30)

    with answering(Slow) as port:
        agent = one_vm.agent()
        asked = {"channels": [f"http://127.0.0.1:{port}"], "dependencies": ["lab-low"]}
        stream = agent.stream("environments.build", conda=asked)
        threading.Thread(target=_followed, args=(stream,), daemon=True).start()
        assert waiting.wait(60)
        agent.close()
        end = time.monotonic() + 10
        while [name for name in os.listdir("/proc") if name.isdigit() and _runs_rattler(name)]:
            assert time.monotonic() < end
            time.sleep(0.05)


def _followed(stream: Iterator[object]) -> None:
    with contextlib.suppress(errors.LinkLost):
        next(stream, None)


def _runs_rattler(pid: str) -> bool:
    try:
        words = Path("/proc", pid, "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[:1] == [b"/opt/conda/bin/python"]


def test_what_the_operator_set_for_conda_names_the_channels() -> None:
    condarc = {
        "channel_alias": "http://mirror/",
        "custom_channels": {"own": "http://site/conda/"},
        "default_channels": ["http://a/main", "own"],
        "custom_multichannels": {"both": ["own", "other"]},
    }
    found = {name: conda_install.addresses(name, condarc) for name in ("lab", "own", "own/label/x", "defaults", "both")}
    assert found == {
        "lab": ["http://mirror/lab"],
        "own": ["http://site/conda/own"],
        "own/label/x": ["http://site/conda/own/label/x"],
        "defaults": ["http://a/main", "http://site/conda/own"],
        "both": ["http://site/conda/own", "http://mirror/other"],
    }
    assert conda_install.addresses("lab", {}) == ["lab"] and conda_install.addresses("http://x/y", condarc) == [
        "http://x/y"
    ]
    assert "verify = true" in conda_install.trust({"ssl_verify": False})
    with pytest.raises(conda_install.Unusable, match="ssl_verify"):
        conda_install.trust({"ssl_verify": "/nowhere/ca.pem"})


def test_names_are_resolved_by_the_operators_condarc_on_the_vm(one_vm: VM, channel: Served, etc: Path) -> None:
    (etc / ".condarc").write_text("channel_alias: http://127.0.0.1:9\n")
    address = channel.url.removesuffix("/lab").replace("://", "://me:hunter2@")
    (etc / "condarc").write_text(f"channel_alias: {address}\n")
    made, log, _ = build(one_vm, conda={"channels": ["lab"], "dependencies": ["lab::lab-low"]})
    assert f"Channel {channel.url.replace('://', '://***')}/" in log and "lab-low 2.0" in log
    found = subprocess.run(["grep", "-rl", "hunter2", str(one_vm.root)], capture_output=True, text=True).stdout
    assert found == "", "a password of the operator's is nowhere in what a job reads, nor in a log"
    assert one_vm.run(one_vm.agent(), "cat /env/share/low.txt", environment=made["hash"]).text == "2.0\n"


def test_a_channel_over_https_is_trusted_as_the_operator_says(
    one_vm: VM, channel: Served, etc: Path, tmp_path: Path
) -> None:
    made, context = certs.make(tmp_path, "127.0.0.1"), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    with answering(handler(tmp_path / "channel", []), context) as port:
        asked = {"channels": [f"https://127.0.0.1:{port}/lab"], "dependencies": ["lab-low"]}
        with pytest.raises(errors.BuildError, match="channel cannot be read") as caught:
            build(one_vm, conda=asked)
        assert "certificate" in caught.value.hint
        (etc / "condarc").write_text(f"ssl_verify: {made.root}\n")
        with pytest.raises(errors.BuildError, match="cannot be asked for") as caught:
            build(one_vm, conda=asked)
        assert "put it below /etc/ssl" in caught.value.hint
        shutil.copy(made.root, etc.parent / "ssl" / "lab.pem")
        (etc.parent / "ssl" / "lab.pem").chmod(0o644)
        (etc / "condarc").write_text("ssl_verify: /etc/ssl/lab.pem\n")
        assert "lab-low 2.0" in build(one_vm, conda=asked)[1]


async def test_a_job_file_with_a_conda_file_runs_although_it_names_an_image(home: Path, channel: Served) -> None:
    lab = Lab(home)
    (lab.folder / "conda.yml").write_text(
        f"channels: [{channel.url}, nodefaults]\ndependencies: [lab-top, 'lab-low>=1']\n"
    )
    environment = "environment: {image: any/image:1, conda_file: conda.yml}"
    try:
        launched = await collected(lab.runs.launch(lab.job(f"command: lab-say\n{environment}")))
        notes = [event.text for event in launched if isinstance(event, Notice)]
        assert any("image any/image:1 is not used" in note for note in notes)
        assert text_of(await collected(lab.runs.follow("@latest"))) == "1.2\n"
        again = await collected(lab.runs.rerun("@latest"))
        assert any("was built before" in event.text for event in again if isinstance(event, Notice))
    finally:
        await ended(lab)
