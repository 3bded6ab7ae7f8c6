"""Mail in .zip and .tar archives, such as Google Takeout gives. Nothing is unpacked: entries are read in place, and
their names are only ever compared and shown.
"""

import calendar
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import IO, cast

from mailquery.domain.messages import Flag, ProblemCode
from mailquery.sources.entries import Entry, file_date, read_entry
from mailquery.sources.local import Item, Progress, Settings, unreadable
from mailquery.sources.maildir import flags_of
from mailquery.sources.naming import mailbox_of_folder, mailbox_of_maildir, mailbox_of_mbox, printable
from mailquery.sources.sniffing import NOT_MAIL_FOLDERS, named_not_mail
from mailquery.sources.streams import Budget, ByteStream, CountingFile, Damaged, ExpandedStream

# A tar header that announces a name or attributes longer than this was made to fill memory.
_TAR_HEADER_LIMIT = 1 << 20
_TAR_EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_ENCRYPTED = 0x1
_BROKEN_ZIP = (
    zipfile.BadZipFile, OSError, EOFError, ValueError, LookupError, struct.error, zlib.error, NotImplementedError,
    RuntimeError, OverflowError, MemoryError,
)  # fmt: skip # zipfile checks little of what it reads; hostile files bring out all of these


def read_zip(
    file: CountingFile, size: int, path: str, root: str, settings: Settings, progress: Progress
) -> Iterator[Item]:
    """The mail of a zip file of `size` bytes at `path`. `root` is what its folder would be called."""
    budget = Budget(size)
    try:
        archive = zipfile.ZipFile(cast("IO[bytes]", file))
    except _BROKEN_ZIP as error:
        yield unreadable(path, ProblemCode.UNREADABLE, f"the zip file is cut short or damaged: {error}")
        return
    with archive:
        for info in archive.infolist():
            entry = _entry(info.filename, path, root, _zip_date(info))
            if info.is_dir() or entry is None:
                continue
            if info.flag_bits & _ENCRYPTED:
                yield unreadable(
                    entry.locator, ProblemCode.UNREADABLE, "it is encrypted; unpack the archive with its password first"
                )
                continue
            try:
                member = archive.open(info)
            except _BROKEN_ZIP as error:
                yield unreadable(entry.locator, ProblemCode.UNREADABLE, f"the entry is damaged: {error}")
                continue
            with member:
                yield from read_entry(ExpandedStream(member, budget), entry, settings, progress)


def read_tar(
    stream: ByteStream, size: int, path: str, root: str, settings: Settings, progress: Progress
) -> Iterator[Item]:
    """The mail of a tar archive, unpacked already; `size` is that of the file it came from."""
    budget = Budget(size)
    try:
        archive = tarfile.TarFile.open(fileobj=cast("IO[bytes]", stream), mode="r|", tarinfo=_BoundedTarInfo)
    except (tarfile.TarError, Damaged, ValueError, EOFError, OSError) as error:
        yield unreadable(path, ProblemCode.UNREADABLE, f"the archive is cut short or damaged: {error}")
        return
    with archive:
        while True:
            try:
                member = archive.next()
            except (tarfile.TarError, Damaged, ValueError, EOFError, OSError, LookupError, OverflowError) as error:
                yield unreadable(path, ProblemCode.UNREADABLE, f"the archive is cut short or damaged: {error}")
                return
            if member is None:
                return
            archive.members = []  # type: ignore[attr-defined]  # typeshed leaves it out; it would keep every entry's header until the end
            yield from _read_member(archive, member, budget, path, root, settings, progress)


def _read_member(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    budget: Budget,
    path: str,
    root: str,
    settings: Settings,
    progress: Progress,
) -> Iterator[Item]:
    entry = _entry(member.name, path, root, file_date(member.mtime))
    if not member.isfile() or entry is None:
        return
    if member.issparse():  # a small one can claim any size
        yield unreadable(entry.locator, ProblemCode.UNREADABLE, "a sparse file; unpack the archive first")
        return
    opened = archive.extractfile(member)
    if opened is not None:
        with opened:
            yield from read_entry(ExpandedStream(opened, budget), entry, settings, progress)


class _BoundedTarInfo(tarfile.TarInfo):
    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_BoundedTarInfo":
        info = super().frombuf(buf, encoding, errors)
        if info.type in _TAR_EXTENSIONS and info.size > _TAR_HEADER_LIMIT:
            raise Damaged("a header of it is too long")
        return info


def _zip_date(info: zipfile.ZipInfo) -> datetime | None:
    try:
        return file_date(calendar.timegm((*info.date_time, 0, 0, 0)))
    except (ValueError, OverflowError):
        return None


def _entry(name: str, path: str, root: str, date: datetime | None) -> Entry | None:
    """The entry of that name; None where the name says that it holds no mail."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    if not parts or named_not_mail(parts[-1]) or not NOT_MAIL_FOLDERS.isdisjoint(parts):
        return None
    *folders, file_name = parts
    locator = f"{path}!/{printable('/'.join(parts))}"
    if folders and folders[-1] in ("cur", "new", "tmp"):
        if folders[-1] == "tmp":
            return None
        mailbox = mailbox_of_maildir(folders[:-1])
        flags = flags_of(file_name) if folders[-1] == "cur" else Flag(0)
        return Entry(file_name, locator, mailbox, mailbox, date, flags)
    return Entry(file_name, locator, mailbox_of_mbox(parts, root), mailbox_of_folder(folders, root), date)
