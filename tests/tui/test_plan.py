"""What a launch says about itself, made short enough to read."""

from __future__ import annotations

from core.events import Notice
from tui.screens.launch import plan


def _plain(*texts: str) -> list[str]:
    return [line.plain for line in plan([Notice(text=text) for text in texts])]


def test_the_command_comes_first() -> None:
    assert _plain("code: none", "command: python train.py")[0] == "command python train.py"


def test_a_long_list_is_counted_and_hashes_are_left_out() -> None:
    items = [line for n in range(9) for line in (f"  package{n}==1 \\", "      --hash=sha256:ab")]
    shown = _plain("environment: Python 3.11", *items, "variable A=1")
    assert shown == [
        "· environment: Python 3.11",
        *(f"    package{n}==1" for n in range(4)),
        "    and 5 more",
        "· variable A=1",
    ]


def test_each_list_is_counted_by_itself() -> None:
    shown = _plain("one:", *["  a"] * 5, "two:", *["  b"] * 4)
    assert shown.count("    and 1 more") == 1
    assert shown.count("    b") == 4
