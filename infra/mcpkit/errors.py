"""The error taxonomy: every failure that reaches a caller is a `Fault` with a code of `ErrorCode`.

Tool faults become `isError` results with this as structured content; faults of the protocol itself (unknown tool or
method, malformed request) become JSON-RPC errors with the standard's codes (`mcpkit.protocol.mapping`).
"""

from collections.abc import Mapping
from enum import Enum, StrEnum
from pathlib import Path


class Category(StrEnum):
    CLIENT = "client"  # the caller can mend it
    SERVER = "server"  # the operator can
    EXTERNAL = "external"  # something that the server depends on


class ErrorCode(Enum):
    """A stable name, its number, whose fault it is, what it means and what helps. Numbers lie outside the range that
    JSON-RPC reserves."""

    UNAUTHORIZED = (
        1001,
        Category.CLIENT,
        "The request does not say who calls, or what it says is not valid.",
        "Send a valid API key or token.",
    )
    FORBIDDEN = (
        1002,
        Category.CLIENT,
        "The caller has no permission for this.",
        "Ask for a key or token with the scope that the error names.",
    )
    CONSENT_REQUIRED = (
        1003,
        Category.CLIENT,
        "The user has not agreed to this.",
        "Agree in the client's dialog, or run the command that the error names.",
    )
    VALIDATION_ERROR = (
        2001,
        Category.CLIENT,
        "An argument is missing, unknown or has a value that it cannot have.",
        "The error names each argument and what it may be.",
    )
    INVALID_FORMAT = (
        2002,
        Category.CLIENT,
        "An id, cursor or token is not one that this server gave.",
        "Take it from an answer, unchanged.",
    )
    QUERY_SYNTAX = (
        2003,
        Category.CLIENT,
        "The search query was not understood.",
        "The error points at the place and says what was expected.",
    )
    TOO_LARGE = (
        2004,
        Category.CLIENT,
        "What was asked for, or the answer to it, is larger than it may be.",
        "The error says what limit would do, or what to ask for instead.",
    )
    NOT_FOUND = (
        3001,
        Category.CLIENT,
        "There is nothing of that id or name that the caller may see.",
        "Search again; ids come from answers.",
    )
    CONFLICT = (
        3002,
        Category.CLIENT,
        "Another process is doing the same, or it was done meanwhile.",
        "Wait for it, and try again.",
    )
    RATE_LIMITED = (
        4001,
        Category.CLIENT,
        "The caller asked for more than their share.",
        "Wait for the seconds in `retry_after`.",
    )
    INTERNAL_ERROR = (
        5001,
        Category.SERVER,
        "An error of the program that nobody expected.",
        "Look for the error id in the server's log, and report it.",
    )
    SERVICE_UNAVAILABLE = (
        5002,
        Category.SERVER,
        "The server cannot do this now.",
        "Try again later; the server's log says what it lacks.",
    )
    TIMEOUT = (
        5003,
        Category.SERVER,
        "It took longer than it may.",
        "Ask for less: the error says how.",
    )
    STORAGE_FULL = (
        5004,
        Category.SERVER,
        "The disk is full. Nothing that was stored is lost.",
        "Make room, and try again.",
    )
    STORAGE_DAMAGED = (
        5005,
        Category.SERVER,
        "The database cannot be read.",
        "Restore it from a backup, or import again into a new one.",
    )
    STORAGE_TOO_NEW = (
        5006,
        Category.SERVER,
        "The database was written by a newer version of this program.",
        "Upgrade the program.",
    )
    CONFIGURATION = (
        5007,
        Category.SERVER,
        "A setting cannot be used.",
        "The error names each one and what it may be.",
    )
    SOURCE_UNAVAILABLE = (
        6001,
        Category.EXTERNAL,
        "What the mail comes from, or another service that is depended on, cannot be reached or read.",
        "See whether it is there, and try again.",
    )
    LOGIN_FAILED = (
        6002,
        Category.EXTERNAL,
        "A mail server, or another service that is depended on, refuses the credential that it is given.",
        "The error says why, and which command takes a new one.",
    )

    @property
    def number(self) -> int:
        return self.value[0]

    @property
    def category(self) -> Category:
        return self.value[1]

    @property
    def meaning(self) -> str:
        return self.value[2]

    @property
    def remedy(self) -> str:
        return self.value[3]


class Fault(Exception):
    """A failure that a caller is told about.

    `message` is a sentence a person can act on: what is wrong, and the remedy. Neither it nor `details` holds secrets
    or text from mail. `others` is text that others may have chosen and that helps nevertheless, such as the names that
    were perhaps meant: cleaned, and fenced in an answer. `retry_after` is in seconds.

    `message` names a file without its folder, since callers may be on another machine. `place` is the whole path, for
    the log and the command line (`told_here`).
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        details: Mapping[str, object] | None = None,
        retry_after: float | None = None,
        others: str = "",
        place: Path | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details: Mapping[str, object] = dict(details or {})
        self.retry_after = retry_after
        self.others = others
        self.place = place

    @property
    def told_here(self) -> str:
        """The message for whoever runs the server: with the folder of the file that it names."""
        return self.message if self.place is None else self.message.replace(self.place.name, str(self.place), 1)

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
