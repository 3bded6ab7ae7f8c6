"""Single files, compressed: gzip (RFC 1952), bzip2 and xz."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator

from mailquery.domain.extraction import Section
from mailquery.extraction.interfaces import Budget, Damaged, Inner
from mailquery.extraction.nested import read_inner

_CHUNK = 64 * 1024
_XZ_MEMORY = 128 * 1024 * 1024  # bytes: what xz may take for its dictionary


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del facts
    content = b"".join(_expanded(data, budget))
    yield from read_inner(content, "content", budget, inner)


def _expanded(data: bytes, budget: Budget) -> Iterator[bytes]:
    """Several streams may follow each other in one file."""
    budget.expand(len(data), 0)
    rest = data
    while rest:
        begin = _decompressor(rest)
        if begin is None:
            return  # padding, or something else behind the end
        try:
            stream = begin()
            pending = rest
            while not stream.eof:
                part = stream.decompress(pending, _CHUNK)
                pending = getattr(stream, "unconsumed_tail", b"")
                budget.expand(0, len(part))
                yield part
                if not part and not pending and not stream.eof:
                    raise Damaged("its compressed data ends too soon")
        except (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError) as error:
            raise Damaged("its compressed data is broken") from error
        rest = stream.unused_data


def _decompressor(data: bytes) -> Callable[[], "zlib._Decompress | bz2.BZ2Decompressor | lzma.LZMADecompressor"] | None:
    if data.startswith(b"\x1f\x8b"):
        return lambda: zlib.decompressobj(wbits=31)
    if data.startswith(b"BZh"):
        return bz2.BZ2Decompressor
    if data.startswith(b"\xfd7zXZ\x00"):
        return lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
    return None
