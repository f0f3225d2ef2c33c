"""`trainshed data evict|purge|receipts`: what is asked, refused and left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core import kept
from core.agent import data_receipts
from core.data import receipts
from tests.cli.conftest import Run
from tests.cli.terminal import Terminal
from tests.fakes.script import Scenario
from tests.fakes.store import RECEIPT


def on_terminal(*words: str) -> Terminal:
    return Terminal("tests.cli.program", json.dumps({}), *words)


def test_a_purge_names_what_goes_and_takes_the_word_yes_alone(ward: Path) -> None:
    terminal = on_terminal("data", "purge", "patients/")
    terminal.expect("would be purged: 51d0a77e7e7e")
    terminal.expect("also archive/october/")
    terminal.expect("Remove this from the VM for good?")
    terminal.type("y\n")
    terminal.expect("nothing was removed")
    assert terminal.end() == 2
    terminal = on_terminal("data", "evict", "--keep", "1")
    terminal.expect("It can be staged again.")
    terminal.type("yes\n")
    terminal.expect("evicted 0c44e9b2b2b2")
    assert terminal.end() == 0, "what a going run needs was not meant"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("data", "evict"), "data evict: what?"),
        (("data", "purge"), "data purge: what?"),
        (("data", "purge", "--all", "samples/"), "everything that is staged, not both"),
        (("data", "purge", "", "--yes"), "an empty path or digest"),  # "$VARIABLE" without a value
        (("data", "evict", "samples/", " ", "--yes"), "an empty path or digest"),
        (("data", "evict", "--unused-for", "30"), "is no span"),
        (("data", "evict", "--unused-for", "d"), "is no span"),
        (("data", "evict", "nothing/", "--yes"), "nothing is staged of"),
        (("data", "purge", "patients/"), "--yes removes without a question"),
        (("--read-only", "data", "purge", "--all", "--yes"), "read-only"),
        (("--read-only", "data", "evict", "samples/", "--yes"), "read-only"),
        (("data", "purge", "--all", "--yes", "--receipt", "/"), "is there already"),
        (("data", "purge", "--all", "--yes", "--receipt", "/no/such/r.json"), "is no folder"),
    ],
)
def test_what_cannot_be_meant_removes_nothing(fake: Run, words: tuple[str, ...], said: str) -> None:
    scenario = Scenario()
    found = fake(*words, "--no-input", scenario=scenario)
    assert found.code == 2 and said in found.err and not scenario.evicted


def test_read_only_still_says_what_would_go(fake: Run) -> None:
    found = fake("--read-only", "data", "evict", "--unused-for", "30d", "--dry-run")
    assert found.code == 0 and "would be evicted: 0c44e9b2b2b2" in found.out and "51d0" not in found.out


def test_a_receipt_is_copied_listed_and_a_change_of_it_shows(fake: Run, home: Path) -> None:
    copy = home / "receipt.json"
    said = fake("data", "purge", "patients/", "--yes", "--receipt", str(copy))
    assert f"receipt copied to {copy}" in said.err
    assert said.code == 0 and copy.stat().st_mode & 0o777 == 0o600
    receipt = json.loads(copy.read_text())
    assert receipts.intact(receipt) and receipts.checked(receipt) == receipt
    kept_here = receipts.keep("ward-7", receipt)
    with pytest.raises(FileExistsError):
        receipts.keep("ward-7", data_receipts.seal({**receipt, "versions": []}))  # a VM's, in its place
    assert kept_here.stat().st_mode & 0o777 == 0o600
    assert {item.path for item in kept.found(["receipts"])} == {copy, kept_here}
    assert [(info.receipt, info.versions, info.intact) for info in receipts.here("ward-7")] == [(RECEIPT, 2, True)]
    kept_here.write_text(kept_here.read_text().replace("18204", "18203"))
    assert [info.intact for info in receipts.here("ward-7")] == [False]
    kept_here.write_text("[")
    assert receipts.here("ward-7") == []
    assert fake("kept", "purge", "--yes").code == 0 and copy.exists(), "only by its name, or with --all"
    assert fake("kept", "purge", "receipts", "--yes").code == 0 and not copy.exists() and not kept_here.exists()
