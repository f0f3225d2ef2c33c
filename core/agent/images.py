"""Environments that are Docker images: one that is there or can be pulled, one with pip requirements on top, or one
built from a folder with a Dockerfile. A build has the network and never the data.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
import tempfile
from typing import Any, Dict, Iterator, List, Optional

from . import builder, container, docker_api, locks, resources, targets
from .call import Call
from .docker_api import Docker, NotThere, Refusal, Unanswered
from .faults import Fault

FORMAT = 1  # changes when the same request gives another image
LABEL = "trainshed.environment"
ROOT_LABEL = "trainshed.environment.root"  # of a container that installs; an image has none, or it would pass it on
PROCESSES = 4096
OOM_SCORE = 500
CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER"]  # of root in the installer: what an image has may be another user's
NETWORK = os.environ.get("TRAINSHED_BUILD_NETWORK", "")  # Docker's own default where it is not set
REQUIREMENTS = "/opt/trainshed-requirements.txt"
WHEELS = "/opt/trainshed-wheels"
INSTALL = [
    "-m",
    "pip",
    "install",
    "--no-input",
    "--disable-pip-version-check",
    "--no-cache-dir",
    "--progress-bar",
    "off",
]
CHECKED = 'python3 "$@" && exec python3 %s %s%s' % (" ".join(INSTALL), builder.CHECK, REQUIREMENTS)
HASH = re.compile(r"[0-9a-f]{64}\Z")
# What the VM's operator has set for pip and for trust; bound, so that no image holds it.
VM_FILES = ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")


class Log:
    """The build's log: to the client as it comes, and into a file for whoever waits for the same build."""

    def __init__(self, call: Call, path: str) -> None:
        self._call = call
        self.root = call.root
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 - closed by close()

    def wanted(self) -> None:
        """Raises Cancelled where nobody wants the image any more."""
        self._call.wait(0)

    def say(self, text: str) -> None:
        """Raises Cancelled where nobody wants the image any more."""
        self.wanted()
        if text:
            text = text if text.endswith("\n") else text + "\n"
            self._file.write(text.encode(errors="replace"))
            self._call.event(event="build.log", text=text)

    def tail(self) -> str:
        """Its last lines."""
        with open(self._file.name, encoding="utf-8", errors="replace") as file:
            return builder.last_words(file.read())

    def close(self) -> None:
        self._file.close()


def image_hash(image: str, lines: List[str], context: Optional[Dict[str, str]]) -> str:
    return hashlib.sha256(json.dumps(["image", FORMAT, image, lines, context]).encode()).hexdigest()


def target(call: Call, image: str) -> Dict[str, Any]:
    """Of `targets`. Raises Fault, Cancelled."""
    docker, log = Docker(), Log(call, os.devnull)
    try:
        return targets.of_image(docker, _there(log, docker, image))
    except Unanswered as error:
        raise docker_api.fault(error, "the image cannot be asked")
    finally:
        log.close()


def make(
    log: Log,
    docker: Docker,
    digest: str,
    image: str,
    lines: List[str],
    context: Optional[Dict[str, str]],
    wheels: str = "",
) -> str:
    """The id of the image. `context`: {"folder", "dockerfile"} of a snapshot on this VM; `wheels`: as the builder has
    it. The environment's lock is the caller's. Raises Fault, Cancelled.
    """
    sweep(docker, log.root, digest)
    try:
        if context is not None:
            image = _built(log, docker, digest, _context(context), context["dockerfile"])
        else:
            image = _there(log, docker, image)
        if lines:
            image = _installed(log, docker, digest, image, lines, wheels)
        return image
    except Unanswered as error:
        raise docker_api.fault(error, "the image cannot be made")


def _there(log: Log, docker: Docker, image: str) -> str:
    try:
        return str(docker.call("GET", "/images/%s/json" % image)["Id"])
    except NotThere:
        pass
    name = image if "@" in image or ":" in image.rpartition("/")[2] else image + ":latest"
    log.say("Pulling %s" % name)
    try:
        for line in docker.lines("POST", "/images/create", idle=log.wanted, fromImage=name):
            if "error" in line:
                raise Refusal(500, str(line["error"]))
            if "progress" not in line and line.get("status"):
                log.say(" ".join(str(line[key]) for key in ("id", "status") if line.get(key)))
        return str(docker.call("GET", "/images/%s/json" % image)["Id"])
    except (NotThere, Refusal) as error:
        hint = "docker load it on the VM, or map its name in [environments] of the site file to what this site has"
        raise Fault("environment", "image %s cannot be had on this VM: %s" % (image, error), hint)


