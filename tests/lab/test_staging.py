"""Staging over several connections: what is fetched, what is linked, what is kept, and what is said of it."""

from __future__ import annotations

import hashlib
import json
import os
import ssl
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.agent import data_manifests, data_store, fetch_journal, fetch_large, fetch_pool, fetch_rate, stage_disk
from core.agent.call import Call, Cancelled
from core.agent.faults import Fault

from .front import StrictFront
from .front_faults import ALWAYS, Action, Faults
from .made_up import Blob, Container, given, many
from .staged_here import StagedHere

BLOCK = 128 * 1024
LARGE = Blob("deep/er/large.bin", 10 * BLOCK + 77)
SMALL = [Blob("a/one.bin", 5000), Blob("a/two.bin", 70_000, md5=False), given("a/empty", b""), given("readme", b"x")]


@pytest.fixture
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StagedHere]:
    """Small blocks, short waits, one large blob and some small ones."""
    monkeypatch.setattr(fetch_large, "BLOCK", BLOCK)
    monkeypatch.setattr(fetch_rate, "FIRST_WAIT_S", 0.001)
    front = StrictFront(folder=home)
    yield StagedHere(home / "vm", front, Container([LARGE, *SMALL]))
    front.stop()
    assert [each.name for each in threading.enumerate() if "_fetch" in each.name or "_hash" in each.name] == []


@pytest.mark.parametrize("key", [False, True], ids=["sas", "key"])
def test_all_of_it_comes_over_several_connections_and_is_read_only(here: StagedHere, key: bool) -> None:
    result = here.stage(key=key)
    truth = here.container.truth()
    assert here.files(result["digest"]) == truth
    total = LARGE.size + 75_001
    assert (result["files"], result["bytes"], result["fetched"], result["linked"]) == (5, total, total, 0)
    assert len({entry.connection for entry in here.front.faults.log}) > 1
    lines = sorted(f"{path}\0{here.container._blobs[path].size}\0{sha}\n" for path, sha in truth.items())
    assert result["digest"] == hashlib.sha256("".join(lines).encode()).hexdigest() != result["listing"]
    for path in (here.data / result["digest"] / "files").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o555 if path.is_dir() else 0o444), path
    last = here.events[-1]
    assert (last["event"], last["done"], last["total"]) == ("progress", total, total)
    here.front.well()
    again = here.stage(key=key)
    assert again["reused"] and (again["digest"], again["listing"]) == (result["digest"], result["listing"])
    assert (again["fetched"], again["linked"], len(here.front.faults.seen)) == (0, total, 1)


def test_what_a_staged_version_has_is_linked_and_only_what_changed_is_fetched(here: StagedHere) -> None:
    first = here.stage()
    here.front.well()
    one = here.stage("deep/er/large.bin")
    assert here.asked() == [] and (one["fetched"], one["linked"]) == (0, LARGE.size)
    inodes = {
        os.stat(here.data / first["digest"] / "files" / LARGE.name).st_ino,
        os.stat(here.data / one["digest"] / "files" / "large.bin").st_ino,
    }
    assert len(inodes) == 1 and one["digest"] != first["digest"]
    here.container.change("a/two.bin")
    changed = here.stage()
    assert here.asked() == [("a/two.bin", "")] and changed["fetched"] == 70_000
    assert here.files(changed["digest"]) == here.container.truth() != here.files(first["digest"])
    assert len(here.visible()) == 3


@pytest.mark.parametrize("name", [LARGE.name, "a/one.bin"])
def test_a_blob_that_is_not_what_its_md5_says_comes_once_more(here: StagedHere, name: str) -> None:
    here.front.faults = Faults(corrupt=1, only=name)
    result = here.stage()
    assert here.files(result["digest"]) == here.container.truth()
    times = [range_ for asked, range_ in here.asked() if asked == name]
    assert len(times) == 2 * len(set(times))  # all of it
    here.container.change(name)
    here.front.faults = Faults(corrupt=ALWAYS, only=name)
    with pytest.raises(Fault, match="Content-MD5"):
        here.stage()
    assert here.visible() == [result["digest"]]


def cancelled(here: StagedHere, number: int) -> None:
    """A staging that ends, by its client, when so many downloads were asked for, each of which takes its time."""
    call: list[Call] = []
    here.heard = lambda now, _event: call.append(now)
    here.front.faults = Faults(bytes_per_s=3e5, when={number: lambda: call[0].cancel()})
    with pytest.raises(Cancelled):
        here.stage()
    here.heard = lambda _call, _event: None
    here.front.well()
    assert here.visible() == []


def kept_blocks(here: StagedHere) -> set[int]:
    with open(here.partial() / fetch_journal.NAME) as file:
        lines = [json.loads(line) for line in file if line.strip()]
    return {line[4] for line in lines if isinstance(line, list) and line[0] == "block"}


