"""What we read of sshd_config ourselves, against what sshd reads, over files that are made up (seeded)."""

from __future__ import annotations

import os
import random
import re
import subprocess
from pathlib import Path

import pytest

from core.agent.sshd_files import config_files, hidden_include

from .sshd import keygen

TREES = 50
SEED = int(os.environ.get("SEED", "20261126"))
KEYWORDS = (
    ("MaxAuthTries", ("2", "4", "6")),
    ("X11Forwarding", ("yes", "no")),
    ("PermitRootLogin", ("no", "prohibit-password", "without-password")),
    ("ChallengeResponseAuthentication", ("yes", "no")),
    ("LoginGraceTime", ("1m", "30", "60s")),
    ("AllowUsers", ("ada bob", "root@127.0.0.1")),
)
MATCHES = ("Match User root", "Match user=ada", "Match all", 'Match Address "127.0.0.0/8"', "Match Group nobody")


class Writer:
    """Makes a tree of files; `seed` decides all of it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.folder = folder
        self.left = 6  # files

    def cased(self, word: str) -> str:
        return self.random.choice([word, word.lower(), word.upper(), word.title()])

    def between(self) -> str:
        return self.random.choice([" ", "\t", "  ", "=", " = ", "= "])

    def line(self) -> str:
        chance = self.random.random()
        if chance < 0.15:
            return self.random.choice(["", "# Include /nowhere", "   # comment", "#Include=x"])
        if chance < 0.25:
            return self.random.choice(MATCHES)
        if chance < 0.6 and self.left > 0:
            return self.include()
        keyword, values = self.random.choice(KEYWORDS)
        value = self.random.choice(values)
        value = f'"{value}"' if self.random.random() < 0.2 and " " not in value else value
        comment = self.random.choice(["", "", " # why", "\t#x"])
        return f"{self.indent()}{self.cased(keyword)}{self.between()}{value}{comment}"

    def indent(self) -> str:
        return self.random.choice(["", "", "  ", "\t"])

    def include(self) -> str:
        names = [self.file() for _ in range(self.random.choice([1, 1, 1, 2]))]
        comment = self.random.choice(["", "", " # Include /etc/passwd", " #x"])
        return f"{self.indent()}{self.cased('Include')}{self.between()}{' '.join(map(self.named, names))}{comment}"

    def named(self, path: Path) -> str:
        text = str(path)
        if path.is_dir():
            return f"{text}/*.conf"
        plain = not re.search(r"[ \"']", text)
        ways = [f'"{text}"', f"'{text}'"] + ([text, text.replace("part", "par[t]")] if plain else [])
        ways += [text.replace(" ", "\\ ")]
        return self.random.choice(ways)

    def file(self) -> Path:
        self.left -= 1
        number = self.left
        kind = self.random.choice(["file", "file", "folder", "missing"])
        if kind == "missing":
            return self.folder / f"missing{number}.conf"
        if kind == "file":
            return self.write(self.folder / self.random.choice([f"part{number}", f"a b{number}", f"x#{number}"]))
        folder = self.folder / f"d{number}"
        folder.mkdir()
        for name in ("20-b.conf", "10-a.conf", ".hidden.conf", "c.off"):
            self.write(folder / name, lines=2)
        return folder

    def write(self, path: Path, lines: int = 4) -> Path:
        path.write_text("".join(self.line() + self.random.choice(["\n", "\n", " \n", "\r\n"]) for _ in range(lines)))
        return path


def read_by_sshd(config: Path, key: Path) -> set[str] | None:
    """The files that sshd says it has read; None where it refuses the configuration."""
    command = [
        "/usr/sbin/sshd",
        "-T",
        "-ddd",
        "-f",
        str(config),
        "-h",
        str(key),
        "-C",
        "user=root,host=x,addr=127.0.0.1",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    return set(re.findall(r"load_server_config: filename (.*)$", done.stderr, re.MULTILINE))


@pytest.mark.skipif(os.geteuid() != 0, reason="sshd loads any host key as root only")
def test_the_files_that_we_find_are_those_that_sshd_reads(tmp_path: Path) -> None:
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    key = keygen(tmp_path / "key")
    understood = 0
    for number in range(TREES):
        folder = tmp_path / str(number)
        folder.mkdir()
        config = Writer(folder, SEED + number).write(folder / "sshd_config", lines=8)
        theirs = read_by_sshd(config, key)
        if theirs is None:
            continue
        understood += 1
        ours = {entry["path"] for entry in config_files(str(config)) if not entry["folder"]}
        assert ours == theirs, (SEED + number, config.read_text())
        assert hidden_include(str(config)) == ""
    assert understood > TREES // 2  # else it is not a test
