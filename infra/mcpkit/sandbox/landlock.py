"""The files that a jailed process may read: the programs' own, and nobody's data. It may write none.

Linux's Landlock (landlock(7)), by its system calls: there is no kept library for it.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
# How many rights each version of the interface knows, and so can refuse: all of its file system rights.
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NEWEST = 5


def restrict_files(readable: Iterable[str], executable: Iterable[str] = ()) -> bool:
    """Lets this process read beneath `readable`, read and execute beneath `executable`, and nothing else, for good.
    What is open stays open. False where the system has no Landlock, and nothing was changed. Needs PR_SET_NO_NEW_PRIVS.
    """
    if not sys.platform.startswith("linux"):
        return False
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    version = call(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    if version < 1:
        return False
    handled = (1 << _RIGHTS[min(version, _NEWEST)]) - 1
    attributes = struct.pack("Q", handled)
    rules = call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return False
    try:
        for path in readable:
            _allow(call, rules, path, _READ_FILE)
        for path in executable:
            _allow(call, rules, path, _READ_FILE | _EXECUTE)
        return bool(call(_RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


def _allow(call: "ctypes._NamedFuncPointer", rules: int, path: str, rights: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # a path that is not there needs no rule
    try:
        rights |= _READ_DIR if os.path.isdir(path) else 0
        call(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", rights, beneath), 0)
    finally:
        os.close(beneath)
