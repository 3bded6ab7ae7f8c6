"""Secrets and mail that the tests plant wherever the product holds such things, and a watch over what gets logged.

Whatever the tests of a run log, in this process (in the form in which the product would write it) or on the standard
error of a process that they start, is looked through for what is planted here.
"""

import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from mcpkit.logs import LineFormatter

API_KEY = "mq_planted7Q.x9Hf3kTz2LrVbN8wYc"
PASSWORD = "planted-Pa55-word-quince"
TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.cGxhbnRlZC1zaWduYXR1cmU"
MASTER_KEY = "cGxhbnRlZC1tYXN0ZXIta2V5LTAxMjM0NTY3ODlhYiE="
COOKIE = "session=planted-cookie-4471"
MAIL_TEXT = "planted mail text, and the safe opens with 8841"

PLANTED: Mapping[str, str] = {
    "an API key": API_KEY,
    "a password": PASSWORD,
    "a token": TOKEN,
    "the master key": MASTER_KEY,
    "a cookie": COOKIE,
    "text of a mail": MAIL_TEXT,
}
SETTINGS: Mapping[str, str] = {"MAILQUERY_MASTER_KEY": MASTER_KEY, "MAILQUERY_MEANING__API_KEY": API_KEY}
# What an error text may hold that the product did not write: a library's, with all that it was given.
ERROR_TEXT = (
    f"login at imap://ana:{PASSWORD}@mail.example failed; Authorization: Bearer {TOKEN}; Cookie: {COOKIE}\n"
    f"api_key={API_KEY} master_key={MASTER_KEY}"
)


class Watch:
    def __init__(self, planted: Mapping[str, str] = PLANTED) -> None:
        self._planted = planted
        self._formatter = LineFormatter(is_console=False, is_colourful=False)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the watch
        self._leaks: list[str] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Looks through every record that a logger takes, and standard error of every process that is started, where
        the test does not keep that for itself."""
        call_handlers, start, communicate = (
            logging.Logger.callHandlers,
            subprocess.Popen.__init__,
            subprocess.Popen.communicate,
        )

        def watched_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
            with suppress(TypeError, ValueError):  # a record that does not fit its message is not written at all
                self.look(self._formatter.format(record), f"the log ({record.name})")
            call_handlers(logger, record)

        def watched_start(process: Any, *arguments: Any, **options: Any) -> None:
            if len(arguments) < 6 and options.get("stderr") in (None, subprocess.DEVNULL, sys.stderr, sys.__stderr__):
                options["stderr"] = self._errors
            start(process, *arguments, **options)

        def watched_communicate(process: Any, *arguments: Any, **options: Any) -> Any:
            out, errors = communicate(process, *arguments, **options)
            if errors:
                text = errors if isinstance(errors, str) else errors.decode(errors="replace")
                self.look(text, "standard error of a process")
            return out, errors

        logging.Logger.callHandlers = watched_handlers  # type: ignore[method-assign, assignment]
        subprocess.Popen.__init__ = watched_start  # type: ignore[assignment]
        subprocess.Popen.communicate = watched_communicate  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign]
            subprocess.Popen.__init__ = start  # type: ignore[method-assign]
            subprocess.Popen.communicate = communicate  # type: ignore[method-assign]

    def close(self) -> None:
        self._errors.close()

    def look(self, text: str, where: str) -> None:
        for what, value in self._planted.items():
            if value in text:
                at = text.index(value)
                self._leaks.append(f"{what} in {where}: ...{text[max(0, at - 200) : at]}")

    def leaks(self) -> list[str]:
        """Those found since this was asked for the last time."""
        end = os.fstat(self._errors.fileno()).st_size
        if end:
            text = os.pread(self._errors.fileno(), end, 0).decode(errors="replace")
            os.ftruncate(self._errors.fileno(), 0)
            os.lseek(self._errors.fileno(), 0, os.SEEK_SET)
            self.look(text, "standard error of a process")
        found, self._leaks = self._leaks, []
        return found
