"""A storage service, a credential or an endpoint that is not what it should be: a clear error, and no secret in it."""

from __future__ import annotations

import errno
import http.client
import json
import socket
import ssl
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from core.agent import blob, blob_connection, blob_errors, blob_list, path_data, stage_disk, stage_plan, wire
from core.agent.call import Cancelled
from core.agent.faults import Fault
from core.agent.lean_http import AWAY, Wire
from core.agent.path_found import Broken, Path
from core.agent.serve import Server

SIG = "c2VjcmV0c2VjcmV0"
TOKEN = f"sv=2018-11-09&sr=c&sp=rl&se=2030-01-01T00:00:00Z&sig={SIG}"


def source(endpoint: str = "https://ward.blob.local.example", credential: str = TOKEN) -> blob.Source:
    return blob.Source(endpoint, "records", credential)


@pytest.mark.parametrize(
    "credential",
    [
        TOKEN.replace("&", ";"),
        TOKEN.replace("&", " "),
        TOKEN.replace("&", "&amp;"),
        TOKEN.replace("&", "%26"),
        "x&sig=",
    ],
)
def test_a_token_that_was_changed_when_it_was_copied_is_refused_and_not_shown(credential: str) -> None:
    """Its words are shown by the links of the path: the signature may be in none of them."""
    with pytest.raises(Fault) as caught:
        source(credential=credential)
    assert SIG not in caught.value.title + caught.value.hint and caught.value.code == "secret"


@pytest.mark.parametrize(
    "endpoint", [f"https://a.example/?{TOKEN}", f"https://a.example/#{TOKEN}", f"https://{SIG}@a/"]
)
def test_an_endpoint_with_a_token_in_it_is_refused_and_not_shown(endpoint: str) -> None:
    with pytest.raises(Fault) as caught:
        source(endpoint)
    assert SIG not in caught.value.title + caught.value.hint


def test_a_good_token_is_read_as_it_is() -> None:
    ends = TOKEN.replace(SIG, "AAsig%3D")
    for given in (ends, "?" + ends, "https://ward.blob.local.example/records?" + ends):
        assert source(credential=given).sas["sig"] == "AAsig=" and source(credential=given).sas["sp"] == "rl"


def test_a_system_that_allows_old_tls_is_asked_for_1_2_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ssl.create_default_context

    def lax() -> ssl.SSLContext:
        context = made()
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        return context

    monkeypatch.setattr(ssl, "create_default_context", lax)
    assert source().context().minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_date_beyond_all_measure_says_nothing_of_the_clock() -> None:
    client = blob.Client(source())
    client._note_clock(SimpleNamespace(headers={"Date": "Mon, 01 Jan 2024 00:00:00 +99999999999999999"}))  # type: ignore[arg-type]
    assert client.skew_s is None


def test_a_refusal_is_shown_by_a_word_alone() -> None:
    body = b"<Error><Code>ServerBusy</Code></Error>"
    for said in ("\x1b]0;x\x07", "A" * 5000, ""):
        response: Any = SimpleNamespace(status=503, headers={"x-ms-error-code": said}, read=lambda _: body)
        assert blob_errors.read(response).code == "ServerBusy"


def listing(*blobs: str) -> bytes:
    return f"<EnumerationResults><Blobs>{''.join(blobs)}</Blobs></EnumerationResults>".encode()


def entry(name: str, size: str, etag: str = "<Etag>0x1</Etag>") -> str:
    inside = f"<Content-Length>{size}</Content-Length>{etag}"
    return f"<Blob><Name>{name}</Name><Properties>{inside}</Properties></Blob>"


def test_a_size_beyond_all_measure_is_no_listing() -> None:
    for size in ("9" * 400, "-1", "1e3", str(1 << 60)):
        with pytest.raises(Fault, match="cannot be read"):
            blob_list.parse(listing(entry("x", size)))


def test_blobs_without_an_etag_are_not_staged() -> None:
    """Nothing else tells whether one was replaced: parts of two could be mixed, and an old one be taken for the new."""
    page = blob_list.parse(listing(entry("x", "1"), entry("y", "1", "")))
    client: Any = SimpleNamespace(source=source(), page=lambda *_, **__: page)
    with pytest.raises(Fault, match="without an ETag"):
        stage_plan.plan(client, "", lambda _: None)


