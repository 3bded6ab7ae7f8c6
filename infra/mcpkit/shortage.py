"""What a lack of memory looks like in a Python program, and what its caller is told."""

import errno

from mcpkit.errors import ErrorCode, Fault

_RETRY_AFTER = 10.0  # seconds


def is_lack_of_memory(error: BaseException) -> bool:
    """Also where a thread cannot be started, for which there was no room."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_lack_of_memory(each) for each in error.exceptions)
    match error:
        case MemoryError():
            return True
        case RuntimeError():
            return "can't start new thread" in str(error)
        case OSError():
            return error.errno == errno.ENOMEM
    return False


def too_little_memory() -> Fault:
    return Fault(
        ErrorCode.SERVICE_UNAVAILABLE,
        "This needs more memory than this program can have now. Nothing that was stored is lost. Ask for less at a "
        "time, or try again in a moment; whoever runs the program can give it more.",
        retry_after=_RETRY_AFTER,
    )
