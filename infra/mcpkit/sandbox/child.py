"""The child: `python -m mcpkit.sandbox.child MODULE:FUNCTION MEMORY CPU_SECONDS PATH...`.

It jails itself, and then calls the function for each piece of data that comes: `function(data, options)` gives results
as bytes, which go to the parent one by one, so that what was made before an end of whatever kind is kept.
"""

import gc
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from mcpkit.sandbox import frames
from mcpkit.sandbox.jail import enter, is_worn, start_piece

Work = Callable[[bytes, dict[str, Any]], Iterator[bytes]]


def main(reference: str, memory: int, cpu_seconds: int) -> None:
    """Ends with the parent's stream, or where no memory is left."""
    module, _, name = reference.partition(":")
    work: Work = getattr(importlib.import_module(module), name)
    source, target = _take_streams()
    held = enter(memory, cpu_seconds)
    _say(target, frames.READY, json.dumps(dict(held)).encode())
    while (options := frames.read(source)) is not None:
        data = frames.read(source)
        if data is None:
            return
        start_piece(cpu_seconds)
        if not _serve(work, data[1], json.loads(options[1]), target):
            return
        start_piece(0)
        if is_worn(cpu_seconds):
            return
        del data
        gc.collect()


def _take_streams() -> tuple[BinaryIO, BinaryIO]:
    """Nothing that a library prints may get between the frames."""
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    return source, target


def _serve(work: Work, data: bytes, options: dict[str, Any], target: BinaryIO) -> bool:
    """False where the process is of no further use."""
    try:
        for result in work(data, options):
            _say(target, frames.RESULT, result)
    except MemoryError:
        _say(target, frames.NO_MEMORY, b"")
        return False
    except RecursionError:
        _say(target, frames.FAILED, b"RecursionError")
        return True
    except Exception as error:  # noqa: BLE001 - whatever hostile data leads to is told by its name alone
        _say(target, frames.FAILED, type(error).__name__.encode())
        return True
    _say(target, frames.DONE, b"")
    return True


def _say(target: BinaryIO, kind: bytes, content: bytes) -> None:
    target.write(frames.pack(kind, content))
    target.flush()


if __name__ == "__main__":
    sys.path[:0] = sys.argv[4:]
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
