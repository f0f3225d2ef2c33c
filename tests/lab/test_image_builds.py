"""What builds an image: it ends when nobody wants it any more, and it has its limits meanwhile."""

from __future__ import annotations

import contextlib
import fcntl
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.agent import images, processes, resources
from core.agent.docker_api import Docker

from .agent_process import AgentProcess, Message
from .dockerd import IMAGE, Dockerd, dockerd, one_dockerd
from .test_agent_environments import hostile, serving, wheel
from .test_agent_snapshots import member, put, tar
from .test_runner import until
from .vm import VM, one_vm

__all__ = ["dockerd", "one_dockerd", "one_vm"]

pytestmark = pytest.mark.timeout(180)

SILENT = "import time\ntime.sleep(400)\n"


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[str]:
    """The requirements of a package whose build says nothing for minutes."""
    hostile(tmp_path / "index", SILENT)
    with serving(tmp_path / "index") as line:
        yield line + "hostile\n"


def begun(daemon: Dockerd, agent: AgentProcess, requirements: str) -> Iterator[Message]:
    """A build of which pip will say nothing any more."""
    before = ids(daemon)
    stream = agent.stream("environments.build", image=IMAGE, requirements=requirements)
    until(
        lambda: any(b"in_process" in words for each in ids(daemon) - before for words in _words(each)),
        "the installer",
        60,
    )
    next(stream)
    time.sleep(1)  # the agent waits for pip's next word
    return stream


def _words(container: str) -> Iterator[bytes]:
    """The command line of each process of it."""
    for pid in processes.in_cgroup(container):
        with contextlib.suppress(OSError):  # it has gone
            yield Path(f"/proc/{pid}/cmdline").read_bytes()


def ids(daemon: Dockerd) -> set[str]:
    return {str(each["Id"]) for each in daemon.containers()}


def host_config(daemon: Dockerd) -> dict[str, Any]:
    (identity,) = ids(daemon)
    found: dict[str, Any] = daemon.api.call("GET", f"/containers/{identity}/json")["HostConfig"]
    return found


def test_a_cancel_ends_an_installer_that_says_nothing_and_frees_the_lock(
    one_vm: VM, dockerd: Dockerd, silent: str
) -> None:
    stream = begun(dockerd, one_vm.agent(), silent)
    assert len(ids(dockerd)) == 1
    stream.close()  # type: ignore[attr-defined]
    until(lambda: not ids(dockerd), "no container is left", 8)
    (lock,) = (one_vm.root / "environments").glob(".lock-*")
    with lock.open() as file:
        until(lambda: _locks(file.fileno()), "the lock", 2)


def _locks(fd: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def test_an_installer_has_its_limits(one_vm: VM, dockerd: Dockerd, silent: str) -> None:
    stream = begun(dockerd, one_vm.agent(), silent)
    found = host_config(dockerd)
    assert found["Memory"] == resources.for_jobs() > 0
    assert (found["PidsLimit"], found["CpuShares"], found["OomScoreAdj"]) == (4096, 128, 500)
    assert found["CapDrop"] == ["ALL"] and found["SecurityOpt"] == ["no-new-privileges"]
    assert sorted(name.replace("CAP_", "") for name in found["CapAdd"]) == ["CHOWN", "DAC_OVERRIDE", "FOWNER"]
    stream.close()  # type: ignore[attr-defined]
    until(lambda: not ids(dockerd), "no container is left", 8)


def test_a_step_of_a_dockerfile_has_its_limits_and_ends_with_a_cancel(one_vm: VM, dockerd: Dockerd) -> None:
    agent = one_vm.agent()
    digest = put(agent, tar((member("Dockerfile"), f"FROM {IMAGE}\nRUN sleep 400\n".encode())))
    stream = agent.stream("environments.build", context={"digest": digest, "dockerfile": "Dockerfile"})
    while "sleep 400" not in str(next(stream)):
        pass
    until(lambda: ids(dockerd), "a container", 20)
    found = host_config(dockerd)
    assert found["Memory"] == resources.for_jobs() > 0 and found["CpuShares"] == 128
    time.sleep(1)
    stream.close()  # type: ignore[attr-defined]
    until(lambda: not ids(dockerd), "no container is left", 15)


def _made(daemon: Dockerd, image: str, labels: dict[str, str]) -> str:
    return str(daemon.api.call("POST", "/containers/create", {"Image": image, "Cmd": ["true"], "Labels": labels})["Id"])


def test_what_installs_for_nobody_is_removed_by_the_next_build_or_prune(
    one_vm: VM, dockerd: Dockerd, silent: str
) -> None:
    other = _made(dockerd, IMAGE, {images.LABEL: "0" * 64, images.ROOT_LABEL: f"{one_vm.root}/other"})
    left = one_vm.agent()
    builds = [begun(dockerd, left, silent)]  # one that is let go is cancelled
    left.kill()
    (orphan,) = ids(dockerd) - {other}
    wanted = one_vm.agent()
    builds.append(begun(dockerd, wanted, silent + "six\n"))
    (going,) = ids(dockerd) - {orphan, other}
    assert ids(dockerd) == {going, other}, "by a build of something else"
    one_vm.agent().call("environments.prune", older_s=1e9, wanted=[])
    assert ids(dockerd) == {going, other}, "what is built is left alone, and what another root has"
    wanted.kill()
    assert dockerd.api.call("GET", f"/containers/{going}/json")["State"]["Running"]
    one_vm.agent().call("environments.prune", older_s=1e9, wanted=[])
    assert ids(dockerd) == {other}
    for _ in range(2):
        again = one_vm.agent()
        builds.append(begun(dockerd, again, silent))
        again.kill()
        assert len(ids(dockerd)) == 2, "by a build of the same"


def test_a_container_of_an_image_that_was_built_here_is_not_one_that_installs(
    one_vm: VM, dockerd: Dockerd, tmp_path: Path
) -> None:
    folder = tmp_path / "index" / "lab-package"
    folder.mkdir(parents=True)
    wheel(folder, "lab_package", "")
    agent = one_vm.agent()
    with serving(tmp_path / "index") as line:
        built = agent.call("environments.build", image=IMAGE, requirements=line + "lab-package\n")
    image = json.loads((Path(built["path"]) / "environment.json").read_text())["image"]
    mine = _made(dockerd, image, {})
    assert dockerd.api.call("GET", f"/containers/{mine}/json")["Config"]["Labels"][images.LABEL] == built["hash"]
    agent.call("environments.prune", older_s=1e9, wanted=[])
    assert ids(dockerd) == {mine}


def test_silence_is_told_to_whoever_waits_and_ends_the_connection(tmp_path: Path) -> None:
    """A line, nothing for a while, and a line: what is read is whole, or ends by what `idle` raises."""
    import socket

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "docker.sock"))
        listener.listen(4)
        ended = threading.Event()

        def serve() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"a": 1}\r\n')
                    ended.wait(1.3)
                    try:
                        connection.sendall(b'9\r\n\n{"b": 2}\r\n0\r\n\r\n')
                        connection.settimeout(10)
                        while connection.recv(4096):
                            pass
                    except OSError:
                        pass
            ended.set()

        threading.Thread(target=serve, daemon=True).start()
        docker = Docker(str(tmp_path / "docker.sock"))
        told: list[int] = []
        assert list(docker.lines("GET", "/version", idle=lambda: told.append(1))) == [{"a": 1}, {"b": 2}]
        assert len(told) == 2

        class Enough(Exception):
            pass

        def enough() -> None:
            raise Enough

        with pytest.raises(Enough):
            list(docker.text("/version", enough))
        assert ended.wait(5)
