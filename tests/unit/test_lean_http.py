"""The reader of answers: what HTTP says, however it is cut into pieces, and nothing that can be read in two ways."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.agent.lean_http import Broken, Gone, Wire

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def ends() -> Iterator[tuple[Wire, socket.socket]]:
    mine, theirs = socket.socketpair()
    mine.settimeout(5)
    yield Wire(mine), theirs  # type: ignore[arg-type]
    mine.close()
    theirs.close()


def asked(ends: tuple[Wire, socket.socket], *pieces: bytes) -> Any:
    wire, theirs = ends
    for piece in pieces:
        theirs.sendall(piece)
    return wire.get(b"GET / HTTP/1.1\r\n\r\n")


def at_rest(ends: tuple[Wire, socket.socket]) -> bool:
    return ends[0].rest


def test_a_body_of_a_length_and_the_next_answer_on_the_same_connection(ends: tuple[Wire, socket.socket]) -> None:
    first = asked(ends, OK + b'Content-Length: 5\r\nETag: "a"\r\nX-Other: \xff\r\n\r\nhello')
    assert (first.status, first.length, first.headers["etag"]) == (200, 5, '"a"') and not at_rest(ends)
    assert first.read(100) == b"hello" and at_rest(ends)
    second = asked(ends, b"HTTP/1.1 404 Not Found\r\ncontent-length:0\r\nx-ms-error-code: BlobNotFound \r\n\r\n")
    assert (second.status, second.headers["x-ms-error-code"], second.read(9)) == (404, "BlobNotFound", b"")
    third = asked(ends, OK + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n")
    assert third.length is None and third.read(8) == b"hello012" and at_rest(ends)  # read to its end all the same
    last = asked(ends, b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx")
    assert last.read(1) == b"x" and not at_rest(ends)  # no second request on this one


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\nX: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\rContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length 1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/2 200 OK\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 20x OK\r\nContent-Length: 1\r\n\r\n",
        b" HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n",
        b"220 smtp.example ESMTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 40_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 8_000,
    ],
)
def test_what_can_be_read_in_two_ways_or_has_no_end_is_broken(ends: tuple[Wire, socket.socket], head: bytes) -> None:
    with pytest.raises(Broken):
        asked(ends, head)


@pytest.mark.parametrize(
    "body", [b"5\r\nhelloX\r\n0\r\n\r\n", b"x\r\n", b"-1\r\n", b"\r\n", b"0\r\nTrailer: 1\r\n\r\n", b"1" * 2000]
)
def test_chunks_that_are_none_are_broken(ends: tuple[Wire, socket.socket], body: bytes) -> None:
    response = asked(ends, OK + b"Transfer-Encoding: chunked\r\n\r\n" + body)
    with pytest.raises(Broken):
        response.read(100)


def test_an_early_end_is_told_from_a_kept_connection_that_had_ended(ends: tuple[Wire, socket.socket]) -> None:
    wire, theirs = ends
    assert asked(ends, OK + b"Content-Length: 1\r\n\r\nx").read(1) == b"x"
    theirs.close()
    with pytest.raises(Gone):
        wire.get(b"GET / HTTP/1.1\r\n\r\n")


def test_an_end_in_the_middle_and_bytes_that_nobody_asked_for_are_broken(ends: tuple[Wire, socket.socket]) -> None:
    wire, _ = ends
    assert asked(ends, OK + b"Content-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n").read(1) == b"x"
    with pytest.raises(Broken, match="not asked for"):
        wire.get(b"GET / HTTP/1.1\r\n\r\n")
    mine, other = socket.socketpair()
    other.sendall(OK + b"Content-Length: 10\r\n\r\n01234")
    other.shutdown(socket.SHUT_WR)
    with pytest.raises(Broken, match="early"):
        Wire(mine).get(b"GET / HTTP/1.1\r\n\r\n").read(10)  # type: ignore[arg-type]
    mine.close()
    other.close()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=3000), st.lists(st.integers(1, 400), max_size=40), st.booleans(), st.integers(1, 300))
def test_it_does_not_matter_how_an_answer_is_cut(body: bytes, cuts: list[int], chunked: bool, size: int) -> None:
    if chunked:
        coded = b"".join(
            b"%x\r\n%s\r\n" % (len(part := body[at : at + size]), part) for at in range(0, len(body), size)
        )
        sent = OK + b"Transfer-Encoding: chunked\r\n\r\n" + coded + b"0\r\n\r\n"
    else:
        sent = OK + b"Content-Length: %d\r\n\r\n" % len(body) + body
    mine, theirs = socket.socketpair()
    mine.settimeout(5)

    def send() -> None:
        at = 0
        for cut in [*cuts, len(sent)]:
            theirs.sendall(sent[at : at + cut])
            at += cut

    sending = threading.Thread(target=send)
    sending.start()
    try:
        wire = Wire(mine)  # type: ignore[arg-type]
        assert wire.get(b"GET / HTTP/1.1\r\n\r\n").read(len(body) + 1) == body and wire.rest
    finally:
        sending.join()
        mine.close()
        theirs.close()
