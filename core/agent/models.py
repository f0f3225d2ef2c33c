"""Packages: a model as a folder that serves, made on the VM from what a run logged.

ROOT/packages/NAME/VERSION/ holds model/ (MLflow's folder), the files of the server that the client sends,
requirements.txt (what the run's environment has, pinned) and package.json (its lineage).
The digest is sha256 over the sorted lines `path NUL size NUL sha256 LF` of every file but package.json, and
over the lineage: the same inputs give the same digest, whenever they are packaged.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from typing import Any, Dict, Iterator, List

from . import distributions, environment_files, runfolder, sandbox
from .call import Call
from .faults import Fault
from .locks import locked
from .tail import Tail

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,127}\Z")
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,31}\Z")
RECORD = "package.json"
CHUNK = 1 << 20


def show(call: Call, run: str, model: str) -> Dict[str, Any]:
    """What the run logged under that name: {"name", "model_id", "digest", "files"}. Raises Fault."""
    _, logged = find(call.root, run, model)
    return {key: logged[key] for key in ("name", "model_id", "digest", "files")}


def package(call: Call, run: str, model: str, version: str, name: str, files: Dict[str, str]) -> Dict[str, Any]:
    """`model`: its name in the run; `name` and `version`: as the workspace registered it.

    `files`: relative path -> text, added by the client. Raises Fault; then nothing is left half-made.
    """
    place = folder(call.root, name, version)
    job = runfolder.read_json(runfolder.find(call.root, run), "job.json")
    if job.get("environment") and "image" in environment_files.record(call.root, job["environment"]):
        hint = "map the environment to requirements in [environments] of the site file, and train again"
        raise Fault("run", "the run's environment is a Docker image, and a package serves from a venv", hint)
    source, logged = find(call.root, run, model)
    base = os.path.dirname(place)
    os.makedirs(base, exist_ok=True)
    with locked(call, os.path.join(base, ".lock")):
        fresh = tempfile.mkdtemp(prefix=".new-", dir=base)
        try:
            _copy(call, source, os.path.join(fresh, "model"))
            _add(fresh, dict(files, **{"requirements.txt": distributions.pinned(call.root, job.get("environment"))}))
            record = _record(call, fresh, job, logged, name, version)
            if _digest_of(place) != record["digest"]:
                _publish(fresh, place, record)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return _answer(place)


def folder(root: str, name: str, version: str) -> str:
    """Where the package is or will be. Raises Fault for what cannot be a folder's name."""
    if not NAME.match(name):
        raise Fault("usage", "%r cannot be packaged under this name" % name, "letters, digits, space and . _ -")
    if not VERSION.match(version):
        raise Fault("usage", "not a version: %r" % version)
    return os.path.join(root, "packages", name, version)


def read(root: str, name: str, version: str) -> Dict[str, Any]:
    """What package.json says. Raises Fault where there is no such package."""
    try:
        with open(os.path.join(folder(root, name, version), RECORD), encoding="utf-8") as file:
            found: Dict[str, Any] = json.load(file)
            return found
    except FileNotFoundError:
        hint = "trainshed models package %s:%s" % (name, version)
        raise Fault("service", "%s version %s is not packaged on this VM" % (name, version), hint)


def find(root: str, run: str, model: str) -> tuple[str, Dict[str, Any]]:
    """(folder, line of the tracking log) of the model that the run logged last under that name. Raises Fault."""
    place = runfolder.find(root, run)
    found = [line for line in _models(place) if line["run"] == run]
    named = [line for line in found if line["name"] == model]
    if not named:
        known = ", ".join(sorted({line["name"] for line in found})) or "none"
        raise Fault("run", "run %s logged no model %r" % (run, model), "models that it logged: %s" % known)
    source = os.path.join(place, "tracking", "models", named[-1]["model_id"])
    if not os.path.isfile(os.path.join(source, "MLmodel")):
        raise Fault("run", "the files of model %r of run %s are gone from this VM" % (model, run), "run the job again")
    return source, named[-1]


def _models(place: str) -> Iterator[Dict[str, Any]]:
    log = Tail(os.path.join(place, "tracking", "log.jsonl"))
    lines = log.lines()
    while lines:
        for line in lines:
            record = json.loads(line.decode())
            if record.get("op") == "model":
                yield record
        lines = log.lines()


