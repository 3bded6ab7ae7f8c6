"""Structured logging to standard error: readable on a terminal, JSON otherwise, without secrets.

Everything is logged through the standard `logging` module, by this project, the SDK and uvicorn alike, and structlog
writes it. Fields go into `extra`.
"""

import logging
import re
import sys
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

Form = Literal["auto", "console", "json"]
Level = Literal["debug", "info", "warning", "error"]

HIDDEN = "[hidden]"

_SECRET = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|api_?key|private_?key|credential|authori[sz]ation|cookie|bearer",
    re.IGNORECASE,
)
_SECRET_IN_TEXT = re.compile(
    r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}|\b(password|passwd|secret|token|api[_-]?key)(\s*[=:]\s*)\S+"
)
_CHATTY = ("mcp", "uvicorn", "asyncio", "httpx2", "sse_starlette")


def set_up_logging(level: Level = "info", form: Form = "auto", stream: TextIO | None = None) -> None:
    """Replace whatever logging was set up. The libraries are heard from their warnings on, and wholly at `debug`."""
    target = stream or sys.stderr
    is_console = form == "console" or (form == "auto" and target.isatty())
    handler = logging.StreamHandler(target)
    handler.setFormatter(_Formatter(is_console, is_colourful=is_console and target.isatty()))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _CHATTY:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(logging.DEBUG if level == "debug" else max(logging.WARNING, root.level))


class _Formatter(logging.Formatter):
    """structlog's, from the first record on: its import takes 0.2 s, which a server that has nothing to say saves."""

    def __init__(self, is_console: bool, is_colourful: bool) -> None:
        super().__init__()
        self._is_console = is_console
        self._is_colourful = is_colourful

    def format(self, record: logging.LogRecord) -> str:
        return self._structlog.format(record)

    @cached_property
    def _structlog(self) -> logging.Formatter:
        import structlog

        last: list[Processor]
        if self._is_console:
            # Plain tracebacks: those of rich show the values of local variables, which are people's mail.
            plain = structlog.dev.plain_traceback
            last = [redact, structlog.dev.ConsoleRenderer(colors=self._is_colourful, exception_formatter=plain)]
        else:
            json = structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
            last = [structlog.processors.format_exc_info, redact, json]
        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )


def redact(logger: "WrappedLogger", method: str, event: "EventDict") -> "EventDict":
    """Hides the values of keys that are named like secrets, at any depth, and what looks like one in the message."""
    for key, value in event.items():
        if key not in ("_record", "_from_structlog", "exc_info"):
            event[key] = _redacted(key, value)
    return event


def is_secret(key: str) -> bool:
    return _SECRET.search(key) is not None


def _redacted(key: str, value: object) -> object:
    if is_secret(key) and value not in (None, ""):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(inner): _redacted(str(inner), kept) for inner, kept in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(key, kept) for kept in value]
    if isinstance(value, str):
        return _SECRET_IN_TEXT.sub(_hide_match, value)
    return value


def _hide_match(match: re.Match[str]) -> str:
    scheme, name, separator = match.groups()
    return f"{scheme} {HIDDEN}" if scheme else f"{name}{separator}{HIDDEN}"
