"""Prints what the scan makes of the attacks and of the ordinary scripts; 1 where that is not what is expected."""

from __future__ import annotations

import sys
from pathlib import Path

from core.events import ScanFinding
from core.jobs.scan.scanning import scan

from .expected import ATTACKS

ORDINARY = Path(__file__).parent / "ordinary"


def findings(path: Path) -> list[ScanFinding]:
    return [event for event in scan(path) if isinstance(event, ScanFinding)]


def main() -> int:
    wrong = 0
    print("| attack | leak | script | expected | seen |\n|---|---|---|---|---|")
    for attack in ATTACKS:
        for path, expected in attack.scripts():
            found = findings(path)
            good = any(each.rule == expected for each in found) if expected else not found
            wrong += not good
            said = "; ".join(f"{each.rule}, line {each.line}: {each.seen}" for each in found)
            wanted = expected or "not seen: the sandbox stops it"
            print(f"| {attack.name} | {attack.leak} | {path.name} | {wanted} | {said or f'nothing: {attack.why}'} |")
    scripts = sorted(ORDINARY.glob("*.py"))
    flagged = [each for path in scripts for each in findings(path)]
    print(f"\n{len(scripts)} ordinary scripts, {len({each.file for each in flagged})} of them flagged:")
    for each in flagged:
        print(f"  {Path(each.file).name}:{each.line} {each.rule}: {each.seen}")
    return int(wrong > 0 or len(flagged) > 1 or len(scripts) < 50)


if __name__ == "__main__":
    sys.exit(main())
