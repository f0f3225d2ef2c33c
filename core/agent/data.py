"""Data on the VM: is the container reachable, bring a part of it here, what is here.

A staged part is `ROOT/data/DIGEST/`: `files/` (read-only) and `manifest.json`. DIGEST is the sha256 over
the sorted lines `path NUL size NUL sha256`; paths are relative to what was staged (a single blob is its base name).
"""

from __future__ import annotations

import http.client
import json
import os
from typing import Any, Dict, Iterator, Optional, Tuple

from . import blob_links, data_removal, data_store, memory, path_found, stage_disk, staging, transfer
from .blob import Client, Source
from .call import Call
from .faults import Fault
from .fetch_ask import Changed
from .locks import locked

MANIFEST = "manifest.json"
PUBLISH = ".lock-publish"  # held while a version becomes visible, or gets a source more


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


@memory.private()
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


@memory.private()
def stage(call: Call, source: Dict[str, Any], path: str = "") -> Dict[str, Any]:
    """`path`: a blob, a folder (trailing "/") or "" for the whole prefix. Says progress in bytes, and notices.

    {digest, path, files, bytes, staged, used, listing, reused, fetched, linked, api_version}. `digest` is of the
    content, `listing` of what the service listed. `fetched` and `linked`: bytes that came, and that were here in a
    staged version. Blobs that are unchanged (by ETag) are linked; a blob that is replaced meanwhile is listed again,
    once. Raises Fault.
    """
    client = Client(Source(**source))
    base = os.path.join(call.root, "data")
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
    plan = staging.plan(client, path, call.wait)
    data_removal.tidy(call)
    with locked(call, stage_disk.lock_of(base, plan.temporary)):
        manifest = _known(base, plan)
        fetched, linked, reused = 0, plan.bytes, manifest is not None
        if manifest is None:
            manifest, fetched, linked, reused = _fetched(call, client, base, plan)
    amounts = {"listing": plan.listing, "fetched": fetched, "linked": linked}
    return dict(_info(manifest, path), reused=reused, api_version=client.version, **amounts)


def _info(manifest: Dict[str, Any], path: str) -> Dict[str, Any]:
    return {
        "digest": manifest["digest"],
        "path": path,
        "files": len(manifest["files"]),
        "bytes": sum(entry["size"] for entry in manifest["files"]),
        "staged": manifest["staged"],
        "used": manifest["staged"],
    }


def _manifests(base: str, text: str = "") -> Iterator[Dict[str, Any]]:
    """Those with `text` in them: one of 100,000 files is not parsed without need."""
    try:
        names = sorted(os.listdir(base))
    except FileNotFoundError:
        return
    for name in names:
        manifest = None if name.startswith(".") else _read(os.path.join(base, name, MANIFEST), text)
        if manifest is not None:
            yield manifest


def _read(path: str, text: str = "") -> Optional[Dict[str, Any]]:
    """None for one that cannot be read, or that has not `text` in it."""
    try:
        with open(path, "rb") as file:
            raw = file.read()
        found: Optional[Dict[str, Any]] = json.loads(raw) if text.encode() in raw else None
        return found
    except (OSError, ValueError):
        return None


def _known(base: str, plan: staging.Plan) -> Optional[Dict[str, Any]]:
    """The manifest of this very listing, if it is staged."""
    for manifest in _manifests(base, plan.listing):
        if any(entry["listing"] == plan.listing for entry in manifest["sources"]):
            return manifest
    return None


def _fetched(call: Call, client: Client, base: str, plan: staging.Plan) -> Tuple[Dict[str, Any], int, int, bool]:
    """(manifest, fetched, linked, reused): what came may be what is here already, under another listing."""
    came = transfer.fetch(call, client, base, plan, _manifests(base, json.dumps(plan.origin_text)))
    digest = staging.digest(came.files)
    place = os.path.join(base, digest)
    manifest = {"digest": digest, "files": came.files, "sources": [plan.origin()], "staged": staging.now()}
    sealed = _read(os.path.join(place, MANIFEST)) is None
    if sealed:  # it takes long
        _seal(came.temporary, manifest)
    with locked(call, os.path.join(base, PUBLISH)):
        known = _joined(place, plan.origin())  # a run may use it already: it stays as it is
        if known is None:
            if not sealed:  # it was there, and has gone
                _seal(came.temporary, manifest)
            stage_disk.publish(came.temporary, place)
            return manifest, came.fetched, came.linked, False
    stage_disk.discard(came.temporary)
    return known, came.fetched, came.linked, True


def _seal(temporary: str, manifest: Dict[str, Any]) -> None:
    for name in os.listdir(temporary):  # the journal, and what else was noted meanwhile
        if name != "files":
            os.unlink(os.path.join(temporary, name))
    with open(os.path.join(temporary, MANIFEST), "w", encoding="utf-8") as file:
        file.write(json.dumps(manifest))
    stage_disk.seal(temporary)


def _joined(place: str, origin: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """The manifest of the version there, with a source more; None where there is none."""
    manifest = _read(os.path.join(place, MANIFEST))
    if manifest is None:
        return None
    _add_source(manifest, origin)
    try:
        staging.write(os.path.join(place, MANIFEST), json.dumps(manifest))
    except FileNotFoundError:  # evicted just now
        return None
    return manifest


def _add_source(manifest: Dict[str, Any], origin: Dict[str, Any]) -> None:
    """Every place that has it, as a purge goes by them; of each its last eight listings, and the
    last one's ETags: those before cannot come again.
    """
    place = origin["source"], origin["within"]
    others = [each for each in manifest["sources"] if (each["source"], each["within"]) != place]
    same = [dict(each, etags={}) for each in manifest["sources"] if (each["source"], each["within"]) == place]
    manifest["sources"] = [*others, *same[-7:], origin]
