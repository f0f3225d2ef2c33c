"""Which command somebody may have meant who typed one that there is not."""

from __future__ import annotations

import difflib

import click

MOST = 3


def meant(context: click.Context, name: str) -> list[str]:
    """Command lines, the likeliest first: the same word elsewhere, else a word here that is near it."""
    here, root = context.command, context.find_root()
    assert isinstance(here, click.Group)
    assert isinstance(root.command, click.Group)
    program = root.command_path
    tops = root.command.list_commands(root)
    if here is root.command:
        same = [f"{program} {top} {name}" for top in tops if name in _inside(root, top)]
    else:
        same = [f"{program} {name}"] if name in tops else []
    near = difflib.get_close_matches(name, here.list_commands(context), n=1)
    return same[:MOST] or [f"{context.command_path} {word}" for word in near]


def _inside(root: click.Context, top: str) -> list[str]:
    assert isinstance(root.command, click.Group)
    found = root.command.get_command(root, top)
    return found.list_commands(root) if isinstance(found, click.Group) else []
