"""Attacks from inside a real sandbox, with the agent as root and as an ordinary user."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from core.agent import confine
from core.sandbox import policy

from .agent_process import place
from .vm import PYTHON, VM, one_vm, vm

__all__ = ["one_vm", "vm"]

ATTEMPT = """
import errno, os, socket
def attempt(act):
    try:
        act()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"
"""


def test_the_job_is_nobody_without_capabilities_or_new_privileges(vm: VM) -> None:
    found = vm.python(
        "import os\nlines = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        "found = [os.getuid(), os.getgid()] + [lines[key].strip() for key in ('CapEff', 'CapBnd', 'NoNewPrivs')]"
    )
    assert found == [65534, 65534, "0" * 16, "0" * 16, "1"]


def test_no_network_of_any_kind_can_be_reached(vm: VM) -> None:
    found = vm.python(
        ATTEMPT + "found = []\n"
        "for family, host in ((socket.AF_INET, '198.51.100.1'), (socket.AF_INET6, '2001:db8::1')):\n"
        "    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):\n"
        "        found.append(attempt(lambda: socket.socket(family, kind).connect((host, 9))))\n"
        "found.append(attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)))\n"
        "found.append([name for _, name in socket.if_nameindex()])"
    )
    assert found == ["ENETUNREACH"] * 4 + ["EPERM", ["lo"]]


def test_sockets_of_the_host_cannot_be_reached(vm: VM) -> None:
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as tcp:
        abstract, named = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        name = f"\0trainshed-test-{os.getpid()}"
        with abstract, named:
            abstract.bind(name)
            abstract.listen()
            named.bind(f"{folder}/s")
            named.listen()
            os.chmod(folder, 0o755)
            os.chmod(f"{folder}/s", 0o777)
            found = vm.python(
                ATTEMPT + f"found = [attempt(lambda: socket.socket(socket.AF_UNIX).connect({name!r})),\n"
                f"attempt(lambda: socket.socket(socket.AF_UNIX).connect({folder + '/s'!r})),\n"
                f"attempt(lambda: socket.create_connection(('127.0.0.1', {tcp.getsockname()[1]})))]"
            )
    assert found == ["ECONNREFUSED", "ENOENT", "ECONNREFUSED"]


def test_nothing_of_the_host_is_visible_but_named_paths(vm: VM) -> None:
    secret = vm.root / "secret"
    secret.write_text("record")
    found = vm.python(
        "import os\nfound = {name: sorted(os.listdir(name)) for name in ('/', '/etc', '/home', '/home/job', '/tmp')}\n"
        f"found['secret'] = os.path.exists({str(secret)!r})"
    )
    assert not {"root", "run", "var", "sys", "srv", "mnt", "boot"} & set(found["/"])
    assert found["/home"] == ["job"] and not found["/home/job"] and not found["/tmp"] and not found["secret"]
    assert not {"shadow", "hostname", "resolv.conf", "ssh", "machine-id", "ssl"} & set(found["/etc"])


def test_files_of_the_host_cannot_be_changed(vm: VM) -> None:
    mode = os.stat("/dev/null").st_mode & 0o777
    found = vm.python(
        ATTEMPT + f"found = [attempt(lambda: os.chmod('/dev/null', {mode})),\n"
        "attempt(lambda: os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY)),\n"
        "attempt(lambda: os.open('/proc/sys/vm/drop_caches', os.O_WRONLY)),\n"
        "attempt(lambda: os.open('/proc/sysrq-trigger', os.O_WRONLY)),\n"
        "attempt(lambda: os.open('/usr/x', os.O_WRONLY | os.O_CREAT)),\n"
        "attempt(lambda: os.open('/x', os.O_WRONLY | os.O_CREAT)),\n"
        "attempt(lambda: os.open('/etc/passwd', os.O_WRONLY)),\n"
        "attempt(lambda: os.open('/opt/trainshed/relay.py', os.O_WRONLY))]"
    )
    assert found[0] == "EPERM"
    assert set(found[1:]) <= {"EROFS", "EACCES", "EPERM", "ENOENT"}, found


def test_data_are_read_only_even_for_who_owns_them(vm: VM) -> None:
    data = vm.root / "records"
    data.mkdir()
    (data / "a.csv").write_text("1")
    subprocess.run(["chown", "-R", "65534:65534", str(data)], check=os.geteuid() == 0)
    found = vm.python(
        ATTEMPT + "found = [open('/data/x/a.csv').read(), attempt(lambda: open('/data/x/a.csv', 'a')),\n"
        "attempt(lambda: os.unlink('/data/x/a.csv')), attempt(lambda: open('/data/x/b', 'w'))]",
        binds=[(str(data), "/data/x", "ro")],
    )
    assert found == ["1", "EROFS", "EROFS", "EROFS"]


def test_processes_of_the_host_are_neither_seen_nor_signalled(vm: VM) -> None:
    found = vm.python(
        ATTEMPT + "import signal\nfound = [sorted(int(n) for n in os.listdir('/proc') if n.isdigit()),\n"
        f"attempt(lambda: os.kill({os.getpid()}, 0)), attempt(lambda: os.kill(1, signal.SIGKILL)), os.getppid()]"
    )
    assert found == [[1, 2], "ESRCH", "done", 1]  # pid 1 of a namespace is not ended from within


def test_no_user_namespace_can_be_made_inside(vm: VM) -> None:
    found = vm.python(
        "import ctypes, errno\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "flags = (0x10000000, 0x20000, 0x40000000)\n"  # user, mount, network
        "found = [libc.unshare(flag) and errno.errorcode[ctypes.get_errno()] for flag in flags]"
    )
    assert found[0] in ("EPERM", "ENOSPC") and found[1:] == ["EPERM", "EPERM"]


def test_no_descriptor_comes_in_but_the_three(vm: VM) -> None:
    script = "import os\nfound = [n for n in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + n)]"
    assert sorted(vm.python(script, open=[7, 50, 200])) == ["0", "1", "2"]


def test_temporary_folders_have_a_size_and_are_gone_afterwards(vm: VM) -> None:
    limited = {**policy.plain(policy.JOB), "tmp_bytes": 1 << 20}
    script = (
        ATTEMPT + "def fill(path):\n    with open(path, 'wb', 0) as file:\n"
        "        for _ in range(3):\n            file.write(b'x' * (1 << 20))\n"
        "found = [attempt(lambda: fill(folder + '/x')) for folder in ('/tmp', '/dev/shm', os.environ['HOME'])]"
    )
    assert vm.python(script, policy=limited) == ["ENOSPC"] * 3
    assert vm.python("import os\nfound = os.listdir('/tmp') + os.listdir(os.environ['HOME'])") == []


def test_the_number_of_processes_is_limited_and_there_are_no_core_files(vm: VM) -> None:
    limited = {**policy.plain(policy.JOB), "processes": 20}
    found = vm.python(
        ATTEMPT + "import resource, time\n"
        "def fork():\n    if os.fork() == 0:\n        time.sleep(5)\n        os._exit(0)\n"
        "found = [resource.getrlimit(resource.RLIMIT_CORE), [attempt(fork) for _ in range(40)].count('EAGAIN') > 0]",
        policy=limited,
    )
    assert found == [[0, 0], True]


def test_the_environment_is_what_was_given_and_its_values_are_in_no_command_line(vm: VM) -> None:
    found = vm.python(
        "import os\nfound = [dict(os.environ), open('/proc/1/cmdline').read()]", env={"TOKEN": "hunter2 x=\n"}
    )
    assert found[0].pop("TOKEN") == "hunter2 x=\n" and "hunter2" not in found[1]
    assert set(found[0]) <= {"PATH", "HOME", "TMPDIR", "USER", "LOGNAME", "LANG", "PWD", "LC_CTYPE"}


def test_variables_of_a_job_mean_nothing_outside_its_sandbox(vm: VM) -> None:
    marker = vm.root / "ran-outside"
    evil = vm.root / "evil.sh"
    evil.write_text(f"touch {marker}\n")
    done = vm.sandboxed(["/bin/true"], env={"LD_PRELOAD": "/nope.so", "ENV": str(evil), "BASH_ENV": str(evil)})
    assert not marker.exists()
    assert done.stderr.count("ld.so") <= 2  # /nope.so is looked for inside alone


def test_the_exit_code_and_signals_come_out_as_a_shell_has_them(vm: VM) -> None:
    assert vm.sandboxed(["/bin/sh", "-c", "exit 7"]).returncode == 7
    assert vm.sandboxed(["/bin/sh", "-c", "kill -11 $$"]).returncode == 139
    missing = vm.sandboxed(["/no/such"])
    assert missing.returncode == 127 and "/no/such" in missing.stderr


def test_what_the_command_leaves_running_ends_with_it(vm: VM) -> None:
    seconds = f"300.{os.getpid()}{vm.is_root:d}"
    seen = vm.sandboxed(["/bin/sh", "-c", f"setsid sleep {seconds} & sleep 0.1; ps -eo args"]).stdout
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert f"sleep {seconds}" in seen and f"sleep {seconds}" not in listed


def test_a_network_sandbox_has_the_hosts_network_and_refuses_data(one_vm: VM) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = one_vm.python(
            f"import os, socket\nsocket.create_connection(('127.0.0.1', {port})).close()\n"
            "found = [os.path.exists('/etc/resolv.conf'), os.path.exists('/run/docker.sock'), os.path.exists('/root')]",
            policy=policy.plain(policy.BUILD),
        )
    assert done == [True, False, False]
    both = {**policy.plain(policy.BUILD), "data": True}
    assert "never both" in one_vm.sandboxed(["/bin/true"], policy=both).stderr


def test_a_relay_leads_to_the_tracking_socket(vm: VM) -> None:
    path = vm.root / "t.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        os.chmod(path, 0o777)
        process = _sandbox_in_background(vm, path)
        client, _ = server.accept()
        with client:
            got = b""
            while len(got) < 1 << 20:
                got += client.recv(1 << 20)
            client.sendall(got[::-1])
            client.shutdown(socket.SHUT_WR)
        assert process.communicate(timeout=20)[0].strip() == b"1048576 True"


def _sandbox_in_background(vm: VM, path: Path) -> subprocess.Popen[bytes]:
    import json

    from .vm import DRIVER

    talk = (
        "import socket\ns = socket.create_connection(('127.0.0.1', 5000))\n"
        "s.sendall(b'a' * (1 << 19) + b'b' * (1 << 19))\n"
        "s.shutdown(socket.SHUT_WR)\ngot = b''\n"
        "while True:\n    c = s.recv(65536)\n    if not c: break\n    got += c\nprint(len(got), got[:1] == b'b')"
    )
    spec = {"policy": policy.plain(policy.JOB), "binds": [(str(path), "/run/trainshed/tracking.sock", "ro")]}
    spec = {**spec, "env": {}, "cwd": "/", "open": [], "argv": [PYTHON, "-c", talk]}
    words = [*vm.prefix, PYTHON, "-sSE", "-c", DRIVER, str(place(vm.root))]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/")
    assert process.stdin is not None
    process.stdin.write(json.dumps(spec).encode())
    process.stdin.close()
    process.stdin = None
    return process


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the way that is refused to root")
def test_root_never_starts_bubblewrap_as_root(one_vm: VM) -> None:
    from core.agent import sandbox

    words = sandbox.command(policy.plain(policy.JOB), [], {}, "/", ["/bin/true"])
    script = words[words.index("-c") + 1]
    assert words[:2] == ["unshare", "-m"] and "setpriv --reuid 65534" in script
    assert script.index("setpriv") < script.index("bwrap ")


SYSCALLS = """
import ctypes, errno, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *words):
    ctypes.set_errno(0)
    return libc.syscall(number, *words) >= 0 and "done" or errno.errorcode[ctypes.get_errno()]
