"""Requirement lines and conda files: addresses that packages come from, and packages that report to their maker."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .found import Found, listed, shown

_ADDRESS = re.compile(r"(?:\w+\+)?(?:https?|ftp|ssh|git)://[^\s\"'#]+")
_INDEX = re.compile(r"(?:^|\s|-\s+)(--(?:extra-)?index-url|--find-links|-i|-f|--trusted-host)[ =]+(\S+)")
_NAME = re.compile(r"\s*(?:-\s+)?[\"']?([A-Za-z0-9][\w.-]*)")
TELEMETRY = listed(
    "wandb comet-ml comet neptune neptune-client clearml trains sentry-sdk streamlit gradio ray ultralytics weave "
    "swanlab posthog datadog ddtrace newrelic rollbar bugsnag applicationinsights azure-monitor-opentelemetry "
    "dagshub aim great-expectations scarf-sdk chromadb dagster prefect zenml bentoml evidently"
)


def of_text(text: str) -> Iterator[Found]:
    """Lines of a requirements file, or of the lists of a conda file."""
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()[:2000]
        if not line or line.startswith("#"):
            continue
        index = _INDEX.search(line)
        address = _ADDRESS.search(line)
        if index is not None and index[1] in ("--find-links", "-f") and "://" not in index[2]:
            continue  # a folder
        if index is not None:
            yield Found("package-address", number, shown(f"{index[1]} {index[2]}"))
        elif address is not None and not line.startswith("$schema"):
            yield Found("package-address", number, shown(line[: address.start()] + address[0]))
        else:
            name = _NAME.match(line)
            if name is not None and re.sub(r"[_.]", "-", name[1]).lower() in TELEMETRY:
                yield Found("package-telemetry", number, name[1])


_LISTS = re.compile(r"^(\s*)(?:-\s*)?(channels|dependencies|pip)\s*:\s*(\[.*\])?\s*(?:#.*)?$")


def of_conda(text: str) -> Iterator[Found]:
    """The lists of a conda file, wherever they stand: a job file may hold one."""
    depth = -1
    kept = []
    for line in text.split("\n"):
        start = _LISTS.match(line)
        indent = len(line) - len(line.lstrip())
        if start is not None:
            depth = indent if depth < 0 or indent <= depth else depth
            kept.append("")
        elif (
            depth >= 0 and line.strip() and (indent < depth or (indent == depth and not line.lstrip().startswith("-")))
        ):
            depth = -1
            kept.append("")
        else:
            kept.append(line if depth >= 0 else "")
    return of_text("\n".join(kept))
