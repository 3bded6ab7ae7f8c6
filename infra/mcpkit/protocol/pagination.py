"""Pages of listings, behind cursors that a client only hands back."""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, PaginatedRequestParams

T = TypeVar("T")

_MARK = b"page:"


def page(items: Sequence[T], params: PaginatedRequestParams | None, size: int) -> tuple[list[T], str | None]:
    """One page of `items` and the cursor of the next.

    Raises:
        MCPError: INVALID_PARAMS, for a cursor that this listing did not give.
    """
    start = 0 if params is None or params.cursor is None else _offset(params.cursor)
    if start and start >= len(items):
        raise _bad_cursor()
    end = start + size
    return list(items[start:end]), _cursor(end) if end < len(items) else None


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(_MARK + str(offset).encode()).decode()


def _offset(cursor: str) -> int:
    try:
        decoded = base64.urlsafe_b64decode(cursor.encode("ascii"))
    except (binascii.Error, UnicodeEncodeError):
        raise _bad_cursor() from None
    digits = decoded.removeprefix(_MARK)
    if digits == decoded or not digits.isdigit() or len(digits) > 9 or _cursor(int(digits)) != cursor:
        raise _bad_cursor()
    return int(digits)


def _bad_cursor() -> MCPError:
    return MCPError(INVALID_PARAMS, "`cursor` is not one that this listing gave. Start again without a cursor.")
