"""What a sandbox's processes may ask of the kernel beside files: a filter of system calls, and their own keyring.

The filter is classic BPF over struct seccomp_data (seccomp(2)), given to bubblewrap by `--seccomp FD`.
Keys belong to no namespace (keyrings(7)): without a session keyring of its own, a sandbox could leave in
the shared one what another reads.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from typing import Dict, List, NamedTuple, Optional, Tuple

from . import memory

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, …|JGE|K, BPF_RET|K
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000  # SECCOMP_RET_…
NUMBER, ARCH, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data; the low half of args[0], little-endian
X32 = 0x40000000  # the x32 system calls of x86_64 carry this bit
FAMILIES = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
NICE, OOM_SCORE = 10, 500
JOIN_SESSION_KEYRING = 1  # keyctl(2)

# Refused with EPERM: name -> (x86_64, aarch64), from asm/unistd_64.h and asm-generic/unistd.h.
REFUSED = {
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "perf_event_open": (298, 241),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "pidfd_getfd": (438, 438),
}
# Answered with ENOSYS, as by a kernel without them: memory that no folder's size limits and, unmapped, no process
# shows. Libraries then use /dev/shm or /tmp, which have a size.
ABSENT = {"memfd_create": (319, 279), "memfd_secret": (447, 447)}
SOCKETS = {"socket": (41, 198), "socketpair": (53, 199)}


class Machine(NamedTuple):
    arch: int  # AUDIT_ARCH_…
    column: int  # in the tables above


MACHINES: Dict[str, Machine] = {"x86_64": Machine(0xC000003E, 0), "aarch64": Machine(0xC00000B7, 1)}

_libc = ctypes.PyDLL(None, use_errno=True)  # PyDLL: the child of a fork of threads takes no lock
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long


def machine() -> Optional[Machine]:
    """This one, or None where its numbers are not known here: then there is no filter."""
    return MACHINES.get(os.uname().machine) if sys.maxsize > 1 << 32 else None


def lacking() -> str:
    """What a sandbox of this machine goes without, or ""."""
    return "" if machine() else "no filter of system calls on this architecture (%s)" % os.uname().machine


def program(here: Machine) -> bytes:
    """The filter: struct sock_filter, one after another."""
    lines: List[Tuple[int, int, int, int]] = [(LOAD, 0, 0, ARCH), (JUMP_EQUAL, 1, 0, here.arch), (RETURN, 0, 0, KILL)]
    lines.append((LOAD, 0, 0, NUMBER))
    if here.column == 0:
        lines += [(JUMP_AT_LEAST, 0, 1, X32), _error(errno.EPERM)]
    for table, answer in ((REFUSED, errno.EPERM), (ABSENT, errno.ENOSYS)):
        for numbers in table.values():
            lines += [(JUMP_EQUAL, 0, 1, numbers[here.column]), _error(answer)]
    first, second = (numbers[here.column] for numbers in SOCKETS.values())
    lines += [(JUMP_EQUAL, 2, 0, first), (JUMP_EQUAL, 1, 0, second), (RETURN, 0, 0, ALLOW)]
    lines.append((LOAD, 0, 0, FIRST_ARGUMENT))
    for family in FAMILIES:
        lines += [(JUMP_EQUAL, 0, 1, family), (RETURN, 0, 0, ALLOW)]
    lines.append(_error(errno.EAFNOSUPPORT))
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _error(number: int) -> Tuple[int, int, int, int]:
    return RETURN, 0, 0, ERRNO | number


def own_keyring() -> None:
    """An anonymous session keyring for this process and what it starts (keyctl(2)); called between fork and exec.

    Raises OSError where the kernel has keyrings and gives none. A kernel without them, or one that refuses
    them, is accepted: the filter refuses every use of a key.
    """
    here = machine()
    if here is None:
        return
    if _syscall(REFUSED["keyctl"][here.column], JOIN_SESSION_KEYRING, None) < 0:
        number = ctypes.get_errno()
        if number not in (errno.ENOSYS, errno.EPERM):
            raise OSError(number, os.strerror(number))


def in_background() -> None:
    """`own_keyring`, and: what starves the machine does not starve the agent, and is killed before it (proc(5))."""
    own_keyring()
    os.nice(NICE)
    memory.dumpable(True)  # where data were staged nobody but root may write there
    with open("/proc/self/oom_score_adj", "wb", 0) as file:
        file.write(b"%d" % OOM_SCORE)
