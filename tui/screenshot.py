"""What is shown, as an SVG of its owner alone: log text can be in it. `trainshed kept` lists it."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from textual.app import App

from . import report

FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # they would be fetched from elsewhere


def take(app: App[Any], site: str) -> Path:
    """Raises OSError where it cannot be written."""
    name = time.strftime("screen-%Y%m%d-%H%M%S.svg")
    return report.save(FONTS.sub("", app.export_screenshot()), site, name, "screenshots")
