"""Ids as a caller writes them, taken apart or refused."""

from mailquery.domain.handles import parse_attachment_handle, parse_handle
from mcpkit.errors import ErrorCode, Fault

_KINDS = {"m": "a message id", "t": "a thread id"}


def _refused(argument: str, expected: str, text: str) -> Fault:
    given = "an attachment id" if parse_attachment_handle(text) else _KINDS.get((parse_handle(text) or ("",))[0], "")
    found = f", and this is {given}" if given else ""
    return Fault(
        ErrorCode.INVALID_FORMAT,
        f"`{argument}` must be {expected}, exactly as a search gave it{found}.",
        details={"argument": argument, "expected": expected},
    )


def message_key(text: str, argument: str = "id") -> int:
    """The key behind a message id. Raises `INVALID_FORMAT`."""
    parsed = parse_handle(text)
    if parsed is None or parsed[0] != "m":
        raise _refused(argument, "a message id (`m` and 12 characters)", text)
    return parsed[1]


def message_or_thread_key(text: str, argument: str = "id") -> tuple[str, int]:
    """("m" or "t", key). Raises `INVALID_FORMAT`."""
    parsed = parse_handle(text)
    if parsed is None:
        raise _refused(argument, "a thread id (`t` and 12 characters) or a message id (`m` and 12 characters)", text)
    return parsed


def attachment_key(text: str, argument: str = "id") -> tuple[int, str]:
    """(key of the message, number of the part). Raises `INVALID_FORMAT`."""
    parsed = parse_attachment_handle(text)
    if parsed is None:
        raise _refused(argument, "an attachment id (a message id, a hyphen and a part number)", text)
    return parsed


def not_found(what: str, argument: str = "id") -> Fault:
    """The fault for an id of the right form behind which there is nothing that the caller may see."""
    return Fault(
        ErrorCode.NOT_FOUND,
        f"There is no {what} with this id in the archive. Search again for the current ids.",
        details={"argument": argument},
    )
