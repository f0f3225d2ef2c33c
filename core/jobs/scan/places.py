"""Files that are written, and links that are made: what lies below the outputs or /tmp is nobody's business."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from . import calls
from .call import Call, Said, brief
from .folding import UNKNOWN, Value, is_text
from .found import listed, shown
from .meaning import Meaning
from .reaching import STORE, WEB

_OUTSIDE = re.compile(
    r"(?:~|/(?!tmp(?:/|\Z)|var/tmp/|dev/(?:null|stdout|stderr|fd|tty)|job(?:/|\Z)|outputs(?:/|\Z)|proc/self/|logs/|"
    r"mnt/azureml))(?=.)|/dev/shm"
)
METHODS = listed("write_text write_bytes open symlink_to hardlink_to link_to")
# The last parts of what `written` knows.
NAMES = frozenset(name.rpartition(".")[2] for name in (*calls.WRITES, *calls.OPENS, *calls.LINKS))
_PATH_KEYS = ("path", "path_or_buf", "fname", "filename", "file", "f", "save_directory", "dst")


def written(call: Call) -> Iterator[Said]:
    """By the table of what writes, `open`, and links."""
    if call.name in calls.LINKS:
        outside = next((value for value in call.given if is_text(value) and _OUTSIDE.match(str(value))), None)
        if outside is not None:
            yield "link", shown(f"{brief(call.name)} {outside}")
        return
    place = calls.WRITES.get(call.name, calls.WRITES.get(f"?.{call.name.rpartition('.')[2]}"))
    if place is not None:
        named = next((call.named[key] for key in _PATH_KEYS if key in call.named), None)
        yield from _outside(brief(call.name), call.given[place] if place < len(call.given) else named)
    elif call.name in calls.OPENS and _writes(call):
        yield from _outside(brief(call.name), call.first)


def fetched(call: Call) -> Iterator[Said]:
    """Records that are read from an address."""
    address = str(call.first) if is_text(call.first) else ""
    if WEB.match(address):
        yield "download", shown(f"{call.name} of {address}")
    elif STORE.match(address):
        yield "object-store", shown(f"{call.name} of {address}")


def _outside(what: str, path: Value) -> Iterator[Said]:
    text = str(path) if is_text(path) else ""
    if _OUTSIDE.match(text):
        yield "write-outside", shown(f"{what} {text.replace(UNKNOWN, '…')}")
    elif STORE.match(text):
        yield "object-store", shown(f"{what} {text}")
    elif WEB.match(text):
        yield "http", shown(f"{what} {text}")


def _writes(call: Call) -> bool:
    if call.name == "os.open":
        flags = ast.dump(call.node.args[1]) if len(call.node.args) > 1 else ""
        return any(word in flags for word in ("O_WRONLY", "O_RDWR", "O_CREAT"))
    return _is_mode(call.given[1] if len(call.given) > 1 else call.named.get("mode"))


def _is_mode(mode: Value) -> bool:
    return isinstance(mode, str) and bool(set(mode) & set("wax+"))


def by_path(meaning: Meaning, node: ast.Call, function: ast.Attribute) -> Iterator[Said]:
    """`Path("…").write_text(…)`."""
    if not is_text(meaning.of(function.value)):
        return
    given = [meaning.of(item) for item in node.args]
    modes = [*given[:1], *(meaning.of(keyword.value) for keyword in node.keywords if keyword.arg == "mode")]
    if function.attr in ("write_text", "write_bytes") or (function.attr == "open" and any(map(_is_mode, modes))):
        yield from _outside(f"Path.{function.attr}", meaning.of(function.value))
    elif function.attr in ("symlink_to", "hardlink_to", "link_to") and given and _OUTSIDE.match(str(given[0])):
        yield "link", shown(f"Path.{function.attr} {given[0]}")
