"""Versions of installed packages, from dpkg's own file: no command is run."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List

from .hostfiles import Files

STATUS = "/var/lib/dpkg/status"
WANTED = ("openssh-server", "openssh-client", "liblzma5", "unattended-upgrades", "systemd", "libpam-pwquality")
LIBRARIES = ("/usr/lib/*/liblzma.so.5.*", "/usr/lib64/liblzma.so.5.*", "/lib/*/liblzma.so.5.*")


def packages(files: Files) -> Dict[str, Any]:
    """`os`, `kernel` (as uname -r), `installed`: name -> version and maintainer, `liblzma`: files, `ssh`: there is one.

    Raises OSError.
    """
    kernel = files.text("/proc/sys/kernel/osrelease").strip()
    return {
        "os": system(files),
        "kernel": kernel,
        "installed": dict(installed(files.optional(STATUS), [*WANTED, "linux-image-" + kernel])),
        "liblzma": [path for pattern in LIBRARIES for path in files.names(pattern)],
        "ssh": files.exists("/usr/bin/ssh"),
    }


def system(files: Files) -> Dict[str, str]:
    """`id`, `codename` and `name` as os-release has them, "" where it does not say."""
    found = files.settings("/etc/os-release") or files.settings("/usr/lib/os-release")
    keys = {"id": "ID", "codename": "VERSION_CODENAME", "name": "PRETTY_NAME"}
    return {key: found.get(name, "").strip("\"'") for key, name in keys.items()}


def installed(status: str, names: List[str]) -> Iterator["tuple[str, Dict[str, str]]"]:
    """Those of the packages that are installed, out of the text of dpkg's status file."""
    text = "\n" + status
    for name in names:
        start = text.find("\nPackage: %s\n" % name)
        if start < 0:
            continue
        end = text.find("\n\n", start + 1)
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", text[start : end if end > 0 else len(text)], re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            yield name, {"version": fields.get("Version", ""), "maintainer": fields.get("Maintainer", "")}
