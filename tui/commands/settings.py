"""`trainshed settings`: what a person set, where each value comes from, and the file. Nothing here connects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..options import group, pass_settings
from ..settings import Settings

if TYPE_CHECKING:
    from ..preferences import Resolved
    from ..preferences.schema import Setting


@group("settings", invoke_without_command=True)
@click.pass_context
def settings(context: click.Context) -> None:
    """List each setting, its value, and where that comes from: flag, environment, file or default."""
    if context.invoked_subcommand is None:
        _list(context.ensure_object(Settings))


def _list(settings: Settings) -> None:
    from ..preferences import resolve

    found = resolve(settings.set_by_flags)
    rows = _rows(found)
    output = settings.output()
    if settings.json:
        values = [{"key": key, "value": value, "source": source} for key, value, source, _ in rows]
        output.document({"path": str(found.path), "values": values, "problems": found.problems})
        return
    from ..text import table

    cells = [(key, _word(value), source, choices) for key, value, source, choices in rows]
    output.lines(table(("KEY", "VALUE", "SOURCE", "CHOICES"), cells))
    output.note(f"{found.path}" if found.path and found.path.exists() else f"{found.path} (not written yet)")
    for problem in found.problems:
        output.note(f"not used: {problem}", "warning")


def _rows(found: Resolved) -> list[tuple[str, Any, str, str]]:
    from ..preferences.schema import settings

    rows: list[tuple[str, Any, str, str]] = [
        (setting.key, found.value(setting.key), found.source(setting.key), _choices(setting))
        for setting in settings().values()
    ]
    keys = found.preferences.keys
    return rows + [(f"keys.{name}", value, found.source(f"keys.{name}"), "a key") for name, value in keys.items()]


def _choices(setting: Setting) -> str:
    first, more = setting.choices[:3] or ("true", "false"), setting.choices[3:]
    return "|".join(first) + ("|…" if more else "")


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@settings.command("set")
@click.argument("key")
@click.argument("value", required=False)
@click.option("--default", "back", is_flag=True, help="Take KEY out of the file: its default holds again.")
@pass_settings
def set_(settings: Settings, key: str, value: str | None, back: bool) -> None:
    """Write KEY = VALUE into your settings file: `theme light`, `log.wrap on`, `keys.watch.cancel_run ctrl+x`.

    The rest of the file stays as it is, with its comments.
    """
    from ..preferences import file, resolve

    settings.refuse_if_read_only("settings set")
    path = file.write(key, None if back else _judged(key, value))
    found = resolve()
    output = settings.output()
    if settings.json:
        output.document({"path": str(path), "key": key, "value": None if back else _of(found, key)})
        return
    output.lines([f"{key} = {_word(_of(found, key))}"])
    output.note(str(path))
    if found.source(key) == "environment":
        output.note("a variable of the environment sets it too, and wins", "warning")


def _judged(key: str, text: str | None) -> Any:
    """Raises UsageError for a key that there is not, and for a value that it cannot have."""
    from core.errors import UsageError

    from ..preferences import file, schema

    if text is None:
        raise UsageError(f"no value for {key}", hint=f"trainshed settings set {key} VALUE, or --default")
    if key.startswith("keys."):
        return _key(key.removeprefix("keys."), text)
    if key not in schema.settings():
        near = file.near(key, (*schema.settings(), "keys."))
        raise UsageError(f"there is no setting {key!r}{near}", hint="trainshed settings lists them")
    return file.of_text(schema.settings()[key], text)


def _key(name: str, text: str) -> str:
    from core.errors import UsageError

    from ..preferences import keys, resolve

    others = {id: chosen for id, chosen in resolve().preferences.keys.items() if id != name}
    wrong = keys.wrong(name, text, others, keys.known())
    if wrong:
        raise UsageError(wrong[0], hint="trainshed settings keys lists the bindings")
    return text


def _of(found: Resolved, key: str) -> Any:
    if key.startswith("keys."):
        return found.preferences.keys.get(key.removeprefix("keys."), "its own key")
    return found.value(key)


@settings.command("path")
@pass_settings
def path(settings: Settings) -> None:
    """Print where your settings file is, or would be."""
    from core.site import paths

    output = settings.output()
    if settings.json:
        output.document({"path": str(paths.settings()), "exists": paths.settings().exists()})
    else:
        output.lines([str(paths.settings())])


@settings.command("keys")
@pass_settings
def keys_(settings: Settings) -> None:
    """List every key of the screens by its binding's id."""
    from ..preferences import keys, resolve
    from ..text import table

    chosen = resolve().preferences.keys
    rows = [
        {"id": bound.id, "keys": chosen.get(bound.id, ",".join(bound.keys)), "does": bound.does}
        for bound in keys.known().values()
    ]
    output = settings.output()
    if settings.json:
        output.document({"keys": rows})
    else:
        output.lines(table(("ID", "KEYS", "DOES"), [(row["id"], row["keys"], row["does"]) for row in rows]))
