"""Runs one function of the agent as root: by `sudo -n`, or with a password that a person typed.

Nobody keeps the password: it is in no argument, environment, file or log. The request is sent only once the program
runs as root, so that sudo can never take it for a second password.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
from typing import Any, Dict, Optional

from . import sudo
from .faults import Fault

# Name -> module of this package; only these run as root.
FUNCTIONS = {"collect": "checks", "planned": "fixes", "tried": "fixes", "kept": "fixes", "returned": "fixes"}
READY = b"trainshed-root-ready\n"
PASSED_ON = ("SSH_CONNECTION", "LANG")  # sudo takes the environment away
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # root starts nothing from an account's folders
TIMEOUT = 120.0  # seconds for the whole: more than until a fix is put back
ANSWERED = 20.0  # seconds until sudo has let us in, or not


def run(function: str, args: Dict[str, Any], password: str = "", timeout: float = TIMEOUT) -> Dict[str, Any]:
    """The function's answer. Without a password, only what sudo allows without one. Raises Fault."""
    if function not in FUNCTIONS:
        raise Fault("agent", "nothing called %r runs as root" % function)
    if os.geteuid() == 0:
        return _call(function, args)
    process = _started(password)
    timer = threading.Timer(ANSWERED, process.kill)
    timer.start()
    try:
        refusal = _await(process, password)
    except OSError:
        refusal = "sudo ended"
    finally:
        timer.cancel()
    if refusal:
        raise Fault("agent", refusal, _hint(password))
    request = {"function": function, "args": args, "environment": _environment(), "seconds": timeout}
    return _answer(process, request)


def _started(password: str) -> "subprocess.Popen[bytes]":
    # -k: sudo asks for the password, though it was right a moment ago.
    flags = ["-S", "-k", "-p", sudo.ASKS] if password else ["-n"]
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    command = ["sudo", *flags, "--", sys.executable, "-sSE", "-m", "%s.root" % __package__]
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,  # no terminal that sudo could ask on
        )
    except OSError as error:
        raise Fault("agent", "sudo does not start: %s" % error.strerror, "install sudo, or log in as root") from None


def _await(process: "subprocess.Popen[bytes]", password: str) -> str:
    """ "" once it runs as root, else what sudo said."""
    dialogue = sudo.Dialogue(process, password)
    assert process.stdout is not None
    ready = process.stdout.readline(len(READY)) == READY
    dialogue.end()
    if ready:
        return ""
    process.kill()
    process.wait()
    return "sudo refuses: %s" % dialogue.last_words()


def _answer(process: "subprocess.Popen[bytes]", request: Dict[str, Any]) -> Dict[str, Any]:
    """The request goes out, the answer comes back; what root says is JSON in one line."""
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.close()
        text = process.stdout.read()
        process.wait()
    except OSError:
        text = b""
    try:
        answer: Dict[str, Any] = json.loads(text.decode())
    except ValueError:
        raise Fault("agent", "what ran as root ended without an answer", "try again") from None
    if "fault" in answer:
        raise Fault(*answer["fault"])
    result: Dict[str, Any] = answer["result"]
    return result


def _hint(password: str) -> str:
    return "is the password right? No second one is tried" if password else "type the password of sudo"


def _environment() -> Dict[str, str]:
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def _call(function: str, args: Dict[str, Any]) -> Dict[str, Any]:
    module = importlib.import_module("." + FUNCTIONS[function], __package__)
    answer: Dict[str, Any] = getattr(module, function)(**args)
    return answer


def _request() -> Optional[Dict[str, Any]]:
    """The next line that is a request: sudo that asked for nothing has left the password to us."""
    for line in sys.stdin.buffer:
        try:
            request = json.loads(line.decode())
        except ValueError:
            continue
        if isinstance(request, dict) and request.get("function") in FUNCTIONS:
            return request
    return None


def main() -> None:
    """As root: says that it is there, takes one request, answers."""
    os.umask(0o077)
    _say(READY)
    request = _request()
    if request is None:
        return
    signal.alarm(int(request["seconds"]))  # nobody else may end what runs as root
    os.environ.update(request["environment"], PATH=PATH)
    try:
        answer: Dict[str, Any] = {"result": _call(request["function"], request["args"])}
    except Fault as fault:
        answer = {"fault": [fault.code, fault.title, fault.hint]}
    except Exception as error:
        answer = {"fault": ["agent", "%s as root: %s" % (request["function"], type(error).__name__), ""]}
    _say(json.dumps(answer).encode())


def _say(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


if __name__ == "__main__":
    main()
