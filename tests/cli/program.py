"""`python -m tests.cli.program SCENARIO WORD…`: the command line over fake services, as a program of its own.

SCENARIO is JSON: fields of `Scenario`, and `hold` as a list of points where the script stops for good.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from tests.fakes.script import Scenario
from tests.fakes.services import fake_services
from tui.cli import call
from tui.failures import leave
from tui.settings import Settings


def main() -> None:
    fields: dict[str, Any] = json.loads(sys.argv[1])
    held = fields.pop("hold", [])
    scenario = Scenario(**fields, hold={point: asyncio.Event() for point in held})
    leave(call(sys.argv[2:], Settings(opener=lambda _site: fake_services(scenario))))


main()