def test_the_next_one_goes_on_at_the_blocks_that_are_here(
    here: StagedHere, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.hold(Container([LARGE]))
    cancelled(here, 11)
    kept = kept_blocks(here)
    assert kept and len(kept) < 11
    result = here.stage()
    asked = {int(range_[6:].split("-")[0]) // BLOCK for _, range_ in here.asked()}
    assert asked == set(range(11)) - kept and here.files(result["digest"]) == here.container.truth()
    assert result["fetched"] < LARGE.size


def test_after_a_crash_of_the_vm_what_is_torn_is_fetched_again(
    here: StagedHere, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boot = home / "boot_id"
    boot.write_text("one\n")
    monkeypatch.setattr(fetch_journal, "BOOT", str(boot))
    cancelled(here, 12)
    lines = [json.loads(line) for line in (here.partial() / fetch_journal.NAME).read_text().splitlines() if line]
    prefix = max(line[4] for line in lines if isinstance(line, list) and line[0] == "prefix")
    whole = [line[1] for line in lines if isinstance(line, list) and line[0] == "file"]
    assert prefix >= 3 and whole
    boot.write_text("two\n")
    with open(here.partial() / "files" / LARGE.name, "r+b") as file:
        file.seek(2 * BLOCK + 5)
        file.write(bytes(4096))
    torn = here.partial() / "files" / whole[0]
    torn.chmod(0o600)
    torn.write_bytes(b"\0" * torn.stat().st_size)
    result = here.stage()
    assert here.files(result["digest"]) == here.container.truth()
    asked = here.asked()
    blocks = sorted(int(range_[6:].split("-")[0]) // BLOCK for name, range_ in asked if name == LARGE.name)
    assert blocks == list(range(2, 11)) and (whole[0], "") in asked
    assert not {name for name, _ in asked} & set(whole[1:])


def test_an_etag_that_comes_back_does_not_bring_back_what_was_noted_of_it(here: StagedHere) -> None:
    """Else the manifest, and so the digest, would tell of bytes that are not there."""
    cancelled(here, 12)
    lines = [json.loads(line) for line in (here.partial() / fetch_journal.NAME).read_text().splitlines() if line]
    name = next(line[1] for line in lines if isinstance(line, list) and line[0] == "file" and line[3])
    before = dict(here.container._blobs)
    here.container.change(name)
    here.container.change(LARGE.name)
    cancelled(here, 10)
    place = here.partial() / "files" / name
    place.unlink(missing_ok=True)
    place.write_bytes(bytes(before[name].size))  # as an agent leaves it that is killed before it notes what came
    here.container._blobs.update(before)
    result = here.stage()
    assert here.files(result["digest"]) == here.container.truth()


def test_a_blob_that_is_replaced_meanwhile_is_listed_again_once(here: StagedHere) -> None:
    here.front.faults = Faults(when={5: lambda: here.container.change(LARGE.name)})
    result = here.stage()
    assert here.files(result["digest"]) == here.container.truth()
    assert [event["text"] for event in here.events if event["event"] == "notice"] == [
        "a blob was changed meanwhile: the container is listed again"
    ]
    here.container.change("a/one.bin")
    change: Action = lambda: here.container.change("a/one.bin")  # noqa: E731
    changes = dict.fromkeys(range(1, 20), change)
    here.front.faults = Faults(when=changes)
    with pytest.raises(Fault, match="changed while they are read"):
        here.stage()
    assert here.visible() == [result["digest"]]


def test_a_busy_service_is_asked_less_and_one_that_stays_busy_is_named(here: StagedHere) -> None:
    here.front.faults = Faults(when={2: lambda: setattr(here.front.faults, "busy", 7)}, retry_after="0")
    result = here.stage()
    assert here.files(result["digest"]) == here.container.truth()
    said = [event["text"] for event in here.events if event["event"] == "notice"]
    assert "ServerBusy" in said[0] and "4 connections" in said[0]
    here.container.change(LARGE.name)
    here.front.faults = Faults(when={2: lambda: setattr(here.front.faults, "busy", ALWAYS)}, retry_after="0")
    with pytest.raises(Fault, match="is busy"):
        here.stage()


def test_a_credential_that_ends_meanwhile_keeps_what_came(here: StagedHere) -> None:
    here.front.faults = Faults(expires_after=6)
    with pytest.raises(Fault, match="does not accept the credential") as refused:
        here.stage()
    facts = refused.value.facts
    assert facts["status"] == 403 and 0 < int(str(facts["kept"])) < int(str(facts["total"]))
    assert "are kept" in refused.value.hint and here.visible() == []
    here.front.well()
    result = here.stage()
    assert 0 < result["fetched"] < result["bytes"] and here.files(result["digest"]) == here.container.truth()


def test_a_connection_that_stays_broken_shows_nothing_and_is_taken_up_later(here: StagedHere) -> None:
    here.front.faults = Faults(cut_after=[60_000] + [0] * 500, only="large")
    with pytest.raises(Fault, match="connection to the storage service broke"):
        here.stage()
    assert here.visible() == []
    here.front.well()
    result = here.stage()
    assert here.files(result["digest"]) == here.container.truth()
    assert {name for name, _ in here.asked()} <= {LARGE.name, "readme"}


def test_what_another_listing_left_is_used_where_it_is_the_same(here: StagedHere) -> None:
    cancelled(here, 12)
    here.container.remove("readme")
    here.container.put(given("a/new", b"new"))
    result = here.stage()
    assert here.files(result["digest"]) == here.container.truth() and not list(here.data.glob(".tmp-*"))
    assert ("a/one.bin", "") not in here.asked()


def test_room_is_made_sure_of_to_the_block_less_what_is_linked(
    here: StagedHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.stage("deep/")
    real = os.statvfs

    def nearly_full(path: Any) -> Any:
        found = list(real(path))
        found[4] = (stage_disk.RESERVE + 80 * 1024) // found[1]  # f_bavail, f_frsize
        return os.statvfs_result(found)

    monkeypatch.setattr(os, "statvfs", nearly_full)
    here.stage("a/")  # 5000 and 70,000 bytes are 80 KB of blocks
    here.container.put(Blob("a/more.bin", 90_000))
    with pytest.raises(Fault, match="no room") as full:
        here.stage()
    assert full.value.facts == {"needed": 90_112 + 4096, "free": 80 * 1024}


@pytest.fixture
def small_disk(here: StagedHere) -> Iterator[Path]:
    """8 MB, as a file system of its own."""
    if os.geteuid() != 0:
        pytest.skip("a small file system needs root")
    here.data.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(here.data)], check=True)
    yield here.data
    subprocess.run(["umount", "-l", str(here.data)], check=True)


def test_a_disk_that_becomes_full_leaves_nothing(
    here: StagedHere, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.hold(Container([Blob("big.bin", 20_000_000), *many(10)]))
    monkeypatch.setattr(stage_disk, "make_sure_of_room", lambda *_: None)  # somebody else takes the room
    with pytest.raises(Fault, match="became full"):
        here.stage()
    assert [name for name in os.listdir(small_disk) if not name.startswith(".lock")] == []


@pytest.mark.parametrize("torn", [lambda _: "", lambda text: text.replace('"files"', '"fils"'), lambda text: text[:-9]])
def test_a_version_whose_manifest_is_broken_is_replaced(here: StagedHere, torn: Callable[[str], str]) -> None:
    digest = here.stage("a/")["digest"]
    manifest = here.data / digest / data_manifests.MANIFEST
    manifest.write_text(torn(manifest.read_text()))
    assert here.stage("a/")["digest"] == digest
    assert here.files(digest) == here.container.truth("a/") and here.visible() == [digest]
    assert not list(here.data.glob(".gone-*")) and fetch_pool.ATTEMPTS > 1


def listed(here: StagedHere) -> list[tuple[str, str]]:
    items = data_store.list(Call(1, "data.list", str(here.root), lambda *_: None))["items"]
    return [(item["digest"], item["path"]) for item in items]


def test_what_was_staged_last_is_the_first_of_the_list(here: StagedHere) -> None:
    """A container that has its older content again, under its old ETags or as another folder's."""
    older = here.stage("a/")["digest"]
    here.container.change("a/two.bin")
    newer = here.stage("a/")["digest"]
    assert listed(here) == [(newer, "a/"), (older, "a/")]
    here.hold(Container([*SMALL, *(given(each.name.replace("a/", "copy/"), b"".join(each.read())) for each in SMALL)]))
    assert here.stage("a/")["reused"] and listed(here) == [(older, "a/"), (newer, "a/")]
    here.stage("readme")
    assert here.stage("copy/")["digest"] == older and listed(here)[0] == (older, "copy/")
    assert here.stage("a/")["reused"] and listed(here)[0] == (older, "a/")


def test_a_fault_of_the_disk_is_no_broken_connection() -> None:
    gone, torn = FileNotFoundError(2, "No such file or directory", "/vm/data/x"), ssl.SSLSyscallError(5, "EOF")
    assert (
        stage_disk.fault(gone, "/vm/data").title == "/vm/data/x cannot be read or written (No such file or directory)"
    )
    assert "the connection to the storage service broke" in stage_disk.fault(torn, "/vm/data").title
