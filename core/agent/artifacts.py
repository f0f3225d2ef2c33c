"""Reads one artifact of a run, for the workspace. Files of models stay on the VM."""

from __future__ import annotations

import hashlib
import os
from typing import Any, Dict

from . import runfolder, wire
from .call import Call
from .faults import Fault
from .tracking_artifacts import in_model
from .tracking_rules import Refused, artifact_path

LIMIT = 1024 * 1024  # bytes


def read(call: Call, run: str, path: str, of: str = "") -> Dict[str, Any]:
    """Its bytes, then {"bytes", "sha256"}. `of`: a child run of `run`, by its MLflow id. At most 1 MiB."""
    folder = os.path.join(runfolder.find(call.root, run), "tracking", "artifacts", _name(of or run))
    target = os.path.join(folder, _checked(path))
    base = os.path.realpath(folder)
    if not os.path.isfile(target) or not os.path.realpath(target).startswith(base + os.sep):
        raise Fault("run", "the run has no artifact %r" % path)
    if in_model(folder, path):
        raise Fault("run", "%r is a file of a model: models stay on the VM" % path)
    total, size = hashlib.sha256(), 0
    with open(target, "rb") as file:
        if os.fstat(file.fileno()).st_size > LIMIT:
            raise Fault("run", "the artifact %r has more than %d bytes" % (path, LIMIT))
        for chunk in iter(lambda: file.read(wire.CHUNK), b""):
            total.update(chunk)
            size += len(chunk)
            call.data(chunk)
    return {"bytes": size, "sha256": total.hexdigest()}


def _name(run: str) -> str:
    if not isinstance(run, str) or not run.isalnum():
        raise Fault("run", "not a run's id: %r" % run)
    return run


def _checked(path: str) -> str:
    try:
        return artifact_path(path)
    except (Refused, AttributeError, TypeError, UnicodeEncodeError):
        raise Fault("run", "not an artifact's path: %r" % path)
