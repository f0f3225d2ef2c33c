"""Wheels made by tests, and folders of them as a package index on loopback."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from .test_agent_environments import answering


def wheel(index: Path, name: str, version: str, *, tag: str = "py3-none-any", needs: Sequence[str] = ()) -> Path:
    """In `index/NAME/`, as an index has it. Its module's `WHAT` is its version and tag."""
    module = re.sub(r"[-.]+", "_", name)
    folder = index / re.sub(r"[-_.]+", "-", name).lower()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{module}-{version}-{tag}.whl"
    info = f"{module}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{module}.py", f"WHAT = {f'{version} {tag}'!r}\n")
        needed = "".join(f"Requires-Dist: {need}\n" for need in needs)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}")
        tags = "".join(f"Tag: {each}\n" for each in tag.split("."))
        file.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n{tags}")
        file.writestr(f"{info}/RECORD", "")
    return path


BACKEND = """\
import pathlib
pathlib.Path({ran!r}).touch()
raise SystemExit("its code has run")
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
STATIC = PROJECT + '[project]\nname = "{name}"\nversion = "1.0"\n'


def source(index: Path, name: str, ran: Path, *, metadata: str = "2.2") -> Path:
    """A source distribution, version 1.0, that makes the file `ran` when its build backend is started. A resolver can
    do without where its `metadata` is 2.2."""
    folder = index / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name.replace('-', '_')}-1.0.tar.gz"
    contents = {
        "PKG-INFO": f"Metadata-Version: {metadata}\nName: {name}\nVersion: 1.0\n",
        "pyproject.toml": STATIC.format(name=name) if metadata == "2.2" else PROJECT,
        "backend.py": BACKEND.format(ran=str(ran)),
    }
    with tarfile.open(path, "w:gz") as file:
        for member, text in contents.items():
            info = tarfile.TarInfo(f"{path.name.removesuffix('.tar.gz')}/{member}")
            info.size = len(text)
            file.addfile(info, io.BytesIO(text.encode()))
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Index:
    """`line` makes pip and uv use it and no other; `asked` is every path that was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.lies: set[str] = set()  # names of files that are listed with another hash than they have
        self.line = ""
        self.before: Callable[[str], object] = lambda _agent: None  # what happens before an answer

    def page(self, project: str) -> bytes:
        files = sorted((self.folder / project).iterdir())
        hashes = {path.name: "0" * 64 if path.name in self.lies else digest(path) for path in files}
        links = (f'<a href="{name}#sha256={value}">{name}</a><br>' for name, value in hashes.items())
        return f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()

    @contextlib.contextmanager
    def served(self) -> Iterator[Index]:
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.before(self.headers["User-Agent"])
                index.asked.append(self.path)
                parts = [part for part in urlsplit(self.path).path.split("/") if part]  # whole where it is a proxy
                found = index.folder.joinpath(*parts)
                if not parts or not found.exists():
                    self.send_error(404)
                    return
                body = index.page(parts[0]) if found.is_dir() else found.read_bytes()
                self.send_response(200)
                self.send_header("Content-Type", "text/html" if found.is_dir() else "application/octet-stream")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    with contextlib.suppress(BrokenPipeError):  # a client that was ended
                        self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, *_: object) -> None:
                pass

        with answering(Handler) as port:
            self.line = f"--index-url http://127.0.0.1:{port}\n"
            yield self
