"""Launch, follow, list, cancel through the real agent and the real sandbox, over a link that can be cut."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio

from core.demo.azurite import Storage
from core.errors import JobError, LinkLost, RunError, UsageError
from core.events import (
    DataStaged,
    Event,
    JobResolved,
    LinkChanged,
    LogText,
    LogTimes,
    Metric,
    Notice,
    Phase,
    RunCreated,
    RunFinished,
    RunsListed,
    RunStateChanged,
)
from core.jobs import ulid
from core.runs.service import LiveRuns
from core.site import files
from core.site.files import Site
from core.workspace import opened

from .agent_adapter import ProcessLink

T = TypeVar("T")

pytestmark = pytest.mark.timeout(180)


class Lab:
    """A site whose VM is this machine."""

    def __init__(self, home: Path, storage: Storage | None = None, container: str = "") -> None:
        self.folder = home / "client"
        self.folder.mkdir()
        (self.folder / "none.txt").write_text("")
        lines = ['name = "lab"', "[vms.vm]", 'host = "127.0.0.1"', "slots = 0"]
        lines += ["[environments]", 'plain = {requirements = "none.txt"}']
        if storage is not None:
            lines += _data(self.folder, storage, container)
        (self.folder / "lab.toml").write_text("\n".join(lines) + "\n")
        self.site: Site = files.load(self.folder / "lab.toml")
        self.root = home / "vm"
        self.link = ProcessLink(self.root)
        self.runs = LiveRuns(self.site, self.link, opened(self.site))

    def job(self, text: str, name: str = "job.yml") -> Path:
        path = self.folder / name
        path.write_text(text if "environment:" in text else f"{text}\nenvironment: azureml:plain@latest\n")
        return path

    async def launched(self, text: str, **more: Any) -> str:
        events = await collected(self.runs.launch(self.job(text), **more))
        return one(events, RunCreated).run

    def follows(self, what: str) -> list[int]:
        """`offset` or `cursor` of every runs.follow that was asked for."""
        return [args[what] for op, args in self.link.asked if op == "runs.follow"]

    def folder_of(self, run: str) -> Path:
        return self.root / "runs" / run


def _data(folder: Path, storage: Storage, container: str) -> list[str]:
    described = storage.described(container)
    (folder / "ca.pem").write_text(described["ca_pem"])
    key = folder / "key"
    key.touch(0o600)
    key.write_text(described["credential"])
    return [
        "[data]",
        f'endpoint = "{described["endpoint"]}"',
        f'address = "{described["address"]}"',
        f'container = "{container}"',
        'credential = "file:key"',
        'ca_bundle = "ca.pem"',
        "[data.aliases]",
        '"azureml:patients@latest" = "wards/"',
    ]


@pytest_asyncio.fixture
async def lab(home: Path) -> AsyncIterator[Lab]:
    made = Lab(home)
    yield made
    await ended(made)


async def ended(lab: Lab) -> None:
    """No run outlives its test."""
    agent = await lab.link.agent()
    for info in (await agent.call("runs.list"))["runs"]:
        await agent.call("runs.cancel", run=info["run"])
    await lab.link.close()


async def collected(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


def one(events: Iterable[Event], kind: type[T]) -> T:
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


def text_of(events: Iterable[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, LogText))


async def test_a_command_runs_in_the_sandbox_and_its_output_comes_back(lab: Lab) -> None:
    run = await lab.launched("command: 'echo hello from $(id -u); echo done >&2; ls /home'")
    events = await collected(lab.runs.follow(run))
    assert text_of(events) == "hello from 65534\ndone\njob\n"
    states = [event.state for event in events if isinstance(event, RunStateChanged)]
    assert states == ["created", "preparing", "running", "completed"]
    finished = one(events, RunFinished)
    assert (finished.status, finished.exit_code) == ("completed", 0)


async def test_launch_says_what_it_does_and_ends_with_the_runs_first_state(lab: Lab) -> None:
    (lab.folder / "src").mkdir()
    (lab.folder / "src" / "x.txt").write_text("x\n")
    events = await collected(lab.runs.launch(lab.job("command: cat x.txt\ncode: src\ncompute: gpu")))
    titles = [event.title for event in events if isinstance(event, Phase)]
    assert titles == [
        f"Reading {lab.folder}/job.yml",
        "Sending 1 file, 2 B of code: src",
        "Preparing the environment",
        "Starting job on vm",
    ]
    assert any("site lab has no gpu: runs on vm" in event.text for event in events if isinstance(event, Notice))
    created = one(events, RunCreated)
    assert (created.experiment, created.vm, created.command, created.existed) == ("client", "vm", "cat x.txt", False)
    assert isinstance(events[-1], RunStateChanged) and events[-1].run == created.run
    again = await collected(lab.runs.launch(lab.job("command: cat x.txt\ncode: src")))
    assert not any("Sending" in event.title for event in again if isinstance(event, Phase))
    assert text_of(await collected(lab.runs.follow("@latest"))) == "x\n"


async def test_code_inputs_variables_and_outputs_are_what_the_job_sees(lab: Lab) -> None:
    code = lab.folder / "src"
    (code / "lib").mkdir(parents=True)
    (code / "lib" / "tool.sh").write_text('#!/bin/sh\necho tool "$@"\n')
    (code / "lib" / "tool.sh").chmod(0o755)
    (code / "near").symlink_to("lib/tool.sh")
    run = await lab.launched(
        """\
