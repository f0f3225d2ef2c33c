"""Where trainshed keeps things on the client. `TRAINSHED_HOME` moves all but what can be fetched again."""

from __future__ import annotations

import os
from pathlib import Path


def _folder(kind: str) -> Path:
    moved = os.environ.get("TRAINSHED_HOME")
    if moved:
        return Path(moved).expanduser().absolute() / kind
    import platformdirs

    dirs = platformdirs.PlatformDirs("trainshed", appauthor=False)
    return {"config": dirs.user_config_path, "state": dirs.user_state_path}[kind]


def sites() -> Path:
    """One TOML file a site."""
    return _folder("config") / "sites"


def current() -> Path:
    """Holds the name or path of the site that `site use` chose."""
    return _folder("config") / "current"


def states() -> Path:
    """One folder a site."""
    return _folder("state") / "sites"


def expanded(text: str) -> Path:
    """`~` is your home, `~NAME` another's; as it is where there is no such person."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def settings() -> Path:
    """What a person set for every site: the theme, the keys."""
    return _folder("config") / "settings.toml"


def journey(site: str, vm: str) -> Path:
    """How far each step came on a VM of the site, for the next session."""
    return state(site) / "journeys" / f"{vm}.json"


def state(site: str) -> Path:
    """What belongs to one site and is kept: its local workspace, reports, screenshots."""
    return states() / site


def demo() -> Path:
    """The embedded site: every file and process of it is below this folder."""
    return _folder("state") / "demo"


def cache() -> Path:
    """What can be fetched again; shared by every TRAINSHED_HOME of the user."""
    import platformdirs

    return platformdirs.PlatformDirs("trainshed", appauthor=False).user_cache_path


def make_private(folder: Path) -> Path:
    """`folder`, made where it or one above is missing, readable by its owner alone."""
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(exist_ok=True, mode=0o700)
    return folder


def private(path: str | Path, flags: int) -> int:
    """What `open` takes as its opener: a file that is made is its owner's alone from the first moment."""
    return os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o600)
