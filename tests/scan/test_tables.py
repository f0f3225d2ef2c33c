"""The scan sees what is expected of each attack, and leaves ordinary training code alone."""

from __future__ import annotations

import pytest

from .__main__ import ORDINARY, findings
from .expected import ATTACKS, FOLDER, Attack


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_is_told_or_its_row_says_why_not(attack: Attack) -> None:
    scripts = attack.scripts()
    assert len(scripts) == 2
    for path, expected in scripts:
        rules = {each.rule for each in findings(path)}
        assert expected in rules if expected else not rules and attack.why, path.name


def test_each_script_is_in_the_table() -> None:
    listed = {path for attack in ATTACKS for path, _ in attack.scripts()}
    assert set(FOLDER.iterdir()) - {FOLDER / "__pycache__"} == listed


def test_ordinary_scripts_are_left_alone() -> None:
    """Notes count too. The one that prints the head of a table is told, as it should be."""
    scripts = sorted(ORDINARY.glob("*.py"))
    assert len(scripts) >= 50
    assert [path.name for path in scripts if findings(path)] == ["explore_head.py"]
