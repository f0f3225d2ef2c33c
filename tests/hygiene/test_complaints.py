"""Every complaint has a test that exists."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.lab import ENGINES
from tests.complaints import COMPLAINTS, Complaint

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("complaint", COMPLAINTS, ids=[each.where for each in COMPLAINTS])
def test_each_is_held_by_a_test_that_exists(complaint: Complaint) -> None:
    assert complaint.tests
    for name in complaint.tests:
        row = name.removeprefix("chaos: ")
        if row != name:
            sampled = {fault.name for fault in FAULTS for engine in ENGINES if fault.times(engine, sample=True)}
            assert row in sampled, f"the fault table samples no {row}"
            continue
        file, _, function = name.partition("::")
        functions = {
            each.name for each in ast.walk(ast.parse((TESTS / file).read_text())) if isinstance(each, FUNCTIONS)
        }
        assert function in functions, f"there is no {name}"


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
