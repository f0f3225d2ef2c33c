"""Frames survive any chunking, and what is not a frame is refused."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.agent import wire

PAYLOAD = st.one_of(
    st.binary(max_size=300),
    st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=20), st.none()), max_size=4),
)


def reader(data: bytes, sizes: list[int]) -> wire.Reader:
    source, left = io.BytesIO(data), list(sizes)

    def read(limit: int) -> bytes:
        return source.read(min(limit, left.pop(0)) if left else limit)

    return wire.Reader(read)


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), PAYLOAD), max_size=8), st.lists(st.integers(1, 40), max_size=200))
def test_frames_come_back_as_they_were_sent(frames: list[tuple[int, object]], sizes: list[int]) -> None:
    incoming = reader(b"noise\n" + b"".join(wire.encode(*frame) for frame in frames), sizes)
    assert incoming.line() == b"noise"
    assert [incoming.frame() for _ in frames] == frames
    with pytest.raises(EOFError):
        incoming.frame()


def test_a_frame_too_large_or_of_no_known_kind_is_refused() -> None:
    with pytest.raises(wire.WireError, match="a frame of"):
        reader(wire.HEADER.pack(wire.MAX_PAYLOAD + 1, 1, b"B"), []).frame()
    with pytest.raises(wire.WireError, match="unknown kind"):
        reader(wire.HEADER.pack(0, 1, b"?"), []).frame()


def test_noise_without_end_is_refused() -> None:
    with pytest.raises(wire.WireError, match="no line end"):
        reader(b"x" * 300_000, []).line()


def test_half_a_surrogate_pair_is_no_character_and_a_whole_one_is() -> None:
    text = b'{"\\ud800": ["\\uDC00x", "\\ud83d\\ude00"]}'
    frame = reader(wire.HEADER.pack(len(text), 1, b"J") + text, []).frame()
    assert frame == (1, {"?": ["?x", "\N{GRINNING FACE}"]})
