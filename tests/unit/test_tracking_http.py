"""The tracking server's HTTP: what is refused before it costs anything."""

from __future__ import annotations

import json
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.agent import tracking_http

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('a\\\\"{[,\u00fc')) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.sampled_from('a\\\\"{[,')), inner),
)


def parts(value: object) -> int:
    """Braces, brackets, commas and texts of its JSON, those in texts left out."""
    if isinstance(value, dict):
        return 1 + len(value) + max(0, len(value) - 1) + sum(map(parts, value.values()))
    if isinstance(value, list):
        return 1 + max(0, len(value) - 1) + sum(map(parts, value))
    return int(isinstance(value, str))


@given(JSON, st.booleans())
def test_the_text_of_a_string_does_not_count(value: object, ascii_only: bool) -> None:
    text = bytearray(json.dumps(value, ensure_ascii=ascii_only).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracking_http, "PARTS", parts(value) - 1)
        assert tracking_http._parts(text) > parts(value) - 1
        patch.setattr(tracking_http, "PARTS", parts(value))
        assert tracking_http._parts(text) == parts(value)


def test_a_body_that_does_not_come_ends_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking_http, "TURN_S", 0.3)
    turn = threading.Lock()
    handler = type(
        "Slow", (tracking_http.Handler,), {"find": staticmethod(lambda *_: (lambda _: {}, {}, False)), "turn": turn}
    )
    ours, theirs = socket.socketpair()
    with ours, theirs:
        thread = threading.Thread(target=handler, args=(theirs, "job", None), daemon=True)
        thread.start()
        ours.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{")
        thread.join(10)
        assert not thread.is_alive() and turn.acquire(blocking=False)
