"""What a job, a served model or the other end of the link says cannot stop, fill or mislead who reads it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import errors
from core.agent import gate, tracking_artifacts, unix_http, wire
from core.agent.tracking_artifacts import Artifacts
from core.agent.tracking_http import Request
from core.agent.tracking_rules import Refused, metric, no_surrogates, whole
from core.agent.tracking_search import clauses, like
from core.agent.tracking_store import Store

RUN = "01JDTRACK0000000000000000A"


@given(st.text("ab%_", max_size=8), st.text("ab", max_size=10))
def test_like_matches_as_sql_has_it(pattern: str, text: str) -> None:
    wanted = pattern.replace("%", ".*").replace("_", ".")
    assert like(pattern)(text) == (re.fullmatch(wanted, text) is not None)


@pytest.mark.parametrize("part", ["a%", "a_%", "%a", "_%"])
def test_no_pattern_makes_like_slow(part: str) -> None:
    began = time.monotonic()
    (test,) = clauses("tags.a LIKE '%s'" % (part * (9000 // len(part)) + "b"))
    assert not test({"tags": {"a": "a" * 8000}})
    assert time.monotonic() - began < 2


def test_ilike_folds_and_a_filter_has_a_limit() -> None:
    (test,) = clauses("tags.a ILIKE '%STRASSE%'")
    assert test({"tags": {"a": "Lange Straße 5"}})
    with pytest.raises(Refused, match="10000 bytes"):
        clauses("tags.a = '%s'" % ("x" * 10_000))
    with pytest.raises(Refused, match="100 clauses"):
        clauses(" AND ".join(["tags.a = 'b'"] * 101))


@pytest.mark.parametrize(
    "times", [{"timestamp": -1}, {"timestamp": 2**53}, {"timestamp": "9" * 100000}, {"step": 2**63}]
)
def test_times_and_steps_that_no_database_holds_are_refused(times: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        metric({"key": "a", "value": 1.0, **times})
    assert caught.value.code == "INVALID_PARAMETER_VALUE"


def test_halves_of_characters_and_endless_numbers_do_not_get_in() -> None:
    assert no_surrogates({"\ud800k": ["a\udfff", 1]}) == {"\ufffdk": ["a\ufffd", 1]}
    assert no_surrogates(json.loads('"\\ud83d\\ude00"')) == "😀"
    with pytest.raises(ValueError, match="digits"):
        json.loads("9" * 41, parse_int=whole)


@contextlib.contextmanager
def answering(path: Path, answer: Callable[[socket.socket], object]) -> Iterator[None]:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


OK = b"HTTP/1.1 200 OK\r\n"


def test_a_link_in_place_of_the_socket_is_not_followed(tmp_path: Path) -> None:
    with answering(tmp_path / "host", lambda sock: sock.sendall(OK + b"Content-Length: 2\r\n\r\nhi")):
        assert unix_http.request(str(tmp_path / "host"), "GET", "/ping") == (200, b"hi")
        os.symlink(tmp_path / "host", tmp_path / "s")
        with pytest.raises(OSError, match=r"not a socket|levels"):
            unix_http.request(str(tmp_path / "s"), "POST", "/invocations", b"row")
        assert not unix_http.healthy(str(tmp_path / "s"))


@pytest.mark.parametrize(
    "head", [b"\r\n", b"Content-Length: 600000000\r\n\r\n", b"Content-Length: 9" + b"9" * 30 + b"\r\n\r\n"]
)
def test_an_endless_answer_is_given_up(tmp_path: Path, head: bytes) -> None:
    def flood(sock: socket.socket) -> None:
        sock.sendall(OK + head)
        for _ in range(600):
            sock.sendall(b"x" * (1 << 20))

    with answering(tmp_path / "s", flood), pytest.raises((OSError, http.client.HTTPException)):
        unix_http.request(str(tmp_path / "s"), "GET", "/ping", timeout=10)


def test_a_trickle_ends_at_the_deadline(tmp_path: Path) -> None:
    ended = threading.Event()

    def drip(sock: socket.socket) -> None:
        sock.sendall(OK + b"\r\n")
        while not ended.wait(0.05):
            sock.sendall(b"x")

    with answering(tmp_path / "s", drip):
        began = time.monotonic()
        assert not unix_http.healthy(str(tmp_path / "s"), timeout=0.5)
        assert time.monotonic() - began < 3
        ended.set()


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(Store(str(tmp_path), {"run": RUN, "created": 1.0}), limit=10 * 4096)


def put(artifacts: Artifacts, path: str, data: bytes = b"") -> None:
    artifacts.put(Request({"path": f"1/{RUN}/artifacts/{path}"}, iter([data] if data else []), len(data)))


def test_empty_artifacts_take_room_too_and_give_it_back(artifacts: Artifacts, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="together"):
        for number in range(20):
            put(artifacts, f"f/{number}")
    used = artifacts._used
    assert used <= 10 * 4096
    assert Artifacts(artifacts.store, limit=10 * 4096)._used == pytest.approx(used, abs=2 * 4096)
    artifacts.delete(Request({"path": f"1/{RUN}/artifacts/f"}, iter([]), 0))
    put(artifacts, "g")


def test_artifacts_have_a_number_and_a_depth(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="Invalid path"):
        put(artifacts, "/".join(["d"] * 34))
    monkeypatch.setattr(tracking_artifacts, "FILES", 2)
    put(artifacts, "a")
    put(artifacts, "b")
    put(artifacts, "b")
    with pytest.raises(Refused, match="2 artifacts"):
        put(artifacts, "c")


def test_a_message_nested_too_deep_is_not_of_the_protocol() -> None:
    with pytest.raises(wire.WireError, match="deep"):
        wire.decode(wire.JSON, b"[" * 200_000)


@pytest.mark.parametrize("facts", [["a"], "text", 5, {"title": "x", "hint": "y", "self": "z", "kept": 1}])
def test_facts_of_any_form_make_an_error(facts: Any) -> None:
    error = errors.from_code("run", "what", "how", facts)
    assert (error.title, error.hint) == ("what", "how")
    assert dict(error.facts) == ({"kept": 1} if isinstance(facts, dict) else {})


def test_the_gate_names_its_own_functions() -> None:
    assert gate.__doc__ and "passed_line" not in gate.__doc__
