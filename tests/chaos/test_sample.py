"""A few cases of every row of the fault table; `make chaos` carries out all of them."""

from __future__ import annotations

import os
import secrets

import pytest

from . import campaign
from .campaign import Fault
from .faults import FAULTS

SEED = os.environ.get("CHAOS_SEED") or secrets.token_hex(4)
SAMPLED = [fault for fault in FAULTS if fault.sample]


@pytest.mark.parametrize("fault", SAMPLED, ids=[fault.name.replace(" ", "-") for fault in SAMPLED])
async def test_a_sample_of(fault: Fault) -> None:
    async with campaign.lab(disk_bytes=fault.disk_bytes) as lab:
        result = await campaign.carry_out(fault, lab, SEED, range(fault.sample))
    print(f"seed {SEED}", campaign.table([result]), *result.seen.wrong, sep="\n")
    repeat = f"make chaos SEED={SEED} FAULT='{fault.name}'"
    assert result.seen.good, f"{repeat}\n" + "\n".join([campaign.table([result]), *result.seen.wrong])
    assert result.seen.times, "no case did what the row says"
