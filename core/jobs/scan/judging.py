"""What one call in Python code means: by the tables of `calls`, and by what its arguments make of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator

from . import calls, folding, places, reaching, records, starting
from .call import Call, Said, brief
from .folding import UNKNOWN, Partial, Ref, is_text
from .found import listed, shown
from .meaning import Meaning

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
    last = name.rpartition(".")[2]
    rule = calls.CALLS.get(name) or calls.CALLS.get(f"?.{last}")
    if rule == "native":
        yield from _native(call)
    elif rule is not None:
        yield from reaching.judged(call, rule)
    elif name in calls.RUNS:
        yield from starting.judged(call)
    elif name in calls.PRINTS or (last in _LEVELS and calls.LOGGER.fullmatch(name)):
        yield from records.printed(call)
    elif name in calls.TRACKS:
        yield from records.tracked(call, read)
    elif name in calls.PICKLES:
        yield from records.pickled(call)
    special = _SPECIAL.get(name)
    if special is not None:
        yield from special(call)
    elif name.startswith("ctypes."):
        yield from _native(call)
    if call.node.keywords:
        yield from _switched(call)
    if last in places.NAMES:
        yield from places.written(call)
        yield from records.streamed(call)
    if name in calls.RECORDS and call.node.args:
        yield from places.fetched(call)
        read.add(ast.dump(call.node.args[0]))


_ASKS = listed("builtins.isinstance builtins.issubclass builtins.type builtins.hasattr")
_LEVELS = listed("debug info warning error exception critical")


def matters(name: Ref, node: ast.Call) -> bool:
    """Whether `judged` may say anything of it: most calls are of nothing that is in a table."""
    if name in _KNOWN or name.rpartition(".")[2] in _LASTS or name.startswith("ctypes."):
        return True
    return any(keyword.arg in _SWITCHES for keyword in node.keywords)


def handed(meaning: Meaning, node: ast.Call, name: Ref) -> list[Said]:
    """Functions among the arguments, and texts that say something by themselves."""
    found: list[Said] = []
    for item in [*node.args, *[keyword.value for keyword in node.keywords]] if node.keywords else node.args:
        if type(item) not in _HANDED_FORMS:
            continue  # what is in the others is looked at where it stands
        value = meaning.of(item)
        if isinstance(value, Ref):
            if value in _HANDED and name not in _ASKS:
                found.append((_HANDED[value], f"{value} handed to {brief(name)}"))
        elif isinstance(value, str):
            found += reaching.clues(value)
    return found


def kept(meaning: Meaning, items: Iterable[ast.expr | None]) -> Iterator[Said]:
    """Functions that a display or a default keeps for later: `{"send": requests.post}`. Classes are often asked for."""
    for item in items:
        value = meaning.of(item) if type(item) is ast.Attribute else None
        if isinstance(value, Ref) and value in _HANDED and value.rpartition(".")[2].islower():
            yield _HANDED[value], f"{value} kept for later"


_HANDED_FORMS = frozenset((ast.Name, ast.Attribute, ast.BinOp, ast.JoinedStr))


def _unpickled(call: Call) -> Iterator[Said]:
    if isinstance(call.first, bytes):
        yield "hidden-code", f"{call.name} of bytes in the source"


def _loaded(call: Call) -> Iterator[Said]:
    path = call.given[-1] if call.given else None
    if is_text(path) and not str(path).endswith((".py", UNKNOWN)):
        yield "hidden-code", shown(f"{call.name} of {path}")


def _module(call: Call) -> Iterator[Said]:
    if call.first in ("pip", "pip._internal", "conda"):
        yield "install", f"{call.name} of {call.first}"


def _socket(call: Call) -> Iterator[Said]:
    if call.kinds & _RAW:
        yield "raw-socket", "socket.socket of a raw kind"
    if "fileno" in call.named:
        yield "inherited", "socket.socket(fileno=…)"


def _hook(call: Call) -> Iterator[Said]:
    if any(str(value).endswith(_HOOKS) for value in call.given):
        yield "start-hook", "a file that Python reads at each start"


def _descriptor(call: Call) -> Iterator[Said]:
    if isinstance(call.first, int) and call.first > 2:
        yield "inherited", f"{brief(call.name)}({call.first})"


def _mode(call: Call) -> Iterator[Said]:
    bits = call.given[1] if len(call.given) > 1 else None
    if (isinstance(bits, int) and bits & 0o6000) or "S_ISUID" in "".join(map(ast.dump, call.node.args[1:2])):
        yield "privilege", "os.chmod with the setuid bit"


def _limit(call: Call) -> Iterator[Said]:
    if str(call.first).endswith("RLIMIT_CORE") and call.given[1:] != [(0, 0)]:
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
    if not any(keyword.arg in _SWITCHES for keyword in call.node.keywords):
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


_SWITCHES = listed("share push_to_hub log_input_examples download report_to input_example")
_SPECIAL: dict[str, Callable[[Call], Iterator[Said]]] = {
    **dict.fromkeys(
        ("builtins.getattr", "builtins.__import__", "importlib.import_module", "importlib.__import__"), _by_name
    ),
    **dict.fromkeys(("pickle.loads", "marshal.loads"), _unpickled),
    **dict.fromkeys(("runpy.run_path", "importlib.util.spec_from_file_location"), _loaded),
    **dict.fromkeys(("os.fdopen", "os.write", "builtins.open", "os.dup", "os.sendfile"), _descriptor),
    "runpy.run_module": _module,
    "socket.socket": _socket,
    "pathlib.Path": _hook,
    "os.chmod": _mode,
    "resource.setrlimit": _limit,
}
_KNOWN = frozenset((*calls.CALLS, *calls.RUNS, *calls.PRINTS, *calls.TRACKS, *calls.PICKLES, *calls.RECORDS, *_SPECIAL))
_LASTS = places.NAMES | _LEVELS | {name[2:] for name in calls.CALLS if name.startswith("?.")}
