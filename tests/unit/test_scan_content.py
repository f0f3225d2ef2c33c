"""What a file is by its content: data, pictures, weights; and what only looks like a table."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.jobs.scan import content

ROWS = "id,age,sex\n" + "".join(f"{n},{20 + n % 60},{'fm'[n % 2]}\n" for n in range(400))


def zipped(**files: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)
    return made.getvalue()


def saved() -> bytes:
    made = io.BytesIO()
    np.save(made, np.zeros(10))
    return made.getvalue()


def database(tmp_path: Path) -> bytes:
    connection = sqlite3.connect(tmp_path / "x")
    connection.execute("create table x (a)")
    connection.commit()
    connection.close()
    return (tmp_path / "x").read_bytes()


DATA = {
    "a.csv": ROWS.encode(),
    "a.txt": ROWS.encode(),
    "noending": ROWS.replace(",", "\t").encode(),
    "semicolon.txt": ROWS.replace(",", ";").encode("utf-16"),
    "latin.csv": ("name;alter\n" + "Müller;50\n" * 30).encode("latin-1"),
    "a.csv.gz": gzip.compress(ROWS.encode()),
    "a.jsonl": b"".join(json.dumps({"age": n}).encode() + b"\n" for n in range(10)),
    "a.json": json.dumps([{"age": n, "sex": "f"} for n in range(10)], indent=1).encode(),
    "a.dat": b"".join(b"%d %d.5 %d\n" % (n, n, n) for n in range(30)),
    "a.libsvm": b"".join(b"1 1:%d 2:3 7:1\n" % n for n in range(30)),
    "dump.txt": b"INSERT INTO patients VALUES (1, 'x');\n" * 9,
    "a.npy": saved(),
    "a.bin": saved(),
    "a.pkl": pickle.dumps({"a": [1]}),
    "a.parquet": b"PAR1" + bytes(100),
    "a.xlsx": zipped(**{"[Content_Types].xml": "", "xl__workbook.xml": ""}),
    "a.npz": zipped(**{"x.npy": ""}),
    "a.dcm": bytes(128) + b"DICM" + bytes(100),
    "a.h5": b"\x89HDF\r\n\x1a\n" + bytes(50),
    "a.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(50),
}
OTHER = {
    "train.py": ("text", b"x = [\n" + b"    1, 2, 3,\n" * 50 + b"]\n"),
    "README": ("text", b"Trains a model, and then, when it is done, writes it.\n" * 20),
    "vocab.txt": ("text", b"the\nof\nand\n" * 100),
    "classes.txt": ("text", b"0 benign\n1 malignant\n"),
    "config.json": ("text", b'{"lr": 0.1, "layers": [1, 2, 3]}'),
    "tokenizer.json": ("text", b'{"model": {"vocab": {' + b", ".join(b'"a%d": 1' % n for n in range(500)) + b"}}}"),
    "schedule.json": ("text", b"[1, 2, 3]"),
    "LICENSE": ("text", b"Permission is hereby granted, free of charge, to any person\n" * 10),
    "poem.txt": ("text", b"one, two\nthree, four\nfive, six\nseven, eight\nnine, ten\n"),
    "table.md": ("text", b"| a | b |\n|---|---|\n" + b"| 1 | 2 |\n" * 40),
    "empty.csv": ("text", b""),
    "header.csv": ("text", b"a,b,c\n"),
    "model.pt": ("opaque", zipped(**{"archive__data.pkl": ""})),
    "model.safetensors": ("opaque", b"\x40\0\0\0\0\0\0\0" + b'{"w":' + bytes(50)),
    "a.tar.gz": ("opaque", gzip.compress(bytes(257) + b"ustar" + bytes(600))),
    "x.so": ("opaque", b"\x7fELF" + bytes(50)),
    "plot.png": ("picture", b"\x89PNG\r\n\x1a\n" + bytes(50)),
    "x.jpg": ("picture", b"\xff\xd8\xff\xe0" + bytes(50)),
}


@pytest.mark.parametrize("name", DATA)
def test_data_is_known_by_its_content(name: str) -> None:
    assert content.of(DATA[name][: content.HEAD], len(DATA[name]), name).kind == "data"


@pytest.mark.parametrize("name", OTHER)
def test_what_is_no_data_is_not_taken_for_it(name: str) -> None:
    kind, head = OTHER[name]
    assert content.of(head, len(head), name).kind == kind


def test_a_database_a_small_table_and_a_large_one(tmp_path: Path) -> None:
    assert content.of(database(tmp_path)[: content.HEAD], 8192, "x").what == "SQLite"
    small = content.of(ROWS[:100].encode(), 100, "a.csv")
    assert content.is_small(small, 100)
    assert not content.is_small(content.of(ROWS.encode(), len(ROWS), "a.csv"), len(ROWS))  # many rows
    assert not content.is_small(content.of(DATA["a.dcm"], 232, "a.dcm"), 232)  # one record is one
