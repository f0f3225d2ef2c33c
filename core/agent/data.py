"""Data on the VM: is the container reachable, bring a part of it here, what is here.

A staged part is `ROOT/data/DIGEST/`: `files/` (read-only) and `manifest.json`. DIGEST is the sha256 over
the sorted lines `path NUL size NUL sha256`; paths are relative to what was staged (a single blob is its base name).
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
from typing import Any, Dict, Iterator, Optional, Tuple

from . import blob_links, data_removal, data_store, path_found, staging, transfer
from .blob import Client, Source
from .call import Call
from .faults import Fault
from .locks import locked

MANIFEST = "manifest.json"


def folder(root: str, digest: str) -> str:
    """Where the files of a staged digest are. Raises Fault where it is not staged."""
    path = os.path.join(root, "data", digest)
    if "/" in digest or digest.startswith(".") or not os.path.isfile(os.path.join(path, MANIFEST)):
        raise Fault("data", "no data %s on this VM" % digest[:12], "trainshed data stage")
    return os.path.join(path, "files")


def take(root: str, digest: str) -> str:
    """The same for whoever is about to use them, which is noted."""
    path = folder(root, digest)
    data_store.take(os.path.dirname(path))
    return path


def check(call: Call, source: Dict[str, Any]) -> None:
    """One event for each link of the path, in order. `api_version`: what the service takes, "" where not known yet."""
    path = path_found.Path(Source(**source), "the VM", os.path.join(call.root, "data"))
    for link in blob_links.walk(path, blob_links.WHOLE):
        call.event(
            event="check",
            id=link.id,
            status=link.status,
            evidence=link.cause,
            action=link.action,
            duration_s=link.duration_s,
            service_code=link.service_code,
            api_version=path.client.version or "",
        )


def stage(call: Call, source: Dict[str, Any], path: str = "") -> Dict[str, Any]:
    """`path`: a blob, a folder (trailing "/") or "" for the whole prefix. Says progress in bytes.

    Unchanged blobs (by ETag) that are staged already are not fetched again. Raises Fault.
    """
    client = Client(Source(**source))
    base = os.path.join(call.root, "data")
    os.makedirs(base, exist_ok=True)
    try:
        plan = staging.plan(client, path, lambda: call.wait(0))
        data_removal.tidy(call)
        with locked(call, transfer.lock_of(base, plan.temporary)):
            manifest = _known(base, plan)
            reused = manifest is not None
            if manifest is None:
                manifest, reused = _fetched(call, client, base, plan)
    except OSError as error:
        raise transfer.storage_fault(error, base)
    except http.client.HTTPException as error:
        raise Fault("data", "the connection to the storage service broke (%s)" % type(error).__name__, "stage again")
    finally:
        client.close()
    return dict(_info(manifest, path), reused=reused, api_version=client.version)


def _info(manifest: Dict[str, Any], path: str) -> Dict[str, Any]:
    return {
        "digest": manifest["digest"],
        "path": path,
        "files": len(manifest["files"]),
        "bytes": sum(entry["size"] for entry in manifest["files"]),
        "staged": manifest["staged"],
    }


def _manifests(base: str) -> Iterator[Dict[str, Any]]:
    try:
        names = sorted(os.listdir(base))
    except FileNotFoundError:
        return
    for name in names:
        manifest = None if name.startswith(".") else _read(os.path.join(base, name, MANIFEST))
        if manifest is not None:
            yield manifest


def _read(path: str) -> Optional[Dict[str, Any]]:
    try:
        with open(path, encoding="utf-8") as file:
            found: Dict[str, Any] = json.load(file)
            return found
    except (OSError, ValueError):
        return None


def _known(base: str, plan: staging.Plan) -> Optional[Dict[str, Any]]:
    """The manifest of this very listing, if it is staged."""
    for manifest in _manifests(base):
        if any(entry["listing"] == plan.listing for entry in manifest["sources"]):
            return manifest
    return None


def _fetched(call: Call, client: Client, base: str, plan: staging.Plan) -> Tuple[Dict[str, Any], bool]:
    """(manifest, reused): what was fetched may be what is here already, under another listing."""
    temporary, files = transfer.fetch(call, client, base, plan)
    digest = staging.digest(files)
    place = os.path.join(base, digest)
    known = _read(os.path.join(place, MANIFEST))
    if known is not None:
        shutil.rmtree(temporary)
        known["sources"] = [*known["sources"][-7:], plan.origin()]
        staging.write(os.path.join(place, MANIFEST), json.dumps(known))
        return known, True
    manifest = {"digest": digest, "files": files, "sources": [plan.origin()], "staged": staging.now()}
    for name in (transfer.JOURNAL, data_store.ABOUT):
        os.unlink(os.path.join(temporary, name))
    staging.publish(temporary, place, json.dumps(manifest), MANIFEST)
    return manifest, False
