"""Stagings and removals at once, and what they leave: no version is replaced under a run, no receipt says too much."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from core.agent import data, data_folder, data_receipts, data_removal, data_store, folders, stage_disk
from core.agent.locks import free, locked
from core.data.upload import upload
from core.demo.azurite import Storage

from .test_data import filled
from .test_data_store import BY, call, names, versions, whole
from .vm import VM, vm

__all__ = ["vm"]

RECORDS = {"a/one.csv": b"1,2\n", "b/one.csv": b"1,2\n", "c/one.csv": b"1,2\n"}


def test_the_first_of_two_stagings_with_the_same_content_is_not_replaced(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a look whether the version is there and its publication, the disk is waited for: a run may begin."""
    source = dict(filled(storage, RECORDS))
    make_whole, inodes = stage_disk.make_whole, []

    def sealed(*args: Any) -> None:
        monkeypatch.setattr(stage_disk, "make_whole", make_whole)
        make_whole(*args)
        digest = data.stage(call(tmp_path), source, "b/")["digest"]
        inodes.append((tmp_path / "data" / digest / "files" / "one.csv").stat().st_ino)

    monkeypatch.setattr(stage_disk, "make_whole", sealed)
    found = data.stage(call(tmp_path), source, "a/")
    place = tmp_path / "data" / found["digest"]
    assert (
        found["reused"] and [(place / "files" / "one.csv").stat().st_ino] == inodes and names(tmp_path) == [place.name]
    )
    assert [each["within"] for each in data_store.versions(call(tmp_path))[0]["sources"]] == ["b/", "a/"]

    def evicted(*args: Any) -> None:
        make_whole(*args)
        assert data_removal.evict(call(tmp_path), [found["digest"]])["versions"]

    monkeypatch.setattr(stage_disk, "make_whole", evicted)
    again = data.stage(call(tmp_path), source, "c/")
    assert again["digest"] == found["digest"] and not again["reused"] and whole(tmp_path, again["digest"])
    assert names(tmp_path) == [place.name]


def test_a_place_that_has_a_version_is_known_however_often_another_one_changes(
    storage: Storage, tmp_path: Path
) -> None:
    source = dict(filled(storage, RECORDS))
    digest = data.stage(call(tmp_path), source, "a/")["digest"]
    for _ in range(10):
        upload(source, {"b/one.csv": RECORDS["b/one.csv"]})  # the same content under another ETag
        assert data.stage(call(tmp_path), source, "b/")["digest"] == digest
    manifest = json.loads((tmp_path / "data" / digest / "manifest.json").read_text())
    assert len(manifest["sources"]) == 9 and sum(bool(each["etags"]) for each in manifest["sources"]) == 2
    receipt = data_removal.purge(call(tmp_path), ["a/"], BY)["receipt"]
    assert [each["digest"] for each in receipt["versions"]] == [digest] and names(tmp_path) == []


def test_a_full_disk_takes_no_folder_from_under_a_staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tmp_path / "data"
    going, idle = (base / f".tmp-{letter * 16}-0" for letter in "ab")
    for place in (going, idle):
        (place / "files").mkdir(parents=True)
        (base / f".lock-{place.name.split('-')[1]}").touch()
    remove = folders.remove

    def removed(place: str) -> None:
        with free(data_folder.lock_of(str(base), os.path.basename(place).split("-")[1])) as nobody:
            assert not nobody, "a staging could begin there now"
        remove(place)

    monkeypatch.setattr(folders, "remove", removed)
    with locked(call(tmp_path), data_folder.lock_of(str(base), "a" * 16)):
        fault = stage_disk.fault(OSError(errno.ENOSPC, "full"), str(base))
    assert "full" in fault.title and names(tmp_path) == [going.name]


def test_a_receipt_tells_of_stagings_that_share_files_and_of_what_could_not_be_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = versions(tmp_path, {"x.csv": b"1"}, {"x.csv": b"2"})
    family = data_folder.family("https://s/c", "a/")
    begun = {family: "a/", "c" * 16: "", "d" * 16: "elsewhere/", "e" * 16: None}
    for name, within in begun.items():
        place = tmp_path / "data" / f".tmp-{name}-0"
        (place / "files").mkdir(parents=True)
        (place / "about.json").write_text(json.dumps({"path": within, "within": within, "since": 1.0}))
    os.link(tmp_path / "data" / first / "files" / "x.csv", tmp_path / "data" / f".tmp-{family}-0" / "files" / "x.csv")
    receipt = data_removal.purge(call(tmp_path), [first], BY)["receipt"]
    assert {each["name"] for each in receipt["remained"]} == {f".tmp-{each}-0" for each in (family, "c" * 16, "e" * 16)}
    told = [each["do"].split()[-1] for each in receipt["remained"]] + [f".tmp-{'d' * 16}-0"]
    assert data_removal.purge(call(tmp_path), told, BY)["receipt"]["remained"] == []

    delete = data_removal._delete
    monkeypatch.setattr(data_removal, "_delete", lambda *_: "Device or resource busy")
    done = data_removal.purge(call(tmp_path), [second], BY)
    assert [each["what"] for each in done["receipt"]["remained"]] == ["rest"] and done["receipt"]["versions"] == []
    later = data_removal.purge(call(tmp_path), [], BY)["receipt"]
    assert [(each["what"], each["name"]) for each in later["remained"]] == [("rest", second)]

    (third,) = versions(tmp_path, {"y.csv": b"3"})
    (tmp_path / "agent.log").write_text("FileNotFoundError: ward/3/mueller.csv")
    ended = data_receipts.ended
    monkeypatch.setattr(data_receipts, "ended", lambda *_: {})  # it is killed before
    data_removal.purge(call(tmp_path), [third], BY)
    monkeypatch.setattr(data_receipts, "ended", ended)
    data_removal.evict(call(tmp_path), [])
    settled = data_receipts.read(str(tmp_path))[-1]
    assert settled["ended"] and settled["versions"] == [] and third in {each["name"] for each in settled["remained"]}
    monkeypatch.setattr(data_removal, "_delete", delete)
    assert data_removal.purge(call(tmp_path), [], BY)["receipt"]["remained"] == []
    (tmp_path / "snapshots" / ("5" * 64)).mkdir(parents=True)  # a launch with `path: data` of a computer
    assert [each["what"] for each in data_removal.purge(call(tmp_path), [], BY)["receipt"]["remained"]] == ["sent"]
    (fourth,) = versions(tmp_path, {"y.csv": b"4"})
    assert [each["what"] for each in data_removal.purge(call(tmp_path), [fourth], BY)["receipt"]["remained"]] == ["log"]


def test_an_agent_that_held_a_credential_is_closed_and_runs_jobs_as_before(vm: VM) -> None:
    credential = "sv=2018-11-09&sr=c&sp=rl&sig=c2VjcmV0"
    source = {"endpoint": "https://ward.example:9", "address": "127.0.0.1", "container": "c", "credential": credential}
    agent = vm.agent()
    assert os.stat(f"/proc/{agent.pid}/environ").st_uid == (0 if vm.is_root else os.stat(vm.root).st_uid)
    assert list(agent.stream("data.check", source=source))
    assert os.stat(f"/proc/{agent.pid}/environ").st_uid == 0, "the kernel gives it to root: nobody else may look"
    digest = vm.data({"x.csv": b"1\n"})
    done = vm.run(agent, "cat /data/x/x.csv", inputs={"x": {"digest": digest, "kind": "uri_folder", "path": ""}})
    assert (done.text, done.states[-1]) == ("1\n", "completed")