"""


@pytest.mark.skipif(confine.machine() is None, reason="no filter on this architecture")
def test_system_calls_that_no_job_needs_are_refused(vm: VM) -> None:
    here = confine.machine()
    assert here is not None
    for table, answer in ((confine.REFUSED, "EPERM"), (confine.ABSENT, "ENOSYS")):
        numbers = [numbers[here.column] for numbers in table.values()]
        found = vm.python(SYSCALLS + f"found = [call(number, 0, 0, 0, 0, 0) for number in {numbers}]")
        assert dict(zip(table, found, strict=True)) == dict.fromkeys(table, answer)


def test_sockets_are_of_the_families_that_have_a_namespace(vm: VM) -> None:
    found = vm.python(
        ATTEMPT + "def family(number, kind):\n    return attempt(lambda: socket.socket(number, kind).close())\n"
        "found = [[family(n, socket.SOCK_STREAM) for n in (1, 2, 10)] + [family(16, socket.SOCK_RAW)],\n"
        "[family(n, socket.SOCK_SEQPACKET) for n in (17, 31, 38, 40)]]"  # packet, bluetooth, alg, vsock
    )
    assert found == [["done"] * 4, ["EAFNOSUPPORT"] * 4]


def test_memory_shared_by_python_and_numpy_still_works_and_has_the_size_of_its_folder(vm: VM) -> None:
    script = (
        "import multiprocessing as mp\nfrom multiprocessing import shared_memory, heap\n"
        "block = shared_memory.SharedMemory(create=True, size=1 << 16)\n"
        "def fill(value):\n    block.buf[0] = 7\n    value.value = 8\n"
        "value = mp.Value('i', 0)\nchild = mp.get_context('fork').Process(target=fill, args=(value,))\n"
        "child.start()\nchild.join()\nfound = [block.buf[0], value.value]\nblock.close()\nblock.unlink()"
    )
    assert vm.python(script) == [7, 8]


def test_folders_that_hold_devices_take_no_files(vm: VM) -> None:
    found = vm.python(
        ATTEMPT + "def make(path):\n    open(path, 'w').close()\n"
        "found = [attempt(lambda: make(path)) for path in ('/dev/x', '/dev/pts/x', '/run/x', '/x', '/dev/shm/x')]\n"
        "open('/dev/null', 'w').write('x')\nopen('/dev/full').close()\nos.openpty()"
    )
    assert set(found[:4]) <= {"EROFS", "EACCES", "EPERM", "ENOENT"} and found[4] == "done", found


OPEN_DRIVER = """
import struct, subprocess, sys
sys.path.insert(0, sys.argv[1])
from agent import confine, sandbox
number = confine.REFUSED["keyctl"][confine.machine().column]
ask = "import ctypes; print(ctypes.CDLL(None).syscall(%d, 0, -3, 1))" % number  # KEYCTL_GET_KEYRING_ID of the session
confine._syscall(number, confine.JOIN_SESSION_KEYRING, b"outside")
confine.program = lambda here: struct.pack("=HBBI", confine.RETURN, 0, 0, confine.ALLOW)
policy = {"engine": "bwrap", "network": False, "data": False, "tmp_bytes": 1 << 20}
inside = sandbox.start(policy, [], {}, "/", [sys.executable, "-c", ask], stdout=subprocess.PIPE).communicate()[0]
print(confine._syscall(number, 0, -3, 1), inside.decode())
"""


@pytest.mark.skipif(confine.machine() is None, reason="no filter on this architecture")
def test_the_keyring_of_whoever_starts_a_sandbox_stays_outside_even_without_the_filter(vm: VM) -> None:
    words = [*vm.prefix, PYTHON, "-sSE", "-c", OPEN_DRIVER, str(place(vm.root))]
    done = subprocess.run(words, capture_output=True, text=True, cwd="/", timeout=60)
    assert done.returncode == 0, done.stderr
    outside, inside = done.stdout.split()
    if outside == "-1":
        pytest.skip("a kernel without keyrings")
    assert outside != inside
