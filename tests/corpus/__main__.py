"""`make corpus EXAMPLES=PATH`: Azure's own collection of examples, read and run unchanged.

PATH is a checkout of the collection, or a bare git directory of it.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

from ..contract.reading import azure_reader
from ..lab import dockerd
from . import campaign, images, kinds, lab, site
from .campaign import Found, Row
from .examples import Examples, NoExamples
from .expected import EXPECTED

GET = """make corpus needs the collection of examples that Azure ML publishes, and fetches nothing by itself:
    git clone --depth 1 (the GitHub repository Azure/azureml-examples) PATH
    make corpus EXAMPLES=PATH"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make corpus", description=__doc__)
    parser.add_argument("examples", type=Path, nargs="?", help="a checkout or a bare git directory")
    parser.add_argument("--only", default="", help="only the command files whose path has this in it")
    parser.add_argument("--engine", choices=lab.ENGINES, action="append", help="only this one; both by default")
    given = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # in the background too: what was started is ended
        signal.signal(number, signal.default_int_handler)
    try:
        if given.examples is None:
            raise NoExamples("no PATH is given")
        examples = Examples(given.examples)
    except NoExamples as error:
        print(error, GET, sep="\n", file=sys.stderr)
        return 2
    missing = dockerd.lacking()
    if missing:
        print(f"make corpus needs Docker on this machine: {missing}", file=sys.stderr)
        return 2
    warnings.simplefilter("ignore")  # of azure-ai-ml about itself
    return asyncio.run(_carried_out(examples, given.only, given.engine or lab.ENGINES))


async def _carried_out(examples: Examples, only: str, engines: Sequence[str]) -> int:
    print(f"azureml-examples {examples.commit}", flush=True)
    found = campaign.found(examples)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        campaign.put(examples, found.jobs, folder)
        wrong = _others(folder, found)
        paths = [path for path in found.jobs[kinds.COMMAND] if only in path]
        wrong += [f"gone: {path}" for path in campaign.without_rows(EXPECTED, found.jobs[kinds.COMMAND])]
        rows = await _rows(folder, paths, engines)
    print(f"\n{campaign.table(rows)}\n")
    bad = [row for row in rows if row.wrong]
    print(campaign.summary(rows), f"{len(rows)} command files, {len(bad)} unexpected", *wrong, sep="\n")
    return 1 if bad or wrong or not rows else 0


def _others(folder: Path, found: Found) -> list[str]:
    """Prints what is no command job; what is wrong with it."""
    lines, wrong = campaign.refusals(folder, found.jobs)
    print(*sorted(lines), sep="\n")
    print("no jobs:", ", ".join(f"{number} {name}" for name, number in found.others.most_common()), flush=True)
    return wrong


async def _rows(folder: Path, paths: list[str], engines: Sequence[str]) -> list[Row]:
    made = []
    docker = dockerd.running(environment=lab.NOWHERE)
    with azure_reader() as azure, docker as daemon, lab.served(site.wheels()) as wheels:
        images.make(daemon)
        async with lab.running(site.has(wheels), engines, daemon) as running:
            async for row in campaign.rows(running, folder, paths, azure, EXPECTED):
                print("  ".join(row.cells()), *row.wrong, sep="\n", flush=True)
                made.append(row)
    return made


if __name__ == "__main__":
    sys.exit(main())