def _installed(log: Log, docker: Docker, digest: str, image: str, lines: List[str], wheels: str) -> str:
    """The image with the requirements on top: pip runs in a container of it, which is then kept as an image."""
    base = docker.call("GET", "/images/%s/json" % image)["Config"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("".join(line + "\n" for line in (builder.asked(lines) if wheels else lines)))
        file.flush()
        os.chmod(file.name, 0o644)
        body = _installer(log.root, digest, image, lines, file.name, wheels)
        made = docker.call("POST", "/containers/create", body)["Id"]
        try:
            docker.call("POST", "/containers/%s/start" % made)
            asked = {"follow": "true", "stdout": "true", "stderr": "true"}
            for text in docker.text("/containers/%s/logs" % made, log.wanted, **asked):
                log.say(text.replace("\r\n", "\n"))
            code = docker.call("POST", "/containers/%s/wait" % made, timeout=None, idle=log.wanted)["StatusCode"]
            if code:
                raise Fault("environment", "the image cannot be built: pip ended with %s" % code, log.tail())
            labels = dict(base.get("Labels") or {}, **{LABEL: digest, ROOT_LABEL: ""})
            return str(docker.call("POST", "/commit", dict(base, Labels=labels), timeout=None, container=made)["Id"])
        except (NotThere, Refusal) as error:
            raise Fault("environment", "the image cannot be built: %s" % error)
        finally:
            targets.remove(docker, made)


def sweep(docker: Docker, root: str, held: str = "") -> None:
    """Removes what installs for environments of `root` that nobody builds any more: its agent was killed, or ended
    with the last client. `held`: the hash of one whose lock is the caller's, who has no container yet.
    """
    try:
        filters = json.dumps({"label": ["%s=%s" % (ROOT_LABEL, root)]})
        for each in docker.call("GET", "/containers/json", all="true", filters=filters):
            digest = str(each["Labels"].get(LABEL))
            if HASH.match(digest) and container.LABEL not in each["Labels"]:
                with locks.free(os.path.join(root, "environments", ".lock-" + digest)) as free:
                    if free or digest == held:
                        targets.remove(docker, each["Id"])
    except (NotThere, Refusal, Unanswered):
        pass  # the next build does it


def _limits() -> Dict[str, int]:
    """Of what builds: as a job's."""
    memory = resources.for_jobs()
    return {"memory": memory, "memswap": memory, "cpushares": container.SHARES}


def _installer(root: str, digest: str, image: str, lines: List[str], requirements: str, wheels: str) -> Dict[str, Any]:
    """`requirements`: a file with `lines`; with `wheels`, with those that what is sent is held to."""
    # PEP 668 guards a system; an image is made for its one job.
    env = [
        "PIP_BREAK_SYSTEM_PACKAGES=1",
        "PIP_ROOT_USER_ACTION=ignore",
        "PYTHONUNBUFFERED=1",
        "PYTHONDONTWRITEBYTECODE=1",
    ]
    there = [path for path in VM_FILES if os.path.exists(path) and not wheels]
    env += ["PIP_CERT=" + VM_FILES[1]] if VM_FILES[1] in there else []
    env += ["PIP_CONFIG_FILE=" + os.devnull] if wheels else []
    binds = [(requirements, REQUIREMENTS), *((os.path.realpath(path), path) for path in there)]
    binds += [(wheels, WHEELS)] if wheels else []
    limits = _limits()
    return {
        "Image": image,
        "User": "0:0",
        "Entrypoint": ["/bin/sh", "-c", CHECKED, "sh"] if wheels else ["python3"],
        "Cmd": [*INSTALL, *builder.flags(lines, REQUIREMENTS, WHEELS if wheels else "")],
        "Env": env,
        "Tty": True,  # one stream, as it comes
        "Labels": {LABEL: digest, ROOT_LABEL: root},
        "HostConfig": {
            "Memory": limits["memory"],
            "MemorySwap": limits["memswap"],
            "CpuShares": limits["cpushares"],
            "PidsLimit": PROCESSES,
            "OomScoreAdj": OOM_SCORE,
            "CapDrop": ["ALL"],
            "CapAdd": CAPABILITIES,
            "NetworkMode": "none" if wheels else NETWORK or "default",
            "Mounts": [{"Type": "bind", "Source": here, "Target": at, "ReadOnly": True} for here, at in binds],
            "SecurityOpt": ["no-new-privileges"],
        },
    }


def _context(context: Dict[str, str]) -> Iterator[bytes]:
    """The folder as a tar, a member at a time."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w|") as archive:
        for base, folders, names in os.walk(context["folder"]):
            folders.sort()
            for name in sorted(names + [each for each in folders if os.path.islink(os.path.join(base, each))]):
                path = os.path.join(base, name)
                archive.add(path, os.path.relpath(path, context["folder"]), recursive=False, filter=_plain)
                yield out.getvalue()
                out.seek(0)
                out.truncate()
    yield out.getvalue()


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mode = 0o755 if info.mode & 0o100 else 0o644
    return info


def _built(log: Log, docker: Docker, digest: str, body: Iterator[bytes], dockerfile: str) -> str:
    found, error, step = "", "", ""
    labels = json.dumps({LABEL: digest})
    query: Dict[str, Any] = {"dockerfile": dockerfile, "labels": labels, "forcerm": "true", "version": "1"}
    query.update(_limits())
    if NETWORK:
        query["networkmode"] = NETWORK
    try:
        for line in docker.lines("POST", "/build", body, "application/x-tar", log.wanted, **query):
            text = str(line.get("stream") or line.get("status") or "").rstrip("\n")
            log.say(text)
            step = text if text.startswith("Step ") else step
            error = str(line.get("error") or error)
            found = str((line.get("aux") or {}).get("ID") or found)
    except Refusal as refusal:
        error = str(refusal)
    if error or not found:
        hint = "docker load it on the VM, or begin the Dockerfile with an image that this VM has"
        raise Fault(
            "environment",
            "the image cannot be built: %s" % (error or "Docker named no image"),
            "%s\n%s" % (step, hint) if " : FROM " in step else log.tail(),
        )
    return found
