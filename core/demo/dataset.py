"""The data set that "may not leave": scikit-learn's breast-cancer records, shipped with the program."""

from __future__ import annotations

from pathlib import Path

RECORDS = Path(__file__).with_name("records")
CONTAINER = "records"
FOLDER = "breast-cancer/"  # in the container
TARGET = "malignant"
MODEL = "breast-cancer"
ROW = 17  # of the held-out rows, the one that the journey asks about


def files() -> dict[str, bytes]:
    """Blob name -> content."""
    return {FOLDER + path.name: path.read_bytes() for path in sorted(RECORDS.glob("*.csv"))}
