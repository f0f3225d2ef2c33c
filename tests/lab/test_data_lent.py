"""What the client gives the VM to reach the container, what it remembers, and what it says: a real agent, a front."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import stat
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from core import events
from core.agent import blob
from core.data import lending, path, remembered, sas, source
from core.data import links as rows
from core.data.service import LiveData
from core.errors import AgentError, DataError, SiteError
from core.site import files, secrets
from core.site.files import Site
from tests.pythons import oldest

from .agent_adapter import ProcessLink
from .front import StrictFront
from .front_faults import ALWAYS
from .made_up import Blob, Container, given

MB = 1_000_000


@pytest.fixture
def door(home: Path) -> Iterator[StrictFront]:
    made = StrictFront(
        containers={"records": Container([given("a.csv", b"1,2\n" * 100), Blob("b.bin", MB)])}, folder=home
    )
    yield made
    made.stop()


@pytest.fixture
def site(home: Path, door: StrictFront) -> Site:
    found = door.described("records")
    for name, text in (("key", found["credential"]), ("ca.pem", found["ca_pem"])):
        (home / name).write_text(text)
        (home / name).chmod(0o600)
    text = f"""name = "ward-7"
[vms.stackvm]
host = "127.0.0.1"
[data]
endpoint = "{found["endpoint"]}"
address = "{found["address"]}"
container = "records"
credential = "file:key"
ca_bundle = "ca.pem"
[checks]
off = ["data-speed"]
[checks.accepted.data-rights]
owner = "J. Doe"
reason = "the key is nobody's but mine"
until = 2099-01-01
"""
    (home / "site.toml").write_text(text)
    return files.load(home / "site.toml")


def allowing(site: Site) -> Site:
    """The same, whose VM may have the account's key."""
    site.path.write_text(site.path.read_text().replace("[data]\n", "[data]\nkey_on_vm = true\n"))
    return files.load(site.path)


class Watched(ProcessLink):
    """`given`: the credentials that went to the VM."""

    @property
    def given(self) -> list[str]:
        return [args["source"]["credential"] for _, args in self.asked]


@pytest.fixture
async def link(home: Path) -> AsyncIterator[Watched]:
    made = Watched(home / "vm", python=oldest())
    yield made
    await made.close()


async def told(stream: AsyncIterator[events.Event]) -> list[events.Event]:
    return [event async for event in stream]


def test_the_string_to_sign_is_that_of_the_reference() -> None:
    """ "Create a service SAS", version 2018-11-09 and later: fifteen fields in this order, empty where not used."""
    key = base64.b64decode(base64.b64encode(b"k" * 64))
    text = sas.for_container("account", key, "records", 3600, now=1_795_435_200.0)
    fields = ["rl", "", "2026-11-23T13:00:00Z", "/blob/account/records", "", "", "https", "2018-11-09", "c", *[""] * 6]
    signed = base64.b64encode(hmac.new(key, "\n".join(fields).encode(), hashlib.sha256).digest()).decode()
    words = {"sv": "2018-11-09", "sr": "c", "sp": "rl", "se": fields[2], "spr": "https", "sig": signed}
    assert len(fields) == 15 and parse_qs(text) == {name: [word] for name, word in words.items()}
    assert "2026-11-24T00%3A00%3A00Z" in sas.for_container(
        "a", key, "c", 99 * 3600, now=1_795_435_200.0
    )  # 12 h at most


async def test_the_vm_never_gets_the_account_key_and_the_site_judges_the_links(
    site: Site, link: Watched, door: StrictFront
) -> None:
    data = LiveData(site, link)
    checked = [event for event in await told(data.check()) if isinstance(event, events.CheckFinished)]
    assert tuple(check.id for check in checked) == rows.IDS
    found = {check.id: check for check in checked}
    assert found["data-speed"].status == "skipped" and "switched off" in found["data-speed"].evidence
    rights = found["data-rights"]
    assert rights.status == "skipped" and rights.accepted is not None and rights.accepted["status"] == "warn"
    others = {check.status for check in checked if check.id not in ("data-speed", "data-rights")}
    assert others == {"pass"}, checked
    assert len([entry for entry in door.faults.downloads if entry.range]) == 2, "nothing is read for a speed"
    await told(data.stage("a.csv"))
    secret = source(site)["credential"]
    assert len(link.given) == 2 and not any(secret in text for text in link.given)
    asked = " ".join(entry.path for entry in door.faults.seen)
    echoed = "".join(f" {text} {parse_qs(text)['sig'][0]} {text.partition('sig=')[2]} " for text in link.given)
    assert "".join(secrets.hidden(echoed).split()).strip("*") == "", "a VM that says them again says them to no report"
    told_again = rows.finished({"id": "tls", "status": "pass", "evidence": link.given[0], "duration_s": None})
    assert told_again.evidence == "***"
    assert all("sp=rl" in text and "sr=c" in text for text in link.given) and "sig=" in asked
    assert blob.Source(**source(site)).key is not None


async def test_a_site_file_that_is_corrected_counts_at_the_next_try_of_the_same_program(
    site: Site, link: Watched
) -> None:
    async def broken() -> list[str]:
        seen = [event for event in await told(data.check()) if isinstance(event, events.CheckFinished)]
        return [check.id for check in seen if check.status == "fail"]

    right = site.path.read_text()
    site.path.write_text(right.replace('container = "records"', 'container = "recordz"'))
    data = LiveData(files.load(site.path), link)
    assert await broken() == ["data-list"]
    site.path.write_text(right.replace("[data]", "[data"))
    with pytest.raises(SiteError, match="not TOML"):
        await broken()
    site.path.write_text(right)
    assert await broken() == []
    key = (site.path.parent / "key").read_text()
    (site.path.parent / "key").write_text(base64.b64encode(b"another account's key" * 3).decode())
    assert await broken() == ["data-auth"]
    (site.path.parent / "key").write_text(key)
    assert await broken() == [] and "sig=" in link.given[-1], "the right key is not given to the VM for the wrong one"
    site.path.unlink()  # what is known goes on to hold
    assert await broken() == []


