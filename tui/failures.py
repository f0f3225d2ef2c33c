"""Where every error of the command line ends: two lines, an exit code, and for what nobody foresaw a report."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import click

from core.errors import Interrupted, TrainshedError, UsageError

from .settings import Settings

READER_GONE = 141  # as the shell reports a program that SIGPIPE ended


def told(error: BaseException, settings: Settings) -> int:
    """Says what went wrong; the exit code."""
    if isinstance(error, BrokenPipeError):
        return READER_GONE
    if isinstance(error, KeyboardInterrupt):
        error = Interrupted("interrupted")
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        sys.stderr.write(error.format_message() + "\n")
        return 2
    if isinstance(error, click.ClickException):
        error = _from_click(error)
    if not isinstance(error, TrainshedError):
        if not isinstance(error, Exception):
            raise error
        error = unforeseen(error)
    _tell(error, settings)
    return 128 + int(error.facts["signal"]) if "signal" in error.facts else error.exit_code


def _from_click(error: click.ClickException) -> TrainshedError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "trainshed"
    return UsageError(error.format_message().rstrip("."), hint=f"{path} --help")


def unforeseen(error: Exception) -> TrainshedError:
    """What the user reads in place of a traceback. With TRAINSHED_DEBUG=1 the traceback is raised on."""
    if os.environ.get("TRAINSHED_DEBUG") == "1":
        raise error
    title = f"trainshed failed in a way that it did not foresee ({type(error).__name__})"
    return TrainshedError(title, hint=_reported(error))


def _reported(error: Exception) -> str:
    from . import report

    words = [word for word in sys.argv[1:3] if word.isalpha()]  # the command, and none of its arguments
    name = time.strftime(f"error-%Y%m%d-%H%M%S-{os.getpid()}.txt")
    try:
        path = report.save(report.of_crash(error, " ".join(words)), "", name)
    except OSError as failed:
        return f"no report could be written ({failed.strerror}); TRAINSHED_DEBUG=1 shows what happened"
    return f"a report without secrets is in {path}"


def _tell(error: TrainshedError, settings: Settings) -> None:
    from .text import printable

    if settings.json:
        _say(sys.stdout, json.dumps(document(error)))
    _say(sys.stderr, f"trainshed: {printable(error.title)}")
    if error.hint:
        _say(sys.stderr, f"  {printable(error.hint)}")


def document(error: TrainshedError) -> dict[str, Any]:
    return {"schema": 1, "error": {"code": error.code, "title": error.title, "hint": error.hint}}


def _say(stream: Any, text: str) -> None:
    try:
        stream.write(text + "\n")
        stream.flush()
    except OSError:
        pass  # nobody reads it


def leave(code: int) -> None:
    """Ends the program; a reader that has gone away is no reason for another message."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or READER_GONE
    sys.exit(code)
