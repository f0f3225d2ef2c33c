"""What a file is by its first bytes: data, pictures, or something that cannot be looked into."""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Callable
from typing import NamedTuple

from . import tables

HEAD = 64 * 1024  # bytes of a file that are looked at
SMALL = 64 * 1000  # bytes below which a file of data is told, not refused
SMALL_ROWS = 200
MANY_PICTURES = 25


class Content(NamedTuple):
    kind: str  # data, picture, opaque, text or other
    what: str  # "Parquet", "CSV, 1,204 rows"
    always: bool = False  # refused however small it is
    rows: int = 0


_MAGIC: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"PAR1", "data", "Parquet"),
    (0, b"ARROW1\0\0", "data", "Arrow"),
    (0, b"FEA1", "data", "Feather"),
    (0, b"\x93NUMPY", "data", "NumPy"),
    (0, b"ORC", "data", "ORC"),
    (0, b"Obj\x01", "data", "Avro"),
    (0, b"SQLite format 3\0", "data", "SQLite"),
    (8, b"DUCK", "data", "DuckDB"),
    (0, b"\x89HDF\r\n\x1a\n", "data", "HDF5"),
    (0, b"CDF\x01", "data", "NetCDF"),
    (0, b"CDF\x02", "data", "NetCDF"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "data", "Excel or another Office file"),
    (128, b"DICM", "records", "DICOM"),
    (344, b"n+1\0", "records", "NIfTI"),
    (344, b"ni1\0", "records", "NIfTI"),
    (0, b"<stata_dta>", "data", "Stata"),
    (0, b"$FL2", "data", "SPSS"),
    (0, b"$FL3", "data", "SPSS"),
    (12, b"\0\0\0\0\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\0", "data", "SAS"),
    (0, b"HEADER RECORD*******", "data", "SAS transport"),
    (0, b"MATLAB 5.0 MAT-file", "data", "MATLAB"),
    (0, b"RDX", "data", "R data"),
    (0, b"FCS3.", "data", "flow cytometry"),
    (0, b"PGDMP", "data", "PostgreSQL dump"),
    (0, b"\xff\xd8\xff", "picture", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "picture", "PNG"),
    (0, b"GIF8", "picture", "GIF"),
    (0, b"II*\0", "picture", "TIFF"),
    (0, b"MM\0*", "picture", "TIFF"),
    (8, b"WEBP", "picture", "WebP"),
    (8, b"WAVEfmt", "picture", "sound"),
    (0, b"fLaC", "picture", "sound"),
    (0, b"OggS", "picture", "sound"),
    (0, b"ID3", "picture", "sound"),
    (4, b"ftyp", "picture", "video"),
    (0, b"\x7fELF", "opaque", "compiled code"),
    (0, b"MZ", "opaque", "compiled code"),
    (0, b"\xcf\xfa\xed\xfe", "opaque", "compiled code"),
    (0, b"\0asm", "opaque", "compiled code"),
    (257, b"ustar", "opaque", "an archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "opaque", "an archive"),
    (0, b"Rar!\x1a\x07", "opaque", "an archive"),
    (0, b"\x28\xb5\x2f\xfd", "opaque", "a compressed file"),
    (0, b"GGUF", "opaque", "model weights"),
)  # fmt: skip
_PACKED: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", lambda head: zlib.decompressobj(31).decompress(head, HEAD)),
    (b"BZh", lambda head: bz2.BZ2Decompressor().decompress(head, HEAD)),
    (b"\xfd7zXZ\0", lambda head: lzma.LZMADecompressor(memlimit=256 << 20).decompress(head, HEAD)),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05](?:\x95.{8}|[\x8c}\](cKMX)\x89\x88N])", re.DOTALL)
_BINARY_NAMES = {".onnx": "model weights", ".pb": "model weights", ".pt": "model weights", ".pth": "model weights",
                 ".ckpt": "model weights", ".bin": "a binary file", ".so": "compiled code", ".pyc": "compiled code",
                 ".whl": "a package"}  # fmt: skip
_DATA_NAMES = {".tfrecord": "TFRecord", ".tfrecords": "TFRecord", ".lmdb": "LMDB", ".mdb": "LMDB or Access",
               ".sav": "SPSS", ".dta": "Stata", ".sas7bdat": "SAS", ".rds": "R data", ".edf": "EDF"}  # fmt: skip


def of(head: bytes, size: int, name: str) -> Content:
    """`head`: the first bytes, HEAD of them at most; `size`: of the file; `name`: in lower case."""
    suffix = name[name.rfind(".") :] if "." in name else ""
    for start, magic, kind, what in _MAGIC:
        if head.startswith(magic, start) and not (kind == "opaque" and magic == b"MZ" and b"\0" not in head[:64]):
            return Content("data" if kind == "records" else kind, what, kind == "records")
    if head.startswith(b"PK\x03\x04"):
        return _zipped(head)
    for magic, unpack in _PACKED:
        if head.startswith(magic):
            return _packed(head, unpack, name)
    if _PICKLE.match(head):
        return Content("data", "pickle")
    if re.match(rb".{7}\0\{\"", head, re.DOTALL):
        return Content("opaque", "model weights")
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        if suffix in _DATA_NAMES:
            return Content("data", _DATA_NAMES[suffix])
        return Content("opaque", _BINARY_NAMES[suffix]) if suffix in _BINARY_NAMES else Content("other", "binary")
    table = tables.of(head, size, suffix)
    return Content("data", table.what, False, table.rows) if table else Content("text", "text")


def _zipped(head: bytes) -> Content:
    starts = [found.end() for found in re.finditer(rb"PK\x03\x04", head)]  # of headers: 26 bytes on, a name begins
    joined = b"\n".join(
        head[start + 26 : start + 26 + int.from_bytes(head[start + 22 : start + 24], "little")] for start in starts
    )
    if b"xl/" in joined or (b"_rels/.rels" in joined and b"word/" not in joined):
        return Content("data", "Excel or another Office file")
    if b".npy" in joined:
        return Content("data", "NumPy")
    if b"data.pkl" in joined or b"weights.h5" in joined:
        return Content("opaque", "model weights")
    return Content("opaque", "an archive")


def _packed(head: bytes, unpack: Callable[[bytes], bytes], name: str) -> Content:
    try:
        inner = of(unpack(head), 1 << 62, name.rpartition(".")[0]) if not name.endswith(".tar.gz.gz") else None
    except (OSError, EOFError, ValueError, MemoryError, zlib.error, lzma.LZMAError):
        inner = None
    if inner is not None and inner.kind == "data":
        return inner._replace(what=f"{inner.what}, compressed")
    return Content("opaque", "an archive" if name.endswith((".tgz", ".tar.gz")) else "a compressed file")


def is_small(content: Content, size: int) -> bool:
    return not content.always and size < SMALL and content.rows < SMALL_ROWS
