"""Small files of ours: all of a file or nothing, and for its owner alone."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from . import paths


def write(path: Path, text: str) -> None:
    """Puts `text` (UTF-8) in the place of what `path` held, with mode 0600. Raises OSError."""
    paths.make_private(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
