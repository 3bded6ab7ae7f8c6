"""The system calls that a jailed process may make: those with which one computes, and reads files that are already
there. Everything else fails with EPERM.

A filter of Linux's seccomp (seccomp(2), filter mode), as a program of the classic BPF machine. It is written here since
the library that makes such programs (libseccomp) is not part of every system, and its Python binding is not kept.
"""

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_LOAD, _EQUALS, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
_EPERM, _ENOSYS = 1, 38
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CLONE_THREAD = 0x10000

# Name: (number on x86_64, number on aarch64). None is where the architecture has no such call.
_FREE: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67), "close": (3, 57),
    "stat": (4, None), "lstat": (6, None), "fstat": (5, 80), "newfstatat": (262, 79), "statx": (332, 291),
    "fstatfs": (138, 44), "lseek": (8, 62), "mmap": (9, 222), "munmap": (11, 215), "mprotect": (10, 226),
    "mremap": (25, 216), "madvise": (28, 233), "brk": (12, 214), "access": (21, None), "faccessat": (269, 48),
    "faccessat2": (439, 439), "readlink": (89, None), "readlinkat": (267, 78), "getdents64": (217, 61),
    "getcwd": (79, 17), "dup": (32, 23), "dup3": (292, 24), "poll": (7, None),
    "ppoll": (271, 73), "pselect6": (270, 72), "select": (23, None), "futex": (202, 98),
    "set_robust_list": (273, 99), "get_robust_list": (274, 100), "rseq": (334, 293), "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123), "membarrier": (324, 283), "exit": (60, 93), "exit_group": (231, 94),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    "restart_syscall": (219, 128), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115), "nanosleep": (35, 101), "gettimeofday": (96, 169), "time": (201, None),
    "times": (100, 153), "getrandom": (318, 278), "getpid": (39, 172), "gettid": (186, 178), "getppid": (110, 173),
    "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177), "uname": (63, 160),
    "setitimer": (38, 103), "sysinfo": (99, 179), "getrusage": (98, 165), "getrlimit": (97, 163),
}  # fmt: skip
# What one program needs beside, to become another one. It makes no process: there is one throughout.
_TO_EXECUTE: dict[str, tuple[int | None, int | None]] = {
    "execve": (59, 221), "arch_prctl": (158, None), "set_tid_address": (218, 96),
}  # fmt: skip
_OPEN = (2, None)  # flags are the second argument
_OPENAT = (257, 56)  # the third
_IOCTL, _FCNTL = (16, 29), (72, 25)  # the second
# Others can have signals sent to any process of the same user, or change what an open file is.
_IOCTLS = (0x5401, 0x541B, 0x5450, 0x5451)  # TCGETS, FIONREAD, FIONCLEX, FIOCLEX
_FCNTLS = (0, 1, 2, 3, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC
_CLONE = (56, 220)  # the first
_CLONE3 = (435, 435)
_TGKILL = (234, 131)
_PRLIMIT64 = (302, 261)  # the third is what is to be set, 0 where nothing is


@dataclass(frozen=True, slots=True)
class _Machine:
    audit: int
    column: int
    other_calls_from: int | None = None  # numbers of another calling convention of the same architecture


_MACHINES = {"x86_64": _Machine(0xC000003E, 0, 0x40000000), "aarch64": _Machine(0xC00000B7, 1)}


def restrict_calls(*, executes: bool = False) -> bool:
    """Restricts this process, for good, and all of its threads that are made from now on. False where the system has
    no such filter, and nothing was changed. One that `executes` may become another program, under the same filter.
    Needs PR_SET_NO_NEW_PRIVS."""
    machine = _MACHINES.get(platform.machine())
    if not sys.platform.startswith("linux") or machine is None:
        return False
    program = b"".join(_program(machine, {**_FREE, **_TO_EXECUTE} if executes else _FREE))
    held = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(held))
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, described, 0, 0) == 0)


def _program(machine: _Machine, free: Mapping[str, tuple[int | None, int | None]]) -> Iterator[bytes]:
    yield _do(_LOAD, _ARCHITECTURE)
    yield _do(_EQUALS, machine.audit, 1, 0)
    yield _do(_RETURN, _KILL)
    yield _do(_LOAD, _NUMBER)
    if machine.other_calls_from is not None:
        yield _do(_AT_LEAST, machine.other_calls_from, 0, 1)
        yield _do(_RETURN, _KILL)
    for numbers in free.values():
        if (number := numbers[machine.column]) is not None:
            yield _do(_EQUALS, number, 0, 1)
            yield _do(_RETURN, _ALLOW)
    yield from _without(_OPEN[machine.column], 1, _WRITES)
    yield from _without(_OPENAT[machine.column], 2, _WRITES)
    yield from _one_of(_IOCTL[machine.column], 1, _IOCTLS)
    yield from _one_of(_FCNTL[machine.column], 1, _FCNTLS)
    yield from _with(_CLONE[machine.column], 0, _CLONE_THREAD)  # a thread, and no process
    # Its flags lie in memory, where a filter cannot see them; without it, the C library takes clone.
    yield _do(_EQUALS, _CLONE3[machine.column], 0, 1)
    yield _do(_RETURN, _ERRNO | _ENOSYS)
    yield from _equal(_TGKILL[machine.column], 0, os.getpid())  # abort()
    yield from _equal(_PRLIMIT64[machine.column], 2, 0)
    yield _do(_RETURN, _ERRNO | _EPERM)


def _without(number: int | None, argument: int, bits: int) -> Iterator[bytes]:
    """Allows the call where none of the bits is set in its argument."""
    if number is not None:
        yield _do(_EQUALS, number, 0, 4)
        yield _do(_LOAD, _low(argument))
        yield _do(_ANY_BIT, bits, 0, 1)
        yield _do(_RETURN, _ERRNO | _EPERM)
        yield _do(_RETURN, _ALLOW)


def _with(number: int | None, argument: int, bit: int) -> Iterator[bytes]:
    if number is not None:
        yield _do(_EQUALS, number, 0, 4)
        yield _do(_LOAD, _low(argument))
        yield _do(_ANY_BIT, bit, 1, 0)
        yield _do(_RETURN, _ERRNO | _EPERM)
        yield _do(_RETURN, _ALLOW)


def _one_of(number: int, argument: int, values: tuple[int, ...]) -> Iterator[bytes]:
    """Allows the call where its argument, of 32 bits, is one of the values."""
    yield _do(_EQUALS, number, 0, len(values) + 3)
    yield _do(_LOAD, _low(argument))
    for place, value in enumerate(values):
        yield _do(_EQUALS, value, len(values) - place, 0)
    yield _do(_RETURN, _ERRNO | _EPERM)
    yield _do(_RETURN, _ALLOW)


def _equal(number: int | None, argument: int, value: int) -> Iterator[bytes]:
    """Allows the call where its argument, of 64 bits, is `value`."""
    if number is not None:
        yield _do(_EQUALS, number, 0, 6)
        yield _do(_LOAD, _low(argument) + 4)
        yield _do(_EQUALS, 0, 0, 3)
        yield _do(_LOAD, _low(argument))
        yield _do(_EQUALS, value, 0, 1)
        yield _do(_RETURN, _ALLOW)
        yield _do(_RETURN, _ERRNO | _EPERM)


def _low(argument: int) -> int:
    """The offset of an argument's lower half: both architectures are little-endian."""
    return 16 + 8 * argument


def _do(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, operand)
