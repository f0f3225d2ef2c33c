"""What is staged on a VM: listed with who needs it, evicted and purged whole or not at all, with a true receipt."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core import errors
from core.agent import (
    data_choice,
    data_folder,
    data_manifests,
    data_receipts,
    data_removal,
    data_sizes,
    data_store,
    runs,
    stage_plan,
)
from core.agent.call import Call
from core.agent.locks import free, locked
from core.data.upload import upload
from core.demo.azurite import Storage
from tests.pythons import oldest

from .agent_process import AgentProcess
from .azurite import Described
from .front import StrictFront
from .test_data import filled
from .test_runner import running
from .vm import VM, new_ulid, one_vm

__all__ = ["one_vm"]

BY = {"client": "mia@laptop", "site": "ward-7", "vm": "stackvm", "client_time": "2026-11-26T20:00:00Z"}
FIRST = {"a/one.csv": b"1,2\n3,4\n", "a/two.csv": b"5,6\n", "b.txt": b"b"}


@pytest.fixture
def agent(home: Path) -> Iterator[AgentProcess]:
    with AgentProcess(home / "vm", python=oldest()) as process:
        yield process


@pytest.fixture
def described(storage: Storage) -> Described:
    return filled(storage, FIRST)


def stage(agent: AgentProcess, source: Described, path: str) -> str:
    return str(agent.call("data.stage", source=source, path=path)["digest"])


def listed(agent: AgentProcess) -> dict[str, dict[str, Any]]:
    return {item["digest"]: item for item in agent.call("data.list")["items"]}


def purge(agent: AgentProcess, *targets: str, **more: Any) -> dict[str, Any]:
    return agent.call("data.purge", targets=targets, by=BY, **more)


def versions(root: Path, *contents: dict[str, bytes], path: str = "a/") -> list[str]:
    """Stages `contents` without a service, as an agent does; each is a day older than the next."""
    digests: list[str] = []
    for age, content in enumerate(reversed(contents)):
        files = [
            {"path": name, "size": len(text), "sha256": hashlib.sha256(text).hexdigest()}
            for name, text in sorted(content.items())
        ]
        digest = stage_plan.digest(files)
        for name, text in content.items():
            place = root / "data" / digest / "files" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text)
        source = {"source": "https://s/c", "path": path, "within": path, "listing": f"{age:064}", "etags": {}}
        manifest = {"digest": digest, "files": files, "sources": [source], "staged": time.time() - age * 86_400}
        (root / "data" / digest / "manifest.json").write_text(json.dumps(manifest))
        for folder in (root / "data" / digest / "files", *(root / "data" / digest / "files").glob("**/")):
            folder.chmod(0o555)
        digests.insert(0, digest)
    return digests


def call(root: Path) -> Call:
    return Call(1, "data.test", str(root), lambda *_: None)


def names(root: Path) -> list[str]:
    return sorted(name for name in os.listdir(root / "data") if not name.startswith(".lock-"))


def whole(root: Path, digest: str) -> bool:
    """Whether the version is there with every byte."""
    place = root / "data" / digest
    manifest = json.loads((place / "manifest.json").read_text())
    found = {each["path"]: hashlib.sha256((place / "files" / each["path"]).read_bytes()).hexdigest()
             for each in manifest["files"]}  # fmt: skip
    return found == {each["path"]: each["sha256"] for each in manifest["files"]}


def test_the_list_tells_paths_sizes_uses_and_unfinished_stagings(
    agent: AgentProcess, described: Described, front: StrictFront
) -> None:
    folder, one = stage(agent, described, "a/"), stage(agent, described, "b.txt")
    upload(described, {"copy/one.csv": FIRST["a/one.csv"], "copy/two.csv": FIRST["a/two.csv"]})
    assert stage(agent, described, "copy/") == folder
    found = listed(agent)
    assert found[folder]["paths"] == ["a/", "copy/"] and found[folder]["path"] == "copy/"
    origin = f"{described['endpoint']}/{described['container']}"
    assert found[folder]["places"] == [{"source": origin, "within": path} for path in ("a/", "copy/")]
    assert (found[folder]["files"], found[folder]["bytes"], found[folder]["alone"]) == (2, 12, 12)
    assert found[folder]["used"] == found[folder]["staged"] and found[folder]["held"] == []
    shared = agent.root / "data" / folder / "files" / "two.csv"
    other = agent.root / "data" / one / "files"
    other.chmod(0o755)
    os.link(shared, other / "two.csv")  # as a version that has the same blob would
    (agent.root / "data" / "notes.txt").write_text("somebody's")
    (agent.root / "data" / ("0" * 64)).symlink_to("/etc")
    upload(described, {"late/x.bin": bytes(400_000)})
    front.faults.cut_after = [50_000] * 4
    stream = agent.stream("data.stage", source=front.described(described["container"]), path="late/")
    assert next(message for message in stream if isinstance(message, dict))["event"] == "progress"
    agent.kill()
    with AgentProcess(agent.root, python=oldest()) as another:
        answer = another.call("data.list")
    again = {item["digest"]: item for item in answer["items"]}
    assert (again[folder]["alone"], again[one]["alone"]) == (8, 1)
    assert set(again) == {folder, one} and answer["foreign"] == 2 and answer["disk_free"] > 0
    (partial,) = answer["partial"]
    assert partial["path"] == "late/" and partial["bytes"] < 400_000 and not partial["going"]


def test_the_manifests_of_a_long_list_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (digest,) = versions(tmp_path, {f"{number}": b"x" for number in range(50)})
    first = data_store.list(call(tmp_path))["items"]
    monkeypatch.setattr(data_manifests, "read", lambda _place: pytest.fail("read again"))
    monkeypatch.setattr(data_store, "measure", lambda *_: data_sizes.Measure(0, 0, 0))
    assert data_store.list(call(tmp_path))["items"] == first and first[0]["files"] == 50
    monkeypatch.undo()
    manifest = tmp_path / "data" / digest / "manifest.json"
    changed = json.loads(manifest.read_text())
    changed["sources"].append({**changed["sources"][0], "path": "c/"})
    manifest.write_text(json.dumps(changed))
    assert data_store.list(call(tmp_path))["items"][0]["paths"] == ["a/", "c/"]


def test_an_eviction_says_what_would_go_then_takes_that_and_nothing_else(
    agent: AgentProcess, described: Described
) -> None:
    folder, one = stage(agent, described, "a/"), stage(agent, described, "b.txt")
    plan = agent.call("data.evict", targets=["a/"], dry=True)
    assert [each["digest"] for each in plan["versions"]] == [folder] and plan["bytes"] == 12
    assert set(listed(agent)) == {folder, one}
    done = agent.call("data.evict", targets=["a/", one[:8]], agreed=[folder])
    assert [each["digest"] for each in done["versions"]] == [folder] and done["bytes"] == 12
    assert [(each["name"], each["why"]) for each in done["stay"]] == [(one, "it came after you were asked")]
    assert set(listed(agent)) == {one} and names(agent.root) == [one]
    assert stage(agent, described, "a/") == folder and whole(agent.root, folder), "it can be staged again"
    for wrong in ("c/", "a", "zzzz", "", one[:3]):
        with pytest.raises(errors.UsageError, match="nothing is staged of"):
            agent.call("data.evict", targets=[wrong or "nothing/"])


def test_age_and_number_choose_what_goes(tmp_path: Path) -> None:
    old, middle, new = versions(tmp_path, {"f": b"1"}, {"f": b"2"}, {"f": b"3"})
    (other,) = versions(tmp_path, {"f": b"4"}, path="b/")
    manifest = tmp_path / "data" / other / "manifest.json"  # of another container, by the same path
    manifest.write_text(manifest.read_text().replace("https://s/c", "https://s/d").replace("b/", "a/"))
    data_store.mark(str(tmp_path / "data" / old), data_store.USED)  # used just now

    def meant(**more: Any) -> set[str]:
        return {each["digest"] for each in data_choice.of_eviction(call(tmp_path), [], **more).versions}

    assert meant(keep=1) == {old, middle} and meant(keep=0) == {old, middle, new, other}
    assert meant(unused_for_s=43_200) == {middle}
    assert meant(unused_for_s=43_200, keep=2) == set() and meant(unused_for_s=0) == {old, middle, new, other}


def test_a_going_run_keeps_its_data_and_a_new_one_finds_them_or_says_they_are_gone(one_vm: VM) -> None:
    agent, digest = one_vm.agent(), one_vm.data({"x.csv": b"1\n"})
    inputs = {"x": {"digest": digest, "kind": "uri_folder", "path": ""}}
    run = one_vm.start(agent, "sleep 60", inputs=inputs)
    running(one_vm, run)
    found = listed(agent)[digest]
    assert [(each["kind"], each["name"], each["state"]) for each in found["held"]] == [("run", run, "running")]
    assert found["used"] >= time.time() - 60 and found["broken"]
    for operation in ("data.evict", "data.purge"):
        more: dict[str, Any] = {"by": BY} if operation == "data.purge" else {}
        done = agent.call(operation, targets=[digest], **more)
        assert done["versions"] == [] and run in done["stay"][0]["why"] and done["stay"][0]["do"].endswith(run)
    agent.call("runs.cancel", run=run)
    receipt = purge(agent, digest)["receipt"]
    assert [each["digest"] for each in receipt["versions"]] == [digest]
    assert [(each["what"], each["do"]) for each in receipt["remained"]] == [("run", f"trainshed runs delete {run}")]
    with pytest.raises(errors.DataError, match="no data"):
        one_vm.start(agent, "true", inputs=inputs)


def test_a_run_is_made_and_a_version_leaves_under_one_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a run is seen by whoever evicts, or finds that its data have gone."""
    (digest,) = versions(tmp_path, {"f": b"1"})
    seen: list[tuple[str, bool]] = []

    def look(where: str) -> None:
        with free(data_folder.lock_of(str(tmp_path / "data"), data_folder.USE)) as idle:
            seen.append((where, idle))

    class Made(Exception):
        pass

    def make(*_: object) -> None:
        look("made")
        raise Made

    hide = data_removal._hide

    def hidden(base: str, item: dict[str, Any]) -> str:
        look("hidden")
        return hide(base, item)

    monkeypatch.setattr("core.agent.jobs.check", lambda *_: look("checked"))
    monkeypatch.setattr("core.agent.sandbox.require", lambda _policy: None)
    monkeypatch.setattr(runs, "_make", make)
    monkeypatch.setattr(data_removal, "_hide", hidden)
    with pytest.raises(Made):
        runs.create(call(tmp_path), new_ulid(), {"inputs": {"x": {"digest": digest}}}, {})
    data_removal.evict(call(tmp_path), [digest])
    assert seen == [("checked", False), ("made", False), ("hidden", False)]


