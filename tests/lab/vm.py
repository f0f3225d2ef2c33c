"""A "VM" for tests of the runner: a folder, a user, the system's python3 and real sandboxes."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.sandbox import policy

from .agent_process import AgentProcess, Message, place

PYTHON = "/usr/bin/python3"
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
USERS = ["root", "nobody"] if os.geteuid() == 0 else ["self"]
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

DRIVER = """
import json, os, subprocess, sys
sys.path.insert(0, sys.argv[1])
from agent import sandbox
given = json.load(sys.stdin)
for fd in given["open"]:
    os.dup2(os.open("/etc/hostname", os.O_RDONLY), fd, inheritable=True)
process = sandbox.start(given["policy"], given["binds"], given["env"], given["cwd"], given["argv"])
sys.exit(process.wait())
"""


def new_ulid() -> str:
    return "01" + "".join(secrets.choice(LETTERS) for _ in range(24))


class VM:
    def __init__(self, root: Path, user: str) -> None:
        self.root = root
        self.prefix = NOBODY if user == "nobody" else []
        self.is_root = user == "root"
        self._agents: list[AgentProcess] = []
        place(root)
        if user == "nobody":
            self.give(root)

    def give(self, folder: Path) -> None:
        """To the user of this VM."""
        if self.prefix:
            subprocess.run(["chown", "-R", "65534:65534", str(folder)], check=True)

    def agent(self) -> AgentProcess:
        agent = AgentProcess(self.root, python=PYTHON, prefix=self.prefix)
        self._agents.append(agent)
        return agent

    def close(self) -> None:
        try:
            with AgentProcess(self.root, python=PYTHON, prefix=self.prefix) as agent:
                for info in agent.call("runs.list")["runs"]:
                    agent.call("runs.cancel", run=info["run"])
        finally:
            for agent in self._agents:
                agent.close()

    def sandboxed(self, argv: list[str], **given: Any) -> subprocess.CompletedProcess[str]:
        """Runs `argv` in a sandbox. `given`: policy, binds, env, cwd, open (descriptors that the caller has)."""
        spec = {"policy": policy.plain(policy.JOB), "binds": [], "env": {}, "cwd": "/", "open": [], **given}
        words = [*self.prefix, PYTHON, "-sSE", "-c", DRIVER, str(place(self.root))]
        return subprocess.run(
            words, input=json.dumps({**spec, "argv": argv}), capture_output=True, text=True, cwd="/", timeout=60
        )

    def python(self, script: str, **given: Any) -> Any:
        """What `script` leaves in `found`, out of a sandbox."""
        done = self.sandboxed([PYTHON, "-c", f"found = None\n{script}\nimport json\nprint(json.dumps(found))"], **given)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def data(self, files: dict[str, bytes]) -> str:
        """Stages files as the agent does; their digest."""
        lines = sorted(f"{path}\0{len(text)}\0{hashlib.sha256(text).hexdigest()}" for path, text in files.items())
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        folder = self.root / "data" / digest
        for path, text in files.items():
            place_of = folder / "files" / path
            place_of.parent.mkdir(parents=True, exist_ok=True)
            place_of.write_bytes(text)
        (folder / "manifest.json").write_text(json.dumps({"digest": digest}))
        self.give(self.root / "data")
        return digest

    def job(self, command: str, **fields: Any) -> dict[str, Any]:
        return {"run": new_ulid(), "name": "test", "experiment": "e", "command": command, **fields}

    def start(self, agent: AgentProcess, command: str, **fields: Any) -> str:
        job = self.job(command, **fields)
        agent.call("runs.create", run=job["run"], job=job, policy=policy.for_job(data=bool(job.get("inputs"))))
        return str(job["run"])

    def run(self, agent: AgentProcess, command: str, **fields: Any) -> Followed:
        return Followed(agent.stream("runs.follow", run=self.start(agent, command, **fields)))

    def folder(self, run: str) -> Path:
        return self.root / "runs" / run

    def states(self, run: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder(run) / "state.jsonl").read_text().splitlines()]


class Followed:
    """Everything that following a run brought, up to its end."""

    def __init__(self, messages: Iterator[Message]) -> None:
        self.states: list[str] = []
        self.log = b""
        self.offsets: list[int] = []
        self.tracking: list[dict[str, Any]] = []
        self.result: dict[str, Any] = {}
        for message in messages:
            if isinstance(message, bytes):
                self.log += message
            elif "result" in message:
                self.result = message["result"]
            elif message["event"] == "state":
                self.states.append(message["state"])
            elif message["event"] == "log":
                self.offsets.append(message["offset"])
            elif message["event"] == "tracking":
                self.tracking.append(message)

    @property
    def text(self) -> str:
        return self.log.decode()


@pytest.fixture(params=USERS)
def vm(request: pytest.FixtureRequest) -> Iterator[VM]:
    """One as root (the sandbox's mounts are staged) and one as an ordinary user."""
    root = Path(tempfile.mkdtemp(prefix="trainshed-vm-"))
    made = VM(root, request.param)
    yield made
    made.close()
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def one_vm() -> Iterator[VM]:
    """For what does not depend on the user."""
    root = Path(tempfile.mkdtemp(prefix="trainshed-vm-"))
    made = VM(root, USERS[0])
    yield made
    made.close()
    shutil.rmtree(root, ignore_errors=True)
