"""Standard input and output, taken away from everything but the protocol.

Imports next to nothing, so that a program can call `take_standard_streams` before it imports anything that might print.
"""

import os
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wire:
    """Descriptors that lead to the client."""

    input: int
    output: int


def take_standard_streams() -> Wire:
    """Duplicate descriptors 0 and 1 for the protocol; 0 then reads nothing and 1 writes to standard error.

    What a library, a child process or a stray `print` writes to standard output arrives on standard error.

    Raises:
        OSError: standard input or output is closed.
    """
    wire = Wire(os.dup(0), os.dup(1))  # not inherited by child processes (PEP 446)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    if sys.stdout is not None:
        sys.stdout.flush()
    try:
        os.dup2(2, 1)
    except OSError:  # started without a standard error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        os.close(nowhere)
    sys.stdout = sys.stderr
    return wire
