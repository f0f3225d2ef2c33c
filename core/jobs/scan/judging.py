"""What one call in Python code means: by the tables of `calls`, and by what its arguments make of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from . import calls, folding, places, reaching, records, starting
from .call import Call, Said, brief
from .folding import UNKNOWN, Partial, Ref, is_text
from .found import listed, shown

_NATIVE = listed(
    "system popen connect socket send sendto sendmsg syscall execve execv execvp fork dlopen dlsym getaddrinfo "
    "gethostbyname ptrace process_vm_readv open openat write unshare setns mount setuid WinExec ShellExecuteA"
)
_LIBC = re.compile(
    r"c|curl|(?:.*/)?(?:libc|libcurl|libssl|libpthread|msvcrt|kernel32|ws2_32|wininet)\b.*", re.IGNORECASE
)
_CTYPES = re.compile(
    r"ctypes\.(?:CDLL|PyDLL|cdll\.LoadLibrary|pydll\.LoadLibrary)\(\)\.|ctypes\.(?:pythonapi|cdll|pydll)[.[]"
)
_LOADS = listed("ctypes.CDLL ctypes.PyDLL ctypes.cdll.LoadLibrary")
_BY_NAME = listed("builtins.getattr builtins.__import__ importlib.import_module importlib.__import__")
_TAKES_DESCRIPTOR = listed("os.fdopen os.write builtins.open os.dup os.sendfile")
_HOOKS = ("sitecustomize.py", "usercustomize.py", ".pth")
_RAW = listed("SOCK_RAW AF_PACKET SOCK_PACKET")
_REPORTS_TO = ("wandb", "comet_ml", "neptune", "clearml")
# Functions that are handed to others: `Thread(target=…)`, `map(…)`.
_HANDED = {
    **{name: rule for name, rule in calls.CALLS.items() if rule not in ("listener", "download", "workers")},
    **dict.fromkeys(calls.RUNS - {"subprocess.Popen", "subprocess.run"}, "command"),
    "builtins.exec": "hidden-code",
}


def judged(call: Call, read: set[str]) -> Iterator[Said]:
    """`read`: the paths that records were read from so far; this call's is added."""
    name = call.name
    last = f"?.{name.rpartition('.')[2]}"
    rule = calls.CALLS.get(name) or calls.CALLS.get(last)
    if rule == "native":
        yield from _native(call)
    elif rule is not None:
        yield from reaching.judged(call, rule)
    elif name in calls.RUNS:
        yield from starting.judged(call)
    elif name in calls.PRINTS or calls.LOGGER.fullmatch(name):
        yield from records.printed(call)
    elif name in calls.TRACKS:
        yield from records.tracked(call, read)
    elif name in calls.PICKLES:
        yield from records.pickled(call)
    yield from _special(call)
    yield from _switched(call)
    yield from places.written(call)
    yield from _handed(call)
    if name in calls.RECORDS and call.node.args:
        read.add(ast.dump(call.node.args[0]))


def _handed(call: Call) -> Iterator[Said]:
    for value in [*call.given, *call.named.values()]:
        if isinstance(value, Ref) and value in _HANDED:
            yield _HANDED[value], f"{value} handed to {brief(call.name)}"
        elif is_text(value):
            yield from reaching.clues(str(value))


def _special(call: Call) -> Iterator[Said]:
    name, first = call.name, call.first
    if name in _BY_NAME:
        yield from _by_name(call)
    elif name.startswith("ctypes."):
        yield from _native(call)
    elif name in ("pickle.loads", "marshal.loads") and isinstance(first, bytes):
        yield "hidden-code", f"{name} of bytes in the source"
    elif name in ("runpy.run_path", "importlib.util.spec_from_file_location"):
        path = call.given[-1] if call.given else None
        if is_text(path) and not str(path).endswith((".py", UNKNOWN)):
            yield "hidden-code", shown(f"{name} of {path}")
    elif name == "runpy.run_module" and first in ("pip", "pip._internal", "conda"):
        yield "install", f"{name} of {first}"
    elif name == "socket.socket":
        if call.kinds & _RAW:
            yield "raw-socket", "socket.socket of a raw kind"
        if "fileno" in call.named:
            yield "inherited", "socket.socket(fileno=…)"
    elif name in _TAKES_DESCRIPTOR and isinstance(first, int) and first > 2:
        yield "inherited", f"{brief(name)}({first})"
    elif name == "pathlib.Path" and any(str(value).endswith(_HOOKS) for value in call.given):
        yield "start-hook", "a file that Python reads at each start"
    elif name == "os.chmod" and len(call.given) > 1:
        bits = call.given[1]
        if (isinstance(bits, int) and bits & 0o6000) or "S_ISUID" in ast.dump(call.node.args[1]):
            yield "privilege", "os.chmod with the setuid bit"
    elif name == "resource.setrlimit" and str(first).endswith("RLIMIT_CORE") and call.given[1:] != [(0, 0)]:
        yield "core-dump", "resource.setrlimit(RLIMIT_CORE, …)"


def _by_name(call: Call) -> Iterator[Said]:
    """A name that is a text: known, it was followed; made at run time, it is told where it could be anything."""
    first = call.first
    if call.name == "builtins.getattr":
        module = isinstance(first, Ref) and "(" not in first and first.partition(".")[0] in calls.REACHING
        if module and len(call.given) > 1 and not is_text(call.given[1]):
            yield "hidden-name", f"getattr of {brief(str(first))}"
        return
    begins = isinstance(first, Partial) and (first.startswith(f"{UNKNOWN}.") or not first.startswith(UNKNOWN))
    if call.given and not begins and (not is_text(first) or isinstance(first, Partial)):
        yield "hidden-name", f"{brief(call.name)} of a name that is made at run time"


def _native(call: Call) -> Iterator[Said]:
    called, library = call.name.rpartition(".")[2], str(call.first)
    if _CTYPES.match(call.name):
        if called in _NATIVE:
            yield "native", brief(call.name)
    elif is_text(call.first) and _LIBC.fullmatch(library) and (call.name in _LOADS or call.name in calls.CALLS):
        yield "native", shown(f"{brief(call.name)} of {library}")
    elif call.name.endswith("dlopen") and call.node.args and not is_text(call.first):
        yield "native", f"{brief(call.name)} of the program itself"


def _switched(call: Call) -> Iterator[Said]:
    """Arguments that make another thing of a call."""
    if not call.named:
        return
    named, name = call.named, brief(call.name)
    if named.get("share") is True and call.name.endswith("launch"):
        yield "tracker", f"{name}(share=True)"
    if named.get("push_to_hub") is True:
        yield "upload", f"{name}(push_to_hub=True)"
    if named.get("log_input_examples") is True:
        yield "input-example", f"{name}(log_input_examples=True)"
    if named.get("download") is True and "datasets." in call.name:
        yield "download", f"{name}(download=True)"
    if named.get("report_to") in _REPORTS_TO:
        yield "tracker", f"{name}(report_to={named['report_to']!r})"
    for keyword in call.node.keywords:
        made_up = isinstance(keyword.value, (ast.Constant, ast.Dict)) or folding.known(call.meaning.of(keyword.value))
        if keyword.arg == "input_example" and not made_up:
            yield "input-example", f"{name}(input_example=…)"
