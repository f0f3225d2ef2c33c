"""A few cases of every row of the fault table; `make chaos` carries out all of them."""

from __future__ import annotations

import os
import secrets

import pytest

from ..lab import dockerd, machine
from . import campaign
from .campaign import Fault
from .faults import FAULTS
from .lab import ENGINES

SEED = os.environ.get("CHAOS_SEED") or secrets.token_hex(4)
SAMPLED = [(engine, fault) for engine in ENGINES for fault in FAULTS if fault.times(engine, sample=True)]
PATIENCE_S = 300  # another module may have Docker


@pytest.mark.timeout(PATIENCE_S)
@pytest.mark.parametrize(
    ("engine", "fault"), SAMPLED, ids=[f"{engine}-{fault.name.replace(' ', '-')}" for engine, fault in SAMPLED]
)
async def test_a_sample_of(engine: str, fault: Fault) -> None:
    if engine == "docker" and dockerd.lacking():
        pytest.skip(dockerd.lacking())
    if fault.name.startswith("fixing") and machine.lacking():
        pytest.skip(machine.lacking())
    async with campaign.lab(fault, engine) as lab:
        result = await campaign.carry_out(fault, lab, SEED, range(fault.times(engine, sample=True)))
    print(f"seed {SEED}", campaign.table([result]), *result.seen.wrong, sep="\n")
    repeat = f"make chaos SEED={SEED} ENGINE={engine} FAULT='{fault.name}'"
    assert result.seen.good, f"{repeat}\n" + "\n".join([campaign.table([result]), *result.seen.wrong])
    assert result.seen.times, "no case did what the row says"
