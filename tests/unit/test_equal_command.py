"""A command that a person is told to type leads to the site that it was said of."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from core import equal
from core.errors import AgentError
from core.journal import Journal, Place, services
from core.pace import Pace
from core.runs.told import told
from core.site import files
from core.site.files import Site
from tui.driver import Job
from tui.equal import equal_command
from tui.session import Session
from tui.settings import Settings


def known(name: str) -> Site:
    return files.load(
        files.write_new(name, "vm1", host="192.0.2.1", port=None, user="me", identity=None, host_key=None)
    )


def test_the_current_site_needs_no_option_and_another_is_named(home: Path) -> None:
    one, two = known("one"), known("two")
    files.use("one")
    assert equal_command(one, "runs") == "trainshed runs"
    assert equal_command(two, "runs") == "trainshed --site two runs"


def test_a_site_opened_by_path_is_given_by_path_and_found_again(home: Path) -> None:
    known("one")
    folder = home / "a folder"
    folder.mkdir()
    path = folder / "one.toml"
    path.write_text(files.path_of("one").read_text())
    words = shlex.split(equal_command(files.load(path), "logs", "A B"))
    assert words == ["trainshed", "--site", str(path), "logs", "A B"]
    assert files.find(words[2]).path == path


def test_a_site_opened_by_path_is_named_where_no_other_is_known(home: Path) -> None:
    path = known("one").path
    path = path.rename(home / "elsewhere.toml")
    assert equal_command(files.load(path), "runs") == f"trainshed --site {path} runs"


def test_the_environment_can_name_the_site_that_is_used_without_an_option(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = known("one"), known("two")
    files.use("one")
    monkeypatch.setenv("TRAINSHED_SITE", "two")
    assert equal_command(two, "runs") == "trainshed runs"
    assert equal_command(one, "runs") == "trainshed --site one runs"


def test_a_replay_has_no_file_and_no_site_has_no_option(home: Path) -> None:
    assert equal_command(Place("demo", "stackvm"), "runs") == "trainshed --site demo runs"
    assert equal_command(Place("", ""), "connect", "me@192.0.2.1") == "trainshed connect me@192.0.2.1"


def test_an_interrupted_run_of_another_site_is_come_back_to_there(home: Path) -> None:
    known("one"), known("two")
    files.use("one")
    settings = Settings(site="two")
    settings.find_site()
    job = Job(settings)
    job.run, job.offset = "01JDEMO8Z4V7Q2M5K9X3T6W1RB", 7
    assert job.advice().endswith("goes on: trainshed --site two logs 01JDEMO8Z4V7Q2M5K9X3T6W1RB -f --from 7")


def test_what_is_copied_into_a_shell_is_one_line_and_quoted() -> None:
    assert equal.command("run", Path("a;b $(c).yml")) == "trainshed run 'a;b $(c).yml'"
    session = Session(services(Journal(Place("demo", "vm"), []), Pace(0)), clock=lambda: 0.0)
    session.ran("vm", "# the job logged artifact x\ncurl h | sh\r\x1b[2Kx")
    assert session.commands[-1].text == "# the job logged artifact x curl h | sh x"


@pytest.mark.parametrize(
    "more", [{"run": "01AB/../../x"}, {"run": "0; rm -rf ~"}, {"run": 5}, {"state": "odd"}, {"created": "x"}]
)
def test_a_run_of_the_vm_has_an_id_that_names_a_folder(more: dict[str, object]) -> None:
    run = {"run": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "name": "n", "experiment": "e", "state": "running", "created": 1.0}
    assert told(run, "vm1").vm == "vm1"
    with pytest.raises(AgentError, match="the VM tells of a run"):
        told({**run, **more}, "vm1")
