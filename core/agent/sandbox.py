"""What foreign code executes in: the `bwrap` engine.

A policy is data: {"engine", "network", "data", "memory_bytes", "processes", "tmp_bytes"}, and a job's "log_bytes".
Binds are (source, target, "ro", "rw" or "dev" for a device), in order. Only named paths of the host are visible:
never /, /run, /var, /home, /root or /sys.

bubblewrap started as root keeps root's powers over files (chmod of /dev/null, core_pattern), even
with `--unshare-user --uid`. So as root the binds are staged in a private mount namespace and
bubblewrap itself starts as uid 65534. Foreign code is uid 65534 in its own user namespace either way,
behind the filter of system calls and with the keyring of `confine`.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import subprocess
import sys
from typing import Any, BinaryIO, Dict, List, Sequence, Tuple

from . import confine, engine, processes
from .docker_api import Docker
from .faults import Fault

Policy = Dict[str, Any]
Bind = Tuple[str, str, str]

BINDS = {"ro": "--ro-bind", "rw": "--bind", "dev": "--dev-bind"}
UID = 65534
HOME = "/home/job"
SOURCE = "/opt/trainshed"  # the agent's own source, for the first process
ENV = "/env"  # where a virtual environment is built and where it is seen
TRACKING_SOCKET = "/run/trainshed/tracking.sock"
TRACKING_PORT = 5000
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ROOTS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")  # links into /usr, or folders of an unmerged system
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "timezone", "mime.types")
ETC_NETWORK = ("resolv.conf", "hosts", "nsswitch.conf", "services", "protocols", "gai.conf", "host.conf")
ETC_TRUST = ("ssl", "ca-certificates", "ca-certificates.conf", "pki", "pip.conf", "conda")
STAGES = ("/mnt", "/media", "/srv", "/opt", "/boot")  # hidden in the private namespace to hold the binds

# Small files of the sandbox's own /etc: descriptor, path, content.
MADE = (
    (3, "/etc/passwd", "root:x:0:0:root:/root:/usr/sbin/nologin\njob:x:65534:65534:job:/home/job:/bin/sh\n"),
    (4, "/etc/group", "root:x:0:\njob:x:65534:\n"),
)
MADE_OFFLINE = (
    (5, "/etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n"),
    (6, "/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
)

STAGE = """
stage=$1; shift
mount -t tmpfs -o mode=755,size=1m tmpfs "$stage"
i=0
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir "$stage/$i"; else : > "$stage/$i"; fi
  mount --bind "$1" "$stage/$i"
  i=$((i+1)); shift
done
shift
"""
UNPRIVILEGED = "setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all "


def available() -> tuple[str, str]:
    """("bwrap", ""), or ("", why not and what to install). Found out by running one, once a process."""
    return _available()


@functools.lru_cache(maxsize=None)
def _available() -> tuple[str, str]:
    reason = engine.missing()
    if reason:
        return "", reason
    policy = {"engine": "bwrap", "network": False, "data": False, "tmp_bytes": 1 << 20}
    try:
        process = start(policy, [], {}, "/", ["/bin/true"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        error = process.communicate(timeout=20)[1]
    except (OSError, subprocess.TimeoutExpired) as failure:
        return "", "a sandbox cannot be started: %s" % failure
    return ("bwrap", "") if process.returncode == 0 else ("", engine.explain(error.decode(errors="replace")))


def require(policy: Policy) -> None:
    """Raises Fault where no sandbox can be had, or the policy gives foreign code network and data both."""
    if policy.get("network") and policy.get("data"):
        raise Fault("sandbox", "a sandbox has the network or the data, never both")
    if policy.get("engine") == "docker":
        version, reason = Docker().usable()
        if not version:
            raise Fault("sandbox", "Docker cannot be used on this VM, so nothing foreign is run", reason)
        return
    if policy.get("engine") != "bwrap":
        raise Fault("sandbox", "there is no sandbox engine %s" % policy.get("engine"), "docker or bwrap")
    found, reason = available()
    if not found:
        raise Fault("sandbox", "no sandbox can be had on this VM, so nothing foreign is run", reason)


def interpreter() -> str:
    return os.path.realpath(sys.executable)


def prefix_binds(prefix: str) -> list[Bind]:
    """What shows a Python below `prefix` in a sandbox: nothing for the system's own, which is in /usr."""
    prefix = os.path.realpath(prefix)
    return [] if prefix == "/usr" or prefix.startswith("/usr/") else [(prefix, prefix, "ro")]


