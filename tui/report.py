"""A report of what went wrong, safe to paste: no secret, no traceback of an error we raised on purpose."""

from __future__ import annotations

import os
import platform
import re
import traceback
from collections.abc import Sequence
from pathlib import Path

from core.errors import TrainshedError
from core.site import atomic, paths, secrets

from .text import stripped

# Shapes of secrets, in case a library puts one in a message: SAS signatures, account keys, tokens, key blocks.
_NAMES = "account_?key|access_?key|api_?key|shared_?access_?signature|password|passwd|passphrase|secret|token"
_VALUE = r"""(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|["'][^\n]*|[^\s&;,"'})\]]+)"""
_SECRETS = (
    (re.compile(r"(?i)(authorization[\"']?\s*[:=]\s*)[^\n]+"), r"\1***"),
    (re.compile(r"(?i)\b(bearer|sharedkey(?:lite)?|basic)\s+[\w.+/=:-]+"), r"\1 ***"),
    (re.compile(rf"(?i)((?:(?:\b|%[0-9a-f]{{2}})sig|{_NAMES})[\"']?\s*(?:[=:]|%3d)\s*){_VALUE}"), r"\1***"),
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s/]+@"), r"\1:***@"),
    (re.compile(r"(\bhttps?://)[^\s/:@]+@"), r"\1***@"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), "***"),
    (re.compile(r"-----BEGIN [^-]+-----.*?(-----END [^-]+-----|\Z)", re.DOTALL), "*** a key ***"),
    (re.compile(r"(?<![\w/+])[\w/+]{86}==(?!\w)"), "***"),
)


def redacted(text: str) -> str:
    """Without what is a secret now, and without what is shaped like one; without escape sequences first, which could
    hide either, and steer the terminal that the report is read in.
    """
    text = secrets.hidden(stripped(text))
    for shape, put in _SECRETS:
        text = shape.sub(put, text)
    return text


def clean(error: TrainshedError) -> TrainshedError:
    """The same error without the secrets that its operation still holds: later nobody knows them any more."""
    hidden = secrets.hidden
    error.title, error.hint = hidden(error.title), hidden(error.hint)
    error.facts = {name: hidden(value) if isinstance(value, str) else value for name, value in error.facts.items()}
    return error


def _version(name: str) -> str:
    from importlib import metadata  # slow, and only a report needs it

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _head(where: str) -> list[str]:
    return [
        f"trainshed {_version('trainshed')}, textual {_version('textual')}, Python {platform.python_version()}",
        f"{platform.system()} {platform.release()}, TERM={os.environ.get('TERM', '')}",
        f"step: {where}",
    ]


def of_error(error: TrainshedError, where: str, command: str, tried: Sequence[str] = ()) -> str:
    """What a person can send to whoever helps them; `tried`: the commands before it, the last one last."""
    facts = [f"{name}: {value}" for name, value in error.facts.items() if name != "randomart"]
    lines = [*_head(where), f"code: {error.code}", f"what: {error.title}", f"hint: {error.hint}", *facts]
    ran = ["tried:", *(f"  {line}" for line in tried)] if tried else []
    return redacted("\n".join([*lines, f"same on the command line: {command}", *ran])) + "\n"


def of_crash(error: BaseException, where: str) -> str:
    """Frames and types; of the message only what is not shaped like a secret; never local variables."""
    frames = traceback.format_exception(type(error), error, error.__traceback__)
    return redacted("\n".join([*_head(where), "", "".join(frames)]))


def save(text: str, site: str, name: str, kind: str = "reports") -> Path:
    """Writes `text` to a file of its owner alone (0600), in the state folder of the site; `kind`: as in core.kept."""
    folder = paths.make_private(paths.state(site or "none") / kind)
    path = folder / name
    atomic.write(path, text)  # in the place of a link that may be there
    return path
