"""`make chaos`: the fault table, carried out. `--seed`, `--fault` and `--case` repeat what was seen."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys

from . import campaign
from .campaign import Result
from .faults import FAULTS
from .lab import ENGINES


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", default=secrets.token_hex(4), help="decides every random choice")
    parser.add_argument("--fault", default="", help="only the rows whose name has this in it")
    parser.add_argument("--case", type=int, help="only the case with this number")
    parser.add_argument("--times", type=int, help="so many cases of each row")
    parser.add_argument("--sample", action="store_true", help="as few cases as `make test` tries")
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0])
    given = parser.parse_args()
    results = asyncio.run(_all(given))
    print(f"\nengine {given.engine}, seed {given.seed}\n{campaign.table(results)}")
    return 0 if all(result.seen.good for result in results) else 1


async def _all(given: argparse.Namespace) -> list[Result]:
    found = []
    print(f"seed {given.seed}", flush=True)
    for fault in (fault for fault in FAULTS if given.fault in fault.name):
        times = given.times or (fault.sample if given.sample else fault.full)
        numbers = range(times) if given.case is None else [given.case]
        async with campaign.lab(given.engine, fault.disk_bytes) as lab:
            result = await campaign.carry_out(fault, lab, given.seed, numbers)
        print("  ".join(result.cells()), *result.seen.wrong, sep="\n", flush=True)
        found.append(result)
    return found


if __name__ == "__main__":
    sys.exit(main())
