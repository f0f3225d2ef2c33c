"""`trainshed`: the command line. Each command is loaded when it is used, so that --help stays quick."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import Any

import click

from .options import Group, global_options
from .settings import Settings

# name -> (module, attribute, one line of help), in the order of a user's way
COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("demo", "demo", "Start a site on this machine, and walk through it."),
    "site": ("site", "site", "Add, list, show, choose, validate or remove sites."),
    "connect": ("connect", "connect", "Compare the host key, log in, show facts about the VM."),
    "check": ("check", "check", "Check the VM and the data's path."),
    "fix": ("fix", "fix", "Put findings right; the VM takes back what locks you out."),
    "data": ("data", "data", "What is staged on the VM; stage more."),
    "environments": ("environments", "environments", "List, build or remove environments."),
    "scan": ("scan", "scan", "Look at a job's code before it runs."),
    "run": ("run", "run", "Launch a job file on the VM."),
    "rerun": ("run", "rerun", "Start a run again, from its own code."),
    "runs": ("runs", "runs", "List the runs, compare two, or delete some."),
    "show": ("runs", "show", "Show one run."),
    "logs": ("runs", "logs", "Show or follow the log of a run."),
    "metrics": ("metrics", "metrics", "Show the metrics of a run, or each value."),
    "cancel": ("runs", "cancel", "Stop a run."),
    "download": ("runs", "download", "Fetch what a run left behind."),
    "models": ("models", "models", "List, show, register or package models."),
    "deploy": ("services", "deploy", "Serve a model on the VM."),
    "services": ("services", "services", "List what is being served."),
    "invoke": ("services", "invoke", "Ask a service for one prediction."),
    "undeploy": ("services", "undeploy", "Stop serving."),
    "settings": ("settings", "settings", "List or change what you set: theme, keys, log."),
    "view": ("view", "view", "Look at a log file of this machine, and follow it."),
    "replay": ("replay", "replay", "Play a recorded session."),
    "kept": ("kept", "kept", "What is kept on this machine; remove it."),
    "serve": ("serve", "serve", "The same interface in a browser of this machine."),
}

HELP = """Train on data that never leaves the site.

Without a command: the same in a full-screen interface, on the current site.
"""
EXIT_CODES = (
    "Exit codes: 0 done, 1 a check or a run failed, 2 usage or configuration, 3 connection (retry may help), "
    "4 timed out, 130 interrupted."
)


class LazyGroup(Group):
    """The program itself: its commands are the table above."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        import importlib

        module, attribute, _ = COMMANDS[cmd_name]
        found: click.Command = getattr(importlib.import_module(f"tui.commands.{module}"), attribute)
        return found

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


@click.pass_context
def _no_command(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        from .commands.start import start

        start(context.ensure_object(Settings))


root = LazyGroup(
    "trainshed",
    callback=_no_command,
    invoke_without_command=True,
    params=[],
    help=HELP,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
root.params = global_options(hidden=False)


def call(arguments: Sequence[str], settings: Settings | None = None) -> int:
    """Runs one command line; the exit code. Every error ends here, in words."""
    used = settings or Settings()
    used.json = used.json or "--json" in arguments  # an error in the arguments is told in JSON too
    try:
        # not root.main(): it ends the program by itself on a broken pipe and on Ctrl-C
        with root.make_context("trainshed", list(arguments), obj=used) as context:
            result: Any = root.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except BaseException as error:
        from .failures import told

        return told(error, used)
    return result if isinstance(result, int) else 0


def main() -> None:
    gc.set_threshold(50_000, 20, 20)  # to load the program makes many objects and no garbage
    code = call(sys.argv[1:])
    from .failures import leave

    leave(code)


if __name__ == "__main__":
    main()
