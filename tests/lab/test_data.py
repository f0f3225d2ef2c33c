"""The agent against a real storage service: every link broken in turn, and staging that can be trusted."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import socket
import stat
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core import errors
from core.data.upload import upload
from core.demo import azurite, certs
from core.demo.azurite import Storage
from tests.pythons import oldest

from .agent_process import AgentProcess
from .azurite import Described, put_many
from .front import StrictFront

LINKS = ["name", "tcp", "tls", "auth", "list", "bytes"]


@pytest.fixture
def agent(home: Path) -> Iterator[AgentProcess]:
    with AgentProcess(home / "vm", python=oldest()) as process:
        yield process


@pytest.fixture
def described(storage: Storage) -> Described:
    return filled(storage, {"a/one.csv": b"1,2\n3,4\n", "a/two.csv": b"5,6\n", "b.txt": b"b"})


def filled(storage: Storage, files: Mapping[str, bytes]) -> Described:
    """A new container with `files`."""
    found = storage.described("t" + uuid.uuid4().hex)
    upload(found, files)
    return found


def check(agent: AgentProcess, described: Described) -> dict[str, dict[str, Any]]:
    events = [message for message in agent.stream("data.check", source=described) if isinstance(message, dict)]
    found = {event["id"]: event for event in events if event.get("event") == "check"}
    assert list(found) == LINKS
    return found


def broken(found: Mapping[str, Mapping[str, Any]], link: str) -> Mapping[str, Any]:
    """The one link that failed; those before it passed, those after it are skipped."""
    at = LINKS.index(link)
    assert [found[id]["status"] for id in LINKS[:at]] == ["pass"] * at, found
    assert found[link]["status"] == "fail", found
    assert [found[id]["status"] for id in LINKS[at + 1 :]] == ["skipped"] * (5 - at), found
    assert found[link]["action"]
    return found[link]


def files(agent: AgentProcess, digest: str) -> dict[str, bytes]:
    base = agent.root / "data" / digest / "files"
    return {str(path.relative_to(base)): path.read_bytes() for path in base.rglob("*") if path.is_file()}


def visible(agent: AgentProcess) -> list[str]:
    folder = agent.root / "data"
    return sorted(name for name in os.listdir(folder) if not name.startswith(".")) if folder.exists() else []


def container_sas(storage: Storage, container: str, ends: datetime, permissions: str = "rl") -> str:
    """A SAS token of version 2019-07-07 for a container, signed as the storage service documents it."""
    expiry = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    resource = f"/blob/{azurite.ACCOUNT}/{container}"
    fields = [permissions, "", expiry, resource, "", "", "", "2019-07-07", "c", "", "", "", "", "", ""]
    import hmac
    from urllib.parse import urlencode

    signed = hmac.new(base64.b64decode(storage.key), "\n".join(fields).encode(), hashlib.sha256).digest()
    sig = base64.b64encode(signed).decode()
    return "?" + urlencode({"sv": "2019-07-07", "sr": "c", "sp": permissions, "se": expiry, "sig": sig})


# --- the six links


def test_every_link_passes_and_says_what_it_saw(agent: AgentProcess, described: Described) -> None:
    found = check(agent, described)
    assert {entry["status"] for entry in found.values()} == {"pass"}, found
    assert "address says" in found["name"]["evidence"] and "days left" in found["tls"]["evidence"]
    assert "2020-10-02" in found["auth"]["evidence"] and "3 blobs" in found["list"]["evidence"]
    assert all(entry["duration_s"] >= 0 for entry in found.values())


def test_an_old_service_is_probed_downwards_and_the_version_remembered(
    agent: AgentProcess, described: Described, front: StrictFront
) -> None:
    old = front.described(described["container"])
    assert "2019-07-07" in check(agent, old)["auth"]["evidence"]
    front.faults.seen.clear()
    assert agent.call("data.stage", source=old, path="")["api_version"] == "2019-07-07"
    assert [version for _, version, _ in front.faults.seen].count("2020-10-02") == 1


def test_a_version_that_is_too_new_is_named_in_plain_words(
    agent: AgentProcess, described: Described, front: StrictFront
) -> None:
    fixed = {**front.described(described["container"]), "api_version": "2020-10-02"}
    link = broken(check(agent, fixed), "auth")
    assert "InvalidHeaderValue x-ms-version" in link["evidence"] and "auto" in link["action"]


def test_an_unknown_name_breaks_the_first_link(agent: AgentProcess, described: Described) -> None:
    link = broken(check(agent, {**described, "address": None}), "name")
    assert "not known on the VM" in link["evidence"] and "data.address" in link["action"]


def test_a_closed_port_breaks_tcp(agent: AgentProcess, described: Described) -> None:
    with socket.socket() as taken:
        taken.bind((azurite.ADDRESS, 0))
        port = taken.getsockname()[1]
        found = check(agent, {**described, "endpoint": f"https://{azurite.HOST}:{port}"})
    assert "refused" in broken(found, "tcp")["evidence"].lower()


def test_a_service_that_does_not_speak_tls_breaks_tls(agent: AgentProcess, described: Described) -> None:
    with socket.create_server((azurite.ADDRESS, 0)) as plain:
        port = plain.getsockname()[1]

        def answer() -> None:
            for _ in range(2):
                connection, _ = plain.accept()
                with connection:
                    connection.sendall(b"220 hello\r\n")

        from core import threads

        threads.spawn(answer, "plain")
        broken(check(agent, {**described, "endpoint": f"https://{azurite.HOST}:{port}"}), "tls")


def test_another_ca_breaks_tls_and_names_the_issuer(agent: AgentProcess, described: Described, tmp_path: Path) -> None:
    other = certs.make(tmp_path, azurite.HOST).root.read_text()
    link = broken(check(agent, {**described, "ca_pem": other}), "tls")
    assert "not trusted" in link["evidence"] and "holds another CA" in link["action"]
    without = broken(check(agent, {**described, "ca_pem": None}), "tls")
    assert "trainshed embedded site root" in without["evidence"] and "set data.ca_bundle" in without["action"]


def test_a_certificate_for_another_name_breaks_tls(agent: AgentProcess, described: Described) -> None:
    wrong = described["endpoint"].replace("trainshed.blob", "other.blob")
    link = broken(check(agent, {**described, "endpoint": wrong}), "tls")
    assert azurite.HOST in link["evidence"] and "other.blob" in link["evidence"]


def test_an_ended_certificate_breaks_tls(
    agent: AgentProcess, described: Described, storage: Storage, home: Path
) -> None:
    front = StrictFront(storage, certs.make(home, azurite.HOST, days=-2))
    try:
        assert "ended on" in broken(check(agent, front.described(described["container"])), "tls")["evidence"]
    finally:
        front.stop()


def test_a_wrong_key_breaks_auth_and_is_not_shown(agent: AgentProcess, described: Described) -> None:
    key = base64.b64encode(secrets.token_bytes(64)).decode()
    found = check(agent, {**described, "credential": key})
    assert "does not accept the credential" in broken(found, "auth")["evidence"]
    assert key not in json.dumps(found)


def test_a_sas_token_works_and_an_expired_one_says_when_it_ended(
    agent: AgentProcess, described: Described, storage: Storage
) -> None:
    good = container_sas(storage, described["container"], datetime.now(UTC) + timedelta(hours=1))
    found = check(agent, {**described, "credential": good})
    assert {entry["status"] for entry in found.values()} == {"pass"}, found
    assert "SAS token accepted" in found["auth"]["evidence"]
    ended = datetime.now(UTC) - timedelta(hours=1)
    old = container_sas(storage, described["container"], ended)
    link = broken(check(agent, {**described, "credential": old}), "auth")
    assert ended.strftime("%Y-%m-%dT%H:%M") in link["action"]


def test_a_sas_token_that_may_not_list_breaks_the_list(
    agent: AgentProcess, described: Described, storage: Storage
) -> None:
    reading = container_sas(storage, described["container"], datetime.now(UTC) + timedelta(hours=1), "r")
    assert "may not do this" in broken(check(agent, {**described, "credential": reading}), "list")["evidence"]


@pytest.mark.parametrize("text", ["not base64 !", "DefaultEndpointsProtocol=https;AccountName=a"])
def test_what_is_no_credential_is_refused(agent: AgentProcess, described: Described, text: str) -> None:
    with pytest.raises(errors.SecretError, match="neither an account key nor a SAS token"):
        agent.call("data.check", source={**described, "credential": text})


def test_no_such_container_breaks_the_list(agent: AgentProcess, described: Described) -> None:
    link = broken(check(agent, {**described, "container": "missing"}), "list")
    assert "no container 'missing'" in link["evidence"] and "data.container" in link["action"]


def test_an_empty_container_is_a_warning(agent: AgentProcess, storage: Storage) -> None:
    found = check(agent, filled(storage, {}))
    assert (found["list"]["status"], found["bytes"]["status"]) == ("warn", "skipped")


def test_a_bundle_that_is_no_certificate_is_named(agent: AgentProcess, described: Described) -> None:
    link = broken(check(agent, {**described, "ca_pem": "nonsense"}), "tls")
    assert "data.ca_bundle" in link["evidence"]


# --- staging


def test_a_folder_is_staged_read_only_under_the_digest_of_its_content(
    agent: AgentProcess, described: Described
) -> None:
    result = agent.call("data.stage", source=described, path="a/")
    content = {"one.csv": b"1,2\n3,4\n", "two.csv": b"5,6\n"}
    lines = [f"{path}\0{len(data)}\0{hashlib.sha256(data).hexdigest()}\n" for path, data in sorted(content.items())]
    assert result["digest"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert files(agent, result["digest"]) == content
    assert (result["files"], result["bytes"], result["path"], result["reused"]) == (2, 12, "a/", False)
    modes = [path.stat().st_mode for path in (agent.root / "data" / result["digest"] / "files").rglob("*")]
    assert not any(mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) for mode in modes)


def test_one_blob_is_staged_by_its_base_name_and_a_prefix_is_the_sites(
    agent: AgentProcess, described: Described
) -> None:
    one = agent.call("data.stage", source={**described, "prefix": "a"}, path="two.csv")
    assert files(agent, one["digest"]) == {"two.csv": b"5,6\n"}
    whole = agent.call("data.stage", source=described, path="")
    assert set(files(agent, whole["digest"])) == {"a/one.csv", "a/two.csv", "b.txt"}
    listed = agent.call("data.list")["items"]
    assert {(item["digest"], item["path"]) for item in listed} == {(one["digest"], "two.csv"), (whole["digest"], "")}


def test_what_is_unchanged_is_not_fetched_again_and_a_change_is_a_new_version(
    agent: AgentProcess, described: Described, front: StrictFront
) -> None:
    old = front.described(described["container"])
    first = agent.call("data.stage", source=old, path="a/")
    front.faults.seen.clear()
    again = agent.call("data.stage", source=old, path="a/")
    assert again["reused"] and again["digest"] == first["digest"] and front.faults.downloads == []
    upload(described, {"a/two.csv": b"7,8\n"})
    changed = agent.call("data.stage", source=old, path="a/")
    assert not changed["reused"] and visible(agent) == sorted([first["digest"], changed["digest"]])
    upload(described, {"a/two.csv": b"5,6\n"})  # the old content under a new ETag
    back = agent.call("data.stage", source=old, path="a/")
    assert back["reused"] and back["digest"] == first["digest"]


def test_nothing_at_the_path_is_an_error_and_leaves_nothing(agent: AgentProcess, described: Described) -> None:
    with pytest.raises(errors.UsageError, match="nothing at"):
        agent.call("data.stage", source=described, path="c/")
    with pytest.raises(errors.UsageError, match="nothing at"):
        agent.call("data.stage", source=described, path="a")  # a folder without its "/"
    assert visible(agent) == []


def test_5001_blobs_are_listed_over_pages_and_staged(agent: AgentProcess, storage: Storage) -> None:
    content = {f"many/{number:05}.txt": str(number).encode() for number in range(5001)}
    source = filled(storage, {})
    put_many(source, content)
    result = agent.call("data.stage", source=source, path="many/")
    assert result["files"] == 5001
    assert files(agent, result["digest"])["05000.txt"] == b"5000"


def test_legal_names_arrive_as_they_are(agent: AgentProcess, storage: Storage) -> None:
    names = [
        "with space.csv",
        "ümläut/日本.csv",
        "100%.csv",
        "a+b&c=d#e?.csv",
        "%2e%2e.csv",
        "empty.csv",
        "…/.hidden",
        "'~;",
    ]
    content = {name: b"" if name == "empty.csv" else name.encode() for name in names}
    result = agent.call("data.stage", source=filled(storage, content), path="")
    assert files(agent, result["digest"]) == content


@pytest.mark.parametrize("name", ["a/../../evil", "..", "a//b", "/etc/evil", "a\x7fb", "x" * 300, "./a"])
def test_names_that_no_folder_can_hold_are_refused(name: str) -> None:
    from core.agent.blob_list import Blob
    from core.agent.faults import Fault
    from core.agent.staging import relative

    with pytest.raises(Fault) as refused:
        relative([Blob("ok", 1, "e"), Blob(name, 1, "e")], 0)
    assert refused.value.code == "data"


def test_a_cut_download_goes_on_at_the_byte(agent: AgentProcess, storage: Storage, front: StrictFront) -> None:
    content = secrets.token_bytes(3_000_000)
    source = front.described(filled(storage, {"big.bin": content})["container"])
    front.faults.cut_after = [1_000_000, 500_000]
    result = agent.call("data.stage", source=source, path="big.bin")
    assert files(agent, result["digest"]) == {"big.bin": content}
    ranges = [range_ for _, _, range_ in front.faults.downloads if range_]
    assert ranges == ["bytes=1000000-2999999", "bytes=1500000-2999999"]


def test_an_agent_killed_while_staging_leaves_what_the_next_one_uses(
    home: Path, storage: Storage, front: StrictFront
) -> None:
    content = {f"{number}.bin": secrets.token_bytes(200_000) for number in range(4)}
    source = front.described(filled(storage, content)["container"])
    with AgentProcess(home / "vm", python=oldest()) as first:
        stream = first.stream("data.stage", source=source, path="")
        assert next(message for message in stream if isinstance(message, dict))["event"] == "progress"
        first.process.kill()
        with pytest.raises(errors.LinkLost):
            list(stream)
        assert visible(first) in ([], [name for name in visible(first) if len(name) == 64])
    with AgentProcess(home / "vm", python=oldest()) as second:
        result = second.call("data.stage", source=source, path="")
        assert files(second, result["digest"]) == content


def test_two_stagings_at_once_share_the_work(agent: AgentProcess, storage: Storage, front: StrictFront) -> None:
    content = {f"{number}.bin": secrets.token_bytes(50_000) for number in range(10)}
    source = front.described(filled(storage, content)["container"])
    streams = [agent.stream("data.stage", source=source, path="") for _ in range(2)]
    ends = [next(m for m in stream if isinstance(m, dict) and "result" in m)["result"] for stream in streams]
    assert ends[0]["digest"] == ends[1]["digest"] and sorted(end["reused"] for end in ends) == [False, True]
    assert len(front.faults.downloads) == 10


def test_the_credential_is_nowhere_on_the_vm(agent: AgentProcess, described: Described) -> None:
    agent.call("data.stage", source=described, path="")
    secret = described["credential"].encode()
    everything = [path for path in agent.root.rglob("*") if path.is_file()]
    assert everything and not [path for path in everything if secret in path.read_bytes()]
    process = Path("/proc") / str(agent.pid)
    assert secret not in (process / "cmdline").read_bytes() + (process / "environ").read_bytes()


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """32 MB, as a file system of its own."""
    if os.geteuid() != 0:
        pytest.skip("a small file system needs root")
    place = home / "vm" / "data"
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_too_little_disk_is_said_before_anything_is_fetched(
    small_disk: Path, storage: Storage, front: StrictFront, home: Path
) -> None:
    source = front.described(filled(storage, {"big.bin": bytes(20_000_000)})["container"])
    with AgentProcess(home / "vm", python=oldest()) as agent:
        with pytest.raises(errors.DataError, match="no room"):
            agent.call("data.stage", source=source, path="")
        assert front.faults.downloads == [] and visible(agent) == []
