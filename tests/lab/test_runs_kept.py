"""What becomes of a run that has ended: downloaded, started again, deleted; and whose it is."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from core import kept as keeping
from core.agent import jobs
from core.errors import AgentError, RunError, UsageError
from core.events import Downloaded, Notice, Progress, RunCreated, RunDeleted, RunFinished, RunsListed, RunStateChanged
from core.jobs import ulid
from core.runs import owner
from core.runs.download import PART, checked
from core.runs.service import LiveRuns
from core.workspace import opened

from .agent_adapter import ProcessLink
from .test_runs_service import Lab, collected, ended, one, text_of

pytestmark = pytest.mark.timeout(120)

LEAVES = """\
command: >-
  mkdir -p outputs/plots outputs/net/data && echo 1 > outputs/a.txt
  && head -c 3000000 /dev/urandom > outputs/plots/big.bin
  && : > outputs/empty && echo m > outputs/net/MLmodel && echo w > outputs/net/data/w.bin
  && ln -s /etc/passwd outputs/link && ln -s /etc outputs/folder && mkfifo outputs/fifo
  && touch "outputs/$(printf 'odd\\tname')"
"""


@pytest_asyncio.fixture
async def lab(home: Path) -> AsyncIterator[Lab]:
    made = Lab(home)
    yield made
    await ended(made)


async def done(lab: Lab, text: str) -> str:
    run = await lab.launched(text)
    finished = one(await collected(lab.runs.follow(run)), RunFinished)
    assert finished.status == "completed", finished
    return run


def files(folder: Path) -> dict[str, str]:
    """path -> sha256."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


async def test_a_download_has_every_file_and_no_link_no_model_no_odd_name(lab: Lab, tmp_path: Path) -> None:
    run = await done(lab, LEAVES)
    to = tmp_path / "here"
    events = await collected(lab.runs.download(run, to=to))
    assert [item.path for item in keeping.found(["downloads"])] == [to], "it is listed"
    expected = {f"outputs/{name}": digest for name, digest in files(lab.folder_of(run) / "outputs").items()}
    kept = ("outputs/a.txt", "outputs/plots/big.bin", "outputs/empty")
    assert files(to) == {path: expected[path] for path in kept}
    downloaded = one(events, Downloaded)
    assert (downloaded.files, downloaded.bytes, downloaded.left) == (3, 3_000_002, 2)
    texts = [event.text for event in events if isinstance(event, Notice)]
    assert any("2 files of models stay" in text for text in texts) and any(
        "1 files have names" in text for text in texts
    )
    assert [event.done for event in events if isinstance(event, Progress)][-1] == 3_000_002
    only = await collected(lab.runs.download(run, to=tmp_path / "net", output="net"))
    assert one(only, Downloaded).files == 2 and (tmp_path / "net/outputs/net/data/w.bin").read_text() == "w\n"


async def test_what_is_there_is_not_fetched_again_and_never_written_over_unasked(lab: Lab, tmp_path: Path) -> None:
    run = await done(lab, "command: echo 1 > outputs/a && echo 2 > outputs/b")
    await collected(lab.runs.download(run, to=tmp_path))
    again = one(await collected(lab.runs.download(run, to=tmp_path)), Downloaded)
    assert (again.files, again.same) == (0, 2)
    (tmp_path / "outputs/b").write_text("mine")
    (tmp_path / "outputs/a").unlink()
    with pytest.raises(UsageError, match="outputs/b"):
        await collected(lab.runs.download(run, to=tmp_path))
    assert (tmp_path / "outputs/b").read_text() == "mine" and not (tmp_path / "outputs/a").exists()
    await collected(lab.runs.download(run, to=tmp_path, force=True))
    assert (tmp_path / "outputs/b").read_text() == "2\n"
    with pytest.raises(RunError, match="no output 'c'") as missing:
        await collected(lab.runs.download(run, to=tmp_path, output="c"))
    assert missing.value.hint == "it has a, b"
    with pytest.raises(RunError, match="not a path"):
        await collected(lab.runs.download(run, to=tmp_path, output="../tracking"))


