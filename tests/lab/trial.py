"""An agent with operations for tests: a copy of the real one with one module more."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.agent import serve
from core.ssh import place

OPERATIONS = '''"""Operations that only tests have."""

from __future__ import annotations

import hashlib
import os
import time


def echo(call, **args):
    return args


def environment(call):
    return {"cwd": os.getcwd(), "umask": os.umask(0o077), "pid": os.getpid(), "root": call.root}


def numbers(call, count, size=0):
    for number in range(count):
        call.event(event="number", number=number)
        if size:
            call.data(b"x" * size)
    return {"count": count}


def wait(call, mark):
    open(mark + ".started", "w").close()
    call.event(event="started")
    try:
        while True:
            call.wait(60)
    finally:
        open(mark + ".cancelled", "w").close()


def die(call):
    os._exit(9)


def noisy(call, size):
    os.write(2, b"secret-of-a-record " * size)
    return {}


def swallow(call, go=""):
    while go and not os.path.exists(go):
        call.wait(0.01)
    total, digest = 0, hashlib.sha256()
    for chunk in call.upload():
        total += len(chunk)
        digest.update(chunk)
    return {"bytes": total, "sha256": digest.hexdigest()}
'''
NAMES = ("echo", "environment", "numbers", "wait", "die", "noisy", "swallow")


def forget() -> None:
    place.source_hash.cache_clear()
    place.source_tar.cache_clear()


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """From now on the client places this agent; its operations are `trial.NAME`. Returns its source folder."""
    source = folder / "agent-source"
    shutil.copytree(Path(serve.__file__).parent, source, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "trial.py").write_text(OPERATIONS)
    text = (source / "serve.py").read_text()
    extra = "".join(f'    "trial.{name}": "trial",\n' for name in NAMES)
    assert "OPERATIONS = {\n" in text
    (source / "serve.py").write_text(text.replace("OPERATIONS = {\n", "OPERATIONS = {\n" + extra, 1))
    monkeypatch.setattr(place, "SOURCE", source)
    forget()
    return source
