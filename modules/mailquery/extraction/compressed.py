"""Taking files out of ZIP containers without trusting what they say of their sizes."""

import io
import zipfile
import zlib
from collections.abc import Iterator

from mailquery.extraction.interfaces import Budget, Damaged, Encrypted, LimitReached

_CHUNK = 64 * 1024


def open_zip(data: bytes) -> zipfile.ZipFile:
    """Raises Damaged."""
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, EOFError) as error:
        raise Damaged("it is no whole ZIP file") from error


def account_for(data: bytes, budget: Budget) -> None:
    """For a library that takes all of a ZIP file out by itself: what the file says of its sizes is spent beforehand.
    Where it lies, the limits of the process hold. Does nothing for a file of another kind."""
    if data.startswith(b"PK"):
        with open_zip(data) as archive:
            for entry in archive.infolist():
                budget.expand(entry.compress_size, entry.file_size)


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: Budget, most: int | None = None) -> bytes:
    """The content of an entry, which may be `most` bytes. Raises `ExtractionFailed`."""
    if entry.flag_bits & 1:
        raise Encrypted("a file in it is protected by a password")
    return b"".join(_chunks(archive, entry, budget, most))


def _chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: Budget, most: int | None) -> Iterator[bytes]:
    """Every chunk is accounted for before the next one is made. The compressed size is believed up to that of the
    container: it is where the data ends."""
    total = 0
    try:
        with archive.open(entry) as stream:
            budget.expand(max(0, entry.compress_size), 0)
            while chunk := stream.read(_CHUNK):
                total += len(chunk)
                budget.expand(0, len(chunk))
                if most is not None and total > most:
                    raise LimitReached(f"{most:,} bytes of one file inside")
                yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError, RuntimeError) as error:
        raise Damaged(f"a file in it cannot be read ({type(error).__name__})") from error