def test_no_run_loses_data_that_it_was_made_with(one_vm: VM) -> None:
    """Runs are made and their data evicted, both as fast as can be: none has ever lost what it was made with."""
    agent, other = one_vm.agent(), one_vm.agent()
    content = {"x.csv": b"1\n"}
    digest = one_vm.data(content)
    inputs = {"x": {"digest": digest, "kind": "uri_file", "path": "x.csv"}}
    made: list[str] = []
    for _ in range(4):
        one_vm.data(content)
        stop = threading.Event()

        def evict(stop: threading.Event = stop) -> None:
            while not stop.is_set():
                try:
                    other.call("data.evict", targets=[digest])
                except errors.UsageError:
                    return

        evicting = threading.Thread(target=evict)
        evicting.start()
        try:
            made.append(one_vm.start(agent, "cat /data/x/x.csv", inputs=inputs))
        except errors.DataError as error:
            assert "no data" in error.title
        stop.set()
        evicting.join()
    for run in made:
        end = list(agent.stream("runs.follow", run=run))[-1]
        assert isinstance(end, dict) and one_vm.states(run)[-1]["state"] == "completed", one_vm.states(run)


def test_a_served_model_keeps_what_it_was_trained_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (digest,) = versions(tmp_path, {"f": b"1"})
    package = tmp_path / "packages" / "risk" / "1"
    package.mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"data": {"x": digest}}))
    place = tmp_path / "services" / "risk" / "instances" / "1-a"
    place.mkdir(parents=True)
    (tmp_path / "services" / "risk" / "state.json").write_text(json.dumps({"instance": "1-a"}))
    (place / "instance.json").write_text(json.dumps({"package": str(package), "created": time.time()}))
    monkeypatch.setattr("core.agent.instances._truth", lambda *_: ("healthy", ""))
    stay = data_removal.evict(call(tmp_path), [digest])["stay"]
    assert [(each["why"], each["do"]) for each in stay] == [
        ("service risk (healthy) needs it", "trainshed undeploy risk")
    ]
    monkeypatch.setattr("core.agent.instances._truth", lambda *_: ("stopped", ""))
    receipt = data_removal.purge(call(tmp_path), [digest], BY)["receipt"]
    assert [each["what"] for each in receipt["remained"]] == ["package"] and names(tmp_path) == []


