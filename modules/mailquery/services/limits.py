"""Bounds on what one call may ask for."""

from mcpkit.errors import ErrorCode, Fault


def checked_limit(value: int, most: int, argument: str = "limit") -> int:
    """`value`, where it is from 1 to `most`. Raises `VALIDATION_ERROR`."""
    if not 1 <= value <= most:
        raise Fault(
            ErrorCode.VALIDATION_ERROR,
            f"`{argument}` must be from 1 to {most}.",
            details={"argument": argument, "minimum": 1, "maximum": most},
        )
    return value