async def test_the_version_is_kept_for_a_new_program_and_asked_anew_where_it_works_no_more(
    site: Site, link: Watched, door: StrictFront
) -> None:
    await told(LiveData(site, link, read_only=True).stage("a.csv"))
    assert remembered.load(site) == "" and not remembered.path(site).exists()
    await told(LiveData(site, link).check())
    assert remembered.load(site) == "2019-07-07"
    assert stat.S_IMODE(remembered.path(site).stat().st_mode) == 0o600
    door.well()
    await told(LiveData(site, link).stage("a.csv"))
    assert {entry.version for entry in door.faults.seen} == {"2019-07-07"}
    door.well()
    door.newest = "2017-11-09"  # an older stamp; it knows no token of ours either
    secret, before = source(site)["credential"], len(link.given)
    with pytest.raises(DataError, match="AuthenticationFailed") as refused:
        await told(LiveData(site, link).stage("b.bin"))
    assert "key_on_vm = true" in refused.value.hint
    found = [event for event in await told(LiveData(site, link).check()) if isinstance(event, events.CheckFinished)]
    assert {event.id: event.status for event in found}["data-auth"] == "fail"
    assert len(link.given) > before and secret not in link.given, "nobody has the key for saying no"
    events_ = await told(LiveData(allowing(site), link).stage("b.bin"))
    assert remembered.load(site) == "2017-11-09"
    assert [event.text for event in events_ if isinstance(event, events.Notice)] == [lending.GIVEN]
    kept = json.loads(remembered.path(site).read_text())
    remembered.path(site).write_text(json.dumps({**kept, "endpoint": "https://other.blob.local.azurestack.external"}))
    assert remembered.load(site) == ""
    remembered.path(site).write_text("torn")
    remembered.save(site, "../../etc")
    assert remembered.load(site) == ""
    form = {"id": "tls", "status": "fine", "evidence": 1, "duration_s": None}
    for wrong in (form, {**form, "id": "evil"}, {**form, "id": []}, {"status": "pass"}):
        with pytest.raises(AgentError, match="link of the path"):
            rows.finished(wrong)


async def test_a_service_that_refuses_our_token_gets_what_the_site_has_and_it_is_said(
    site: Site, link: Watched, door: StrictFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sas, "VERSION", "2025-11-05")  # as if this stamp knew none as new as ours
    data = LiveData(allowing(site), link)
    seen = await told(data.check())
    assert [event.text for event in seen if isinstance(event, events.Notice)] == [lending.GIVEN]
    checks = [event for event in seen if isinstance(event, events.CheckFinished)]
    assert tuple(check.id for check in checks) == rows.IDS and not [check for check in checks if check.status == "fail"]
    assert "sig=" in link.given[0] and link.given[1] == source(site)["credential"]
    await told(data.stage("a.csv"))
    assert link.given[2] == source(site)["credential"], "it is not asked twice"


async def test_staging_that_outlives_its_token_goes_on_with_a_fresh_one(
    site: Site, link: Watched, door: StrictFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends() -> None:
        door.faults.expired.add(token(link))
        monkeypatch.setattr(lending, "STAGE_S", 3600.0)  # within the same second the next one would be the same

    door.containers["records"] = Container([Blob(f"{number}.bin", MB) for number in range(6)])
    door.faults.when[4] = ends
    seen = await told(LiveData(site, link).stage(""))
    assert [event.text for event in seen if isinstance(event, events.Notice)] == [lending.FRESH]
    assert len(link.given) == 2 and "sig=" in link.given[1] and link.given[0] != link.given[1]
    done = seen[-1]
    assert isinstance(done, events.DataStaged) and done.data.files == 6


def token(link: Watched) -> str:
    return parse_qs(link.given[-1])["sig"][0]


async def test_a_wrong_key_is_said_and_a_busy_service_is_no_reason_to_give_the_key(
    site: Site, link: Watched, door: StrictFront, home: Path
) -> None:
    door.faults.busy = ALWAYS
    before, mine = site.path.read_text(), allowing(site)
    checks = [event for event in await told(LiveData(mine, link).check()) if isinstance(event, events.CheckFinished)]
    assert next(check for check in checks if check.status == "fail").id == "data-service"
    assert not [text for text in link.given if "sig=" not in text]
    door.well()
    site.path.write_text(before)
    (home / "key").write_text(base64.b64encode(b"another" * 9).decode())
    checks = [event for event in await told(LiveData(site, link).check()) if isinstance(event, events.CheckFinished)]
    broken = next(check for check in checks if check.status == "fail")
    assert broken.id == "data-auth" and "copy the key of account" in broken.fix
    assert not [text for text in link.given if "sig=" not in text]


async def test_a_client_whose_look_takes_long_holds_nothing_up(
    site: Site, link: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(path, "OUTSIDE_S", 0.0)

    ended = threading.Event()
    monkeypatch.setattr(path, "_look", lambda *_: ended.wait(60))
    checks = [event for event in await told(LiveData(site, link).check()) if isinstance(event, events.CheckFinished)]
    ended.set()
    outside = [check for check in checks if rows.outside(check.id)]
    assert [check.status for check in outside] == ["skipped"] * 5 and path.LATE in outside[0].evidence
