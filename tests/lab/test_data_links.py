"""The path to the data with each link broken in turn: the right one says so, with its cause, and nothing after it."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core import errors
from core.agent import blob, blob_connection, path_access, path_data, path_found, path_network, path_walk, stage_disk
from core.agent.blob import VERSIONS
from core.agent.faults import Fault
from core.data import links, sas
from core.data.upload import upload
from core.demo.azurite import Storage
from tests.pythons import oldest

from .agent_process import AgentProcess
from .broken_links import BREAK, Described, Lab, page
from .data_links import CASES, keep
from .front import StrictFront

IDS = [row.id for row in links.ROWS]
Found = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("links")


@pytest.fixture(scope="module")
def agent(place: Path) -> Iterator[AgentProcess]:
    with AgentProcess(place / "vm", python=oldest()) as process:
        yield process


@pytest.fixture(scope="module")
def lab(place: Path) -> Iterator[Lab]:
    made = Lab(place)
    yield made
    made.front.stop()


def check(agent: AgentProcess, described: Described) -> Found:
    events = [message for message in agent.stream("data.check", source=described) if isinstance(message, dict)]
    found = {event["id"]: event for event in events if event.get("event") == "check"}
    assert list(found) == IDS
    assert described["credential"].split("sig=")[-1] not in json.dumps(found)
    return found


@pytest.fixture(scope="module")
def told(agent: AgentProcess, lab: Lab) -> Iterator[Found]:
    """What each case that was tried has said; kept for the table."""
    found: Found = {}
    yield found
    if set(found) == set(CASES):
        keep(found)


def test_every_case_is_broken_in_some_way() -> None:
    assert set(BREAK) == set(CASES) and {case.link for case in CASES.values()} == {*IDS} - {"public"}


@pytest.mark.parametrize("name", CASES)
def test_a_broken_link(name: str, agent: AgentProcess, lab: Lab, told: Found) -> None:
    case = CASES[name]
    lab.front.well()
    with lab.case:
        found = check(agent, BREAK[name](lab))
    link = found[case.link]
    told[name] = link
    assert link["status"] == case.status and case.cause in link["evidence"] and case.action in link["action"], link
    at = IDS.index(case.link)
    assert not [id for id in IDS[:at] if found[id]["status"] in ("fail", "skipped", "unknown")], found
    after = [found[id] for id in IDS[at + 1 :]]
    if case.goes_on:
        assert not [each for each in after if each["status"] == "fail" or "not tried" in each["evidence"]], found
    else:
        assert all((each["status"], each["duration_s"]) == ("skipped", None) for each in after), found
        assert all(f"the link {case.link!r} before it" in each["evidence"] for each in after)


def test_a_whole_path_says_what_it_saw_and_asks_once_for_the_version(
    agent: AgentProcess, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.front.well()
    found = check(agent, lab.sas(seconds=90 * 86_400))
    assert {each["status"] for each in found.values()} == {"pass"}, found
    for id, words in {
        "name": "as data.address says",
        "tls": "days left",
        "version": "2019-07-07, as it refuses 2020-10-02",
        "list": "records: 2 blobs, 160 kB",
        "speed": "too little to tell",
        "disk": "the container has 160 kB",
    }.items():
        assert words in found[id]["evidence"]
    assert [each.version for each in lab.front.faults.seen].count("2020-10-02") == 2  # by nobody, and by the credential
    assert {found[id]["duration_s"] for id in path_walk.READ_OFF} == {None}
    agent.call("data.stage", source=lab.sas(), path="")
    again = check(agent, lab.sas())
    assert "of which 160 kB are staged already" in again["disk"]["evidence"]
    path = path_found.Path(blob.Source(**lab.sas()), "the VM", str(agent.root / "data"))
    path_access.list(path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=stage_disk.RESERVE + 1000))
    assert path_data.disk(path).status == "pass", "what is staged needs no room"
    path.folder = "/nowhere/data"
    with pytest.raises(path_found.Broken, match="the container has 160 kB"):
        path_data.disk(path)


def test_a_remembered_version_is_asked_first_and_probed_anew_where_it_works_no_more(
    agent: AgentProcess, lab: Lab
) -> None:
    lab.front.well()
    check(agent, {**lab.sas(), "remembered": "2019-07-07"})
    assert {each.version for each in lab.front.faults.seen} == {"2019-07-07"}
    lab.front.well()
    lab.front.newest = "2017-11-09"
    try:
        link = check(agent, {**lab.sas(), "remembered": "2019-07-07"})["version"]
    finally:
        lab.front.newest = "2019-07-07"
    assert "2017-11-09, as it refuses 2019-07-07, 2019-02-02" in link["evidence"]
    assert blob._versions("2019-02-02") == ("2019-02-02", "2017-11-09", "2020-10-02", "2019-07-07")
    assert blob._versions("2001-01-01") == VERSIONS


def test_a_busy_gateway_says_nothing_of_the_version(lab: Lab) -> None:
    """Else the newest one would be kept, and refused when the gateway has the service again."""
    with lab.case:
        client = blob.Client(blob.Source(**lab.answers(page("502 Bad Gateway"))))
        with pytest.raises(Fault, match=r"busy \(502\)"):
            client.page("")
        assert client.version is None


def test_a_public_address_is_a_warning_with_what_to_ask(lab: Lab) -> None:
    path = path_found.Path(blob.Source(**lab.front.described("records")), "the VM", "/")
    path.targets = [("20.60.1.1", 443), ("2001:db8::1", 443, 0, 0)]
    found = path_network.public(path)
    assert found.status == "warn" and "20.60.1.1 is a public address" in found.evidence
    assert "2001" not in found.evidence and "ask the operator" in found.action
    for own in ("10.0.0.4", "192.168.1.1", "172.20.0.1", "100.64.0.1", "fd00::1", "fe80::1%eth0", "127.0.0.1"):
        path.targets = [(own, 443)]
        assert path_network.public(path).status == "pass", own


def test_from_the_client_no_credential_is_shown_nothing_is_read_and_nothing_fails(lab: Lab) -> None:
    lab.front.well()
    found = list(path_walk.follow_outside(blob.Source(**lab.front.described("records"))))
    assert [(link.id, link.status) for link in found] == [(id, "pass") for id in IDS[:5]]
    assert all(entry.path == "/records?restype=container&comp=list&maxresults=1" for entry in lab.front.faults.seen)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        away = lab.front.described("records")["endpoint"].rpartition(":")[0] + f":{taken.getsockname()[1]}"
        found = list(path_walk.follow_outside(blob.Source(**{**lab.front.described("records"), "endpoint": away})))
    told = [links.finished_outside({**link._asdict(), "evidence": link.cause}) for link in found]
    assert [each.id for each in told] == [f"data-client-{id}" for id in IDS[:5]]
    assert [each.status for each in told] == ["pass", "pass", "skipped", "skipped", "skipped"]
    assert "refused" in told[2].evidence and "which is fine" in told[2].evidence and "which is fine" in told[4].evidence


def test_a_service_that_answers_late_is_not_waited_for_long(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_found, "PATIENCE_S", 0.1)
    lab.front.well()
    lab.front.faults.latency_s = 0.5
    found = list(path_walk.walk(path_found.Path(blob.Source(**lab.sas()), "the VM", "/nowhere"), path_walk.WHOLE))
    lab.front.well()
    late = found[IDS.index("service")]
    assert (late.status, late.cause) == ("fail", "no answer in time") and {each.status for each in found[5:]} == {
        "skipped"
    }


@pytest.mark.parametrize("text", ["not base64 !", "DefaultEndpointsProtocol=https;AccountName=a"])
def test_what_is_no_credential_is_refused(agent: AgentProcess, lab: Lab, text: str) -> None:
    with pytest.raises(errors.SecretError, match="neither an account key nor a SAS token"):
        agent.call("data.check", source={**lab.front.described("records"), "credential": text})


@pytest.mark.parametrize("access", ["container", "blob"])
def test_a_public_container_of_a_real_service_is_found(agent: AgentProcess, storage: Storage, access: str) -> None:
    from azure.storage.blob import ContainerClient

    from core.data.upload import API_VERSION, _credential, _transport

    described = storage.described("p" + uuid.uuid4().hex)
    client = ContainerClient(
        described["endpoint"],
        described["container"],
        credential=_credential(described),
        api_version=API_VERSION,
        transport=_transport(described),
    )
    with client:
        client.create_container(public_access=access)
    upload(described, {"a.csv": b"1,2"})
    link = check(agent, described)["anonymous"]
    assert link["status"] == "fail", link
    may = {"container": "can list and read it", "blob": "can read its blobs by name"}[access]
    assert may in link["evidence"] and "Private" in link["action"]


def test_a_sas_of_our_own_is_taken_by_azurite_and_by_an_old_service_and_can_do_nothing_else(
    agent: AgentProcess, storage: Storage, front: StrictFront
) -> None:
    described = storage.described("s" + uuid.uuid4().hex)
    upload(described, {"a.csv": b"1,2"})
    source = blob.Source(**described)
    assert source.key is not None
    token = sas.for_container(source.account, source.key, source.container, 600)
    for each in (described, front.described(described["container"])):
        found = check(agent, {**each, "credential": token, "lent": True})
        assert {link["status"] for link in found.values()} <= {"pass", "warn"}, found
        assert "the key stays with the client" in found["auth"]["evidence"]
        assert "the site has an account key" in found["rights"]["evidence"]
        assert agent.call("data.stage", source={**each, "credential": token, "lent": True}, path="")["files"] == 1
    other = storage.described("o" + uuid.uuid4().hex)
    upload(other, {"a.csv": b"1,2"})
    refused = check(agent, {**other, "credential": token})
    assert "fail" in (refused["auth"]["status"], refused["list"]["status"])
    connection = blob_connection.Connection(source)
    connection.request("PUT", f"/{source.container}/evil?{token}", b"x", {"x-ms-blob-type": "BlockBlob"})
    assert connection.getresponse().status == 403
    connection.close()
