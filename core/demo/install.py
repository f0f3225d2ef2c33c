"""`python -m core.demo.install`: Azurite, its exact version by a lock file, into the user's cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ..errors import MissingPart, TrainshedError
from ..site import paths
from . import parts

LOCK = Path(__file__).with_name("azurite")
FLAGS = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--omit=dev", "--loglevel=error")


def azurite() -> bool:
    """Installs Azurite unless it is there; False where it was. Raises MissingPart with npm's last words."""
    target = parts.azurite_folder()
    if (target / parts.AZURITE_MAIN).is_file():
        return False
    node = parts.node()
    base = paths.make_private(target.parent)
    temporary = Path(tempfile.mkdtemp(dir=base, prefix=f".{target.name}-"))
    try:
        for path in LOCK.glob("package*.json"):
            shutil.copy(path, temporary)
        _npm_ci(node, temporary)
        shutil.rmtree(target, ignore_errors=True)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return True


def _npm_ci(node: parts.Node, folder: Path) -> None:
    path = os.pathsep.join((str(Path(node.node).parent), os.environ.get("PATH", os.defpath)))
    done = subprocess.run(
        [*node.npm, "ci", *FLAGS],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0 or not (folder / parts.AZURITE_MAIN).is_file():
        words = [line for line in done.stdout.splitlines() if line.strip()][-3:]
        raise MissingPart(
            f"Azurite {parts.AZURITE_VERSION} could not be fetched from npm: {' · '.join(words) or 'npm said nothing'}",
            hint="a network that reaches the npm registry is needed once; then start again",
        )


def main() -> int:
    try:
        fresh = azurite()
    except TrainshedError as error:
        sys.stderr.write(f"{error.title}\n  {error.hint}\n")
        return error.exit_code
    sys.stderr.write(f"Azurite {parts.AZURITE_VERSION}: {'installed in' if fresh else 'in'} {parts.azurite_folder()}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
