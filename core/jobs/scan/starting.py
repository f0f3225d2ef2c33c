"""Programs that Python code starts: by one text for a shell, or by their words."""

from __future__ import annotations

from collections.abc import Iterator

from . import words
from .call import Call, Said, brief
from .folding import UNKNOWN, Ref, Value, is_text
from .found import listed

_SHELL = listed("os.system os.popen subprocess.getoutput subprocess.getstatusoutput commands.getoutput")
_BY_NAME_TWICE = ("os.exec", "os.spawn", "os.posix_spawn")  # its path, then the words from its name on


def judged(call: Call) -> Iterator[Said]:
    name = call.name
    if name.startswith((*_BY_NAME_TWICE, "asyncio.")):
        given = call.given[1:] if name.startswith("os.spawn") else call.given
        every = [item for part in given for item in (part if isinstance(part, tuple) else (part,))]
        if name.startswith(_BY_NAME_TWICE) and len(every) > 2:
            every = [every[0], *every[2:]]
        yield from _command(tuple(every) if len(every) != 1 else every[0])
        return
    command = call.first if call.given else call.named.get("args")
    shell = name in _SHELL or call.named.get("shell") is True
    if shell and (command is None or isinstance(command, Ref) or str(command).startswith(UNKNOWN)):
        yield "hidden-code", f"{brief(name)} of a command that is made at run time"
        return
    yield from _command(command)


def _command(command: Value) -> Iterator[Said]:
    if isinstance(command, tuple):
        found = words.of_words([_word(word) for word in command], 1)
    elif is_text(command):
        found = words.of_text(str(command).replace(UNKNOWN, "x"), 1)
    else:
        return
    for each in found:
        yield each.rule, each.seen


def _word(value: Value) -> str | None:
    if isinstance(value, Ref):
        return "python" if value == "sys.executable" else None
    return str(value).replace(UNKNOWN, "x") if is_text(value) else None
