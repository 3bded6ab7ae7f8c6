"""The error taxonomy: every failure that reaches a caller is a `Fault` with a code of `ErrorCode`.

Tool faults become `isError` results with this as structured content; faults of the protocol itself (unknown tool or
method, malformed request) become JSON-RPC errors with the standard's codes (`mcpkit.protocol.mapping`).
"""

from collections.abc import Mapping
from enum import Enum, StrEnum


class Category(StrEnum):
    CLIENT = "client"  # the caller can mend it
    SERVER = "server"  # the operator can
    EXTERNAL = "external"  # something that the server depends on


class ErrorCode(Enum):
    """A stable name, its number, and whose fault it is. Numbers lie outside the range that JSON-RPC reserves."""

    UNAUTHORIZED = (1001, Category.CLIENT)
    FORBIDDEN = (1002, Category.CLIENT)
    CONSENT_REQUIRED = (1003, Category.CLIENT)
    VALIDATION_ERROR = (2001, Category.CLIENT)
    INVALID_FORMAT = (2002, Category.CLIENT)
    QUERY_SYNTAX = (2003, Category.CLIENT)
    TOO_LARGE = (2004, Category.CLIENT)
    NOT_FOUND = (3001, Category.CLIENT)
    CONFLICT = (3002, Category.CLIENT)
    RATE_LIMITED = (4001, Category.CLIENT)
    INTERNAL_ERROR = (5001, Category.SERVER)
    SERVICE_UNAVAILABLE = (5002, Category.SERVER)
    TIMEOUT = (5003, Category.SERVER)
    STORAGE_FULL = (5004, Category.SERVER)
    STORAGE_DAMAGED = (5005, Category.SERVER)
    STORAGE_TOO_NEW = (5006, Category.SERVER)
    CONFIGURATION = (5007, Category.SERVER)
    SOURCE_UNAVAILABLE = (6001, Category.EXTERNAL)

    @property
    def number(self) -> int:
        return self.value[0]

    @property
    def category(self) -> Category:
        return self.value[1]


class Fault(Exception):
    """A failure that a caller is told about.

    `message` is a sentence a person can act on: what is wrong, and the remedy. Neither it nor `details` holds secrets
    or text from mail. `retry_after` is in seconds.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        details: Mapping[str, object] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details: Mapping[str, object] = dict(details or {})
        self.retry_after = retry_after

    def as_dict(self) -> dict[str, object]:
        """What is sent: `code`, `number`, `category`, `message`, and `details` and `retry_after` if there are any."""
        sent: dict[str, object] = {
            "code": self.code.name,
            "number": self.code.number,
            "category": self.code.category.value,
            "message": self.message,
        }
        if self.details:
            sent["details"] = dict(self.details)
        if self.retry_after is not None:
            sent["retry_after"] = self.retry_after
        return sent
