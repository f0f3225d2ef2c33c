"""A launch is of what was looked at: what has changed on the disk or in the container since is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from core.demo.azurite import Storage
from core.errors import JobChanged, JobError, from_code
from core.events import JobResolved, Phase, RunCreated
from core.jobs import ulid
from core.runs.bound import Looks

from .test_runs_service import Lab, _upload, collected, ended, one

pytestmark = pytest.mark.timeout(180)

JOB = """\
command: cat a.py ${{inputs.rows}} ${{inputs.n}}; echo one
code: src
inputs: {n: 3, rows: {type: uri_file, path: rows.csv}}
environment_variables: {A: b}
"""


@pytest_asyncio.fixture
async def lab(home: Path) -> AsyncIterator[Lab]:
    made = Lab(home)
    (made.folder / "src").mkdir()
    (made.folder / "src" / "a.py").write_text("1\n")
    (made.folder / "rows.csv").write_text("1,2\n")
    made.job(JOB)
    yield made
    await ended(made)


async def looked(lab: Lab, start: Callable[..., Any]) -> str:
    """The digest of a look: that of both its records, with and without what the VM said."""
    found = [event.digest for event in await collected(start(dry=True)) if isinstance(event, JobResolved)]
    assert len(set(found)) == 1 and len(found[0]) == 64
    return found[0]


async def refused(start: Callable[..., Any], seen: str) -> list[str]:
    with pytest.raises(JobChanged, match="changed since you looked") as error:
        await collected(start(seen=seen))
    changed: list[str] = error.value.facts["changed"]
    assert isinstance(from_code(error.value.code, "t", facts=dict(error.value.facts)), JobChanged)
    return changed


async def test_what_changed_on_this_machine_since_the_look_is_named_and_nothing_is_sent(lab: Lab) -> None:
    path, code, folder = lab.folder / "job.yml", lab.folder / "src" / "a.py", lab.folder

    def start(**more: Any) -> Any:
        return lab.runs.launch(path, settings={"inputs.n": "4"}, **more)

    before, text = await looked(lab, start), path.read_text()
    changes: list[tuple[Path, str, list[str]]] = [
        (path, text.replace("echo one", "echo two"), ["command: was cat a.py /data/rows/rows.csv 4; echo one"]),
        (path, text.replace("{A: b}", "{A: c, B: d}"), ["variable A: was b", "variable B: was not there"]),
        (path, f"{text}tags: {{team: x}}\n", ["tag team: was not there"]),
        (path, f"{text}limits: {{timeout: 60}}\n", ["limits: others than before"]),
        (code, "2\n", ["code: other content, of the same size"]),
        (code, "22\n", ["code: a.py has another size"]),
        (folder / "src" / "b.py", "", ["code: +b.py"]),
        (folder / "rows.csv", "3,4\n", ["input rows: other content, of the same size"]),
        (folder / "none.txt", "six\n", ["packages: +six"]),
    ]
    for file, now, named in changes:
        was = file.read_text() if file.exists() else None
        file.write_text(now)
        assert await refused(start, before) == named
        file.unlink() if was is None else file.write_text(was)
    (folder / "rows.csv").rename(folder / "moved.csv")
    with pytest.raises(JobError, match="there is no"):
        await collected(start(seen=before))
    (folder / "moved.csv").rename(folder / "rows.csv")
    path.write_text(f"# only a remark\n{text}")
    assert not (lab.root / "runs").exists() and not (lab.root / "snapshots").exists()
    assert await refused(start, "0" * 64) == [], "a look of another program"

    run = one(await collected(start(seen=before)), RunCreated).run
    code.write_text("2\n")
    one(await collected(start()), RunCreated)  # the command line looks at nothing

    (folder / "others.csv").write_text("3,4\n")

    def again(**more: Any) -> Any:
        return lab.runs.rerun(run, settings={"inputs.rows": str(folder / "others.csv")}, **more)

    seen = await looked(lab, again)
    (folder / "others.csv").write_text("5,6\n7,8\n")
    assert await refused(again, seen) == ["input rows: others.csv has another size"]
    assert one(await collected(again(seen=await looked(lab, again))), RunCreated).run != run


async def test_a_second_try_finds_the_run_of_the_first_even_where_the_job_has_changed(lab: Lab) -> None:
    path, given = lab.folder / "job.yml", ulid.new()
    seen = await looked(lab, lambda **more: lab.runs.launch(path, **more))
    first = await collected(lab.runs.launch(path, run=given, seen=seen))
    path.write_text(path.read_text().replace("echo one", "echo two"))
    second = one(await collected(lab.runs.launch(path, run=given, seen=seen)), RunCreated)
    assert (second.run, second.existed, second.command) == (given, True, one(first, RunCreated).command)


async def test_other_data_and_another_engine_than_were_looked_at(home: Path, storage: Storage) -> None:
    container = f"c{ulid.new().lower()}"
    _upload(storage, container, {"wards/a.csv": b"1,2\n"})
    lab = Lab(home, storage, container)
    path = lab.job("command: cat ${{inputs.all}}/*\ninputs: {all: {type: uri_folder, path: 'azureml:patients@latest'}}")

    def start(**more: Any) -> Any:
        return lab.runs.launch(path, **more)

    try:
        one(
            await collected(start(seen=await looked(lab, start))), RunCreated
        )  # not staged before: nothing to differ from
        before = await looked(lab, start)
        _upload(storage, container, {"wards/b.csv": b"3,4\n"})
        assert await refused(start, before) == ["data wards/: was 1 file, 4 B, is 2 files, 8 B"]
        assert len(list((lab.root / "runs").glob("01*"))) == 1
        after = await looked(lab, start)
        assert after == before, "what this machine decides is the same"
        looks = Looks()
        looks.keep(next(each for each in lab.runs._looks._shown.values() if each.asked))
        with pytest.raises(JobChanged, match=r"looked: sandbox$"):
            looks.bound(after).to_engine("docker")
        found = await collected(start(seen=after))
        one(found, RunCreated)
        assert any(isinstance(event, Phase) and event.title == "Preparing the environment" for event in found)
    finally:
        await ended(lab)