async def test_a_download_that_was_cut_goes_on_at_its_byte(lab: Lab, tmp_path: Path) -> None:
    run = await done(lab, "command: head -c 30000000 /dev/urandom > outputs/big && echo 1 > outputs/small")
    cut = False
    async for event in lab.runs.download(run, to=tmp_path):
        if isinstance(event, Progress) and event.done > 2_000_000 and not cut:
            cut = True
            lab.link.cut()
    asked = [args["files"] for op, args in lab.link.asked if op == "runs.download"]
    assert cut and len(asked) == 2
    assert asked[1][0][0] == "outputs/big" and asked[1][0][1] > 1_000_000
    source = files(lab.folder_of(run) / "outputs")
    assert files(tmp_path / "outputs") == source


async def test_a_part_that_is_something_else_is_found_out(lab: Lab, tmp_path: Path) -> None:
    run = await done(lab, "command: echo 12345 > outputs/a")
    (tmp_path / "outputs").mkdir()
    (tmp_path / f"outputs/a{PART}").write_text("zz")
    with pytest.raises(AgentError, match="another content"):
        await collected(lab.runs.download(run, to=tmp_path))
    assert files(tmp_path) == {}
    await collected(lab.runs.download(run, to=tmp_path))
    assert (tmp_path / "outputs/a").read_text() == "12345\n"


