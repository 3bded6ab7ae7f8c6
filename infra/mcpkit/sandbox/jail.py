"""What a child takes away from itself before it touches hostile data. Each protection is there where the system has it;
which of them hold is said, and none depends on another one."""

import ctypes
import os
import resource
import signal
import sys
import sysconfig
import time
from collections.abc import Iterable, Mapping

from mcpkit.sandbox.landlock import restrict_files
from mcpkit.sandbox.seccomp import restrict_calls

PROTECTIONS = ("memory", "cpu", "files written", "privileges", "network", "files read", "system calls")

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
_SIGKILL = 9
_PIECES_OF_CPU_TIME = 10  # that a child may use in all, whatever it does to the timer of each
_DESCRIPTORS = 64
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
_KNOWN_LIBRARIES = "/etc/ld.so.cache"
_TIME_ZONES = "/usr/share/zoneinfo"


def enter(memory: int, cpu_seconds: int) -> Mapping[str, bool]:
    """Jails this process, which has one thread. `memory` is bytes of address space beyond what it has now;
    `cpu_seconds` are of one piece of work (`start_piece`). The keys are `PROTECTIONS`."""
    held = {
        "memory": _limit(resource.RLIMIT_AS, _address_space() + memory),
        "cpu": _limit(resource.RLIMIT_CPU, cpu_seconds * _PIECES_OF_CPU_TIME),
    }
    # What libraries look at that would otherwise read the free memory from /proc, which they cannot.
    _limit(resource.RLIMIT_DATA, _address_space() + memory)
    held |= _take_rights_away()
    held["files read"] = restrict_files(_readable())
    held["system calls"] = restrict_calls()
    return _held(held)


def enter_to_execute(memory: int, cpu_seconds: int, program: str, readable: Iterable[str]) -> Mapping[str, bool]:
    """Jails this process, which is to become `program` and nothing else: it and its libraries may read the system's
    libraries and what lies beneath `readable`. `memory` is bytes of address space in all, `cpu_seconds` are of all it
    does. The keys are `PROTECTIONS`."""
    held = {
        "memory": _limit(resource.RLIMIT_AS, memory),
        "cpu": _limit(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1),  # SIGXCPU first, which says what it was
    }
    held |= _take_rights_away()
    executable = {os.path.realpath(path) for path in (program, *_LIBRARIES)}
    held["files read"] = restrict_files((*map(os.path.realpath, readable), _KNOWN_LIBRARIES), executable)
    held["system calls"] = restrict_calls(executes=True)
    return _held(held)


def _take_rights_away() -> dict[str, bool]:
    """What does not depend on the work."""
    held = {"files written": _limit(resource.RLIMIT_FSIZE, 0)}
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, _DESCRIPTORS)
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None, use_errno=True)
        held["privileges"] = libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
        held["network"] = libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC) == 0
        # After the last change of credentials, which would undo both.
        libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)  # no child outlives its parent
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    return held


def _held(held: dict[str, bool]) -> Mapping[str, bool]:
    found = {name: held.get(name, False) for name in PROTECTIONS}
    found["network"] = found["network"] or found["system calls"]  # it cannot even make a socket
    return found


def start_piece(cpu_seconds: int) -> None:
    """Ends this process with SIGPROF when it has worked for so long from now on."""
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)


def is_worn(cpu_seconds: int) -> bool:
    """Whether the next piece of work could meet the limit of all of them together."""
    return time.process_time() > cpu_seconds * (_PIECES_OF_CPU_TIME - 2)


def _limit(kind: int, value: int, most: int | None = None) -> bool:
    """macOS takes a limit of the address space, and does not keep to it."""
    if kind == resource.RLIMIT_AS and sys.platform == "darwin":
        return False
    try:
        resource.setrlimit(kind, (value, value if most is None else most))
    except (OSError, ValueError):
        return False
    return True


def _address_space() -> int:
    try:
        with open("/proc/self/statm", "rb") as figures:
            return int(figures.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _readable() -> set[str]:
    """Where Python and its packages are."""
    ours = {*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, *sys.path}
    return {os.path.realpath(path) for path in (*ours, *_LIBRARIES, _TIME_ZONES) if path}
