"""The Launch step: nothing chosen, looking, resolved, a wrong value, building, failed, launched."""

from __future__ import annotations

import asyncio
import json
import shlex
import stat
from pathlib import Path
from time import monotonic

import pytest
from textual.events import Paste
from textual.widgets import Input, OptionList, TextArea

from core.jobs import nearby
from core.journal import replayed
from tests.fakes.script import RUN, Scenario
from tui.app import TrainshedApp
from tui.screens.job_chooser import JobChooser
from tui.screens.job_paste import JobPaste
from tui.screens.start_from import StartFrom

from .walk import Walk, walking

JOB = "command: echo ${{inputs.n}}\nenvironment: azureml:e:1\ninputs: {n: 1}\n"


@pytest.fixture
def here(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: two job files, and YAML files that are none."""
    folder = tmp_path / "work"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "job.yml").write_text(JOB)
    (folder / "deep" / "er" / "train.yaml").write_text(JOB)
    (folder / "compose.yml").write_text("services: {a: {command: x, environment: {}}}\n")
    (folder / "pipeline.yml").write_text(f"{JOB}jobs: {{}}\n")
    monkeypatch.chdir(folder)
    return folder


def options(walk: Walk) -> list[str]:
    listed = walk.app.screen.query_one(OptionList)
    return [str(listed.get_option_at_index(at).prompt) for at in range(listed.option_count)]


async def settle(walk: Walk) -> None:
    """Until what a dialogue began has ended."""
    await walk.settled()
    await walk.settled()


async def test_from_nothing_to_a_run_by_choosing_correcting_and_launching(here: Path) -> None:
    gate = asyncio.Event()
    scenario = Scenario(hold={"dry": gate})
    nearby.remember("ward-7", here / "deep" / "er" / "train.yaml")
    async with walking(scenario, job=None) as walk:
        await walk.press("4")
        assert "Enter lists the job files near" in walk.status
        await walk.pilot.click("#launch #primary")
        assert "Choose a job file first: f lists those near" in walk.text("#job-refused")
        await walk.press("escape", "enter")
        await settle(walk)
        assert isinstance(walk.app.screen, JobChooser)
        assert options(walk) == ["launched here before", "deep/er/train.yaml", "near this folder", "job.yml"]
        await walk.type("job")
        await walk.pilot.pause()
        assert options(walk) == ["near this folder", "job.yml"]
        await walk.pilot.press("enter")
        for _ in range(5):
            await walk.pilot.pause()
        assert walk.pane.value("job") == "job.yml" and "Reading job.yml" in walk.status, "it looks at once"
        assert walk.state == "going"
        assert "built or not: not known yet" in walk.pane_text("#plan"), "what is known here is there before the VM"
        gate.set()
        await walk.settled()
        assert "has to be built" in walk.pane_text("#plan") and "with 1 warning" in walk.status
        assert walk.pane_text("#plan").startswith("⚠ job.yml:9"), "warnings come first"
        assert walk.pane.primary()[0] == "Launch"

        epochs = walk.pane.query_one("#input-epochs", Input)
        assert (epochs.value, walk.pane.query_one("#input-augment", Input).value) == ("40", "false")
        epochs.focus()
        await walk.type("x")
        assert "not a whole number; the job has 40" in walk.text("#input-epochs-refused")
        await walk.press("enter")
        assert not walk.runs.launches and walk.app.focused is epochs, "a wrong value is not looked at"
        await walk.press("backspace", "1")
        assert not walk.pane.query_one("#input-epochs-refused").display
        walk.pane.query_one("#settings", Input).value = "display_name='two words'"
        await walk.pilot.pause()
        assert "Changed since that look" in walk.status
        line = walk.pane_text("#line").removeprefix("$ ")
        assert shlex.split(line)[3:] == [
            "run", "job.yml", "--set", "display_name=two words", "--set", "inputs.epochs=401", "--dry-run",
        ]  # fmt: skip
        await walk.press("enter")
        assert "changed     epochs: 40 → 401" in walk.pane_text("#plan") and not walk.runs.launches
        await walk.press("escape", "enter")
        assert walk.runs.launches == [
            (Path("job.yml"), {"display_name": "two words", "inputs.epochs": "401"}),
        ]  # fmt: skip
        said = walk.pane_text("#plan")
        assert f"✓ run {RUN} on stackvm" in said and "5 watches it" in said and "✓ Building the environment" in said
        assert epochs.value == "401" and walk.state == "done"
        assert walk.pane.primary()[0] == "Show what it does", "another launch begins with a look"


async def test_another_job_drops_what_was_typed_for_the_one_before(here: Path) -> None:
    async with walking(job=Path("job.yml")) as walk:
        await walk.press("4")
        job, more = walk.pane.query_one("#job", Input), walk.pane.query_one("#settings", Input)
        more.value = "display_name=mine"
        await walk.press("enter")
        walk.pane.query_one("#input-lr", Input).value = "1"
        await walk.pilot.pause()
        assert "--set display_name=mine --set inputs.lr=1" in walk.pane_text("#line")
        job.value = "~/other file.yml"
        await walk.pilot.pause()
        assert not walk.pane.query_one("#inputs").display
        words = shlex.split(walk.pane_text("#line"))
        assert words[-3:] == ["run", str(Path("~/other file.yml").expanduser()), "--dry-run"]
        assert more.value == "" and "What was also set for job.yml does not go along" in walk.notices()
        await walk.press("enter")
        assert walk.runs.launches == [] and walk.pane.primary()[0] == "Launch"
        job.value = "job.yml"
        await walk.pilot.pause()
        assert more.value == "display_name=mine" and "--set display_name=mine" in walk.pane_text("#line")
        await walk.press("enter", "enter")
        assert walk.runs.launches == [(Path("job.yml"), {"display_name": "mine"})]


async def test_what_changed_since_the_look_is_not_launched_but_looked_at_again(home: Path) -> None:
    scenario = Scenario()
    async with walking(scenario, size=(120, 40)) as walk:
        runs = walk.runs
        await walk.press("4", "enter")
        scenario.edited = "--fast"
        await walk.press("enter")
        assert runs.launches == [] and "It changed since you looked, and nothing was launched" in walk.status
        said = " ".join(walk.pane_text("#plan").split())
        assert said.startswith("⚠ changed since you looked: command: was python train.py")
        assert "--lr 0.05 --fast" in said and walk.state == "todo" and walk.pane.primary()[0] == "Launch"
        await walk.press("enter")
        assert len(runs.launches) == 1 and walk.state == "done"
        assert "changed since" not in walk.pane_text("#plan")
        walk.pane.focus_first()
        await walk.press("enter")
        walk.pane.query_one("#input-lr", Input).value = "0.2"
        walk.pane.launch()  # type: ignore[attr-defined]
        await walk.settled()
        assert len(runs.launches) == 1 and "changed     lr: 0.05 → 0.2" in walk.pane_text("#plan"), "that is a look"


async def test_the_keys_go_where_a_person_is(home: Path) -> None:
    gate, scenario = asyncio.Event(), Scenario(built=True, build_fails=True)
    async with walking(scenario) as walk:
        runs = walk.runs
        await walk.press("4")
        job = walk.pane.query_one("#job", Input)
        job.focus()
        await walk.press("end", "x", "enter")
        assert "no such job file" in walk.text("#launch #error-text") and walk.state == "failed"
        await walk.type("q2")
        assert walk.app.focused is job and job.value == "demo/train.ymlxq2", "what is typed goes on in the field"
        await walk.press("backspace", "backspace", "backspace", "enter")
        assert walk.state == "todo" and not walk.pane.panel.display, "a good look mends what had failed"
        primary = walk.pane.query_one("#primary")
        assert walk.app.focused is primary and "built already" in walk.pane_text("#plan")
        scenario.hold["build"] = gate
        job.focus()
        await walk.pilot.press("enter")
        await walk.until(lambda: "● Building the environment" in walk.pane_text("#plan"))
        assert "built already" in walk.pane_text("#plan") and walk.app.focused is primary
        gate.set()
        await walk.settled()
        assert walk.state == "failed" and walk.app.focused is not None and walk.app.focused.id == "retry"
        scenario.build_fails = False
        await walk.press("r")
        assert runs.ids[0] == runs.ids[1] is not None, "another try of the same launch starts nothing twice"
        assert walk.state == "done" and walk.app.focused is not None and walk.app.focused.id == "go-next"
        assert ", sent to stackvm" in walk.pane_text("#plan") and "not staged" not in walk.pane_text("#plan")
        await walk.type("x7")
        assert job.value == "demo/train.yml"
        scenario.hold["dry"] = asyncio.Event()
        await walk.pilot.press("4", "e", "enter")
        await walk.until(lambda: "Reading train.yml" in walk.status)
        await walk.pilot.press("1", "escape")
        await walk.pilot.press("escape")
        await walk.settled()
        assert "stopped" in walk.status and walk.pane.primary()[0] == "Show what it does"
        assert walk.state == "done" and walk.app.wizard.here == "launch"


async def test_a_launch_that_fails_out_of_sight_takes_no_focus(home: Path) -> None:
    gate, scenario = asyncio.Event(), Scenario(build_fails=True)
    async with walking(scenario) as walk:
        await walk.press("4", "enter")
        scenario.hold["build"] = gate
        await walk.pilot.press("enter", "1")
        focused = walk.app.focused
        gate.set()
        await walk.settled()
        assert walk.app.session.journey.states["launch"] == "failed" and walk.app.focused is focused
        gate.clear()
        await walk.pilot.press("4", "r")
        await walk.until(lambda: "● Building the environment" in walk.pane_text("#plan"))
        await walk.pilot.press("escape")
        await walk.settled()
        assert "stopped. If its run was made by then" in walk.status and walk.pane.primary()[0] == "Launch"


async def test_a_build_goes_on_in_view_and_what_failed_is_marked(home: Path) -> None:
    gate = asyncio.Event()
    scenario = Scenario(build_fails=True, hold={"build": gate})
    async with walking(scenario, size=(120, 40)) as walk:
        await walk.press("4", "enter")
        walk.pane.query_one("#input-lr", Input).value = "0.5"
        await walk.press("enter")
        await walk.pilot.press("enter")
        for _ in range(20):
            await walk.pilot.pause()
        assert "● Building the environment" in walk.pane_text("#plan")
        assert walk.pane.query_one("#build").display and "Building the environment" in walk.status
        await walk.pilot.press("f")
        assert "Still going" in walk.notices()
        gate.set()
        await walk.settled()
        assert "✗ Building the environment" in walk.pane_text("#plan")
        assert "✓ Reading train.yml" in walk.pane_text("#plan")
        assert "scikit-learn==9.9" in walk.text("#launch #error-text")
        assert walk.pane.query_one("#input-lr", Input).value == "0.5" and walk.state == "failed"
        scenario.build_fails = False
        await walk.press("r")
        assert walk.state == "done" and walk.runs.launches[-1][1] == {"inputs.lr": "0.5"}


async def test_a_vm_that_is_off_is_said_and_the_rest_is_shown() -> None:
    async with walking(Scenario(unreachable=True)) as walk:
        await walk.press("4", "enter", "a")
        said = walk.pane_text("#plan")
        assert "stackvm was not asked what it has already" in said and "command     python train.py" in said
        assert walk.state == "todo" and not walk.pane.panel.display
        assert "Every file and package is named" in walk.notices()


async def test_a_run_to_start_from_brings_its_values_and_says_how_it_differs(home: Path) -> None:
    async with walking() as walk:
        await walk.press("4", "enter")
        walk.pane.query_one("#input-lr", Input).value = "0.2"
        await walk.press("enter", "s")
        await settle(walk)
        assert isinstance(walk.app.screen, StartFrom)
        assert RUN[:13] in options(walk)[0] and "lr=0.05" in options(walk)[0]
        await walk.pilot.click("#resume")
        await settle(walk)
        assert walk.pane.query_one("#input-lr", Input).value == "0.05"
        assert f"starts from run {RUN}, beginning with its" in walk.pane_text("#plan")
        assert "vs job file lr: 0.2 → 0.05" in walk.pane_text("#plan")
        assert walk.pane_text("#line").endswith(f"rerun {RUN} --resume")
        await walk.press("enter")
        assert walk.runs.launches == [(Path(RUN), {})]
        await walk.pilot.click("#no-origin")
        await settle(walk)
        assert walk.pane_text("#line").endswith("run demo/train.yml")
        assert "starts from" not in walk.pane_text("#plan")


async def test_a_pasted_job_is_kept_where_it_is_said_and_errors_keep_the_text(here: Path) -> None:
    async with walking(job=None) as walk:
        await walk.press("4")
        field = walk.pane.query_one("#job", Input)
        field.post_message(Paste(JOB))
        await settle(walk)
        assert isinstance(walk.app.screen, JobPaste) and walk.app.screen.query_one("#text", TextArea).text == JOB
        walk.app.screen.query_one("#text", TextArea).text = ""
        await walk.press("escape")
        assert field.value == "", "a field would have kept the first line alone"
        field.post_message(Paste("command: x\n" * 100_000))
        await settle(walk)
        assert "1,100,000 bytes were pasted" in walk.notices()
        await walk.press("p")
        dialogue = walk.app.screen
        assert isinstance(dialogue, JobPaste)
        area = dialogue.query_one("#text", TextArea)
        began = monotonic()
        for pasted, said in (
            ("command: x\n" * 100_000, "1,100,000 bytes were pasted; a job file has 262,144 at most"),
            ("command: " + "x" * 100_000, "A line of 100,009 characters was pasted"),
        ):
            area.post_message(Paste(pasted))
            await walk.pilot.pause()
            assert said in walk.text("#said") and area.text == ""
        assert monotonic() - began < 5
        area.post_message(Paste(JOB + "# a long one\n" * 15_000))
        await walk.pilot.pause()
        assert len(area.text) > 190_000

        area.text = JOB.replace("inputs:", "nonsense:")
        path = dialogue.query_one("#path", Input)
        path.value = "job.yml"
        path.focus()
        await walk.press("enter")
        assert "job.yml is there already" in walk.text("#said") and (here / "job.yml").read_text() == JOB
        path.value = "new.yml"
        await walk.press("enter")
        assert "Kept in new.yml, and not right yet: new.yml:3: nonsense: no such key here" in walk.text("#said")
        assert area.cursor_location == (2, 0) and "nonsense" in area.text
        await walk.press("escape", "p")
        assert isinstance(walk.app.screen, JobPaste)
        area = walk.app.screen.query_one("#text", TextArea)
        assert "nonsense" in area.text and walk.app.screen.query_one("#path", Input).value == "new.yml"
        area.text = JOB
        await walk.pilot.pause()
        walk.app.screen.query_one("#path", Input).focus()
        await walk.press("enter")
        await settle(walk)
        assert walk.pane.value("job") == "new.yml" and walk.pane.primary()[0] == "Launch"
        assert (here / "new.yml").read_text() == JOB and stat.S_IMODE((here / "new.yml").stat().st_mode) == 0o600
        (here / "new.yml").write_text("edited elsewhere")
        await walk.press("p")
        path = walk.app.screen.query_one("#path", Input)
        path.focus()
        await walk.press("enter")
        assert "new.yml was changed since it was kept here: nothing is written over" in walk.text("#said")
        assert (path.value, walk.app.focused) == ("new-2.yml", path)
        await walk.press("enter")
        await settle(walk)
        assert walk.pane.value("job") == "new-2.yml" and (here / "new-2.yml").read_text() == JOB
        assert (here / "new.yml").read_text() == "edited elsewhere"


async def test_read_only_looks_and_writes_no_file(here: Path) -> None:
    async with walking(job=Path("job.yml"), read_only=True) as walk:
        await walk.press("4", "p", "enter")
        assert "no file is written" in walk.notices() and "Read-only: nothing is launched" in walk.status


async def test_a_session_recorded_before_launches_had_a_record_still_plays(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    entries = [
        {"event": "phase", "step": "launch", "title": "Reading job.yml"},
        {"event": "notice", "text": "code: 3 files, 4100 bytes of /srv/demo"},
        {"event": "notice", "text": "  a.py (4100)"},
        {"event": "run.created", "run": RUN, "name": "n", "experiment": "e", "vm": "stackvm", "command": "python a.py"},
    ]
    lines: list[dict[str, object]] = [{"journal": 1, "site": "demo", "vm": "stackvm", "recorded": 0}]
    lines += [{"at": 0, "call": 1, "op": "runs.launch"}, *({"at": 0, "call": 1, "is": entry} for entry in entries)]
    lines += [{"at": 0, "call": 1, "done": True}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    app = TrainshedApp(replayed(path, speed=0), label="replay")
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.press("4", "enter", "f", "p")
        said = walk.pane_text("#plan")
        assert said.startswith("command python a.py") and "· code: 3 files, 4.1 kB of /srv/demo" in said
        assert walk.pane.primary()[0] == "Launch" and not walk.pane.query_one("#inputs").display
        assert walk.notices().count("A replay reads no file") == 2
        await walk.press("enter")
        assert f"✓ run {RUN} on stackvm" in walk.pane_text("#plan") and walk.state == "done"
