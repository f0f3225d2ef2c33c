"""What a supervisor makes of Docker's answers that a real Docker gives only in a race."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from core.agent import container, docked, runfolder
from core.agent.docker_api import NotThere, Refusal

RUN = "01JDEMO8Z4V7Q2M5K9X3T6W1RB"
TAKEN = 'Conflict. The container name "/trainshed-X" is already in use by container "088"'


class Docker:
    """`appears`: after how many refused creations the other's container shows itself; None: never."""

    def __init__(self, appears: int | None) -> None:
        self.appears = appears
        self.refused = 0
        self.status = "created"
        self.asked: list[str] = []
        self.label = container.LABEL

    def call(self, method: str, path: str, body: Any = None, **_more: Any) -> dict[str, Any]:
        self.asked.append(f"{method} {path.rpartition('/')[2]}")
        if path.endswith("/json"):
            if self.appears is None or self.refused < self.appears:
                raise NotThere("no such container")
            state = {"Status": self.status, "Running": self.status == "running", "Pid": 0, "ExitCode": 0}
            return {"Id": "8" * 64, "State": state, "Config": {"Labels": {self.label: RUN}}}
        if path.endswith("/create"):
            self.refused += 1
            raise Refusal(409, TAKEN)
        self.status = {"created": "running", "running": "exited"}[self.status]
        return {}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(docked, "AGAIN_S", 0.01)
    monkeypatch.setattr(docked, "TAKEN_S", 0.2)
    folder = os.path.join(runfolder.runs_folder(str(tmp_path)), RUN)
    os.makedirs(folder)
    container.once(folder)
    return str(tmp_path)


def supervised(docker: Docker, root: str) -> docked.Docked:
    made = docked.Docked(docker, RUN, root, {})  # type: ignore[arg-type]
    made._tell = lambda: None
    made._attend()
    return made


def test_a_container_that_a_killed_supervisor_has_asked_for_is_gone_on_with(root: str) -> None:
    docker = Docker(appears=3)
    ended = supervised(docker, root)
    ended.close()
    assert ended.end == ("exit", 0)
    assert docker.asked.count("POST create") == 3 and docker.asked.count("POST start") == 1


def test_a_container_of_somebody_else_by_our_name_is_an_error_at_once(root: str) -> None:
    docker = Docker(appears=0)
    docker.label = "theirs"
    with pytest.raises(Exception, match="cannot be started: Conflict"):
        supervised(docker, root).close()
    assert docker.asked.count("POST create") == 1


def test_a_name_that_stays_taken_is_an_error_and_no_wait_for_ever(root: str) -> None:
    ended = supervised(Docker(appears=None), root)
    with pytest.raises(Exception, match="cannot be started: Conflict"):
        ended.close()
