"""A person at a terminal: a pseudo-terminal, at which a process asks and is answered."""

import os
import pty
import select
import subprocess
import time
from collections.abc import Sequence

from end_to_end.conftest import CommandLine


class Terminal:
    """A command whose standard input and standard error are a terminal. `shown` is all that was written on it."""

    def __init__(self, mailquery: CommandLine, *arguments: str, **environment: str) -> None:
        self._here, there = pty.openpty()
        try:
            self._process = subprocess.Popen(
                mailquery.command(*arguments),
                stdin=there,
                stdout=subprocess.PIPE,
                stderr=there,
                env=mailquery.environment | environment,
                cwd=mailquery.home.parent,
                # getpass opens the controlling terminal itself.
                start_new_session=True,
                preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
            )
        finally:
            os.close(there)
        self.shown = ""

    def answer(self, question: str, line: str, seconds: float = 60.0) -> None:
        """Waits until `question` is shown, and types `line`."""
        self._read_until(question, seconds)
        self.shown += "<"
        os.write(self._here, f"{line}\n".encode())

    def interrupt(self, question: str) -> None:
        """Ctrl-C, once `question` is shown."""
        self._read_until(question, 60.0)
        os.write(self._here, b"\x03")

    def end(self, seconds: float = 60.0) -> tuple[int, str]:
        """The exit code, and standard output."""
        out, _ = self._process.communicate(timeout=seconds)
        while self._read(0.0):
            pass
        os.close(self._here)
        return self._process.returncode, out.decode()

    def _read_until(self, text: str, seconds: float) -> None:
        until = time.monotonic() + seconds
        seen = len(self.shown)
        while text not in self.shown[seen:]:
            assert time.monotonic() < until, f"{text!r} was not shown: {self.shown}"
            if not self._read(0.1):
                assert self._process.poll() is None or self._read(0.0), f"it ended: {self.shown}"

    def _read(self, seconds: float) -> bool:
        if not select.select([self._here], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._here, 65_536)
        except OSError:  # the other end is closed
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)


def asked(terminal: Terminal, *exchanges: Sequence[str]) -> tuple[int, str]:
    """Answers each question in turn, and gives what the command ends with."""
    for question, line in exchanges:
        terminal.answer(question, line)
    return terminal.end()
