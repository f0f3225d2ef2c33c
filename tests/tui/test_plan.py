"""What a launch says about itself, made short enough to read."""

from __future__ import annotations

from core.events import Notice
from tui.widgets.plan import told


def _plain(*texts: str) -> list[str]:
    return [line.plain for line in told([Notice(text=text) for text in texts])]


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


def test_digests_are_short_and_sizes_are_for_people() -> None:
    digest = "9f2c4be1a07d5c3388e6f10b7a94d2615cc0f7e3b8a1d94427563e0fb18c2a6d"
    shown = _plain(
        "code: 2 files, 20480 bytes of job",
        "  train.py (12345)",
        "  2024 (-> ../x)",
        f"snapshot: {digest}",
        f"a/{digest}",
    )
    assert shown == [
        "· code: 2 files, 20.5 kB of job",
        "    train.py (12.3 kB)",
        "    2024 (-> ../x)",
        "· snapshot: 9f2c4be1a07d",
        "· a/9f2c4be1a07d",
    ]


def test_the_command_is_shown_as_it_is() -> None:
    assert _plain(f"command: tool --seed {'ab' * 32}") == [f"command tool --seed {'ab' * 32}"]
