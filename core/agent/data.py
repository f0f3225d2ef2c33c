"""Data on the VM: is the container reachable, and bring a part of it here. What is here then: data_store.

A staged part is `ROOT/data/DIGEST/`: `files/` (read-only) and `manifest.json`. DIGEST is the sha256 over
the sorted lines `path NUL size NUL sha256`; paths are relative to what was staged (a single blob is its base name).
"""

from __future__ import annotations

import http.client
import os
import time
from typing import Any, Dict, Optional, Sequence, Tuple

from . import (
    data_folder,
    data_manifests,
    data_removal,
    data_store,
    folders,
    memory,
    path_found,
    path_walk,
    stage_disk,
    stage_plan,
    stage_transfer,
)
from .blob import Client, Source
from .call import Call
from .data_manifests import Manifest
from .faults import Fault
from .fetch_ask import Changed
from .locks import locked


def folder(root: str, digest: str) -> str:
    """Where the files of a staged digest are. Raises Fault where it is not staged."""
    path = os.path.join(data_folder.folder(root), digest)
    if "/" in digest or digest.startswith(".") or not os.path.isfile(os.path.join(path, data_manifests.MANIFEST)):
        raise Fault("data", "no data %s on this VM" % digest[:12], "trainshed data stage")
    return os.path.join(path, "files")


def take(root: str, digest: str) -> str:
    """The same for whoever is about to use them, which is noted."""
    path = folder(root, digest)
    data_store.mark(os.path.dirname(path), data_store.USED)
    return path


@memory.private()
def check(call: Call, source: Dict[str, Any], off: Sequence[str] = ()) -> None:
    """One event for each link of the path, in order. `api_version`: what the service takes, "" where not known yet.

    `off`: links that the site has switched off.
    """
    path = path_found.Path(Source(**source), "the VM", data_folder.folder(call.root))
    for link in path_walk.walk(path, path_walk.WHOLE, off):
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


@memory.private()
def stage(call: Call, source: Dict[str, Any], path: str = "") -> Dict[str, Any]:
    """`path`: a blob, a folder (trailing "/") or "" for the whole prefix. Says progress in bytes, and notices.

    {digest, path, files, bytes, staged, listing, reused, fetched, linked, api_version}. `digest` is of the
    content, `listing` of what the service listed. `fetched` and `linked`: bytes that came, and that were here in a
    staged version. Blobs that are unchanged (by ETag) are linked; a blob that is replaced meanwhile is listed again,
    once. Raises Fault.
    """
    client = Client(Source(**source))
    base = data_folder.folder(call.root)
    os.makedirs(base, exist_ok=True)
    try:
        try:
            return _staged(call, client, base, path)
        except Changed:
            call.event(event="notice", text="a blob was changed meanwhile: the container is listed again")
        return _staged(call, client, base, path)
    except Changed:
        raise Fault("data", "blobs are changed while they are read", "stage again when nobody writes there any more")
    except OSError as error:
        raise stage_disk.fault(error, base)
    except http.client.HTTPException as error:
        raise Fault("data", "the connection to the storage service broke (%s)" % type(error).__name__, "stage again")
    finally:
        client.close()


def _staged(call: Call, client: Client, base: str, path: str) -> Dict[str, Any]:
    """Raises Changed besides, and OSError."""
    plan = stage_plan.plan(client, path, call.wait)
    data_removal.tidy(call)
    with locked(call, data_folder.lock_of(base, plan.family)):  # a second one waits, and finds the work done
        manifest = _known(call, base, plan)
        fetched, linked, reused = 0, plan.bytes, manifest is not None
        if manifest is None:
            came = stage_transfer.fetch(call, client, base, plan)
            manifest, reused = _shown(call, base, plan, came)
            fetched, linked = came.fetched, came.linked
    told = {
        "digest": manifest["digest"],
        "path": path,
        "files": len(manifest["files"]),
        "bytes": sum(entry["size"] for entry in manifest["files"]),
        "staged": time.time() if reused else manifest["staged"],
    }
    amounts = {"listing": plan.listing, "fetched": fetched, "linked": linked}
    return dict(told, reused=reused, api_version=client.version, **amounts)


def _known(call: Call, base: str, plan: stage_plan.Plan) -> Optional[Manifest]:
    """The manifest of this very listing, if it is staged."""
    for manifest in data_manifests.every(base, plan.listing):
        listings = [source["listing"] for source in manifest["sources"]]
        place = os.path.join(base, manifest["digest"])
        if plan.listing == listings[-1]:
            data_store.mark(place, data_store.STAGED)
            return manifest
        if plan.listing in listings:
            with locked(call, data_folder.lock_of(base, data_folder.USE)):
                return _staged_again(place, plan)
    return None


def _shown(call: Call, base: str, plan: stage_plan.Plan, came: stage_transfer.Fetched) -> Tuple[Manifest, bool]:
    """(manifest, whether all that came was here already, under another listing)."""
    digest = stage_plan.digest(came.files)
    manifest = {"digest": digest, "files": came.files, "sources": [plan.source()], "staged": time.time()}
    stage_disk.make_whole(came.temporary, manifest)
    with locked(call, data_folder.lock_of(base, data_folder.USE)):
        known = _staged_again(os.path.join(base, digest), plan)
        if known is None:
            stage_disk.publish(came.temporary, base, digest)
    if known is not None:
        folders.remove(came.temporary)
    data_removal.tidy(call)
    return known or manifest, known is not None


def _staged_again(place: str, plan: stage_plan.Plan) -> Optional[Manifest]:
    """The manifest of what is there, with this source; under the lock of all versions."""
    manifest = data_manifests.read(place)
    if manifest is not None:
        data_manifests.add_source(manifest, plan.source())
        data_manifests.write(place, manifest)
        data_store.mark(place, data_store.STAGED)
    return manifest