def test_what_is_being_staged_stays(tmp_path: Path) -> None:
    versions(tmp_path, {"f": b"1"})
    family = data_folder.family("https://s/c", "a/")
    partial = tmp_path / "data" / f".tmp-{family}-{'b' * 16}"
    partial.mkdir()
    with locked(call(tmp_path), data_folder.lock_of(str(tmp_path / "data"), family)):  # as a staging does
        done = data_removal.purge(call(tmp_path), [], BY)
        assert data_store.list(call(tmp_path))["partial"][0]["going"]
    assert {(each["what"], each["why"]) for each in done["stay"]} == {
        ("version", "a/ is being staged"), ("staging", "it is going on"),
    }  # fmt: skip
    assert done["receipt"]["versions"] == [] and {each["what"] for each in done["receipt"]["remained"]} == {
        "version", "staging",
    }  # fmt: skip
    assert data_removal.evict(call(tmp_path), [])["partial"][0]["name"] == partial.name
    assert names(tmp_path) == []


def test_a_purge_takes_every_version_that_has_the_records_and_its_receipt_tells_no_names(tmp_path: Path) -> None:
    old, new = versions(tmp_path, {"mueller.csv": b"1", "same.csv": b"same"}, {"mueller.csv": b"2"}, path="ward/3/")
    (wide,) = versions(tmp_path, {"ward/3/mueller.csv": b"3", "other.csv": b"9"}, path="")
    (beside,) = versions(tmp_path, {"ward/4/x.csv": b"4", "copy.csv": b"same"}, path="ward/")
    partial = tmp_path / "data" / (".tmp-" + "a" * 16 + "-" + "b" * 16)
    (partial / "files").mkdir(parents=True)
    (partial / "about.json").write_text(json.dumps({"path": "ward/3/mueller.csv", "within": "", "since": 1.0}))
    (partial / "files" / "mueller.csv").write_bytes(b"12345")
    (tmp_path / "data" / "notes.txt").write_text("somebody's")
    done = data_removal.purge(call(tmp_path), ["ward/3/"], BY)
    receipt = done["receipt"]
    assert {each["digest"] for each in receipt["versions"]} == {old, new, wide}
    assert names(tmp_path) == sorted([beside, "notes.txt"]) and whole(tmp_path, beside)
    assert [(each["path"], each["name"]) for each in receipt["partial"]] == [("ward/3/(one blob)", partial.name)]
    assert [(each["name"], each["why"]) for each in receipt["remained"]] == [(beside, "it has 1 of the same files")]
    assert "mueller" not in json.dumps(receipt) and "mueller" not in (tmp_path / "receipts.jsonl").read_text()
    assert (receipt["by"], receipt["site"], receipt["vm"]) == ("mia@laptop", "ward-7", "stackvm")
    assert receipt["account"] == data_receipts.account() and receipt["client_time"] and receipt["ended"]
    assert "not overwritten" in receipt["how"] and receipt["freed_bytes"] == done["bytes"] > 0
    assert data_receipts.seal(receipt) == receipt == data_receipts.read(str(tmp_path))[-1]
    assert (tmp_path / "receipts.jsonl").stat().st_mode & 0o777 == 0o600
    named = data_removal.purge(call(tmp_path), ["ward/"], BY, names=True)["receipt"]
    assert named["versions"][0]["names"] == ["copy.csv", "ward/4/x.csv"] and named["remained"] == []
    (torn,), (other,) = versions(tmp_path, {"z": b"1"}, path="x/"), versions(tmp_path, {"y": b"1"}, path="ward/5/")
    (tmp_path / "data" / torn / "manifest.json").write_text("{}")  # nobody can tell what it has
    also = data_removal.purge(call(tmp_path), ["ward/5/"], BY)["receipt"]
    assert {each["digest"] for each in also["versions"]} == {torn, other}
    empty = data_removal.purge(call(tmp_path), [], BY)["receipt"]
    assert empty["asked"] == ["everything"] and empty["versions"] == []


