"""What a channel received and nobody has read yet."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paramiko.buffered_pipe import PipeTimeout

from core.ssh.pipe import PacketPipe


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=20), st.lists(st.integers(1, 60), min_size=1))
def test_bytes_come_out_as_they_went_in_however_they_are_read(packets: list[bytes], sizes: list[int]) -> None:
    pipe = PacketPipe()
    for packet in packets:
        pipe.feed(packet)
    pipe.close()
    whole, read, turn = b"".join(packets), b"", 0
    while data := pipe.read(sizes[turn % len(sizes)]):
        assert len(data) <= sizes[turn % len(sizes)]
        read, turn = read + data, turn + 1
        assert len(pipe) == len(whole) - len(read) and pipe.read_ready() == (len(read) < len(whole))
    assert read == whole


def test_a_reader_waits_for_bytes_for_the_end_or_for_its_patience() -> None:
    pipe = PacketPipe()
    with pytest.raises(PipeTimeout):
        pipe.read(10, 0.0)
    with pytest.raises(PipeTimeout):
        pipe.read(10, 0.01)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.extend([pipe.read(10), pipe.read(10)]))
    reader.start()
    pipe.feed(b"late")
    pipe.close()
    reader.join(10)
    assert found == [b"late", b""] and pipe.empty() == b""