code: src
command: >-
  ./near ${{inputs.lr}} "${{inputs.say}}" ${{inputs.flag}} && echo $LEVEL $RATE $MLFLOW_RUN_ID &&
  echo result > ${{outputs.model}}/m.txt && pwd
inputs: {lr: 0.1, say: two words, flag: true}
outputs: {model: {type: uri_folder}}
environment_variables: {LEVEL: debug, RATE: "${{inputs.lr}}"}
""",
        settings={"inputs.lr": "0.25"},
    )
    events = await collected(lab.runs.follow(run))
    assert text_of(events) == f"tool 0.25 two words True\ndebug 0.25 {run}\n/job\n"
    assert (lab.folder_of(run) / "outputs" / "model" / "m.txt").read_text() == "result\n"
    shown = one(await collected(lab.runs.show(run[:12])), RunsListed).runs
    assert [(info.run, info.vm, info.params["lr"], info.state) for info in shown] == [(run, "vm", "0.25", "completed")]


async def test_data_of_this_machine_is_sent_once_and_read_where_the_command_says(lab: Lab, tmp_path: Path) -> None:
    rows = lab.folder / "rows"
    (rows / "deep").mkdir(parents=True)
    (rows / "deep" / "a.csv").write_text("1,2\n")
    (tmp_path / "one.csv").write_text("3,4\n")
    (lab.folder / "link.csv").symlink_to(tmp_path / "one.csv")
    text = """\
command: >-
  cat ${{inputs.folder}}/deep/a.csv ${{inputs.file}};
  touch ${{inputs.folder}}/x ${{inputs.file}} 2>&1 | grep -ciE "read-only|denied"; id -u
inputs:
  folder: {path: ./rows, mode: download}
  file: {type: uri_file, path: link.csv}
