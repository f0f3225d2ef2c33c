"""Environments with conda packages: solved and installed by rattler in a sandbox that has the network and not the data,
pip requirements on top. rattler itself is an environment of the usual kind. Another installer would stand in `install`.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import stat
from typing import Any, Dict, List

from . import builder, conda_install, facts, interpreters, sandbox
from .call import Call
from .faults import Fault

FORMAT = 1  # changes when the same request gives another environment
TOOL = ["PyYAML==6.0.3", "py-rattler==0.28.0"]  # what installs, as pip requirements
TOOL_PYTHONS = ("3.14", "3.13", "3.12", "3.11", "3.10")  # that it runs on
TOOL_AT = "/opt/conda"  # where it is in the sandbox
REQUEST = "/opt/conda.json"
SCRIPT = 'set -e; "$0" -I %s/conda_install.py %s; if [ $# = 0 ]; then exit; fi; exec %s "$@"' % (
    sandbox.SOURCE,
    REQUEST,
    builder.PIP_INSTALL,
)
SOLVER_LINES = 40  # of its words: a tree
ACTIVATE = os.path.join("etc", "conda", "activate.d")
PLAIN = re.compile(r"[\w.+-]+\Z")
TITLES = {
    conda_install.UNUSABLE: "the conda packages cannot be asked for",
    conda_install.UNREACHABLE: "a conda channel cannot be read from the VM",
    conda_install.UNSOLVABLE: "the conda packages cannot be had together",
    conda_install.NOT_INSTALLED: "the conda packages cannot be installed",
}


def normalised(conda: Dict[str, List[str]]) -> Dict[str, Any]:
    """{"channels": in their order, "dependencies": sorted}."""
    return {
        "channels": [" ".join(each.split()) for each in conda["channels"]],
        "dependencies": sorted({" ".join(each.split()) for each in conda["dependencies"]}),
    }


def environment_hash(conda: Dict[str, Any], lines: List[str]) -> str:
    what = ["conda", FORMAT, conda, lines, platform.machine(), cuda(), TOOL]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()


def cuda() -> str:
    """The newest CUDA that the VM's driver can do; "" without one. A build does not see the device."""
    found = re.search(r"CUDA Version:\s*(\d+\.\d+)", facts.output(["nvidia-smi"]))
    return found.group(1) if found else ""


def tool_python() -> interpreters.Interpreter:
    """Raises Fault where the VM has none that rattler runs on."""
    chosen = interpreters.choose("")
    if chosen.version.rpartition(".")[0] in TOOL_PYTHONS:
        return chosen
    for version in TOOL_PYTHONS:
        try:
            return interpreters.choose(version)
        except Fault:
            continue
    title = "conda packages are installed by a program that needs Python 3.10 or newer, and the VM has %s"
    raise Fault("environment", title % chosen.version, "on the VM: sudo apt-get install python3.11 python3.11-venv")


def install(
    call: Call,
    temporary: str,
    env: str,
    scratch: str,
    conda: Dict[str, Any],
    lines: List[str],
    tool: List[sandbox.Bind],
    policy: Dict[str, Any],
) -> None:
    """Fills `env`, as `builder.build_in`. `tool`: what shows the environment with TOOL at TOOL_AT. Raises Fault."""
    request = os.path.join(temporary, "conda.json")
    with sandbox.create(request) as file:
        file.write(json.dumps(dict(conda, cache="/tmp")).encode())  # noqa: S108 (the sandbox's own)
    sandbox.share(request)
    listed = builder.listed(temporary, lines)
    binds: List[sandbox.Bind] = [
        (env, sandbox.ENV, "rw"),
        (scratch, "/tmp", "rw"),  # noqa: S108 (the sandbox's own)
        (request, REQUEST, "ro"),
        (listed, builder.REQUIREMENTS, "ro"),
        *tool,
    ]
    given = dict(builder.variables(), PATH="%s/bin:%s" % (sandbox.ENV, sandbox.PATH), CONDA_PREFIX=sandbox.ENV)
    if cuda():
        given["CONDA_OVERRIDE_CUDA"] = cuda()
    flags = builder.flags(lines, builder.REQUIREMENTS, "") if lines else []
    argv = ["/bin/sh", "-c", SCRIPT, TOOL_AT + "/bin/python", *flags]
    code = builder.run(call, temporary, policy, binds, given, argv)
    if code:
        raise _fault(temporary, code)


def _fault(temporary: str, code: int) -> Fault:
    said = builder.said(temporary)
    if code in TITLES:
        return Fault("environment", TITLES[code], builder.tail(said, SOLVER_LINES))
    title = "the pip requirements on top of the conda packages cannot be installed (exit code %d)" % code
    return Fault("environment", title, builder.last_words(said))


def unactivated(env: str) -> List[str]:
    """The scripts that conda would run when it activates `env`. Foreign code wrote them: no link is followed."""
    place = env
    for part in ACTIVATE.split(os.sep):
        place = os.path.join(place, part)
        try:
            if not stat.S_ISDIR(os.lstat(place).st_mode):
                return []
        except OSError:
            return []
    return sorted(name for name in os.listdir(place) if PLAIN.match(name) and name.endswith(".sh"))


def note(scripts: List[str]) -> str:
    """What is said of them, "" where there are none."""
    if not scripts:
        return ""
    names = ", ".join(scripts[:5]) + (", …" if len(scripts) > 5 else "")
    return "activation scripts of conda packages are not run (%s); set what a job needs of them itself" % names
