"""Runs in the sandbox of a build, with the Python that the environment is for: makes the virtual environment at /env.

In it is what `python -m venv` puts there. That has pip install itself out of a zip file and compiles all of it, which
takes longer than the rest of a small build; here the same wheels are unpacked, and pip compiles what it uses as it
runs. Nothing of the agent's is imported.
"""

from __future__ import annotations

import ensurepip
import glob
import os
import sys
import sysconfig
import venv
import zipfile
from typing import List

ENV = "/env"
NAMES = ("pip", "setuptools") if sys.version_info < (3, 12) else ("pip",)
WHOLE = "pip/_vendor/packaging/__init__.py"  # in a pip that brings what it needs; Ubuntu 20.04's does not
SCRIPT = "#!%s/bin/python3\nimport sys\nfrom pip._internal.cli.main import main\n\nsys.exit(main())\n" % ENV
SCRIPTS = ("pip", "pip3", "pip%d.%d" % sys.version_info[:2])


def wheels() -> List[str]:
    """Those that `ensurepip` would install, pip's first; none where they are not to be unpacked or not where they are
    looked for here: `ensurepip` has to do it then.
    """
    folders = (sysconfig.get_config_var("WHEEL_PKG_DIR"), os.path.join(os.path.dirname(ensurepip.__file__), "_bundled"))
    for folder in filter(None, folders):
        versions = {"pip": ensurepip.version(), "setuptools": "*"}
        found = [glob.glob(os.path.join(folder, "%s-%s-*.whl" % (name, versions[name]))) for name in NAMES]
        if all(len(each) == 1 for each in found) and _is_whole(found[0][0]):
            return [each[0] for each in found]
    return []


def _is_whole(wheel: str) -> bool:
    with zipfile.ZipFile(wheel) as file:
        return WHOLE in file.namelist()


def unpack(wheel: str, env: str) -> None:
    """As pip would, so that another pip can replace it."""
    place = os.path.join(env, "lib", "python%d.%d" % sys.version_info[:2], "site-packages")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(place)
        record = next(name for name in file.namelist() if name.endswith(".dist-info/RECORD"))
    installer = record.replace("RECORD", "INSTALLER")
    with open(os.path.join(place, installer), "w", encoding="utf-8") as said:
        said.write("pip\n")
    with open(os.path.join(place, record), "a", encoding="utf-8") as files:
        files.write(installer + ",,\n")
        if record.startswith("pip-"):
            files.writelines("../../../bin/%s,,\n" % name for name in SCRIPTS)


def main() -> None:
    found = wheels()
    venv.EnvBuilder(symlinks=True, with_pip=not found).create(ENV)
    for wheel in found:
        unpack(wheel, ENV)
    for name in SCRIPTS if found else ():
        path = os.path.join(ENV, "bin", name)
        with open(path, "w", encoding="utf-8") as script:
            script.write(SCRIPT)
        os.chmod(path, 0o755)  # noqa: S103 (a program)


if __name__ == "__main__":
    main()