async def test_nothing_is_written_through_a_link(lab: Lab, tmp_path: Path) -> None:
    run = await done(lab, "command: echo 1 > outputs/a")
    (tmp_path / "elsewhere").mkdir()
    to = tmp_path / "to"
    to.mkdir()
    (to / "outputs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="is a link"):
        await collected(lab.runs.download(run, to=to))
    assert os.listdir(tmp_path / "elsewhere") == []


@pytest.mark.parametrize(
    "path",
    ["../x", "outputs/../../x", "/etc/passwd", "outputs", "outputs//x", "logs/x", "outputs/a\nb", "outputs/a\\b"],
)
def test_a_vm_that_lies_about_names_writes_nowhere_else(path: str) -> None:
    with pytest.raises(AgentError):
        checked(path)


JOB = """\
command: >-
  cat code.txt && echo lr ${{inputs.lr}} && cat outputs/checkpoints/step 2>/dev/null;
  echo from $TRAINSHED_RESUMED_FROM
code: src
inputs: {lr: 0.1}
"""


async def test_a_rerun_has_the_runs_own_code_with_other_values(lab: Lab) -> None:
    (lab.folder / "src").mkdir()
    (lab.folder / "src" / "code.txt").write_text("first\n")
    run = await done(lab, JOB)
    (lab.folder / "src" / "code.txt").write_text("changed\n")
    (lab.folder / "job.yml").unlink()
    created = one(await collected(lab.runs.rerun(run[:14], settings={"inputs.lr": "0.5"})), RunCreated)
    assert created.run != run and not created.existed
    assert text_of(await collected(lab.runs.follow(created.run))) == "first\nlr 0.5\nfrom\n"
    info = one(await collected(lab.runs.show(created.run)), RunsListed).runs[0]
    assert (info.parent, info.params["lr"]) == (run, "0.5")
    again = one(await collected(lab.runs.rerun(created.run)), RunCreated)
    assert "lr 0.5" in text_of(await collected(lab.runs.follow(again.run))), "a rerun of a rerun has its values"
    with pytest.raises(UsageError, match="no such input"):
        await collected(lab.runs.rerun(run, settings={"inputs.nope": "1"}))


async def test_a_rerun_that_resumes_begins_with_the_checkpoints(lab: Lab) -> None:
    (lab.folder / "src").mkdir()
    (lab.folder / "src" / "code.txt").write_text("x\n")
    run = await done(lab, JOB)
    with pytest.raises(RunError, match="left nothing in outputs/checkpoints"):
        await collected(lab.runs.rerun(run, resume=True))
    checkpoints = lab.folder_of(run) / "outputs" / "checkpoints"
    checkpoints.mkdir()
    (checkpoints / "step").write_text("step 7\n")
    created = one(await collected(lab.runs.rerun(run, resume=True)), RunCreated)
    assert text_of(await collected(lab.runs.follow(created.run))) == f"x\nlr 0.1\nstep 7\nfrom {run}\n"
    assert (checkpoints / "step").read_text() == "step 7\n", "the old run keeps its own"


async def test_checkpoints_that_are_a_link_lead_nowhere(lab: Lab, tmp_path: Path) -> None:
    run = await done(lab, "command: mkdir outputs/checkpoints && echo 1 > outputs/checkpoints/step")
    checkpoints = lab.folder_of(run) / "outputs" / "checkpoints"
    with jobs.checkpoints(str(lab.root), run) as folder:
        checkpoints.rename(checkpoints.with_name("moved"))
        checkpoints.symlink_to("/etc")
        jobs._copy(f"/proc/self/fd/{folder}", str(tmp_path / "copy"), folder)
    assert os.listdir(tmp_path / "copy") == ["step"]
    with pytest.raises(RunError, match="left nothing in outputs/checkpoints"):
        await collected(lab.runs.rerun(run, resume=True))


async def test_a_rerun_with_the_same_id_finds_the_first(lab: Lab) -> None:
    run, new = await done(lab, "command: echo once"), ulid.new()
    first = one(await collected(lab.runs.rerun(run, new=new)), RunCreated)
    second = one(await collected(lab.runs.rerun(run, new=new)), RunCreated)
    assert (first.existed, second.existed) == (False, True)
    await collected(lab.runs.follow(new))


async def test_a_run_that_kept_no_job_says_so(lab: Lab) -> None:
    run = await done(lab, "command: 'true'")
    path = lab.folder_of(run) / "job.json"
    job = json.loads(path.read_text())
    del job["source"]
    path.write_text(json.dumps(job))
    with pytest.raises(RunError, match="another version"):
        await collected(lab.runs.rerun(run))


async def test_a_deleted_run_is_gone_and_one_that_goes_on_is_not_deleted(lab: Lab, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("")
    run = await done(
        lab, f"command: head -c 100000 /dev/zero > outputs/x; ln -s {outside} outputs/out; chmod 0 outputs"
    )
    going = await lab.launched("command: sleep 60")
    with pytest.raises(RunError, match="has not ended"):
        await collected(lab.runs.delete([going]))
    deleted = one(await collected(lab.runs.delete([run])), RunDeleted)
    assert deleted.run == run and deleted.bytes >= 100_000
    assert sorted(os.listdir(lab.root / "runs")) == [going] and (outside / "kept").exists()
    with pytest.raises(RunError, match="there is no run"):
        await collected(lab.runs.show(run))
    (lab.root / "runs" / ".deleted-01J00000000000000000000000" / "left").mkdir(parents=True)
    other = await done(lab, "command: 'true'")
    await collected(lab.runs.delete([other]))
    assert sorted(os.listdir(lab.root / "runs")) == [going], "what an earlier deletion left is removed too"


async def test_another_persons_run_is_cancelled_and_deleted_only_by_force(
    lab: Lab, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = await lab.launched("command: sleep 60")
    mine = owner.me()
    assert one(await collected(lab.runs.show(going)), RunsListed).runs[0].owner == mine
    monkeypatch.setattr(owner, "me", lambda: "eve@elsewhere")
    other = LiveRuns(lab.site, ProcessLink(lab.root), opened(lab.site))
    with pytest.raises(RunError, match=mine) as refused:
        await collected(other.cancel(going))
    assert "--force" in refused.value.hint
    states = [
        event.state for event in await collected(other.cancel(going, force=True)) if isinstance(event, RunStateChanged)
    ]
    assert states == ["cancelled"]
    with pytest.raises(RunError, match="eve@elsewhere"):
        await collected(other.delete([going]))
    assert lab.folder_of(going).exists()
    await collected(other.delete([going], force=True))
    await other._link.close()
