"""What an environment says it holds was written by foreign code: nothing but small regular files is read."""

from __future__ import annotations

import json
import os
from pathlib import Path

from core.agent import distributions, environment_files

HASH = "0" * 64


def test_a_fifo_a_link_a_folder_and_a_huge_file_are_passed_over(tmp_path: Path) -> None:
    place = tmp_path / "environments" / HASH
    site = Path(environment_files.files(str(place))) / "lib" / "python3.11" / "site-packages"
    for name in ("good", "fifo", "link", "folder", "huge"):
        (site / f"{name}.dist-info").mkdir(parents=True)
    (place / environment_files.RECORD).write_text(json.dumps({}))
    metadata = "Name: Good_Name\nVersion: 1.0\n"
    (site / "good.dist-info" / "METADATA").write_text(metadata)
    os.mkfifo(site / "fifo.dist-info" / "METADATA")
    (tmp_path / "secret").write_text("Name: secret\nVersion: 2\n")
    (site / "link.dist-info" / "METADATA").symlink_to(tmp_path / "secret")
    (site / "folder.dist-info" / "METADATA").mkdir()
    (site / "huge.dist-info" / "METADATA").write_text("Name: huge\nVersion: 3\n" + " " * distributions.LIMIT)
    assert distributions.pinned(str(tmp_path), HASH) == "good-name==1.0\n"
