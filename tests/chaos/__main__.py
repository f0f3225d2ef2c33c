"""`make chaos`: the fault table, carried out. `--seed`, `--fault` and `--case` repeat what was seen."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import secrets
import sys

from ..lab import dockerd
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
    parser.add_argument("--engine", choices=["", *ENGINES], default="", help="both where none is named")
    given = parser.parse_args()
    engines = [given.engine] if given.engine else [*ENGINES]
    if "docker" in engines and dockerd.lacking():
        parser.error(f"{dockerd.lacking()}; --engine bwrap (make chaos ENGINE=bwrap) does without")
    results = asyncio.run(_all(given, engines))
    print(f"\nseed {given.seed}\n{campaign.table(results)}")
    return 0 if results and all(result.seen.good and result.seen.times for result in results) else 1


async def _all(given: argparse.Namespace, engines: list[str]) -> list[Result]:
    found = []
    print(f"seed {given.seed}", flush=True)
    for engine, fault in itertools.product(engines, FAULTS):
        times = fault.times(engine, sample=given.sample)
        if not times or given.fault not in fault.name:
            continue
        numbers = range(given.times or times) if given.case is None else [given.case]
        async with campaign.lab(fault, engine) as lab:
            result = await campaign.carry_out(fault, lab, given.seed, numbers)
        print("  ".join(result.cells()), *result.seen.wrong, sep="\n", flush=True)
        found.append(result)
    return found


if __name__ == "__main__":
    sys.exit(main())
