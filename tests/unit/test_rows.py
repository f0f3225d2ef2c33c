"""One row of a CSV, and whether a prediction is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.agent import models, rows
from core.agent.faults import Fault

TEXT = '﻿name,"age, years",label\nAda,36,1\n\n"Grace, H.",  ,0\nshort,1\n'


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "people.csv"
    file.write_text(TEXT, encoding="utf-8")
    return str(file)


def test_numbers_are_numbers_empty_cells_are_none_and_the_target_is_kept_apart(path: str) -> None:
    assert rows.pick(path, 0, "label") == rows.Row(["name", "age, years"], ["Ada", 36], "1")
    assert rows.pick(path, 1, "label") == rows.Row(["name", "age, years"], ["Grace, H.", None], "0")


def test_without_a_target_every_column_is_sent(path: str) -> None:
    assert rows.pick(path, 0, None) == rows.Row(["name", "age, years", "label"], ["Ada", 36, 1], None)


@pytest.mark.parametrize(
    ("number", "target", "message"),
    [(3, "label", "it has 3 rows"), (-1, "label", "no row -1"), (0, "age", "no column 'age'"), (2, "label", "2 cells")],
)
def test_a_row_that_cannot_be_had_is_explained_without_a_cell_of_it(
    path: str, number: int, target: str, message: str
) -> None:
    with pytest.raises(Fault, match=message) as caught:
        rows.pick(path, number, target)
    assert not any(cell in caught.value.title + caught.value.hint for cell in ("Ada", "Grace", "36"))


@pytest.mark.parametrize(
    ("prediction", "expected", "correct"),
    [
        (1, "1", True),
        (1, "1.0", True),
        (1.0, "1", True),
        (0, "1", False),
        ("setosa", " setosa ", True),
        ("setosa", "virginica", False),
        (True, "True", True),
        (0.97, "1", None),
        (12.5, "12.4", None),
        ([0.1, 0.9], "1", None),
        (1, None, None),
        (None, "1", None),
    ],
)
def test_only_classes_are_called_right_or_wrong(prediction: Any, expected: str | None, correct: bool | None) -> None:
    assert rows.same(prediction, expected) is correct


@pytest.mark.parametrize(("name", "version"), [("../x", "1"), ("a/b", "1"), (".", "1"), ("x", ".."), ("x", "1/2")])
def test_a_package_stays_below_its_folder(name: str, version: str) -> None:
    with pytest.raises(Fault):
        models.folder("/root", name, version)