def _copy(call: Call, source: str, target: str) -> None:
    """By hard link where that can be: the bytes of a model that a run logged never change."""
    for base, _, files in os.walk(source):
        call.wait(0)
        inside = os.path.join(target, os.path.relpath(base, source))
        os.makedirs(inside, exist_ok=True)
        for name in files:
            path = os.path.join(base, name)
            if os.path.islink(path):
                raise Fault("run", "the model has a symbolic link: %s" % os.path.relpath(path, source))
            try:
                os.link(path, os.path.join(inside, name))
            except OSError:
                shutil.copyfile(path, os.path.join(inside, name))


def _add(fresh: str, files: Dict[str, str]) -> None:
    for relative, text in files.items():
        parts = relative.split("/")
        if any(part in ("", ".", "..") for part in parts) or parts[0] in ("model", RECORD):
            raise Fault("usage", "a package cannot have the file %r" % relative)
        path = os.path.join(fresh, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def _record(
    call: Call, fresh: str, job: Dict[str, Any], logged: Dict[str, Any], name: str, version: str
) -> Dict[str, Any]:
    lineage = {
        "model": name,
        "version": version,
        "run": job["run"],
        "model_id": logged["model_id"],
        "model_name": logged["name"],
        "model_digest": logged["digest"],
        "data": {key: given["digest"] for key, given in sorted((job.get("inputs") or {}).items())},
        "code_digest": job.get("snapshot") or "",
        "environment": job.get("environment") or "",
    }
    files = _files(call, fresh)
    if _model_digest(files) != logged["digest"]:
        raise Fault("run", "model %r has changed on the VM since the run logged it" % logged["name"])
    lines = ["%s\0%d\0%s\n" % (entry["path"], entry["bytes"], entry["sha256"]) for entry in files]
    text = "".join(lines) + json.dumps(lineage, sort_keys=True)
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    return dict(lineage, digest=digest, files=files, created=time.time())


def _files(call: Call, top: str) -> List[Dict[str, Any]]:
    found = []
    for base, _, names in os.walk(top):
        for name in names:
            path = os.path.join(base, name)
            total = hashlib.sha256()
            with open(path, "rb") as file:
                for chunk in iter(lambda: file.read(CHUNK), b""):
                    total.update(chunk)
                    call.wait(0)
            relative = os.path.relpath(path, top)
            found.append({"path": relative, "bytes": os.path.getsize(path), "sha256": total.hexdigest()})
    return sorted(found, key=lambda entry: str(entry["path"]))


def _model_digest(files: List[Dict[str, Any]]) -> str:
    """As tracking_models.model_digest has it, without reading the files again."""
    inside = sorted((entry["path"][len("model/") :], entry["sha256"]) for entry in files if _of_model(entry["path"]))
    return hashlib.sha256("".join("%s\0%s\n" % pair for pair in inside).encode("utf-8", "surrogateescape")).hexdigest()


def _of_model(path: str) -> bool:
    return path.startswith("model/")


def _digest_of(place: str) -> str:
    try:
        with open(os.path.join(place, RECORD), encoding="utf-8") as file:
            return str(json.load(file)["digest"])
    except (OSError, ValueError, KeyError):
        return ""


def _publish(fresh: str, place: str, record: Dict[str, Any]) -> None:
    """Visible in one step; a package of other inputs (another server, say) makes way for it."""
    with open(os.path.join(fresh, RECORD), "w", encoding="utf-8") as file:
        json.dump(record, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(fresh, 0o700)
    sandbox.share(fresh)
    old = tempfile.mkdtemp(prefix=".old-", dir=os.path.dirname(place))
    if os.path.lexists(place):
        os.rename(place, os.path.join(old, "package"))
    os.rename(fresh, place)
    shutil.rmtree(old, ignore_errors=True)


def _answer(place: str) -> Dict[str, Any]:
    with open(os.path.join(place, RECORD), encoding="utf-8") as file:
        record = json.load(file)
    files = [entry["path"] for entry in record["files"]] + [RECORD]
    size = sum(entry["bytes"] for entry in record["files"])
    return {"path": place, "digest": record["digest"], "files": sorted(files), "bytes": size}
