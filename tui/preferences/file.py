"""The settings file: read with every mistake told and nothing else lost, written with its comments kept."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from core.errors import ConfigError, UsageError
from core.site import atomic, paths

from .schema import Setting, settings

LIMIT = 32 * 1024  # bytes; a settings file has some hundred
ON = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}


class Written(msgspec.Struct):
    """What the file says: good values by key (`log.wrap`, `keys.wizard.retry`), and what is wrong with the rest."""

    values: dict[str, Any] = {}
    problems: list[str] = []


def read(path: Path | None = None) -> Written:
    """Never raises: what cannot be used is a problem, and the default holds."""
    path = path or paths.settings()
    try:
        if path.exists() and not path.is_file():
            return Written(problems=[f"{path} is not a file; the defaults hold"])
        with path.open("rb") as opened:
            raw = opened.read(LIMIT + 1)
    except FileNotFoundError:
        return Written()
    except OSError as error:
        return Written(problems=[f"{path} cannot be read: {error.strerror}; the defaults hold"])
    try:
        text = raw.decode("utf-8")
        if len(raw) > LIMIT:
            return Written(problems=[f"{path} is larger than {LIMIT // 1024} KiB; the defaults hold"])
        return _judged(path, text, tomllib.loads(text))
    except UnicodeDecodeError:
        return Written(problems=[f"{path} is not UTF-8 text; the defaults hold"])
    except (ValueError, RecursionError) as error:  # TOMLDecodeError is a ValueError; so is a number of 5,000 digits
        said = "too deep" if isinstance(error, RecursionError) else str(error)
        return Written(problems=[f"{path}: not TOML: {said}; the defaults hold"])


def _judged(path: Path, text: str, document: Mapping[str, Any]) -> Written:
    found = Written()
    for key, value in _flat(document):
        where = f"{path}:{_line(text, key)}".removesuffix(":0")
        if key.startswith("keys."):
            wrong = "" if isinstance(value, str) and value else 'a key\'s name in quotes, such as "ctrl+r"'
        elif key in settings():
            wrong = refused(settings()[key], value)
        else:
            wrong = f"there is no such setting{near(key, (*settings(), 'keys'))}"
        if wrong:
            found.problems.append(f"{where}: {key}: {wrong}")
        else:
            found.values[key] = value
    return found


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        known_alone = f"{prefix}{key}" in settings()
        if isinstance(value, dict) and value and not known_alone:
            yield from _flat(value, f"{prefix}{key}.")
        elif value != {} or known_alone:
            yield f"{prefix}{key}", value


def _line(text: str, key: str) -> int:
    """Where the file sets `key`, from 1; 0 where that cannot be told."""
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            table = _bare(header[1]) + "."
        elif (assigned := re.match(r"\s*([\w\"'.\- ]+?)\s*=", line)) and table + _bare(assigned[1]) == key:
            return number
    return 0


def _bare(key: str) -> str:
    return re.sub(r"[\"'\s]", "", key)


def refused(setting: Setting, value: Any) -> str:
    """Why `value` cannot be taken; empty where it can."""
    if not setting.choices:
        return "" if isinstance(value, bool) else f"true or false, not {value!r}"
    if value in setting.choices:
        return ""
    return f"{value!r} is none of {', '.join(setting.choices)}{near(str(value), setting.choices)}"


def near(word: str, known: Iterable[str]) -> str:
    """` (did you mean log.wrap?)`, or nothing."""
    import difflib

    found = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {found[0]}?)" if found else ""


def of_text(setting: Setting, text: str) -> Any:
    """The value that a person typed, or a variable of the environment holds. Raises UsageError."""
    value = text if setting.choices else ON.get(text.lower(), text)
    wrong = refused(setting, value)
    if wrong:
        raise UsageError(f"{setting.key}: {wrong}", hint=setting.text)
    return value


def write(key: str, value: Any, path: Path | None = None) -> Path:
    """Sets one key (`log.wrap`, `keys.wizard.retry`), or takes it out where `value` is None; all else stays as it is.

    Answers the path. Raises ConfigError for a file that is not TOML, or cannot be written.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    path = (path or paths.settings()).resolve()  # a link stays one
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        document = tomlkit.parse(text)
        _put(document, key, value)
        atomic.write(path, tomlkit.dumps(document))
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}", hint="correct it first; nothing was changed") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}", hint="nothing was changed") from None
    return path


def _put(document: Any, key: str, value: Any) -> None:
    import tomlkit

    table, _, last = ("keys", "", key.removeprefix("keys.")) if key.startswith("keys.") else key.rpartition(".")
    _take_out(document, key.split("."))
    if value is None:
        return
    if table and not isinstance(document.get(table), dict):
        document[table] = tomlkit.table()
    (document[table] if table else document)[last] = value


def _take_out(table: Any, parts: list[str]) -> None:
    """The key in each way in which it can be written: dotted, quoted, in tables."""
    for split in range(1, len(parts) + 1):
        first, rest = ".".join(parts[:split]), parts[split:]
        if first not in table:
            continue
        if not rest:
            del table[first]
        elif isinstance(table[first], dict):
            _take_out(table[first], rest)
