"""The first process inside every sandbox (its pid 1): runs one command, and leads to the tracking socket.

Started as `python3 -IS /opt/trainshed/relay.py OPTIONS COMMAND…`; OPTIONS is a JSON object:
`listen` (a TCP port on the sandbox's own loopback) and `to` (a unix socket) make the relay,
`processes` is a limit on processes and threads, `end` a file for how the command ended, where nobody else may know.

Where descriptor 0 is a socket it leads to the supervisor: `started`, then `exit N` or
`signal N` go out; `term` comes in and ends the whole tree politely; its end means that nobody
supervises any more. It uses nothing but the standard library and imports nothing of the agent.
"""

from __future__ import annotations

import array
import ctypes
import fcntl
import json
import os
import resource
import signal
import socket
import stat
import sys
import termios
import threading
import time

CHUNK = 64 * 1024
AGAIN_S = 0.1
PATIENCE_S = 300.0  # for a supervisor that takes the place of one that has gone


def close_inherited() -> None:
    """Nothing but 0, 1 and 2 comes in from the host."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            try:
                os.close(int(name))
            except OSError:
                pass  # the descriptor of this very listing


def take_control() -> socket.socket | None:
    """The socket to the supervisor, moved away from descriptor 0, which becomes /dev/null."""
    if not stat.S_ISSOCK(os.fstat(0).st_mode):
        return None
    control = socket.socket(fileno=os.dup(0))
    control.set_inheritable(False)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return control


def close_to_others() -> None:
    """No process of the sandbox reaches this one's memory or descriptors by /proc (PR_SET_DUMPABLE, prctl(2))."""
    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)


def limit(processes: int | None) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if processes:
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))


def terminate(*_: object) -> None:
    """Every process of the sandbox but this one, which pid 1 alone can say."""
    try:
        os.kill(-1, signal.SIGTERM)
    except ProcessLookupError:
        pass


def obey(control: socket.socket) -> None:
    with control.makefile("rb") as lines:
        for line in lines:
            if line.strip() == b"term":
                terminate()
    os._exit(128 + signal.SIGKILL)  # the supervisor has gone: pid 1 ends, and all with it


def tell(control: socket.socket | None, text: str) -> None:
    if control is None:
        return
    try:
        control.sendall(text.encode() + b"\n")
    except OSError:
        pass


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while True:
            chunk = source.recv(CHUNK)
            if not chunk:
                break
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def connected(server: socket.socket, path: str) -> bool:
    """Waits where nobody listens: another supervisor will."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            server.connect(path)
            return True
        except OSError:
            time.sleep(AGAIN_S)
    return False


def relay(client: socket.socket, path: str) -> None:
    with client, socket.socket(socket.AF_UNIX) as server:
        if not connected(server, path):
            return
        back = threading.Thread(target=pump, args=(server, client), daemon=True)
        back.start()
        pump(client, server)
        back.join()


def accept(listener: socket.socket, path: str) -> None:
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=relay, args=(client, path), daemon=True).start()


def run(argv: list[str]) -> int:
    """The pid of `argv`, started in a session of its own."""
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(argv[0], argv)  # noqa: S606
    except OSError as error:
        os.write(2, ("%s: %s\n" % (argv[0], error.strerror)).encode())
    finally:
        os._exit(127)


def reap(child: int) -> int:
    """The wait status of `child`; whatever else ends meanwhile is collected too."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            return status


def write(path: str | None, text: str) -> None:
    """All of it or nothing."""
    if path:
        try:
            with open(path + ".new", "w", encoding="ascii") as file:
                file.write(text)
            os.rename(path + ".new", path)
        except OSError:
            pass  # the disk is full


def linger(code: int) -> None:
    """Until all that was printed has been read: it is in a pipe that ends with us, and a supervisor may be missing.

    Nothing else prints meanwhile. SIGTERM ends the wait.
    """
    signal.signal(signal.SIGTERM, lambda *_: os._exit(code))
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        pass
    waiting = array.array("i", [1])
    while stat.S_ISFIFO(os.fstat(1).st_mode) and waiting[0]:
        fcntl.ioctl(1, termios.FIONREAD, waiting)
        time.sleep(AGAIN_S / 10 if waiting[0] else 0)


def main(options: dict, argv: list[str]) -> int:  # type: ignore[type-arg]
    close_inherited()
    control = take_control()
    close_to_others()
    limit(options.get("processes"))
    listener = None
    if options.get("listen"):
        listener = socket.create_server(("127.0.0.1", options["listen"]), backlog=128)
    signal.signal(signal.SIGTERM, terminate)
    tell(control, "started")
    child = run(argv)
    if listener is not None:
        threading.Thread(target=accept, args=(listener, options["to"]), daemon=True).start()
    if control is not None:
        threading.Thread(target=obey, args=(control,), daemon=True).start()
    status = reap(child)
    if os.WIFSIGNALED(status):
        said, code = "signal %d" % os.WTERMSIG(status), 128 + os.WTERMSIG(status)
    else:
        said, code = "exit %d" % os.WEXITSTATUS(status), os.WEXITSTATUS(status)
    tell(control, said)
    if control is None:
        write(options.get("end"), said)
        linger(code)
    return code


if __name__ == "__main__":
    code = main(json.loads(sys.argv[1]), sys.argv[2:])
    os._exit(code)  # pid 1 ends, and the kernel ends whatever it left running
