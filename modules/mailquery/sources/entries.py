"""Reads one file or one entry of an archive, whatever kind of mail it turns out to be."""

import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mailquery.domain.mailboxes import Placement
from mailquery.domain.messages import Flag, Problem, ProblemCode
from mailquery.sources import emlx
from mailquery.sources.interfaces import SourceMessage
from mailquery.sources.local import Item, Progress, Settings, unreadable
from mailquery.sources.mbox import read_mbox
from mailquery.sources.sniffing import (
    HEAD,
    PACKED,
    Content,
    content_of,
    expected_not_mail,
    foreign,
    is_utf16,
    named_mbox,
    named_message,
)
from mailquery.sources.streams import ByteStream, Utf8Stream, peek, read_up_to

_FROM_LINE = re.compile(rb"\A(?:\xef\xbb\xbf)?>?From [^\n]*\n")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or an entry: its name, where it is, and what its messages' mailbox is if it is an mbox, or is not."""

    name: str
    locator: str
    mbox_mailbox: str
    message_mailbox: str
    date: datetime | None = None
    flags: Flag | None = None
    size: int | None = None


def file_date(timestamp: float) -> datetime | None:
    """A file's time, or None where it says nothing: before there were such files, or in the future."""
    if not 315_532_800 < timestamp < time.time() + 86_400:  # 1980: the beginning of time in zip files
        return None
    return datetime.fromtimestamp(int(timestamp), UTC)


def content_wanted(head: bytes, name: str, settings: Settings) -> Content:
    """What the file is read as: what it is, unless the user insists on a format."""
    found = content_of(head)
    if found is Content.EMPTY or (not settings.insist and (found is Content.FOREIGN or found in PACKED)):
        return found
    if settings.only == "eml":
        return Content.MESSAGE
    if settings.only == "mbox":
        return Content.MBOX if settings.insist or found is Content.MBOX or named_mbox(name) else Content.OTHER
    if settings.only == "emlx":
        return found if found is Content.EMLX else Content.OTHER
    if found is Content.OTHER and named_message(name):
        return Content.MESSAGE  # whatever is wrong with it, a message is what it was meant to be
    if found is Content.OTHER and named_mbox(name):
        return Content.MBOX
    return found


def read_entry(stream: ByteStream, entry: Entry, settings: Settings, progress: Progress) -> Iterator[Item]:
    """The messages of `stream`. What is no mail is reported unless its name made that likely."""
    head, stream = peek(stream, HEAD)
    content = content_wanted(head, entry.name, settings)
    if is_utf16(head):
        stream = Utf8Stream(stream)
    if content is Content.MBOX:
        yield from read_mbox(stream, entry.locator, settings.mailbox or entry.mbox_mailbox, settings, progress)
    elif content in (Content.MESSAGE, Content.EMLX):
        data, more, damage = read_up_to(stream, settings.limit)
        yield message_of(data, entry, settings, progress, wrapped=content is Content.EMLX, more=more, cut=bool(damage))
        if damage is not None:
            yield unreadable(entry.locator, ProblemCode.UNREADABLE, str(damage))
    elif content is Content.EMPTY:
        # Reading again brings out why there was nothing: the end, or damage at the very beginning.
        _, _, damage = read_up_to(stream, 1)
        if damage is not None:
            yield unreadable(entry.locator, ProblemCode.UNREADABLE, str(damage))
        elif named_message(entry.name):
            yield unreadable(entry.locator, ProblemCode.NOT_MAIL, "an empty file")
    elif content in PACKED:
        yield unreadable(entry.locator, ProblemCode.NOT_MAIL, "an archive inside an archive; unpack it first")
    elif content is Content.FOREIGN:
        yield unreadable(entry.locator, ProblemCode.NOT_MAIL, foreign(head))
    elif not expected_not_mail(entry.name) and settings.only is None:
        yield unreadable(entry.locator, ProblemCode.NOT_MAIL, "neither a message nor an mbox")


def message_of(
    data: bytes,
    entry: Entry,
    settings: Settings,
    progress: Progress,
    *,
    wrapped: bool = False,
    more: bool = False,
    cut: bool = False,
) -> SourceMessage:
    """The message that a whole file is. `wrapped`: it is an .emlx."""
    flags, date = entry.flags, entry.date
    problems: tuple[Problem, ...] = ()
    if more:
        problems = (Problem(ProblemCode.TOO_LARGE, f"more than {settings.limit} bytes; the rest was left out"),)
    elif cut:
        problems = (Problem(ProblemCode.TRUNCATED, "the file ends inside this message"),)
    if wrapped and (inner := emlx.unwrap(data, partial=".partial." in entry.name.lower())) is not None:
        data, flags, date = inner.raw, inner.flags, inner.received or date
        problems = problems or inner.problems
    elif data.startswith((b"From ", b">From ", b"\xef\xbb\xbf")):
        data = _FROM_LINE.sub(b"", data).removeprefix(b"\xef\xbb\xbf")
    mailbox = progress.fills(settings.mailbox or entry.message_mailbox)
    return SourceMessage(data, (Placement(mailbox, flags, entry.locator),), date, "", problems)


def open_regular(path: str | Path) -> tuple[int, os.stat_result] | None:
    """A file descriptor and the file's status; None for what is no regular file. Never waits for a FIFO's writer.

    Raises OSError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode):
        return descriptor, status
    os.close(descriptor)
    return None


def read_small(descriptor: int, size: int, limit: int) -> tuple[bytes, bool]:
    """A file's bytes up to `limit`, and whether there were more. Raises OSError."""
    data = os.read(descriptor, min(size, limit) + 1)
    if len(data) <= min(size, limit) and (len(data) >= size or not data):
        return data, False
    blocks = [data]
    length = len(data)
    while length <= limit and (block := os.read(descriptor, min(limit + 1 - length, 1 << 20))):
        blocks.append(block)
        length += len(block)
    return b"".join(blocks)[:limit], length > limit