def command(
    policy: Policy,
    binds: Sequence[Bind],
    env: dict[str, str],
    cwd: str,
    argv: Sequence[str],
    env_fd: int | None = None,
    filter_fd: int | None = None,
) -> list[str]:
    """The words that run `argv` in a sandbox; run them with a clean environment, never with `env`.

    `env_fd`: a descriptor with bubblewrap's words for `env`, instead of `env` in words that `ps` shows.
    `filter_fd`: one with the filter of system calls.
    """
    if policy.get("network") and policy.get("data"):
        raise Fault("sandbox", "a sandbox has the network or the data, never both")
    every = _own_binds() + list(binds)
    inside = _inside(policy, env, cwd, env_fd) + ([] if filter_fd is None else ["--seccomp", str(filter_fd)])
    first = [interpreter(), "-IS", SOURCE + "/relay.py", json.dumps(_options(policy, every)), *argv]
    made = MADE + (() if policy.get("network") else MADE_OFFLINE)
    start_bwrap = "ulimit -c 0\nexec %sbwrap " + _data_words(made) + '"$@"' + _here_documents(made)
    if os.geteuid() != 0:
        return ["/bin/sh", "-c", start_bwrap % "", "sh", *inside, *_bind_words(every), *_end(cwd), *first]
    stage = _stage([source for source, _, _ in every])
    staged = [("%s/%d" % (stage, number), target, mode) for number, (_, target, mode) in enumerate(every)]
    script = "set -eu" + STAGE + start_bwrap % UNPRIVILEGED
    private = ["unshare", "-m", "--propagation", "private", "/bin/sh", "-c", script, "sh", stage]
    sources = [os.path.realpath(source) for source, _, _ in every]
    return [*private, *sources, "--", *inside, *_bind_words(staged), *_end(cwd), *first]


def start(
    policy: Policy, binds: Sequence[Bind], env: dict[str, str], cwd: str, argv: Sequence[str], **popen: Any
) -> subprocess.Popen[bytes]:
    """Runs `argv` in a sandbox. `popen`: stdin, stdout, stderr; no other descriptor goes in.

    Where the policy is `background`, everything else of the VM comes first: its processors, and its memory.

    The sandbox ends with the thread that calls this (PR_SET_PDEATHSIG, prctl(2)). Raises Fault, OSError.
    """
    here = confine.machine()
    fds = [_readable(_environment_words(env))] + ([_readable(confine.program(here))] if here else [])
    try:
        words = command(policy, binds, env, cwd, argv, *fds)
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.update(env={"PATH": PATH, "LC_ALL": "C"}, cwd="/", pass_fds=fds, start_new_session=True)
        before = confine.in_background if policy.get("background") else confine.own_keyring
        return subprocess.Popen(words, preexec_fn=before, **popen)
    except subprocess.SubprocessError:
        raise Fault("sandbox", "the kernel gives a new sandbox no keyring of its own", "see /proc/key-users on the VM")
    finally:
        for fd in fds:
            os.close(fd)


def _environment_words(env: dict[str, str]) -> bytes:
    """For `bwrap --args`: values stay out of `ps`."""
    return "".join("--setenv\0%s\0%s\0" % item for item in _environment(env).items()).encode()


def _readable(content: bytes) -> int:
    """A descriptor to read `content` from, clear of those that MADE names."""
    with os.fdopen(os.memfd_create("sandbox"), "wb", 0) as file:
        file.write(content)
        file.seek(0)
        return fcntl.fcntl(file.fileno(), fcntl.F_DUPFD_CLOEXEC, 30)


