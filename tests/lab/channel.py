"""A conda channel made by a test: packages in both formats, repodata.json, and enough of a Python to run jobs in."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pip

from .vm import PYTHON

PREFIX = "/placeholder_of_the_channel"  # rewritten to where the package is installed
TIME = 1_700_000_000
Files = Mapping[str, bytes | str]  # a str is text; one that is executable begins with "#!", a link with "->"


class Channel:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._records: dict[str, dict[str, dict[str, Any]]] = {}
        for subdir in ("noarch", f"linux-{'64' if os.uname().machine == 'x86_64' else os.uname().machine}"):
            self._records[subdir] = {}
            self._write(subdir)

    def add(
        self,
        name: str,
        version: str,
        files: Files,
        *,
        depends: Sequence[str] = (),
        noarch: str = "generic",
        entry_points: Sequence[str] = (),
        new_format: bool = False,
    ) -> Path:
        """`noarch`: generic or python; its files are below site-packages/ then."""
        index: dict[str, Any] = {"name": name, "version": version, "build": "0", "build_number": 0}
        index |= {"depends": list(depends), "subdir": "noarch", "noarch": noarch, "timestamp": TIME * 1000}
        info = {"index.json": index, "paths.json": {"paths": _paths(files), "paths_version": 1}, "about.json": {}}
        if noarch == "python":
            points = {"type": "python", "entry_points": list(entry_points)}
            info["link.json"] = {"noarch": points, "package_metadata_version": 1}
        about = {f"info/{path}": json.dumps(content) for path, content in info.items()}
        path = self.folder / "noarch" / f"{name}-{version}-0{'.conda' if new_format else '.tar.bz2'}"
        if new_format:
            _write_conda(path, files, about)
        else:
            path.write_bytes(_tar({**files, **about}, "w:bz2"))
        content = path.read_bytes()
        hashes = {kind: hashlib.new(kind, content).hexdigest() for kind in ("md5", "sha256")}
        self._records["noarch"][path.name] = {**index, **hashes, "size": len(content)}
        self._write("noarch")
        return path

    def add_python(self) -> None:
        """The VM's own, as a venv has it, and the tests' pip as a zip file that it imports."""
        version = subprocess.run([PYTHON, "-IS", "-c", VERSION], capture_output=True, text=True, check=True).stdout
        minor = version.rpartition(".")[0]
        home = f"home = {os.path.dirname(PYTHON)}\ninclude-system-site-packages = false\n"
        real = "->" + os.path.realpath(PYTHON)
        site = f"lib/python{minor}/site-packages"
        links = {f"bin/python{tail}": real for tail in ("", "3", minor)}
        self.add("python", version, {"pyvenv.cfg": home, **links, f"{site}/here.txt": ""})
        files: Files = {"share/pip.zip": _zipped(Path(pip.__file__).parent), f"{site}/pip.pth": "/env/share/pip.zip\n"}
        self.add("pip", "1.0", files, depends=["python"])

    def _write(self, subdir: str) -> None:
        (self.folder / subdir).mkdir(parents=True, exist_ok=True)
        found = self._records[subdir]
        data = {"info": {"subdir": subdir}, "removed": [], "repodata_version": 1}
        data["packages"] = {name: each for name, each in found.items() if not name.endswith(".conda")}
        data["packages.conda"] = {name: each for name, each in found.items() if name.endswith(".conda")}
        (self.folder / subdir / "repodata.json").write_text(json.dumps(data))


VERSION = "import platform; print(platform.python_version(), end='')"


def _bytes(content: bytes | str) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _paths(files: Files) -> list[dict[str, Any]]:
    found = []
    for path, given in files.items():
        content = _bytes(given)
        entry: dict[str, Any] = {"_path": path, "path_type": "hardlink"}
        if content.startswith(b"->"):
            entry["path_type"] = "softlink"
        else:
            entry |= {"sha256": hashlib.sha256(content).hexdigest(), "size_in_bytes": len(content)}
        if PREFIX.encode() in content:
            entry |= {"prefix_placeholder": PREFIX, "file_mode": "text"}
        found.append(entry)
    return found


def _tar(files: Files, mode: Literal["w:", "w:bz2"] = "w:") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for path, given in files.items():
            content, info = _bytes(given), tarfile.TarInfo(path)
            info.mtime, info.mode = TIME, 0o755 if content.startswith(b"#!") else 0o644
            if content.startswith(b"->"):
                info.type, info.linkname = tarfile.SYMTYPE, content[2:].decode()
                archive.addfile(info)
                continue
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _write_conda(path: Path, files: Files, about: Files) -> None:
    """A zip with two tars, zstd each."""
    stem = path.name.removesuffix(".conda")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", '{"conda_pkg_format_version": 2}')
        for part, content in (("pkg", files), ("info", about)):
            archive.writestr(f"{part}-{stem}.tar.zst", _zstd(_tar(content)))


def _zstd(content: bytes) -> bytes:
    """A zstd frame of raw blocks (RFC 8878): nothing is compressed, and no library is needed."""
    frame = b"\x28\xb5\x2f\xfd" + b"\xa0" + len(content).to_bytes(4, "little")
    blocks = [content[at : at + (1 << 17)] for at in range(0, len(content), 1 << 17)] or [b""]
    for number, block in enumerate(blocks):
        frame += ((len(block) << 3) | (number == len(blocks) - 1)).to_bytes(3, "little") + block
    return frame


def _zipped(package: Path) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(package.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(package.parent))
    return out.getvalue()
