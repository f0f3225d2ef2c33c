"""The app over the fake services, for a look by hand and for the tests in a real terminal.

`python -m tests.fakes.app [FIELD=VALUE]…` sets fields of `Scenario`.
"""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from tui.app import TrainshedApp

from .script import Scenario
from .services import fake_services


def scenario(words: list[str]) -> Scenario:
    kinds = {field.name: type(getattr(Scenario(), field.name)) for field in fields(Scenario)}
    given: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        kind = kinds[name]
        given[name] = value == "True" if kind is bool else kind(value)
    return Scenario(**given)


def main() -> None:
    app = TrainshedApp(fake_services(scenario(sys.argv[1:])), label="fake", job=Path("job.yml"))
    app.run()
    raise SystemExit(app.return_code)


if __name__ == "__main__":
    main()