def test_hostile_names_and_foreign_things_stay_where_they_are(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept")
    (digest,) = versions(tmp_path, {"…/日本 \\ $(x).csv": b"1", "-rf": b"2"})
    files = tmp_path / "data" / digest / "files"
    files.chmod(0o755)
    (files / "link").symlink_to(outside)
    (files / "shut").mkdir(mode=0)
    (tmp_path / "data" / ("1" * 64)).symlink_to(outside)
    (tmp_path / "data" / (".tmp-" + "c" * 16 + "-" + "d" * 16)).symlink_to(outside)
    (tmp_path / "data" / ".gone-mine").mkdir()
    (tmp_path / "data" / ("2" * 64)).mkdir()  # no manifest
    (tmp_path / "data" / ("3" * 64)).mkdir()
    (tmp_path / "data" / ("3" * 64) / "manifest.json").write_text('{"staged": [], "files": {"a": 1}}')
    found = data_store.list(call(tmp_path))
    assert {item["digest"]: item["broken"] for item in found["items"]} == {
        digest: False, "2" * 64: True, "3" * 64: True,
    }  # fmt: skip
    assert found["foreign"] == 3
    with pytest.raises(Exception, match="nothing is staged of"):
        data_removal.evict(call(tmp_path), ["../outside"])
    done = data_removal.purge(call(tmp_path), [], BY)
    assert len(done["versions"]) == 3 and done["stay"] == []
    assert names(tmp_path) == [".gone-mine", ".tmp-" + "c" * 16 + "-" + "d" * 16, "1" * 64]
    assert (outside / "kept.txt").read_text() == "kept"


def test_two_removals_at_once_take_each_version_once(home: Path) -> None:
    root = home / "vm"
    digests = versions(root, *({"f": str(number).encode(), "g": bytes(1000)} for number in range(6)))
    with AgentProcess(root, python=oldest()) as one, AgentProcess(root, python=oldest()) as two:
        streams = [
            one.stream("data.evict", targets=[]),
            two.stream("data.purge", targets=[], by=BY),
            one.stream("data.evict", targets=[], keep=0),
        ]
        ends = [next(m for m in stream if isinstance(m, dict) and "result" in m)["result"] for stream in streams]
    assert sorted(each["digest"] for end in ends for each in end["versions"]) == sorted(digests)
    assert names(root) == []


def test_a_removal_that_is_killed_anywhere_leaves_versions_whole_or_gone(tmp_path: Path) -> None:
    """Before each file that it opens to write, renames or removes: the same purge again then ends all of it."""
    base = tmp_path / "base"
    digests = versions(base, {"d/f": b"1", "g": b"2"}, {"g": b"3"})
    partial = base / "data" / (".tmp-" + "a" * 16 + "-" + "b" * 16)
    (partial / "files").mkdir(parents=True)
    steps, ended = 0, False
    while not ended:
        root = tmp_path / str(steps)
        shutil.copytree(base, root, symlinks=True)
        ended = killed(functools.partial(data_removal.purge, call(root), [], BY), steps)
        seen = [name for name in names(root) if not name.startswith(".")]
        assert all(whole(root, digest) for digest in seen), f"at step {steps}"
        assert {item["digest"] for item in data_store.list(call(root))["items"]} == set(seen)
        data_removal.purge(call(root), [], BY)
        assert names(root) == []
        receipts = data_receipts.read(str(root))
        assert all(receipt["ended"] and data_receipts.seal(receipt) == receipt for receipt in receipts)
        told = [each["digest"] for receipt in receipts for each in receipt["versions"]]
        assert sorted(told) == sorted(digests), f"at step {steps}: each is in one receipt"
        steps += 1
    assert steps > 20


def killed(work: Callable[[], object], step: int) -> bool:
    """Carries out `work` in a process that dies before its step number `step`; whether it ended before."""
    child = os.fork()
    if child == 0:
        left = step

        def watch(event: str, args: tuple[Any, ...]) -> None:
            nonlocal left
            writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes or event in ("os.rename", "os.remove", "os.rmdir", "os.chmod"):
                if left == 0:
                    os._exit(9)
                left -= 1

        sys.addaudithook(watch)
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
