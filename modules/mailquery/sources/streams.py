"""Bytes from files, compressed or not: read forwards, counted, and with one error for every kind of damage."""

import bz2
import codecs
import gzip
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol, cast

# Mail shrinks to a tenth, seldom to a fiftieth. What grows more than this was made to fill memory, disk or time.
EXPANSION_LIMIT = 200
EXPANSION_ALWAYS = 256 * 1024 * 1024


class Damaged(Exception):
    """The bytes end or break off here: cut short, a wrong checksum, an I/O error."""


class ByteStream(Protocol):
    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, and at least one unless the end is reached. Raises Damaged."""
        ...


class CountingFile(io.RawIOBase):
    """A file that tells how much of it was read, for a progress bar that works for compressed files too."""

    def __init__(self, path: Path, advance: Callable[[int], None]) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self._advance = advance

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        count = self._file.readinto(buffer)  # type: ignore[arg-type]  # RawIOBase's buffer type has no public name
        self._advance(count or 0)
        return count or 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self._advance(len(data))
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


class PlainStream:
    def __init__(self, file: CountingFile) -> None:
        self._file = file

    def read(self, size: int, /) -> bytes:
        try:
            return self._file.read(size)
        except OSError as error:
            raise Damaged(error.strerror or str(error)) from error


class Budget:
    """How many bytes may still come out of a compressed file of `size` bytes, all its entries together."""

    def __init__(self, size: int) -> None:
        self._left = max(EXPANSION_ALWAYS, EXPANSION_LIMIT * size)

    def spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise Damaged(f"it expands to more than {EXPANSION_LIMIT} times its size; unpack it and import the parts")


class ExpandedStream:
    """What a decompressor or an archive gives out. `read1` hands over all that was read before the damage."""

    def __init__(self, file: IO[bytes], budget: Budget) -> None:
        self._file = cast("io.BufferedIOBase", file)
        self._budget = budget

    def read(self, size: int, /) -> bytes:
        try:
            data = self._file.read1(size)
        except (EOFError, zlib.error) as error:
            raise Damaged(f"compressed data is cut short or damaged: {error}") from error
        except Damaged:
            raise
        except Exception as error:
            # zipfile and tarfile raise many kinds (BadZipFile, ReadError, NotImplementedError, struct.error, ...) for
            # hostile input, and all of them mean the same here.
            raise Damaged(f"compressed data is damaged: {error}") from error
        self._budget.spend(len(data))
        return data


def decompressed(file: CountingFile, method: str, budget: Budget) -> ByteStream:
    """The contents of a gzip or bzip2 file ("gzip", "bzip2")."""
    unpacked = gzip.GzipFile(fileobj=file) if method == "gzip" else bz2.BZ2File(file)
    return ExpandedStream(cast("IO[bytes]", unpacked), budget)


class ResumedStream:
    """A stream of which `head` was already read."""

    def __init__(self, head: bytes, rest: ByteStream) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        if self._head:
            given, self._head = self._head[:size], self._head[size:]
            return given
        return self._rest.read(size)


class Utf8Stream:
    """A UTF-16 file as UTF-8: what a shell's redirection on Windows makes of a mail file."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")

    def read(self, size: int, /) -> bytes:
        while True:
            data = self._stream.read(size)
            text = self._decoder.decode(data, final=not data).encode("utf-8", "replace")
            if text or not data:
                return text


def peek(stream: ByteStream, size: int) -> tuple[bytes, ByteStream]:
    """The first `size` bytes, or all if there are fewer, and the stream from its start again."""
    head = b""
    while len(head) < size:
        try:
            block = stream.read(size - len(head))
        except Damaged as damage:
            return head, ResumedStream(head, BrokenStream(damage))
        if not block:
            break
        head += block
    return head, ResumedStream(head, stream)


class BrokenStream:
    """A stream that ends in damage at once."""

    def __init__(self, damage: Damaged) -> None:
        self._damage = damage

    def read(self, _size: int, /) -> bytes:
        raise self._damage


def read_up_to(stream: ByteStream, limit: int) -> tuple[bytes, bool, Damaged | None]:
    """At most `limit` bytes, whether there were more, and the damage that ended them."""
    blocks = []
    left = limit + 1
    try:
        while left and (block := stream.read(min(left, 1 << 20))):
            blocks.append(block)
            left -= len(block)
    except Damaged as damage:
        return b"".join(blocks)[:limit], False, damage
    return b"".join(blocks)[:limit], left == 0, None
