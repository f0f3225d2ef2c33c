"""What can be set, as data: the settings file, its screen and `trainshed settings` are all made from this."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

Theme = Literal[
    "auto",
    "dark",
    "light",
    "contrast",
    "contrast-dark",
    "contrast-light",
    "blue-orange",
    "blue-orange-dark",
    "blue-orange-light",
]


class Log(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    wrap: Annotated[bool, Meta(title="Wrap long lines", description="A long line goes on below, indented.")] = False
    times: Annotated[bool, Meta(title="Show times", description="The time of day in front of each line.")] = False
    follow: Annotated[
        bool, Meta(title="Follow from the start", description="A log is opened at its end, and new lines scroll it.")
    ] = True


class Preferences(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Without an argument: the defaults. `keys`: binding id to keys, several with commas between them."""

    theme: Annotated[
        Theme,
        Meta(
            title="Theme",
            description="auto, contrast (high contrast) and blue-orange (for colour blindness) take light or dark from "
            "the terminal; -light and -dark fix it.",
        ),
    ] = "auto"
    mouse: Annotated[
        bool,
        Meta(title="Mouse", description="Off: text is selected without Shift. From the next start."),
    ] = True
    notifications: Annotated[
        bool, Meta(title="Notifications", description="The terminal is told when a run ends while you look elsewhere.")
    ] = True
    log: Annotated[Log, Meta(title="Log")] = Log()
    keys: Annotated[dict[str, str], Meta(title="Keys", description="Press the new key; Escape keeps the old one.")] = {}


class Setting(msgspec.Struct, frozen=True):
    """One setting that has a value of its own. `choices` is empty where it is on or off."""

    key: str  # as `trainshed settings set` takes it: log.wrap
    title: str
    text: str
    default: Any
    group: str = ""
    choices: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        return "TRAINSHED_" + self.key.upper().replace(".", "_")


def _found(struct: type[msgspec.Struct], prefix: str = "", group: str = "") -> list[Setting]:
    settings: list[Setting] = []
    for field in msgspec.structs.fields(struct):
        kind, meta = get_args(field.type)
        key = f"{prefix}{field.encode_name}"
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            settings += _found(kind, f"{key}.", meta.title)
        elif kind is bool or get_args(kind)[:1] != (str,):
            choices = () if kind is bool else get_args(kind)
            settings.append(Setting(key, meta.title, meta.description, field.default, group, choices))
    return settings


@cache
def settings() -> dict[str, Setting]:
    """By key, in the order in which they are shown."""
    return {setting.key: setting for setting in _found(Preferences)}