"""
    events = await collected(lab.runs.launch(lab.job(text)))
    titles = [event.title for event in events if isinstance(event, Phase)]
    sent = [title for title in titles if title.startswith("Sending")]
    assert sent == [
        "Sending 1 file, 4 B of input folder: ./rows",
        "Sending 1 file, 4 B of input file: link.csv",
    ]
    said = [event for event in events if isinstance(event, Notice) and "outside" in event.text]
    assert [event.text.partition(",")[0] for event in said] == [
        f"input file: what is sent is {tmp_path}/one.csv of this machine"
    ]
    assert events.index(said[0]) < [isinstance(event, Phase) and event.title in sent for event in events].index(True)
    run = one(events, RunCreated).run
    assert text_of(await collected(lab.runs.follow(run))) == "1,2\n3,4\n2\n65534\n"
    again = await collected(lab.runs.launch(lab.job(text)))
    assert not any("Sending" in event.title for event in again if isinstance(event, Phase))
    (rows / "deep" / "a.csv").write_text("changed\n")
    (lab.folder / "link.csv").unlink()
    rerun = one(await collected(lab.runs.rerun(run)), RunCreated).run
    assert text_of(await collected(lab.runs.follow(rerun))).startswith("1,2\n3,4\n"), "as the run had them"
    with pytest.raises(JobError, match=r"inputs\.file: there is no .*/nosuch\.csv"):
        await collected(lab.runs.rerun(run, settings={"inputs.file": str(lab.folder / "nosuch.csv")}))
    (tmp_path / "one.csv").write_text("5,6\n")
    other = await collected(lab.runs.rerun(run, settings={"inputs.file": str(tmp_path / "one.csv")}))
    lines = text_of(await collected(lab.runs.follow(one(other, RunCreated).run))).splitlines()
    assert lines[:2] == ["1,2", "5,6"]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{path: nosuch}", "there is no /.*/nosuch, and"),
        ("{type: uri_file, path: .}", "is a folder, and the type says otherwise"),
        ("{path: job.yml}", "is a file, and the type says otherwise"),
        ("{path: out}", "the link leak -> /etc leaves the folder"),
        ("{path: big}", "put it into the site's container"),
    ],
)
async def test_data_of_this_machine_that_cannot_be_sent_is_said_before_anything_is(
    home: Path, entry: str, words: str
) -> None:
    lab = Lab(home)
    (lab.folder / "out").mkdir()
    (lab.folder / "out" / "leak").symlink_to("/etc")
    (lab.folder / "big").mkdir()
    with (lab.folder / "big" / "sparse").open("wb") as file:
        file.truncate(400_000_000)
    with pytest.raises(JobError) as caught:
        await collected(lab.runs.launch(lab.job(f"command: ls\ninputs: {{d: {entry}}}")))
    assert re.search(words, f"{caught.value.title} {caught.value.hint}") and "job.yml:2: inputs.d" in caught.value.title
    assert lab.link.connects == 0 and not lab.root.exists()


async def test_data_is_staged_once_and_read_where_the_command_says(home: Path, storage: Storage) -> None:
    container = f"c{ulid.new().lower()}"
    _upload(storage, container, {"wards/7/a.csv": b"a,b\n1,2\n", "wards/b.csv": b"b\n", "other.csv": b"o\n"})
    lab = Lab(home, storage, container)
    job = """\
