"""Which API version the site's storage service took last: kept on the client, so that a new program asks it first."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ..site import atomic, paths
from ..site.files import Site

LARGEST = 10_000  # bytes
FORM = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)  # a VM that says something else is not believed


def path(site: Site) -> Path:
    return paths.state(site.name) / "data.json"


def load(site: Site) -> str:
    """ "" where none is known for this endpoint."""
    try:
        with path(site).open("rb") as file:
            kept = json.loads(file.read(LARGEST))
        same = site.file.data is not None and kept["endpoint"] == site.file.data.endpoint
        return str(kept["api_version"]) if same else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def save(site: Site, api_version: str) -> None:
    """Where it is another than before. A client that cannot keep it asks the service again the next time."""
    if site.file.data is None or not FORM.fullmatch(api_version) or load(site) == api_version:
        return
    kept = {"schema": 1, "endpoint": site.file.data.endpoint, "api_version": api_version}
    try:
        atomic.write(path(site), json.dumps(kept))
    except OSError:
        pass
