"""How a finding is put right, as data: `fixes` does it, or a person does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Value = int | str | tuple[str, ...] | None
Kind = Literal["host_keys", "sshd_config", "home", "ssh", "keys"]  # of files; the last three are the account's own

PATHS: dict[Kind, str] = {
    "host_keys": "/etc/ssh/ssh_host_*_key",
    "sshd_config": "/etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf",
    "home": "~",
    "ssh": "~/.ssh",
    "keys": "~/.ssh/authorized_keys",
}


@dataclass(frozen=True)
class Fix:
    """`settings`: keywords of sshd_config with their values, for a drop-in that is read before the others.

    `firm`: those of them that are set whatever the check itself looks at.
    `modes`: the most that each kind of file may allow: bits beyond are taken away, none are added.
    `files`: path -> lines of a drop-in elsewhere. `by_hand`: what a person does where we do not.
    `{value}` in a setting or a line is the check's value, `{last}` the last of a list.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    modes: Mapping[Kind, int] = field(default_factory=dict)
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_hand: tuple[str, ...] = ()
    firm: tuple[str, ...] = ()

    def filled(self, value: Value) -> Fix:
        """The same with the check's value in it."""
        text, last = shown(value), shown(value[-1] if isinstance(value, tuple) and value else value)
        filled = {key: setting.replace("{last}", last) for key, setting in self.settings.items()}
        return replace(
            self,
            settings={key: setting.replace("{value}", text) for key, setting in filled.items()},
            files={path: tuple(line.replace("{value}", text) for line in lines) for path, lines in self.files.items()},
            by_hand=tuple(step.replace("{value}", text) for step in self.by_hand),
        )

    @property
    def automatic(self) -> bool:
        """There is something that we can do ourselves."""
        return bool(self.settings or self.modes or self.files)

    @property
    def text(self) -> str:
        """All of it, in words."""
        return "; ".join([*(f"{key} {value}" for key, value in self.settings.items()), *self.beside, *self.by_hand])

    @property
    def beside(self) -> list[str]:
        """What we do besides settings of sshd, in words."""
        parts = [f"chmod {_symbolic(kind, mode)} {PATHS[kind]}" for kind, mode in self.modes.items()]
        for path, lines in self.files.items():
            parts.append(f"{path}: {', '.join(line.rstrip(';') for line in lines)}")
        return parts


def _symbolic(kind: Kind, mode: int) -> str:
    return "go-w" if kind == "home" else f"{mode:o}"


def shown(value: Value) -> str:
    """A value as sshd_config has it: lists are joined by commas."""
    if isinstance(value, tuple):
        return ",".join(value)
    return "" if value is None else str(value)
