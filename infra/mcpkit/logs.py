"""Structured logging to standard error: readable on a terminal, JSON otherwise, without secrets.

Everything is logged through the standard `logging` module, by this project, the SDK and uvicorn alike, and structlog
writes it. Fields go into `extra`.
"""

import logging
import sys
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

Form = Literal["auto", "console", "json"]
Level = Literal["debug", "info", "warning", "error"]

_CHATTY = ("mcp", "uvicorn", "asyncio", "httpx2", "sse_starlette")


def set_up_logging(level: Level = "info", form: Form = "auto", stream: TextIO | None = None) -> None:
    """Replace whatever logging was set up. The libraries are heard from their warnings on, and wholly at `debug`."""
    target = stream or sys.stderr
    is_console = form == "console" or (form == "auto" and target.isatty())
    handler = _Handler(target)
    handler.setFormatter(LineFormatter(is_console, is_colourful=is_console and target.isatty()))
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
        return self._structlog.format(record)

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


def redact(logger: "WrappedLogger", method: str, event: "EventDict") -> "EventDict":
    """Hides the values of keys that are named like secrets, at any depth, and what has the form of one anywhere else:
    in the message, in fields, and in tracebacks, which are text by now."""
    from mcpkit.redaction import redact_value  # its patterns take 4 ms, which a silent server saves

    for key, value in event.items():
        if key not in ("_record", "_from_structlog"):
            event[key] = redact_value(key, value)
    return event
