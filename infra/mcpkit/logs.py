"""Structured logging to standard error: readable on a terminal, JSON otherwise, without secrets.

Everything arrives through the standard `logging` module, that of the SDK and of uvicorn too, and structlog writes it.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Literal, TextIO

import structlog
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
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_preparing(), processors=_writing(is_console, target))
    )
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
    structlog.configure(
        processors=[*_preparing(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
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


def _preparing() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _writing(is_console: bool, target: TextIO) -> list[Processor]:
    remove_meta: Processor = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if is_console:
        # Plain tracebacks: those of rich show the values of local variables, which are people's mail.
        renderer = structlog.dev.ConsoleRenderer(
            colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        )
        return [remove_meta, redact, renderer]
    return [
        remove_meta,
        structlog.processors.format_exc_info,
        redact,
        structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
    ]
