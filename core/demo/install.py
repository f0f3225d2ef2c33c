"""Azurite, its exact version by a lock file, from npm into the user's cache; `python -m core.demo.install` as well."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from ..errors import MissingPart, TrainshedError
from ..site import paths
from . import parts

LOCK = Path(__file__).with_name("azurite")
FLAGS = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--omit=dev", "--loglevel=error")


async def azurite() -> bool:
    """Installs Azurite unless it is there; False where it was. Raises MissingPart with npm's last words."""
    target = parts.azurite_folder()
    if parts.azurite_installed():
        return False
    node = parts.node()
    base = paths.make_private(target.parent)
    temporary = Path(tempfile.mkdtemp(dir=base, prefix=f".{target.name}-"))
    try:
        for path in LOCK.glob("package*.json"):
            shutil.copy(path, temporary)
        await _npm_ci(node, temporary)
        if not parts.azurite_installed():  # nobody else was quicker
            shutil.rmtree(target, ignore_errors=True)
            temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return True


async def _npm_ci(node: parts.Node, folder: Path) -> None:
    path = os.pathsep.join((str(Path(node.node).parent), os.environ.get("PATH", os.defpath)))
    process = await asyncio.create_subprocess_exec(
        *(*node.npm, "ci", *FLAGS),
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said = (await process.communicate())[0].decode(errors="replace")
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode != 0 or not (folder / parts.AZURITE_MAIN).is_file():
        words = [line for line in said.splitlines() if line.strip()][-3:]
        raise MissingPart(
            f"Azurite {parts.AZURITE_VERSION} could not be fetched from npm: {' · '.join(words) or 'npm said nothing'}",
            hint="a network that reaches the npm registry is needed once; then start again",
        )


def main() -> int:
    try:
        fresh = asyncio.run(azurite())
    except TrainshedError as error:
        sys.stderr.write(f"{error.title}\n  {error.hint}\n")
        return error.exit_code
    sys.stderr.write(f"Azurite {parts.AZURITE_VERSION}: {'installed in' if fresh else 'in'} {parts.azurite_folder()}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
