"""From a container to a folder: fetched blob by blob, resumed at the byte, hashed on the way."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import http.client
import json
import os
import shutil
import time
from typing import Any, Dict, Iterator, List, Tuple

from . import data_store
from .blob import Client
from .blob_list import Blob
from .call import Call
from .faults import Fault
from .staging import Plan

CHUNK = 256 * 1024
ATTEMPTS = 4  # of one blob, each going on at the byte where the last one ended
EVERY_S = 0.2  # between two progress events
RESERVE = 16 * 1024 * 1024  # of free disk that staging leaves alone
JOURNAL = "done.jsonl"  # in the temporary folder: [path, sha256] of each file that was fetched whole


def lock_of(base: str, temporary: str) -> str:
    """One staging of the same source at a time; the second one waits, and then finds the work done."""
    return os.path.join(base, ".lock-" + temporary.split("-")[1])


def fetch(call: Call, client: Client, base: str, plan: Plan) -> Tuple[str, List[Dict[str, Any]]]:
    """(the temporary folder with every file in it, the manifest's files). Uses what an earlier try left."""
    temporary = os.path.join(base, plan.temporary)
    _drop_outdated(base, plan)
    os.makedirs(os.path.join(temporary, "files"), exist_ok=True)
    data_store.note(temporary, plan)
    _make_sure_of_room(base, temporary, plan)
    for folder in plan.folders:
        os.makedirs(_file(temporary, folder), exist_ok=True)
    done = _done(temporary)
    with open(os.path.join(temporary, JOURNAL), "w", encoding="utf-8") as journal:
        journal.writelines(json.dumps(entry) + "\n" for entry in done.items())
        _fetch_all(call, client, temporary, plan, done, journal)
    sizes = {path: plan.blobs[path].size for path in sorted(plan.blobs)}
    return temporary, [{"path": path, "size": size, "sha256": done[path]} for path, size in sizes.items()]


def _make_sure_of_room(base: str, temporary: str, plan: Plan) -> None:
    here = sum(_size(_file(temporary, path)) for path in plan.blobs)
    free = max(shutil.disk_usage(base).free - RESERVE, 0)
    if plan.bytes - here > free:
        shutil.rmtree(temporary, ignore_errors=True)
        wanted = "%d bytes are to be staged and %d are free" % (plan.bytes - here, free)
        raise Fault("data", "the VM's disk has no room: " + wanted, "free some space below %s" % base)


def _fetch_all(call: Call, client: Client, temporary: str, plan: Plan, done: Dict[str, str], journal: Any) -> None:
    """Adds to `done`."""
    progress = _Progress(call, plan.bytes)
    for path, blob in plan.blobs.items():
        call.wait(0)
        if path in done and _size(_file(temporary, path)) == blob.size:
            progress.add(blob.size)
            continue
        done[path] = _fetch_one(client, blob, _file(temporary, path), progress)
        journal.write(json.dumps([path, done[path]]) + "\n")
        journal.flush()
    progress.end()


class _Progress:
    def __init__(self, call: Call, total: int) -> None:
        self.call = call
        self._total = total
        self._done = 0
        self._said = 0.0

    def add(self, size: int) -> None:
        self._done += size
        if time.monotonic() - self._said >= EVERY_S:
            self.end()

    def end(self) -> None:
        self._said = time.monotonic()
        self.call.event(event="progress", done=self._done, total=self._total, unit="bytes")


def _fetch_one(client: Client, blob: Blob, place: str, progress: _Progress) -> str:
    """The sha256 of the file. Raises Fault where the blob has changed, OSError where the link stays broken."""
    os.makedirs(os.path.dirname(place), exist_ok=True)
    total = hashlib.sha256()
    with open(place, "ab") as file:
        here = _hashed(place, total, progress)
        for attempt in range(ATTEMPTS):
            try:
                while here < blob.size:
                    for chunk in _chunks(client, blob, here):
                        file.write(chunk)
                        total.update(chunk)
                        here += len(chunk)
                        progress.add(len(chunk))
                break
            except Fault:
                os.unlink(place)
                raise
            except (OSError, http.client.HTTPException) as error:
                client.close()
                if _is_local(error) or attempt == ATTEMPTS - 1:
                    raise
                progress.call.wait(0.2 * 4**attempt)
    if here != blob.size:
        os.unlink(place)
        raise _other_size()
    return total.hexdigest()


def _other_size() -> Fault:
    return Fault("data", "a blob has another size than the listing says", "it was changed: stage again")


def _hashed(place: str, total: Any, progress: _Progress) -> int:
    """How much of the file is here from an earlier try; hashes it."""
    here = 0
    with open(place, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            total.update(chunk)
            here += len(chunk)
            progress.add(len(chunk))
    return here


def _chunks(client: Client, blob: Blob, first: int) -> Iterator[bytes]:
    etag = blob.etag if blob.etag.startswith('"') else '"%s"' % blob.etag
    response = client.blob(blob.name, first, None, etag if blob.etag else "")
    if first and response.status != 206:
        client.close()
        raise Fault("data", "the storage service does not send parts of a blob", "is the endpoint a blob service?")
    got = 0
    while True:
        chunk = response.read(CHUNK)
        if not chunk:
            break
        got += len(chunk)
        if got > blob.size - first:
            client.close()
            raise _other_size()
        yield chunk
    if got < blob.size - first:
        raise http.client.IncompleteRead(b"", blob.size - first - got)


def _is_local(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)


def storage_fault(error: OSError, base: str) -> Fault:
    """What a broken link or a full disk means; a partly filled folder stays only where it can be resumed."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        for name in os.listdir(base):
            if name.startswith(".tmp-") and not _in_use(base, name):
                shutil.rmtree(os.path.join(base, name), ignore_errors=True)
        return Fault("data", "the VM's disk became full while staging", "free some space below %s" % base)
    if _is_local(error):
        return Fault("data", "%s cannot be written (%s)" % (base, error.strerror), "is the folder the agent's own?")
    hint = "trainshed check data names the broken link; staging goes on where it ended"
    return Fault("data", "the connection to the storage service broke (%s)" % (error.strerror or error), hint)


def _in_use(base: str, temporary: str) -> bool:
    try:
        handle = os.open(lock_of(base, temporary), os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(handle)


def _drop_outdated(base: str, plan: Plan) -> None:
    """Folders of the same source with another listing: the container has changed since."""
    family = plan.temporary.rpartition("-")[0]
    for name in os.listdir(base):
        if name.startswith(family) and name != plan.temporary:
            shutil.rmtree(os.path.join(base, name), ignore_errors=True)


def _file(temporary: str, path: str) -> str:
    return os.path.join(temporary, "files", *path.split("/"))


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _done(temporary: str) -> Dict[str, str]:
    """path -> sha256 of the files that were fetched whole; a torn last line is ignored."""
    found: Dict[str, str] = {}
    try:
        with open(os.path.join(temporary, JOURNAL), encoding="utf-8") as file:
            for line in file:
                path, total = json.loads(line)
                found[path] = total
    except (FileNotFoundError, ValueError):
        pass
    return found
