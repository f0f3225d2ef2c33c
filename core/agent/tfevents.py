"""Scalars out of TensorBoard event files, as PyTorch and TensorFlow write them.

A file is TFRecords: length (uint64), masked CRC-32C of the length, data, masked CRC-32C of the data, all
little-endian (tensorflow/core/lib/io/record_writer.h). The data is a protobuf `Event`
(tensorflow/core/util/event.proto): wall_time = 1, step = 2, summary = 5; a summary's values have tag = 1,
simple_value = 2, tensor = 8, metadata = 9.
"""

from __future__ import annotations

import os
import struct
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

RECORD_BYTES = 256 * 1024  # a longer record holds pictures or graphs: it is passed over
READ_BYTES = 1 << 20
MASK = 0xA282EAD8
# DataType of a tensor (tensorflow/core/framework/types.proto): struct's letter, the field of its own list
TENSORS: Dict[int, Tuple[str, int]] = {1: ("f", 5), 2: ("d", 6), 3: ("i", 7), 9: ("q", 10)}


class Scalar(NamedTuple):
    tag: str
    step: int
    time: float  # seconds since the epoch
    value: float


class Broken(Exception):
    """The file is not one of events, or was damaged: what follows cannot be read."""


def _table() -> List[int]:
    found = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)  # Castagnoli, reflected
        found.append(value)
    return found


_CRC = _table()


def masked_crc(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + MASK) & 0xFFFFFFFF


def read(fd: int, offset: int) -> Tuple[List[Scalar], int]:
    """The scalars of the whole records from `offset` on, and where the next one begins. Raises Broken, OSError."""
    data = os.pread(fd, READ_BYTES, offset)
    found: List[Scalar] = []
    at = 0
    while len(data) - at >= 12:
        header, crc = data[at : at + 8], data[at + 8 : at + 12]
        if struct.unpack("<I", crc)[0] != masked_crc(header):
            raise Broken("no record at byte %d" % (offset + at))
        length = struct.unpack("<Q", header)[0]
        end = at + 12 + length + 4
        if length > RECORD_BYTES:
            if offset + end > os.fstat(fd).st_size:
                break
        elif end > len(data):
            break
        else:
            found += scalars(data[at + 12 : at + 12 + length])
        at = end
    return found, offset + at


def scalars(event: bytes) -> List[Scalar]:
    """Of one Event; nothing where it is malformed."""
    try:
        fields = _fields(event)
        time = struct.unpack("<d", _first(fields, 1, b"\0" * 8))[0]
        step = _signed(_first(fields, 2, 0))
        values = [_value(value) for summary in _all(fields, 5) for value in _all(_fields(summary), 1)]
        return [Scalar(tag, step, time, number) for tag, number in values if number is not None]
    except (ValueError, TypeError, IndexError, struct.error):
        return []


def _value(data: bytes) -> Tuple[str, Optional[float]]:
    fields = _fields(data)
    tag = bytes(_first(fields, 1, b"")).decode("utf-8", "replace")
    simple = _first(fields, 2, None)
    if simple is not None:
        return tag, float(struct.unpack("<f", simple)[0])
    plugin = _first(_fields(_first(_fields(_first(fields, 9, b"")), 1, b"")), 1, b"")
    return tag, _tensor(_fields(_first(fields, 8, b""))) if plugin == b"scalars" else None


def _tensor(fields: "Fields") -> Optional[float]:
    """The one number of a tensor; None for anything else."""
    letter, own = TENSORS.get(_first(fields, 1, 0), ("", 0))
    if not letter:
        return None
    content = _first(fields, 4, b"")
    if len(content) == struct.calcsize("<" + letter):
        return float(struct.unpack("<" + letter, content)[0])
    listed = _first(fields, own, None)
    if isinstance(listed, int):
        return float(_signed(listed))
    if isinstance(listed, bytes) and letter in "iq":
        return float(_signed(_varint(listed, 0)[0]))
    return float(struct.unpack("<" + letter, listed)[0]) if listed else None


Fields = List[Tuple[int, Any]]


def _fields(data: bytes) -> Fields:
    """(number, value) of a protobuf message: an int, or bytes. Raises ValueError, IndexError."""
    return list(_each(data))


def _each(data: bytes) -> Iterator[Tuple[int, Any]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError("wire type %d" % kind)
        if at + size > len(data):
            raise ValueError("cut short")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> Tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (2**64 - 1), at
    raise ValueError("a number of more than 64 bits")


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _all(fields: Fields, number: int) -> List[Any]:
    return [value for found, value in fields if found == number]


def _first(fields: Fields, number: int, default: Any) -> Any:
    return next((value for found, value in fields if found == number), default)
