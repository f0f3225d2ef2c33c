"""Snapshots on a real agent: what arrives is what was sent, and cannot leave its folder."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator

import pytest

from core import errors

from .agent_process import AgentProcess
from .vm import VM, one_vm, vm

__all__ = ["one_vm", "vm"]


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, link, mode
    return made


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, text in members:
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    return out.getvalue()


def chunks(data: bytes, size: int = 1000) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def put(agent: AgentProcess, content: bytes, digest: str | None = None) -> str:
    digest = digest or hashlib.sha256(content).hexdigest()
    agent.call("snapshots.put", digest=digest, upload=chunks(gzip.compress(content)))
    return digest


def test_a_snapshot_is_unpacked_once_and_a_job_works_on_a_copy(vm: VM) -> None:
    agent = vm.agent()
    content = tar(
        (member("src", tarfile.DIRTYPE, mode=0o755), b""),
        (member("src/run.sh", mode=0o755), b"#!/bin/sh\necho ran; echo changed > src/a.txt; cat link\n"),
        (member("src/a.txt"), b"original\n" * 100_000),
        (member("link", tarfile.SYMTYPE, "src/a.txt"), b""),
    )
    assert agent.call("snapshots.have", digest=hashlib.sha256(content).hexdigest()) == {"have": False}
    digest = put(agent, content)
    assert agent.call("snapshots.have", digest=digest) == {"have": True}
    assert agent.call("snapshots.put", digest=digest, upload=chunks(gzip.compress(content))) == {"reused": True}
    for _ in range(2):
        assert vm.run(agent, "./src/run.sh", snapshot=digest).text == "ran\nchanged\n"
    assert (vm.root / "snapshots" / digest / "src" / "a.txt").read_bytes() == b"original\n" * 100_000
    assert sorted(os.listdir(vm.root / "snapshots")) == [digest]


@pytest.mark.parametrize(
    "members",
    [
        [(member("../out"), b"x")],
        [(member("/tmp/trainshed-out"), b"x")],
        [(member("a/../../out"), b"x")],
        [(member("link", tarfile.SYMTYPE, "/etc/passwd"), b"")],
        [(member("link", tarfile.SYMTYPE, "../.."), b"")],
        [(member("here", tarfile.SYMTYPE, "."), b""), (member("up", tarfile.SYMTYPE, "here/.."), b"")],
        [(member("link", tarfile.SYMTYPE, "sub"), b""), (member("link/x"), b"x")],
        [(member("a"), b"x"), (member("hard", tarfile.LNKTYPE, "a"), b"")],
        [(member("fifo", tarfile.FIFOTYPE), b"")],
        [(member("null", tarfile.CHRTYPE), b"")],
        [(member("a"), b"x"), (member("a"), b"y")],
    ],
)
def test_what_would_leave_its_folder_or_is_no_file_is_refused(
    one_vm: VM, members: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    with pytest.raises(errors.RunError, match="the snapshot has"):
        put(one_vm.agent(), tar(*members))
    assert os.listdir(one_vm.root / "snapshots") == []
    assert not os.path.exists("/tmp/trainshed-out") and not (one_vm.root / "out").exists()


def test_content_that_is_not_what_its_digest_says_is_refused(one_vm: VM) -> None:
    agent = one_vm.agent()
    content = tar((member("a"), b"x"))
    with pytest.raises(errors.RunError, match="another content"):
        put(agent, content, "0" * 64)
    with pytest.raises(errors.RunError, match="incomplete"):
        packed = gzip.compress(content)[:-30]
        agent.call("snapshots.put", digest=hashlib.sha256(content).hexdigest(), upload=chunks(packed))
    with pytest.raises(errors.RunError, match="not a gzip"):
        agent.call("snapshots.put", digest="0" * 64, upload=[b"nothing of the kind"])
    with pytest.raises(errors.RunError, match="not a tar"):
        put(agent, b"x" * 2000)
    with pytest.raises(errors.RunError, match="not a digest"):
        agent.call("snapshots.have", digest="../..")
    assert os.listdir(one_vm.root / "snapshots") == []