command: cat ${{inputs.table}} && cd ${{inputs.all}} && find . -type f | sort && ! touch x
inputs:
  table: {type: uri_file, path: azureml://datastores/site/paths/wards/7/a.csv}
  all: {type: uri_folder, path: "azureml:patients@latest"}
"""
    try:
        events = await collected(lab.runs.launch(lab.job(job)))
        assert [event.data.files for event in events if isinstance(event, DataStaged)] == [2, 1]
        found = text_of(await collected(lab.runs.follow("@latest")))
        assert found.splitlines()[:4] == ["a,b", "1,2", "./7/a.csv", "./b.csv"]
        assert "Read-only file system" in found
        again = await collected(lab.runs.launch(lab.job(job)))
        staged = [event for event in again if isinstance(event, DataStaged)]
        assert [event.reused for event in staged] == [True, True]
        _, known = _resolved(await collected(lab.runs.launch(lab.job(job), dry=True)))
        digests = {event.data.path: event.data.digest for event in staged}
        assert {each.path: each.digest for each in known.inputs} == digests
        assert [(each.name, each.files) for each in known.inputs] == [("table", 1), ("all", 2)]
    finally:
        await ended(lab)


def _upload(storage: Storage, container: str, blobs: dict[str, bytes]) -> None:
    from core.data.upload import upload

    upload(storage.described(container), blobs)


async def test_following_twice_gives_equal_bytes_and_from_a_byte_the_rest(lab: Lab) -> None:
    run = await lab.launched("command: for i in $(seq 2000); do echo line $i ä€😀; done; printf '\\377no end'")
    first, second = await collected(lab.runs.follow(run)), await collected(lab.runs.follow(run))
    raw = (lab.folder_of(run) / "passed.log").read_bytes()
    assert text_of(first) == text_of(second) == raw.decode(errors="replace")
    position = 0
    for event in (event for event in second if isinstance(event, LogText)):
        assert event.offset == position
        position += event.size
    assert position == len(raw)
    assert text_of(await collected(lab.runs.follow(run, offset=15_000))) == raw[15_000:].decode(errors="replace")
    with pytest.raises(RunError, match="fewer than"):
        await collected(lab.runs.follow(run, offset=len(raw) + 1))


async def test_a_link_cut_in_the_middle_of_the_log_loses_and_doubles_nothing(lab: Lab) -> None:
    run = await lab.launched("command: for i in $(seq 120000); do echo line $i is long ä€😀; done; sleep 1; echo end")
    events: list[Event] = []
    cut_at: list[int] = []
    seen = restored = 0
    async with aclosing(lab.runs.follow(run)) as following:
        async for event in following:
            events.append(event)
            seen += event.size if isinstance(event, LogText) else 0
            restored += isinstance(event, LinkChanged) and event.state == "restored"
            if seen > (len(cut_at) + 1) * 300_000 and restored == len(cut_at) < 3:
                cut_at.append(seen)
                lab.link.unreachable = 1
                lab.link.cut()
    raw = (lab.folder_of(run) / "passed.log").read_bytes()
    text = text_of(events).encode()
    assert (len(text), hashlib.sha256(text).hexdigest()) == (len(raw), hashlib.sha256(raw).hexdigest())
    points = [point for event in events if isinstance(event, LogTimes) for point in event.points]
    assert points[0][0] == 0 and points == sorted(set(points)), "when it was written comes once, too"
    assert points[-1][0] < len(raw) and points[-1][1] - points[0][1] >= 0.9
    changes = [event.state for event in events if isinstance(event, LinkChanged)]
    assert changes == ["lost", "restored"] * 3
    first, *later = lab.follows("offset")
    assert first == 0 and len(later) == 3
    assert all(asked >= cut for asked, cut in zip(later, cut_at, strict=True)), "not from the beginning"
    states = [event.state for event in events if isinstance(event, RunStateChanged)]
    assert states == ["created", "preparing", "running", "completed"]
    assert one(events, RunFinished).status == "completed"


async def test_a_run_goes_on_while_nobody_is_connected(lab: Lab) -> None:
    run = await lab.launched("command: while ! [ -e go ]; do sleep 0.05; done; echo went on")
    await lab.link.close()
    (lab.folder_of(run) / "code" / "go").touch()
    assert text_of(await collected(lab.runs.follow(run))) == "went on\n"


async def test_cancel_ends_the_run_and_its_follower(lab: Lab) -> None:
    run = await lab.launched("command: echo started; sleep 600")
    events: list[Event] = []
    async with aclosing(lab.runs.follow(run)) as following:
        async for event in following:
            events.append(event)
            if isinstance(event, LogText):
                ending = await collected(lab.runs.cancel("@latest"))
                assert isinstance(ending[-1], RunStateChanged) and ending[-1].state == "cancelled"
    assert one(events, RunFinished).status == "cancelled"
    ended = [event.time for event in events if isinstance(event, RunStateChanged)][-1]
    again = (await collected(lab.runs.cancel(run)))[-1]
    assert isinstance(again, RunStateChanged) and (again.state, again.time) == ("cancelled", ended)
    assert "had ended before" in again.reason and isinstance(ending[-1], RunStateChanged) and not ending[-1].reason


async def test_a_failing_command_is_a_failed_run_not_an_exception(lab: Lab) -> None:
    finished = one(await collected(lab.runs.follow(await lab.launched("command: exit 7"))), RunFinished)
    assert (finished.status, finished.exit_code) == ("failed", 7)


async def test_a_second_launch_of_a_ulid_finds_the_first(lab: Lab) -> None:
    given = ulid.new()
    job = lab.job("command: echo once")
    first = one(await collected(lab.runs.launch(job, run=given)), RunCreated)
    lab.job("command: echo twice")
    second = one(await collected(lab.runs.launch(job, run=given.lower())), RunCreated)
    assert (first.run, first.existed, second.run, second.existed) == (given, False, given, True)
    assert second.command == "echo once"
    assert text_of(await collected(lab.runs.follow(given))) == "once\n"
    assert len(one(await collected(lab.runs.list()), RunsListed).runs) == 1


@pytest.mark.parametrize(
    ("text", "settings", "error"),
    [
        ("command: echo\ncode: nosuch", {}, JobError),
        ("command: echo ${{inputs.x}}", {}, JobError),
        ("command: echo\ninputs: {d: {path: azureml:x:1}}", {}, JobError),
        ("command: echo\nenvironment: azureml:unknown:1", {}, JobError),
        ("command: echo\ninputs: {n: 1}", {"inputs.n": "x"}, UsageError),
    ],
)
async def test_an_error_in_the_job_file_leaves_nothing_on_the_vm(
    home: Path, text: str, settings: dict[str, str], error: type[Exception]
) -> None:
    lab = Lab(home)
    with pytest.raises(error):
        await collected(lab.runs.launch(lab.job(text), settings=settings))
    assert lab.link.connects == 0 and not lab.root.exists()


async def test_a_dry_run_says_what_the_vm_has_and_changes_nothing(lab: Lab) -> None:
    (lab.folder / "src").mkdir()
    (lab.folder / "src" / "a.py").write_text("1")
    (lab.folder / "rows.csv").write_text("1,2\n")
    text = "command: cat ${{inputs.rows}} ${{inputs.n}}\ncode: src\noutputs: {o: {type: uri_folder}}"
    rows = "{type: uri_file, path: rows.csv}"
    job = lab.job(f"{text}\ninputs: {{n: 3, rows: {rows}}}\nenvironment_variables: {{A: b}}\nlimits: {{timeout: 60}}")
    values = {"inputs.n": "4"}
    before, first = _resolved(await collected(lab.runs.launch(job, settings=values, dry=True)))
    assert (before.asked, before.environment.built, before.engine) == (False, None, "")
    assert (first.asked, first.not_asked, first.name, first.experiment) == (True, "", "job", "client")
    assert first.command == "cat /data/rows/rows.csv 4"
    assert [(each.name, each.source, each.value, each.was) for each in first.inputs] == [
        ("n", "literal", "4", "3"), ("rows", "local", "", None),
    ]  # fmt: skip
    assert [(each.what, [file.path for file in each.files], each.there) for each in first.travels] == [
        ("code", ["a.py"], False), ("input rows", ["rows.csv"], False),
    ]  # fmt: skip
    assert (first.environment.built, first.engine, first.limits.timeout_s, first.code) == (False, "bwrap", 60, "sent")
    assert (first.variables, [each.name for each in first.outputs]) == ({"A": "b"}, ["o"])
    assert {op for op, _ in lab.link.asked} == {"environments.find", "snapshots.have"}
    assert not (lab.root / "runs").exists() and not (lab.root / "snapshots").exists()
    agent = await lab.link.agent()
    targets = [
        (await agent.call("environments.find", requirements="six\n", engine="bwrap", look=look))["target"]
        for look in (False, True)
    ]
    assert targets[0] and targets[1] is None, "a look asks no Python and pulls no image"

    run = one(await collected(lab.runs.launch(job, settings=values)), RunCreated).run
    _, second = _resolved(await collected(lab.runs.launch(job, settings=values, dry=True)))
    assert second.environment.built and [each.there for each in second.travels] == [True, True]
    assert second.environment.hash == first.environment.hash
    _, again = _resolved(await collected(lab.runs.rerun(run, settings={"inputs.n": "5"}, resume=True, dry=True)))
    assert (again.job, again.rerun, again.resume, again.code, again.travels) == (run, True, True, "kept", [])
    assert again.inputs[0].was == "4" and again.environment.built
    assert len(list((lab.root / "runs").glob("01*"))) == 1

    lab.link.cut()
    lab.link.unreachable = 99
    await lab.link.close()
    _, alone = _resolved(await collected(lab.runs.launch(job, dry=True)))
    assert (alone.asked, alone.not_asked, alone.environment.built) == (False, "the VM cannot be reached", None)
    lab.link.unreachable = 0


def _resolved(events: Iterable[Event]) -> list[JobResolved]:
    return [event for event in events if isinstance(event, JobResolved)]


async def test_what_does_not_name_a_run_is_said(lab: Lab) -> None:
    with pytest.raises(RunError, match="there is no run yet"):
        await collected(lab.runs.follow("@latest"))
    with pytest.raises(RunError, match="there is no run 01"):
        await collected(lab.runs.show("01"))
    with pytest.raises(RunError, match="there is no run"):
        await collected(lab.runs.cancel(ulid.new()))
    with pytest.raises(UsageError):
        await collected(lab.runs.launch(lab.job("command: echo"), run="mine"))


async def test_a_link_lost_while_launching_is_an_error_that_may_be_retried(lab: Lab) -> None:
    given = ulid.new()
    job = lab.job("command: echo here")
    with pytest.raises(LinkLost) as caught:
        async with aclosing(lab.runs.launch(job, run=given)) as launching:
            async for event in launching:
                if isinstance(event, Phase) and event.title.startswith("Preparing"):
                    await lab.link.agent()
                    lab.link.cut()
                    await asyncio.sleep(0)
    assert caught.value.retryable
    await collected(lab.runs.launch(job, run=given))
    assert text_of(await collected(lab.runs.follow(given))) == "here\n"


async def test_a_run_whose_creation_was_not_confirmed_is_started_once(lab: Lab) -> None:
    lab.link.answer_lost = "runs.create"
    events = await collected(lab.runs.launch(lab.job("command: echo once")))
    assert not one(events, RunCreated).existed
    assert [op for op, _ in lab.link.asked].count("runs.create") == 2
    assert text_of(await collected(lab.runs.follow("@latest"))) == "once\n"
    assert len(one(await collected(lab.runs.list()), RunsListed).runs) == 1


async def test_metrics_of_the_job_come_once_although_the_link_was_cut(lab: Lab) -> None:
    script = (
        "import json, os, urllib.request as u\n"
        "base = os.environ['MLFLOW_TRACKING_URI'] + '/api/2.0/mlflow/runs/'\n"
        "run = os.environ['MLFLOW_RUN_ID']\n"
        "for step in range(30):\n"
        "    body = {'run_id': run, 'key': 'loss', 'value': 1 / (step + 1), 'step': step, 'timestamp': 1700000000000}\n"
        "    q = u.Request(base + 'log-metric', json.dumps(body).encode(), {'Content-Type': 'application/json'})\n"
        "    u.urlopen(q).read()\n"
        "    print('step', step, flush=True)\n"
    )
    (lab.folder / "src").mkdir()
    (lab.folder / "src" / "log.py").write_text(script)
    run = await lab.launched("command: python log.py\ncode: src")
    events: list[Event] = []
    cut = False
    async with aclosing(lab.runs.follow(run)) as following:
        async for event in following:
            events.append(event)
            if isinstance(event, Metric) and event.step >= 5 and not cut:
                cut = True
                lab.link.cut()
    assert [event.step for event in events if isinstance(event, Metric)] == list(range(30))
    assert lab.follows("cursor")[0] == 0 and lab.follows("cursor")[1] >= 6
    assert one(events, RunFinished).metrics == {"loss": pytest.approx(1 / 30)}
    assert json.loads((lab.folder_of(run) / "job.json").read_text())["run"] == run
    asked = len(lab.link.asked)
    again = await collected(lab.runs.metrics(run[:12]))
    assert again == [event for event in events if isinstance(event, Metric)], "without its log"
    assert {op for op, _ in lab.link.asked[asked:]} == {"runs.list", "tracking.read"}, "and nothing is recorded"
    with pytest.raises(RunError):
        await collected(lab.runs.metrics("01JZZZ"))


async def test_read_only_following_shows_all_and_records_nothing(lab: Lab) -> None:
    run = await lab.launched("command: echo seen")
    looking = LiveRuns(lab.site, lab.link, opened(lab.site), read_only=True)
    events = await collected(looking.follow(run))
    assert "seen" in text_of(events) and isinstance(events[-1], RunFinished)
    assert not [op for op, _ in lab.link.asked if op.startswith("tracking.")]
    assert not (lab.site.state / "mlflow.db").exists()
    await collected(lab.runs.follow(run))
    assert [op for op, _ in lab.link.asked if op.startswith("tracking.")], "without it, the lease is asked for"
