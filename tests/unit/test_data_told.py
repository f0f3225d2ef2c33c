"""What a VM may answer about data: whatever it says, the client has records or one clear error."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core import events
from core.agent import data_receipts
from core.data import receipts, versions
from core.data.service import LiveData
from core.errors import AgentError
from core.services import Events
from core.site import files
from core.site.files import Site
from tests.fakes.store import RECEIPT, VERSIONS, receipt

SITE = """
[vms.stackvm]
host = "203.0.113.10"
[data]
endpoint = "https://a.blob.local.azurestack.external"
container = "records"
credential = "env:KEY"
"""
ITEM = events.plain(VERSIONS[1])
CHOSEN = events.DataChosen(purge=True, versions=[VERSIONS[1]], partial=[], stay=[], bytes=5)
SEALED = receipt(CHOSEN, ["patients/"], names=False)
GONE: dict[str, Any] = {"versions": [ITEM], "partial": [], "stay": [], "bytes": 5}


class Told:
    """An agent that answers the same whatever it is asked."""

    last_seen = 0.0

    def __init__(self, *messages: Any) -> None:
        self.messages = messages

    async def agent(self) -> Told:
        return self

    async def call(self, _op: str, /, **_args: Any) -> Any:
        return self.messages[-1]["result"]

    async def stream(self, _op: str, /, **_args: Any) -> AsyncIterator[Any]:
        for message in self.messages:
            yield message

    async def close(self) -> None: ...


@pytest.fixture
def site(home: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("KEY", "c2VjcmV0" * 8)
    path = home / "ward-7.toml"
    path.write_text('name = "ward-7"\n' + SITE)
    return files.load(path)


async def seen(operation: Events) -> list[events.Event]:
    return [event async for event in operation]


@pytest.mark.parametrize(
    ("op", "messages"),
    [
        ("list", [{"result": {}}]),
        ("list", [{"result": {"items": "many"}}]),
        ("list", [{"result": {"items": [{**ITEM, "bytes": "8"}]}}]),
        ("list", [{"result": {"items": [{**ITEM, "held": [{"kind": "ghost", "name": "x", "state": ""}]}]}}]),
        ("list", [{"result": {"items": [{**ITEM, "bytes": 10**400}]}}]),
        ("list", [{"result": {"items": [{**ITEM, "staged": float("nan")}]}}]),
        ("stage", [{"event": "progress", "done": "1", "total": 2, "unit": "bytes"}]),
        ("stage", [{"event": "progress"}]),
        ("stage", [{"result": {"digest": "d"}}]),
        ("stage", [{"result": {**ITEM, "reused": 3, "api_version": ""}}]),
        ("stage", [{"result": [1]}]),
        ("stage", []),
        ("check", [{"event": "check"}]),
        ("check", [{"event": "check", "id": "tcp", "status": "fine", "evidence": "", "duration_s": 1}]),
        ("check", [{"event": "check", "id": ["tcp"], "status": 4, "evidence": "", "duration_s": 1}]),
        ("evict", [{"result": {**GONE, "bytes": None}}]),
        ("evict", [{"event": "progress", "done": 1.5}]),
        ("evict", []),
        ("purge", [{"result": GONE}]),
        ("purge", [{"result": {**GONE, "receipt": {}}}]),
        ("purge", [{"result": {**GONE, "receipt": {**SEALED, "bytes": 1}}}]),
        ("purge", [{"result": {**GONE, "receipt": data_receipts.seal({**SEALED, "remained": [1]})}}]),
        ("purge", [{"result": {**GONE, "receipt": data_receipts.seal({**SEALED, "freed_bytes": 10**400})}}]),
        ("purge", [{"result": {**GONE, "receipt": {**SEALED, "receipt": "../../evil"}}}]),
    ],
)
async def test_what_is_no_record_is_an_error_of_the_agent(site: Site, op: str, messages: list[Any]) -> None:
    data = LiveData(site, Told(*messages))
    with pytest.raises(AgentError):
        await seen(getattr(data, op)())
    assert receipts.here("ward-7") == []


async def test_a_purge_keeps_its_receipt_and_goes_on_where_there_is_no_room(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = {"event": "progress", "done": 1, "total": 2, "unit": "items"}
    told = Told(progress, {"result": {**GONE, "receipt": SEALED}})
    *_, going, purged = await seen(LiveData(site, told).purge(["patients/"]))
    assert isinstance(going, events.Progress) and isinstance(purged, events.DataPurged)
    assert json.loads(Path(purged.kept).read_text()) == SEALED and purged.receipt == SEALED
    listed = await seen(LiveData(site, told).receipts())
    assert isinstance(listed[0], events.ReceiptsListed) and listed[0].receipts[0].receipt == RECEIPT

    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(receipts, "keep", full)
    *_, notice, purged = await seen(LiveData(site, told).purge(["patients/"]))
    assert isinstance(notice, events.Notice) and "cannot be kept here" in notice.text
    assert isinstance(purged, events.DataPurged) and purged.kept == ""


async def test_receipts_of_a_vm_that_are_none_are_passed_over(site: Site) -> None:
    told = Told({"result": {"receipts": [SEALED, "x", {"receipt": 1}, {**SEALED, "freed_bytes": 1}]}})
    (listed,) = await seen(LiveData(site, told).receipts(vm=True))
    assert isinstance(listed, events.ReceiptsListed)
    assert [(info.receipt, info.intact) for info in listed.receipts] == [(RECEIPT, True), (RECEIPT, False)]
    with pytest.raises(AgentError):
        await seen(LiveData(site, Told({"result": {}})).receipts(vm=True))


def test_what_is_staged_of_another_container_is_not_what_a_path_means(site: Site) -> None:
    here = {"source": "https://a.blob.local.azurestack.external/records", "within": "a/"}
    other = {**here, "source": here["source"].replace("records", "archive")}
    items = [
        {"digest": "1", "places": [other], "broken": False},
        {"digest": "2", "places": [here], "broken": True},
        {"digest": "3", "places": [{**here, "within": "b/"}, here], "broken": False},
        {"digest": "4", "places": [here], "broken": False},
    ]
    assert versions.newest(items, "a/", site) == items[2]
    assert versions.newest(items, "c/", site) is None and versions.newest(items[:2], "a/", site) is None
    text = site.path.read_text() + 'prefix = "a"\n'
    site.path.write_text(text)
    assert versions.newest(items, "", files.load(site.path)) == items[2]
