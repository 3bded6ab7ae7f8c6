"""Compound files (MS-CFB), in which older office programs keep their streams, by olefile."""

import io
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mailquery.extraction.interfaces import Damaged

if TYPE_CHECKING:
    from olefile import OleFileIO

_FACTS = {
    "title": "title",
    "author": "author",
    "last changed by": "last_saved_by",
    "created": "create_time",
    "changed": "last_saved_time",
}
_NO_DATE = 1601  # the year in which its clock begins
_LARGEST_STREAM = 100 * 1024 * 1024  # bytes


class CompoundFile:
    """Raises Damaged where it is none."""

    def __init__(self, data: bytes) -> None:
        import olefile

        try:
            self._file: OleFileIO[Any] = olefile.OleFileIO(io.BytesIO(data))
            self.paths = ["/".join(path) for path in self._file.listdir()]
        except (OSError, ValueError, IndexError, RecursionError, TypeError) as error:
            raise Damaged("its container is broken") from error

    def has(self, path: str) -> bool:
        return path in self.paths

    def stream(self, path: str) -> bytes:
        """Empty where there is none. Raises Damaged."""
        if not self.has(path):
            return b""
        try:
            if self._file.get_size(path) > _LARGEST_STREAM:
                raise Damaged("a stream in it is too large")
            content: bytes = self._file.openstream(path).read()
        except (OSError, ValueError, IndexError, TypeError) as error:
            raise Damaged("a stream in it is broken") from error
        return content

    def properties(self, facts: dict[str, str]) -> None:
        """Title, author and dates, as far as they can be read."""
        try:
            found = self._file.get_metadata()
        except Exception:  # noqa: BLE001 - the library raises many things; the text does not depend on it
            return
        for fact, name in _FACTS.items():
            value = getattr(found, name, None)
            if isinstance(value, bytes):
                facts.setdefault(fact, value.decode("utf-8", "replace").strip("\x00 "))
            elif isinstance(value, datetime) and value.year > _NO_DATE:
                facts.setdefault(fact, value.isoformat())
