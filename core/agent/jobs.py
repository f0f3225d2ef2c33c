"""A job as the agent receives it: checked before anything is made, then put together as binds and variables.

In the sandbox: /job (a copy of the snapshot, to write), /job/outputs (the run's), /data/NAME (read-only),
/env (read-only).
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from typing import Any, Iterator, Sequence

from . import data, environment_files, plainfiles, queue, runfolder, sandbox, snapshots, sources
from .faults import Fault
from .states import TERMINAL

DIGEST = re.compile(r"[0-9a-f]{64}\Z")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
JOB = "/job"
OUTPUTS = "/job/outputs"
DATA = "/data"
CHECKPOINTS = "checkpoints"  # below outputs: what a job writes to be able to go on
GPUS = "trainshed.gpus"  # the tag
SHELLS = ("/bin/bash", "/bin/sh")
OFFLINE = {  # `pip install` of what is there goes well, and of anything else fails at once, in its own words
    "PIP_NO_INDEX": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}
IN_IMAGE = {"PIP_BREAK_SYSTEM_PACKAGES": "1"}  # PEP 668 guards a system; a container is one job's
MLFLOW = {  # for any MLflow that a job brings
    "MLFLOW_EXPERIMENT_ID": "1",  # the one there is: asked for no other
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",  # there may be no git in the sandbox
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # it leads nowhere outside
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


def check(root: str, run: str, job: dict[str, Any], policy: dict[str, Any]) -> None:
    """Raises Fault for a job that cannot start."""
    if job.get("run") != run:
        raise Fault("run", "the job says it is run %s, not %s" % (job.get("run"), run))
    if not isinstance(job.get("command"), str) or not job["command"].strip():
        raise Fault("run", "the job has no command")
    if job.get("inputs") and not policy.get("data"):
        raise Fault("sandbox", "the job has data inputs and its policy has no data")
    for key, value in (job.get("env") or {}).items():
        if not isinstance(value, str) or not key or "=" in key or "\0" in key + value:
            raise Fault("run", "environment variable %r cannot be set" % key)
    sources.asked(job)
    gpus(job)
    if job.get("resume"):
        with checkpoints(root, job["resume"]):
            pass
    if job.get("snapshot"):
        snapshots.folder(root, job["snapshot"])
    if job.get("environment"):
        environment_files.folder(root, job["environment"])
    for name in job.get("outputs") or {}:
        if not NAME.match(name):
            raise Fault("run", "%r cannot be an output's name" % name)
    for name, given in (job.get("inputs") or {}).items():
        input_path(root, name, given)


def gpus(job: dict[str, Any]) -> int:
    """How many GPUs the job gets: what its tag says, else all that the VM has. Raises Fault."""
    here, said = len(queue.gpus()), str((job.get("tags") or {}).get(GPUS, ""))
    if not said:
        return here
    if not said.isdecimal() or int(said) > here:
        raise Fault("run", "tag %s: %s GPUs, and this VM has %d" % (GPUS, said, here))
    return int(said)


def input_path(root: str, name: str, given: dict[str, Any]) -> str:
    """Where the input is staged, or was sent to. Raises Fault where it is not."""
    if not NAME.match(name):
        raise Fault("run", "%r cannot be an input's name" % name)
    base = os.path.realpath(_input_folder(root, given))
    path = os.path.realpath(os.path.join(base, given.get("path", "").strip("/")))
    if path != base and not path.startswith(base + os.sep):
        raise Fault("run", "input %s leads out of its data: %r" % (name, given["path"]))
    wanted = os.path.isfile(path) if given.get("kind") == "uri_file" else os.path.isdir(path)
    if not wanted:
        what = "file" if given.get("kind") == "uri_file" else "folder"
        raise Fault("data", "input %s: the staged data has no %s %r" % (name, what, given.get("path", "")))
    return path


def _input_folder(root: str, given: dict[str, Any]) -> str:
    digest = _digest(given.get("digest"))
    return snapshots.folder(root, digest) if given.get("local") else data.take(root, digest)


@contextlib.contextmanager
def checkpoints(root: str, run: str) -> Iterator[int]:
    """A descriptor of the folder with which a run goes on where `run` ended: a job filled it, and no link leads out.
    Raises Fault where there is none.
    """
    folder = runfolder.find(root, run)
    if runfolder.settled(folder)["state"] not in TERMINAL:
        raise Fault("run", "run %s has not ended: its checkpoints may be half written" % run)
    fd = plainfiles.descend(os.path.join(folder, "outputs"), CHECKPOINTS)
    if fd < 0 or not os.listdir(fd):
        title = "run %s left nothing in outputs/%s" % (run, CHECKPOINTS)
        raise Fault("run", title, "without --resume it starts from the beginning")
    try:
        yield fd
    finally:
        os.close(fd)


def _digest(digest: Any) -> str:
    if not isinstance(digest, str) or not DIGEST.match(digest):
        raise Fault("run", "not a digest: %r" % (digest,))
    return digest


def prepare(root: str, folder: str, job: dict[str, Any]) -> None:
    """The run's own copy of the code, which the job may change."""
    code = os.path.join(folder, "code")
    if job.get("snapshot"):
        _copy(snapshots.folder(root, job["snapshot"]), code)
    outputs = os.path.join(code, "outputs")
    if os.path.lexists(outputs) and (os.path.islink(outputs) or not os.path.isdir(outputs)):
        raise Fault("run", "the code folder has a file named outputs", "that name is the folder of the run's outputs")
    os.makedirs(outputs, exist_ok=True)
    if job.get("resume"):
        with checkpoints(root, job["resume"]) as source:
            _copy("/proc/self/fd/%d" % source, os.path.join(folder, "outputs", CHECKPOINTS), source)
    for name, kind in (job.get("outputs") or {}).items():
        if kind != "uri_file":
            os.makedirs(os.path.join(folder, "outputs", name), exist_ok=True)
    os.chmod(code, 0o700)
    for top in (code, os.path.join(folder, "outputs")):
        _give_all(top)


