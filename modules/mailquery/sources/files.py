"""One file: an mbox, a message, or a compressed file or archive of them."""

import os
from collections.abc import Iterator
from pathlib import Path

from mailquery.domain.messages import ProblemCode
from mailquery.sources.archives import read_tar, read_zip
from mailquery.sources.entries import Entry, file_date, read_entry
from mailquery.sources.local import Item, LocalSource, Progress, Settings, unreadable
from mailquery.sources.naming import mailbox_of_folder, mailbox_of_single, printable, stem
from mailquery.sources.sniffing import HEAD, Content, content_of
from mailquery.sources.streams import Budget, ByteStream, CountingFile, PlainStream, decompressed, peek


class FileSource(LocalSource):
    """`format` is what `detection` found in the file."""

    def __init__(self, path: Path, settings: Settings, kind: str) -> None:
        super().__init__(path, settings)
        self._format = kind

    @property
    def format(self) -> str:
        return self._format

    def size(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def position(self) -> int:
        return min(self._progress.position, self.size())  # a zip file's directory is read besides its entries

    def _read(self) -> Iterator[Item]:
        absolute = Path(os.path.abspath(self._path))
        return read_file(
            self._path,
            mbox_mailbox=mailbox_of_single(self._path),
            message_mailbox=mailbox_of_folder([], absolute.parent.name),
            settings=self._settings,
            progress=self._progress,
        )


def read_file(
    path: Path, *, mbox_mailbox: str, message_mailbox: str, settings: Settings, progress: Progress
) -> Iterator[Item]:
    """All mail in one regular file, archives opened."""
    locator = printable(str(path))
    try:
        file = CountingFile(path, progress.advance)
    except OSError as error:
        yield unreadable(locator, ProblemCode.UNREADABLE, error.strerror or str(error))
        return
    with file:
        status = os.stat(path)
        entry = Entry(path.name, locator, mbox_mailbox, message_mailbox, file_date(status.st_mtime))
        head, stream = peek(PlainStream(file), HEAD)
        content = content_of(head)
        if content is Content.ZIP:
            file.seek(0)
            yield from read_zip(file, status.st_size, locator, stem(path.name), settings, progress)
            return
        if content in (Content.GZIP, Content.BZIP2):
            file.seek(0)
            stream = decompressed(file, content.value, Budget(status.st_size))
            head, stream = peek(stream, HEAD)
            content = content_of(head)
        if content is Content.TAR:
            yield from read_tar(_Filled(stream), status.st_size, locator, stem(path.name), settings, progress)
        else:
            yield from read_entry(stream, entry, settings, progress)


class _Filled:
    """A stream whose reads are short at its end only, as tarfile expects."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        blocks = []
        while size and (block := self._stream.read(size)):
            blocks.append(block)
            size -= len(block)
        return b"".join(blocks)
