"""What a VM answers that is not as it should be: an error or an unknown, and no crash."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from core.checks import told
from core.checks.catalogue import CATALOGUE
from core.checks.fixes.service import LONGEST, SHAPES
from core.checks.model import COMMANDS, Seen
from core.checks.seen import notices
from core.errors import AgentError
from core.site.secrets import Secret

SERVER: dict[str, Any] = {
    "config": {"port": ["22"]}, "root_config": {}, "config_file": "/etc/ssh/sshd_config", "argv": [], "command": "",
    "note": "", "port": 22, "uid": 0, "unread": [],
}  # fmt: skip
HOST: dict[str, Any] = {"user": "ada", "sshd": SERVER, "errors": {}, "root": [], "root_refused": ""}
STRANGE: tuple[Any, ...] = (None, 7, "\x1b[2J", [], [None], {"keys": 1}, {"sizes": "x", "os": []})


@pytest.mark.parametrize("strange", STRANGE, ids=repr)
def test_a_section_that_is_none_is_no_crash(strange: object) -> None:
    found = {}
    for config in (strange, SERVER["config"]):
        sections = dict.fromkeys(COMMANDS, strange) | {"sshd": {"config": config, "root_config": config}}
        found = {check.id: check.run(Seen(host=sections)) for check in CATALOGUE}
    listed = ("hostkey-perm", "moduli", "regresshion", "docker", "updates-time", "listen-scope", "faillock")
    assert all(found[id].status != "pass" for id in listed if id in found)


def test_what_the_client_counts_on_is_demanded() -> None:
    assert told.demand(HOST, told.Host) is HOST
    wrong = [HOST | {key: value} for key, value in itertools.product(("user", "sshd", "errors"), (None, 7, [None]))]
    wrong += [HOST | {"sshd": SERVER | {"config": {"port": [22]}}}, HOST | {"account": []}, HOST | {"guards": {}}, {}]
    for answer in wrong:
        with pytest.raises(AgentError, match="cannot be read"):
            told.demand(answer, told.Host)
    for shape in (SHAPES["plan"], SHAPES["attempt"], SHAPES["put_back"]):
        with pytest.raises(AgentError, match="cannot be read"):
            told.demand({"id": 1, "steps": [{"title": None}], "files": [{"path": 1}], "kept": "no"}, shape)
    step = {"title": "x" * 400, "command": ""}
    tried = {"id": "", "steps": [step] * 900, "seconds": 1.0}
    assert told.demand(tried, told.Tried) and told.demand(tried, told.Tried, LONGEST)
    with pytest.raises(AgentError, match="too long"):
        told.demand(tried | {"steps": [step] * 2000}, told.Tried, LONGEST)


def test_a_password_that_the_vm_repeats_gets_into_no_finding_and_no_notice() -> None:
    """What is found is kept on this machine and goes into reports."""
    sudo = Secret("right horse 7!")
    server = {**SERVER, "note": f"sshd {sudo.reveal()}"}
    host = HOST | {"sshd": server, "root_refused": f"sudo refuses: {sudo.reveal()}"}
    seen = Seen(host=host, errors=dict.fromkeys(COMMANDS, "x" * 2990 + f" {sudo.reveal()}"))
    told_then = [check.run(seen).evidence for check in CATALOGUE] + [notice.text for notice in notices(seen)]
    assert "sudo refuses: ***" in told_then[-1] and not [
        text for text in told_then if "horse" in text or "right" in text
    ]