def _copy(source: str, target: str, *descriptors: int) -> None:
    """What is in `source`; links stay links. `descriptors`: that it is named by."""
    os.makedirs(target, exist_ok=True)
    words = ["cp", "-a", "--reflink=auto", os.path.join(source, "."), target]
    subprocess.run(words, check=True, pass_fds=descriptors)


def _give_all(top: str) -> None:
    sandbox.give(top)
    if os.geteuid() == 0:
        for base, folders, files in os.walk(top):
            for name in folders + files:
                os.lchown(os.path.join(base, name), sandbox.UID, sandbox.UID)


def binds(root: str, folder: str, job: dict[str, Any]) -> list[sandbox.Bind]:
    found = [(os.path.join(folder, "code"), JOB, "rw"), (os.path.join(folder, "outputs"), OUTPUTS, "rw")]
    for name, given in sorted((job.get("inputs") or {}).items()):
        path = input_path(root, name, given)
        sandbox.share(_input_folder(root, given))
        target = "%s/%s" % (DATA, name)
        if os.path.isfile(path):
            target += "/" + os.path.basename(path)
        found.append((path, target, "ro"))
    if job.get("environment"):
        found += environment_files.binds(root, job["environment"])
    return found


def variables(job: dict[str, Any], tracking: bool, image: bool = False, conda: bool = False) -> dict[str, str]:
    """`image`: the environment is one, with a PATH of its own; `conda`: it has conda packages."""
    env = {"PYTHONUNBUFFERED": "1", **OFFLINE, **(IN_IMAGE if image else {})}
    if job.get("environment") and not image:
        env["PATH"] = "%s/bin:%s" % (environment_files.ENV, sandbox.PATH)
        env["CONDA_PREFIX" if conda else "VIRTUAL_ENV"] = environment_files.ENV
    if tracking:
        env["MLFLOW_TRACKING_URI"] = "http://127.0.0.1:%d" % sandbox.TRACKING_PORT
        env["MLFLOW_RUN_ID"] = job["run"]
        env.update(MLFLOW)
    env.update(job.get("env") or {})
    if job.get("resume"):
        env["TRAINSHED_RESUMED_FROM"] = job["resume"]
    return env


def words(job: dict[str, Any]) -> Sequence[str]:
    shell = next(shell for shell in SHELLS if os.path.exists(shell))
    return [shell, "-c", job["command"]]