def test_a_listing_that_drips_and_an_answer_that_never_begins_hold_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a real connection: one byte at a time, and 100 Continue after 100 Continue."""
    told: list[float] = []

    def wait(seconds: float) -> None:
        told.append(seconds)
        if len(told) == 3:
            raise Cancelled

    mine, theirs = socket.socketpair()
    mine.settimeout(5)
    theirs.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n<\r\n" * 4)
    answer = blob_connection.Connection.response_class(mine)
    answer.begin()
    client = blob.Client(source())
    monkeypatch.setattr(client, "get", lambda *_: answer)
    with pytest.raises(Cancelled):
        client.page("", wait=wait)
    theirs.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 500)
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(http.client.BadStatusLine, match="100"):
        mine_again = blob_connection.Connection.response_class(mine)
        mine_again.begin()
    mine.close()
    theirs.close()


def test_a_tree_that_could_not_be_deleted_again_is_not_made() -> None:
    """A folder more than a blob's name can have: walking and deleting it would end in a RecursionError for good."""
    assert stage_plan.safe("a/" * 253 + "b")
    for name in ("a/" * 254 + "b", "a/" * 254, "abcd/" * 210):
        with pytest.raises(Fault, match="longer than a blob's can be"):
            stage_plan.relative([blob_list.Blob(name + "x", 1, "0x1")], 0)
    with pytest.raises(Fault, match="longer"):
        stage_plan.relative([blob_list.Blob("a/" * 300, 0, "0x1")], 0)  # the mark of a folder
    here = stage_disk.fault(OSError(errno.ENAMETOOLONG, "File name too long"), "/x")
    assert "cannot be read or written" in here.title


def test_the_first_bytes_are_asked_for_and_no_more_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(source(), "the VM", "/")
    path.blobs = [blob_list.Blob("x", 10, "0x1")]

    class Endless:
        def read(self, limit: int = -1) -> bytes:
            assert limit >= 0, "all of it is taken into memory"
            return bytes(limit)

    monkeypatch.setattr(path.client, "blob", lambda *_: Endless())
    with pytest.raises(Broken, match="more came than the 10 bytes"):
        path_data.bytes(path)


def test_an_answer_without_an_end_is_left() -> None:
    mine, theirs = socket.socketpair()
    mine.settimeout(5)
    chunk = b"4000\r\n" + bytes(0x4000) + b"\r\n"
    sent = 0

    def readinto(view: memoryview) -> int:
        nonlocal sent
        part = (chunk * 2)[sent % len(chunk) :][: len(view)]
        view[: len(part)] = part
        sent += len(part)
        assert sent < 4 * AWAY, "it is read for ever"
        return len(part)

    theirs.sendall(b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n")
    wire_ = Wire(SimpleNamespace(send=mine.send, recv_into=mine.recv_into, close=mine.close))  # type: ignore[arg-type]
    response = wire_.get(b"GET / HTTP/1.1\r\n\r\n")
    wire_._socket = SimpleNamespace(recv_into=readinto)  # type: ignore[assignment]
    assert len(response.read(100)) == 100 and not wire_.rest
    mine.close()
    theirs.close()


def test_the_agent_keeps_no_call_while_it_waits_for_the_next_one() -> None:
    """A credential travels in a call: when the call has ended, no name in the process leads to it."""
    frames = [wire.encode(1, {"op": "none", "args": {"source": {"credential": SIG}}})]
    held: list[str] = []

    def read(_size: int) -> bytes:
        if frames:
            return frames.pop()
        frame = sys._getframe(1)
        while frame.f_code.co_name != "run":
            held.append(repr(frame.f_locals) + json.dumps(repr(getattr(frame.f_locals.get("self"), "_held", ""))))
            frame = frame.f_back  # type: ignore[assignment]
        held.append(repr(frame.f_locals))
        return b""

    Server("/nowhere", read, lambda _: None).run()
    assert len(held) > 2 and not any(SIG in text for text in held)
