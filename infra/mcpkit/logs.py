"""Structured logging to standard error: readable on a terminal, JSON otherwise, without secrets.

Everything is logged through the standard `logging` module, by this project, the SDK and uvicorn alike, and structlog
writes it. Fields go into `extra`; those of the request that is being answered (`during`) are in every line.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

Form = Literal["auto", "console", "json"]
Level = Literal["debug", "info", "warning", "error"]

_fields: ContextVar[dict[str, object] | None] = ContextVar("log_fields", default=None)
_calls = logging.getLogger("mcpkit.calls")

# Of each statement it tells twice which function runs, with addresses, and nothing of what is asked or found.
_NEVER_HEARD_OUT = ("aiosqlite",)
_CHATTY = ("mcp", "uvicorn", "asyncio", "httpx2", "sse_starlette", "opentelemetry", "urllib3")


def set_up_logging(
    level: Level = "info", form: Form = "auto", stream: TextIO | None = None, *, at_once: bool = False
) -> None:
    """Replace whatever logging was set up. The libraries are heard from their warnings on, and most of
    them wholly at `debug`. What writes a line is loaded `at_once`, or for the first line: 4 MB and 0.2 s, which a
    server has not always left when something goes wrong."""
    target = stream or sys.stderr
    is_console = form == "console" or (form == "auto" and target.isatty())
    handler = _Handler(target)
    formatter = LineFormatter(is_console, is_colourful=is_console and target.isatty())
    if at_once:
        formatter.load()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in (*_CHATTY, *_NEVER_HEARD_OUT):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        is_heard_out = level == "debug" and name not in _NEVER_HEARD_OUT
        library.setLevel(logging.DEBUG if is_heard_out else max(logging.WARNING, root.level))


def new_request_id() -> str:
    """By which the lines of one request are found."""
    return os.urandom(8).hex()


def during(fields: Mapping[str, object]) -> AbstractContextManager[None]:
    """Has every line that is logged meanwhile, here and in what is begun here, bear these fields too."""
    return _During(fields)


class _During:
    """A class, since a generator takes three times as long, twice for each request."""

    __slots__ = ("_fields", "_token")

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields

    def __enter__(self) -> None:
        self._token = _fields.set({**(_fields.get() or {}), **self._fields})

    def __exit__(self, *_: object) -> None:
        _fields.reset(self._token)


def add_field(name: str, value: object) -> None:
    """Adds to the fields of the innermost `during`, of which this is inside."""
    fields = _fields.get()
    if fields is not None:
        fields[name] = value


def log_call(outcome: Callable[[], Mapping[str, object]]) -> None:
    """One line, at info, for a call that has ended; `outcome` gives its fields, where there is to be a line. The values
    are the server's own, or cleaned: nothing is looked for in them, since on a busy server that would take as long as
    a call does."""
    if _calls.isEnabledFor(logging.INFO):
        record = _CallRecord(_calls.name, logging.INFO, "", 0, "call", None, None)
        record.__dict__.update(_fields.get() or {})
        record.__dict__.update(outcome())
        _calls.handle(record)


@lru_cache(maxsize=1024)
def without_secrets(text: str) -> str:
    """For a value of `log_call` that comes from outside, and comes again and again."""
    from mcpkit.redaction import redact_text

    return redact_text(text)


class _CallRecord(logging.LogRecord):
    """One of `log_call`."""


class _Handler(logging.StreamHandler[TextIO]):
    """One that does not answer a failure of its own with the record as it was given, on standard error."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        with suppress(Exception):  # there is nobody left to tell
            self.stream.write(f"a record of {record.name} could not be written to the log\n")


class LineFormatter(logging.Formatter):
    """structlog's, from the first record on: its import takes 0.2 s, which a server that has nothing to say saves."""

    def __init__(self, is_console: bool, is_colourful: bool) -> None:
        super().__init__()
        self._is_console = is_console
        self._is_colourful = is_colourful

    def format(self, record: logging.LogRecord) -> str:
        if isinstance(record, _CallRecord) and not self._is_console:
            return _line_of_call(record)
        for name, value in (_fields.get() or {}).items():
            record.__dict__.setdefault(name, value)
        return self._structlog.format(record)

    def load(self) -> None:
        from mcpkit import redaction  # noqa: F401 - loaded for the lines to come

        _ = self._structlog

    @cached_property
    def _structlog(self) -> logging.Formatter:
        import structlog

        last: list[Processor]
        if self._is_console:
            # Plain tracebacks: those of rich show the values of local variables, which are people's mail. As text
            # before they are written, so that they are looked through like the rest.
            plain = structlog.dev.plain_traceback
            console = structlog.dev.ConsoleRenderer(colors=self._is_colourful, exception_formatter=plain)
            last = [structlog.processors.format_exc_info, redact, console]
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


def _line_of_call(record: logging.LogRecord) -> str:
    """As structlog would write it."""
    moment = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
    line = {"event": record.msg, "level": "info", "logger": record.name, "timestamp": moment}
    fields = {name: value for name, value in record.__dict__.items() if name not in _OF_EVERY_RECORD}
    return json.dumps({**line, **fields}, ensure_ascii=False, default=str)


_OF_EVERY_RECORD = frozenset(logging.LogRecord("", 0, "", 0, "", None, None).__dict__) | {"message", "taskName"}


def redact(logger: "WrappedLogger", method: str, event: "EventDict") -> "EventDict":
    """Hides the values of keys that are named like secrets, at any depth, and what has the form of one anywhere else:
    in the message, in fields, and in tracebacks, which are text by now."""
    from mcpkit.redaction import redact_value  # its patterns take 4 ms, which a silent server saves

    for key, value in event.items():
        if key not in ("_record", "_from_structlog"):
            event[key] = redact_value(key, value)
    return event