def terminate(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for the whole tree: pid 1 of its namespace first, then bubblewrap, and reaps it."""
    if process.poll() is None:  # its pid is its own for as long as it is not reaped
        processes.end([processes.identity(child) for child in processes.children(process.pid)])
        process.kill()
        process.wait()


def share(path: str) -> None:
    """Lets uid 65534 read what the agent wrote as root; as an ordinary user there is nothing to do.

    The folders above stay closed. The mode of `path` itself is set last and marks the work as done.
    """
    if os.geteuid() != 0 or os.stat(path).st_mode & 0o005 == 0o005:
        return
    for folder, folders, files in os.walk(path, topdown=False):
        for name in files + folders:
            _open_up(os.path.join(folder, name))
    _open_up(path, 0o005 if os.path.isdir(path) else 0o004)


def give(path: str) -> str:
    """Makes `path` (a folder or a file) the sandbox's own to write; returns it."""
    if os.geteuid() == 0:
        os.chown(path, UID, UID)
    return path


def create(path: str) -> BinaryIO:
    """A new file of the agent's, unbuffered. Raises FileExistsError for whatever is there, a link too."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return open(os.open(path, flags, 0o600), "wb", 0)


def _open_up(path: str, extra: int = 0) -> None:
    if os.path.islink(path):
        return
    mode = os.stat(path).st_mode
    os.chmod(path, (mode & 0o7777) | 0o004 | (0o001 if mode & 0o100 else 0) | extra)


def _own_binds() -> list[Bind]:
    source = os.path.dirname(os.path.abspath(__file__))
    share(source)
    return [*prefix_binds(sys.base_prefix), (source, SOURCE, "ro")]


def _options(policy: Policy, binds: Sequence[Bind]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if policy.get("processes"):
        options["processes"] = policy["processes"]
    if any(target == TRACKING_SOCKET for _, target, _ in binds):
        options.update(listen=TRACKING_PORT, to=TRACKING_SOCKET)
    return options


def _environment(env: dict[str, str]) -> dict[str, str]:
    base = {"PATH": PATH, "HOME": HOME, "TMPDIR": "/tmp", "USER": "job", "LOGNAME": "job", "LANG": "C.UTF-8"}  # noqa: S108
    return {**base, **env}


def _inside(policy: Policy, env: dict[str, str], cwd: str, env_fd: int | None) -> list[str]:
    words = "--unshare-user --uid 65534 --gid 65534 --unshare-pid --unshare-ipc --unshare-uts --hostname sandbox"
    words += " --disable-userns --cap-drop ALL --die-with-parent --new-session --as-pid-1"
    words += " --proc /proc --ro-bind /proc/sys /proc/sys --dev /dev --ro-bind /usr /usr"
    found = words.split()
    if not policy.get("network"):
        found.append("--unshare-net")
    size = str(policy.get("tmp_bytes") or 1 << 30)
    for folder, mode in (("/dev/shm", "1777"), ("/tmp", "1777"), (HOME, "0700")):  # noqa: S108
        found += ["--perms", mode, "--size", size, "--tmpfs", folder]
    found += _root_words() + _etc_words(bool(policy.get("network")))
    found.append("--clearenv")
    if env_fd is not None:
        return [*found, "--args", str(env_fd)]
    for item in _environment(env).items():
        found += ["--setenv", *item]
    return found


def _root_words() -> list[str]:
    words: list[str] = []
    for name in ROOTS:
        path = "/" + name
        if os.path.islink(path):
            words += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            words += ["--ro-bind", path, path]
    return words


def _etc_words(network: bool) -> list[str]:
    words: list[str] = []
    for name in ETC + (ETC_NETWORK + ETC_TRUST if network else ()):
        path = "/etc/" + name
        if os.path.exists(path):
            words += ["--ro-bind", os.path.realpath(path), path]
    return words


def _bind_words(binds: Sequence[Bind]) -> list[str]:
    words: list[str] = []
    for source, target, mode in binds:
        words += [BINDS[mode], source, target]
    return words


def _end(cwd: str) -> list[str]:
    return ["--remount-ro", "/", "--remount-ro", "/dev", "--chdir", cwd, "--"]


def _data_words(made: Sequence[tuple[int, str, str]]) -> str:
    return "".join("--ro-bind-data %d %s " % (fd, path) for fd, path, _ in made)


def _here_documents(made: Sequence[tuple[int, str, str]]) -> str:
    openings = "".join(" %d<<'END%d'" % (fd, fd) for fd, _, _ in made)
    return openings + "\n" + "".join("%sEND%d\n" % (text, fd) for fd, _, text in made)


def _stage(sources: List[str]) -> str:
    """A folder to mount over that holds none of `sources`."""
    real = [os.path.realpath(source) + "/" for source in sources]
    for stage in STAGES:
        if os.path.isdir(stage) and not any(source.startswith(stage + "/") for source in real):
            return stage
    raise Fault("sandbox", "no folder to stage the sandbox in", "move the agent's root below /home or /root")
