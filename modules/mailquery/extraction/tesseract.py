"""Letters in pictures, recognised by the program Tesseract (tesseract-ocr), in a jail like that of all readers.

It gets a picture that was decoded in another jail and made anew here, plain shades of grey, and gives text.
"""

import asyncio
import os
import re
import shutil
import subprocess
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mailquery.extraction.interfaces import Picture
from mailquery.extraction.pictures import unpacked
from mailquery.extraction.recognising import NotRecognised
from mcpkit.sandbox.children import ChildLimits, Ending
from mcpkit.sandbox.programs import run_program

_ASKED_WITHIN = 10.0  # seconds
_LIMITS = ChildLimits(memory=1024 * 1024 * 1024, cpu_seconds=30, seconds=60.0, output=1024 * 1024)
_FEW_LINES = 250_000  # pixels: of more, looking at noise as if it were letters takes long
_AS_ONE_BLOCK = ("--psm", "6")
_TRIED = 200  # pixels
_LISTED = re.compile(r'^List of available languages(?: in "(?P<folder>[^"\n]+)")?')
_DATA = "TESSDATA_PREFIX"
_LIMITED = {
    Ending.TIME: "recognising letters in a picture takes more time than it may",
    Ending.CPU: "recognising letters in a picture takes more of the processor's time than it may",
    Ending.OUTPUT: "a picture gives more text than it may",
}


@dataclass(frozen=True, slots=True)
class Installed:
    """Tesseract as it is on this machine: its path, the languages that it has, and the folder of their data, which is
    empty where it does not say."""

    program: str
    languages: tuple[str, ...]
    folder: str = ""

    def of(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Those of the languages that it has, in their order."""
        return tuple(dict.fromkeys(each for each in wanted if each in self.languages))


def find_tesseract(program: str = "tesseract") -> Installed | None:
    """None where it is not installed, or does not run."""
    path = shutil.which(program)
    if path is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - the program of that name, without a shell or anything of a stranger
            [path, "--list-langs"], capture_output=True, timeout=_ASKED_WITHIN, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = (done.stdout or done.stderr).decode("utf-8", "replace").splitlines()
    listed = next((match for line in lines if (match := _LISTED.match(line))), None)
    if listed is None:
        return None
    languages = [line.strip() for line in lines if line.strip() and not _LISTED.match(line)]
    return Installed(path, tuple(languages), listed["folder"] or "")


class Tesseract:
    """`Recogniser`. `languages` are some that are installed, by Tesseract's names, the likeliest first."""

    def __init__(self, installed: Installed, languages: Sequence[str]) -> None:
        program = os.path.realpath(installed.program)
        # OpenMP would have it spin on every core for little.
        self._environment = {"OMP_THREAD_LIMIT": "1"}
        if _DATA in os.environ:
            self._environment[_DATA] = os.environ[_DATA]
        # What its own data and libraries are beside those of the system.
        prefix = Path(program).parent.parent
        self._readable = [each for each in (installed.folder, os.environ.get(_DATA, "")) if each]
        if str(prefix) not in ("/", "/usr"):
            self._readable.append(str(prefix / "lib"))
        if not self._readable:
            self._readable.append(str(prefix / "share"))
        self._command = [program, "stdin", "stdout", "-l", "+".join(languages)]

    async def recognise(self, picture: Picture) -> str:
        try:
            data = b"P5 %d %d 255\n" % (picture.width, picture.height) + unpacked(picture)
        except ValueError as error:
            raise NotRecognised("the program that reads it has given no picture") from error
        text = await self._read(data)
        if not text.strip() and picture.width * picture.height <= _FEW_LINES:
            # It looks for the columns and pictures of a page, and finds none in a line or two.
            text = await self._read(data, *_AS_ONE_BLOCK)
        return text

    async def _read(self, data: bytes, *options: str) -> str:
        command = [*self._command, *options]
        done = await run_program(command, data, _LIMITS, readable=self._readable, environment=self._environment)
        if done.ending is not Ending.DONE:
            failed = f"the program that recognises letters has failed ({done.detail})"
            raise NotRecognised(_LIMITED.get(done.ending, failed))
        return done.results[0].decode("utf-8", "replace")


def recognises(installed: Installed, languages: Sequence[str]) -> bool:
    """Whether it works in its jail, tried on an empty page."""
    empty = Picture(_TRIED, _TRIED, zlib.compress(bytes([255]) * _TRIED * _TRIED))
    try:
        asyncio.run(Tesseract(installed, languages).recognise(empty))
    except (NotRecognised, OSError):
        return False
    return True
