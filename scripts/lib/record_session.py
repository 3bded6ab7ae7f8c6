"""Runs a session on the sample mailbox on a terminal of its own, and draws what was to be seen as docs/session.svg."""

import fcntl
import io
import os
import pty
import re
import struct
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from mailquery.sample import write_maildir

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "session.svg"
COLUMNS, ROWS = 108, 60
SESSION = (
    ["import", "Maildir"],
    ["search", "flight -subject:reservation", "--limit", "3"],
    ["search", "invoice is:unread"],
    ["thread", "m9tcnby3fj92k"],
)
# Redrawing of the progress bar: of each line only its last state is kept.
_REDRAWN = re.compile(r".*(?:\x1b\[2K|\r(?!$))")
_CURSOR = re.compile(r"\x1b\[(?:\?25[lh]|\d*[ABCDGK])")


def main() -> None:
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_maildir(Path("Maildir"))
        os.environ |= {"MAILQUERY_HOME": f"{folder}/archive", "TERM": "xterm-256color", "TZ": "Europe/Berlin"}
        os.environ.pop("NO_COLOR", None)
        for arguments in SESSION:
            shown = " ".join(f"'{word}'" if " " in word or ":" in word else word for word in arguments)
            console.print(Text.assemble(("$ ", "bold green"), ("mailquery ", "bold"), shown))
            console.print(Text.from_ansi(on_a_terminal([str(ROOT / ".venv" / "bin" / "mailquery"), *arguments])))
            console.print()
    svg = console.export_svg(title="mailquery", theme=DIMMED_MONOKAI)
    # Without the web fonts that it would load: a picture must not call anybody.
    PICTURE.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL), encoding="utf-8")


def on_a_terminal(command: list[str]) -> str:
    pid, descriptor = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    output = bytearray()
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # how Linux says that the other end was closed
            break
        if not piece:
            break
        output += piece
    os.waitpid(pid, 0)
    os.close(descriptor)
    lines = output.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    return _CURSOR.sub("", "\n".join(_REDRAWN.sub("", line) for line in lines)).strip("\n")


if __name__ == "__main__":
    main()
