"""Which staged version is what a path of this site means: data of other containers may be on the VM too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..site.files import Site


def newest(items: Iterable[dict[str, Any]], path: str, site: Site) -> dict[str, Any] | None:
    """The one that was staged last. `items`: of the agent's `data.list`, in its order."""
    from ..agent import blob, faults

    data = site.file.data
    if data is None:
        return None
    try:
        source = blob.Source(data.endpoint, data.container, "", prefix=data.prefix)
    except faults.Fault:
        return None  # whoever asks the service says what is wrong with it
    place = {"source": source.origin, "within": source.within(path)}
    return next((item for item in items if place in item.get("places", ()) and not item["broken"]), None)
