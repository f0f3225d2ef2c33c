"""What an image's own Python says of itself is foreign: it is believed in one form alone."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from core.agent import targets
from core.agent.faults import Fault
from core.agent.interpreters import Interpreter

GOOD = {"python": "3.11.2", "implementation": "CPython", "machine": "x86_64", "libc": "2.36", "pip": "23.0"}
INSTALLED = {"six": {"version": "1.16.0", "requires": ["x>=1"]}}


def test_an_answer_is_read() -> None:
    found = {**GOOD, "installed": INSTALLED}
    assert targets._read("warning\n" + json.dumps(found) + "\n", "x") == found


@pytest.mark.parametrize(
    "change",
    [
        {"python": 1},
        {"pip": None},
        {"libc": ["2.36"]},
        {"installed": None},
        {"installed": ["six"]},
        {"installed": {"six": "1.16.0"}},
        {"installed": {"six": {"version": None, "requires": []}}},
        {"installed": {"six": {"version": "1", "requires": "x"}}},
        {"installed": {"six": {"version": "1", "requires": [1]}}},
    ],
)
def test_one_of_other_types_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Fault, match="the Python of x does not tell what it is"):
        targets._read(json.dumps({**GOOD, "installed": INSTALLED, **change}), "x")


@pytest.mark.parametrize("times", [1, 200_000])
@pytest.mark.parametrize("text", ["", "nothing", "{", "[", '{"a":', '{"a":[', '{"python":1}'])
def test_what_is_no_answer_is_refused(text: str, times: int) -> None:
    with pytest.raises(Fault, match="the Python of x does not tell what it is"):
        targets._read(text * times, "x")


def test_nor_one_that_is_nested_without_end() -> None:
    with pytest.raises(Fault, match="the Python of x does not tell what it is"):
        targets._read('{"a":' + "[" * 200_000, "x")


def test_a_real_python_answers_in_that_form() -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    assert targets.of_python(Interpreter(version, sys.executable, sys.prefix, ""))["python"] == version
