"""The demo's end finds what runs on its VM where the agent records it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.demo import processes


@pytest.mark.parametrize("place", ["runs/01M8", "services/model/instances/17-ab"])
def test_runs_and_served_models_are_found_with_what_is_in_their_sandbox(tmp_path: Path, place: str) -> None:
    folder = tmp_path / place
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(json.dumps({"pid": 7, "start": 8, "sandbox": [[9, 10]]}))
    assert list(processes._of_the_vm(tmp_path)) == [[7, 8], [9, 10]]
