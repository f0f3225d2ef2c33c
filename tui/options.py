"""The global options, before and after the sub-command, and the command classes that carry them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from .settings import Settings


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Given twice, the one after the sub-command counts."""
    if value and parameter.name is not None:
        setattr(context.ensure_object(Settings), parameter.name, value)


def _remember_theme(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    """Raises UsageError for a theme that there is not."""
    if value:
        from .preferences.file import of_text
        from .preferences.schema import settings as known

        of_text(known()["theme"], value)
    _remember(context, parameter, value)


def _show_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"trainshed {version('trainshed')}")
        context.exit()


def global_options(*, hidden: bool) -> list[click.Parameter]:
    """Shown by the program's own help; every command takes them too, hidden."""

    def option(*names: str, **more: Any) -> click.Parameter:
        more.setdefault("callback", _remember)
        return click.Option(names, expose_value=False, hidden=hidden, **more)

    return [
        option("--site", metavar="NAME_OR_FILE", envvar=None if hidden else "TRAINSHED_SITE", help="The site to use."),
        option("--json", is_flag=True, help="JSON on stdout: a document, or one event a line where it streams."),
        option("--read-only", is_flag=True, help="Refuse whatever changes something."),
        option(
            "--plain",
            is_flag=True,
            help="No colour, no glyphs, no redrawn lines; without a command: the journey as questions.",
        ),
        option("--no-input", is_flag=True, help="Ask nothing: a question is an error (for cron)."),
        option("--theme", metavar="NAME", callback=_remember_theme, help="Colours of the screens: auto, dark, light …"),
        option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal."),
        option("--version", is_flag=True, is_eager=True, callback=_show_version, help="Show the version and exit."),
    ]


class Command(click.Command):
    """A command that takes the global options too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_options(hidden=True))


class Group(click.Group):
    """A group whose commands, and itself, take the global options."""

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(global_options(hidden=True))

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """In the order of a user's way, not of the alphabet."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Raises UsageError for a command that there is not, with the one that may be meant."""
        if args[0] not in self.list_commands(ctx) and not args[0].startswith("-"):
            from .meant import meant

            near = meant(ctx, args[0])
            path = " ".join((*ctx.command_path.split()[1:], args[0]))
            hint = f" (did you mean {' or '.join(near)}?)" if near else ""
            raise click.UsageError(f"no such command: {path}{hint}", ctx)
        return super().resolve_command(ctx, args)


def command(name: str, **more: Any) -> Callable[[Callable[..., Any]], Command]:
    return click.command(name, cls=Command, **more)


def group(name: str, **more: Any) -> Callable[[Callable[..., Any]], Group]:
    return click.group(name, cls=Group, **more)


pass_settings = click.make_pass_decorator(Settings, ensure=True)
