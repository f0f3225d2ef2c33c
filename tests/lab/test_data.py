"""The agent against a real storage service: every link broken in turn, and staging that can be trusted."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from core import errors
from core.data.upload import upload
from core.demo.azurite import Storage
from tests.pythons import oldest

from .agent_process import AgentProcess
from .azurite import NEWEST, Described
from .front import StrictFront
from .staged_files import shown


@pytest.fixture
def agent(home: Path) -> Iterator[AgentProcess]:
    with AgentProcess(home / "vm", python=oldest()) as process:
        yield process


@pytest.fixture
def described(storage: Storage) -> Described:
    return filled(storage, {"a/one.csv": b"1,2\n3,4\n", "a/two.csv": b"5,6\n", "b.txt": b"b"})


def filled(storage: Storage, files: Mapping[str, bytes]) -> Described:
    """A new container with `files`."""
    found = storage.described("t" + uuid.uuid4().hex)
    upload(found, files)
    return found


def files(agent: AgentProcess, digest: str) -> dict[str, bytes]:
    base = agent.root / "data" / digest / "files"
    return {str(path.relative_to(base)): path.read_bytes() for path in base.rglob("*") if path.is_file()}


def visible(agent: AgentProcess) -> list[str]:
    return shown(agent.root / "data")


def test_a_folder_is_staged_read_only_under_the_digest_of_its_content(
    agent: AgentProcess, described: Described
) -> None:
    result = agent.call("data.stage", source=described, path="a/")
    content = {"one.csv": b"1,2\n3,4\n", "two.csv": b"5,6\n"}
    lines = [f"{path}\0{len(data)}\0{hashlib.sha256(data).hexdigest()}\n" for path, data in sorted(content.items())]
    assert result["digest"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert files(agent, result["digest"]) == content
    assert (result["files"], result["bytes"], result["path"], result["reused"]) == (2, 12, "a/", False)
    modes = [path.stat().st_mode for path in (agent.root / "data" / result["digest"] / "files").rglob("*")]
    assert not any(mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) for mode in modes)


def test_one_blob_is_staged_by_its_base_name_and_a_prefix_is_the_sites(
    agent: AgentProcess, described: Described
) -> None:
    one = agent.call("data.stage", source={**described, "prefix": "a"}, path="two.csv")
    assert files(agent, one["digest"]) == {"two.csv": b"5,6\n"}
    whole = agent.call("data.stage", source=described, path="")
    assert set(files(agent, whole["digest"])) == {"a/one.csv", "a/two.csv", "b.txt"}
    listed = agent.call("data.list")["items"]
    assert {(item["digest"], item["path"]) for item in listed} == {(one["digest"], "two.csv"), (whole["digest"], "")}


def test_what_is_unchanged_is_not_fetched_again_and_a_change_is_a_new_version(
    agent: AgentProcess, described: Described, front: StrictFront
) -> None:
    old = front.described(described["container"])
    first = agent.call("data.stage", source=old, path="a/")
    front.faults.seen.clear()
    again = agent.call("data.stage", source=old, path="a/")
    assert again["reused"] and again["digest"] == first["digest"] and front.faults.downloads == []
    upload(described, {"a/two.csv": b"7,8\n"})
    changed = agent.call("data.stage", source=old, path="a/")
    assert not changed["reused"] and visible(agent) == sorted([first["digest"], changed["digest"]])
    upload(described, {"a/two.csv": b"5,6\n"})  # the old content under a new ETag
    back = agent.call("data.stage", source=old, path="a/")
    assert back["reused"] and back["digest"] == first["digest"]


def test_nothing_at_the_path_is_an_error_and_leaves_nothing(agent: AgentProcess, described: Described) -> None:
    with pytest.raises(errors.UsageError, match="nothing at"):
        agent.call("data.stage", source=described, path="c/")
    with pytest.raises(errors.UsageError, match="nothing at"):
        agent.call("data.stage", source=described, path="a")  # a folder without its "/"
    assert visible(agent) == []


def test_blobs_are_listed_over_pages_and_staged(agent: AgentProcess, storage: Storage, front: StrictFront) -> None:
    content = {f"many/{number:05}.txt": str(number).encode() for number in range(61)}
    source = front.described(filled(storage, content)["container"])
    front.faults.page = 20
    result = agent.call("data.stage", source=source, path="many/")
    assert files(agent, result["digest"]) == {name.removeprefix("many/"): text for name, text in content.items()}
    markers = ["marker=" in path for path, version, _ in front.faults.seen if "comp=list" in path and version <= NEWEST]
    assert markers == [False, True, True, True] and result["files"] == 61


def test_legal_names_arrive_as_they_are(agent: AgentProcess, storage: Storage) -> None:
    names = [
        "with space.csv",
        "ümläut/日本.csv",
        "100%.csv",
        "a+b&c=d#e?.csv",
        "%2e%2e.csv",
        "empty.csv",
        "…/.hidden",
        "'~;",
    ]
    content = {name: b"" if name == "empty.csv" else name.encode() for name in names}
    result = agent.call("data.stage", source=filled(storage, content), path="")
    assert files(agent, result["digest"]) == content


@pytest.mark.parametrize("name", ["a/../../evil", "..", "a//b", "/etc/evil", "a\x7fb", "x" * 300, "./a"])
def test_names_that_no_folder_can_hold_are_refused(name: str) -> None:
    from core.agent.blob_list import Blob
    from core.agent.faults import Fault
    from core.agent.stage_plan import relative

    with pytest.raises(Fault) as refused:
        relative([Blob("ok", 1, "e"), Blob(name, 1, "e")], 0)
    assert refused.value.code == "data"


def test_a_cut_download_goes_on_at_the_byte(agent: AgentProcess, storage: Storage, front: StrictFront) -> None:
    content = secrets.token_bytes(3_000_000)
    source = front.described(filled(storage, {"big.bin": content})["container"])
    front.faults.cut_after = [1_000_000, 500_000]
    result = agent.call("data.stage", source=source, path="big.bin")
    assert files(agent, result["digest"]) == {"big.bin": content}
    ranges = [range_ for _, _, range_ in front.faults.downloads if range_]
    assert ranges == ["bytes=1000000-2999999", "bytes=1500000-2999999"]


def test_an_agent_killed_while_staging_leaves_what_the_next_one_uses(
    home: Path, storage: Storage, front: StrictFront
) -> None:
    content = {f"{number}.bin": secrets.token_bytes(200_000) for number in range(4)}
    source = front.described(filled(storage, content)["container"])
    front.faults.bytes_per_s = 100_000  # it goes on while it is killed
    with AgentProcess(home / "vm", python=oldest()) as first:
        stream = first.stream("data.stage", source=source, path="")
        assert next(message for message in stream if isinstance(message, dict))["event"] == "progress"
        first.process.kill()
        with pytest.raises(errors.LinkLost):
            list(stream)
        assert visible(first) == []
    front.well()
    with AgentProcess(home / "vm", python=oldest()) as second:
        result = second.call("data.stage", source=source, path="")
        assert files(second, result["digest"]) == content


def test_two_stagings_at_once_share_the_work(agent: AgentProcess, storage: Storage, front: StrictFront) -> None:
    content = {f"{number}.bin": secrets.token_bytes(50_000) for number in range(10)}
    source = front.described(filled(storage, content)["container"])
    streams = [agent.stream("data.stage", source=source, path="") for _ in range(2)]
    ends = [next(m for m in stream if isinstance(m, dict) and "result" in m)["result"] for stream in streams]
    assert ends[0]["digest"] == ends[1]["digest"] and sorted(end["reused"] for end in ends) == [False, True]
    assert len(front.faults.downloads) == 10


def test_the_credential_is_nowhere_on_the_vm(agent: AgentProcess, described: Described) -> None:
    agent.call("data.stage", source=described, path="")
    secret = described["credential"].encode()
    everything = [path for path in agent.root.rglob("*") if path.is_file()]
    assert everything and not [path for path in everything if secret in path.read_bytes()]
    process = Path("/proc") / str(agent.pid)
    assert secret not in (process / "cmdline").read_bytes() + (process / "environ").read_bytes()


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """32 MB, as a file system of its own."""
    if os.geteuid() != 0:
        pytest.skip("a small file system needs root")
    place = home / "vm" / "data"
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_too_little_disk_is_said_before_anything_is_fetched(
    small_disk: Path, storage: Storage, front: StrictFront, home: Path
) -> None:
    source = front.described(filled(storage, {"big.bin": bytes(20_000_000)})["container"])
    with AgentProcess(home / "vm", python=oldest()) as agent:
        with pytest.raises(errors.DataError, match="no room"):
            agent.call("data.stage", source=source, path="")
        assert front.faults.downloads == [] and visible(agent) == []
