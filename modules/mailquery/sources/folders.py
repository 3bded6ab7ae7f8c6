"""A folder of mail files: messages, mboxes, archives and Maildirs, as they lie. Thunderbird's profiles and Apple Mail's
folders are such trees.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailquery.domain.messages import ProblemCode
from mailquery.sources.entries import Entry, content_wanted, file_date, message_of, open_regular, read_small
from mailquery.sources.files import read_file
from mailquery.sources.interfaces import SourceMessage
from mailquery.sources.local import Item, LocalSource, Progress, Settings, unreadable
from mailquery.sources.maildir import MaildirTree, is_maildir, maildir_size, read_maildirs
from mailquery.sources.naming import mailbox_of_folder, mailbox_of_maildir, mailbox_of_mbox, printable
from mailquery.sources.sniffing import (
    HEAD,
    MAIL,
    NOT_MAIL_FOLDERS,
    PACKED,
    Content,
    named_mbox,
    named_message,
    named_not_mail,
)

_DEPTH_LIMIT = 64
_WHOLE_FILE = 256 * 1024  # a file up to this size is read at once


@dataclass(slots=True)
class _Found:
    """A file, or a Maildir, below the root; or a place that could not be looked into."""

    path: str
    parts: tuple[str, ...]  # the folders from the root on, and the name
    is_maildir: bool = False
    error: str = ""


class FolderSource(LocalSource):
    """`format` is what most likely lies in it: the kind of the first mail found."""

    def __init__(self, path: Path, settings: Settings) -> None:
        super().__init__(path, settings)
        self._format = ""
        self._size: int | None = None
        self._root = Path(os.path.abspath(path)).name

    @property
    def format(self) -> str:
        return self._format

    def size(self) -> int:
        if self._size is None:
            self._size = sum(self._size_of(found) for found in self._walk())
        return self._size

    def look(self) -> str:
        """The kind of the first mail in the folder, "" where there is none. Raises OSError where there is none and
        something could not be read."""
        unreadable_place = None
        for found in self._walk():
            if found.error:
                unreadable_place = unreadable_place or OSError(f"{printable(found.path)}: {found.error}")
                continue
            if found.is_maildir:
                kind = "maildir"
            else:
                try:
                    kind = self._kind(found)
                except OSError as error:
                    unreadable_place = unreadable_place or error
                    continue
            if kind:
                self._format = kind
                return kind
        if unreadable_place is not None:
            raise unreadable_place
        return ""

    def _kind(self, found: _Found) -> str:
        name = found.parts[-1]
        opened = open_regular(found.path)
        if opened is None:
            return ""
        descriptor, _ = opened
        try:
            head = os.read(descriptor, HEAD)
        finally:
            os.close(descriptor)
        content = content_wanted(head, name, self._settings)
        if content in MAIL:
            return content.value
        if content is Content.EMPTY:
            return "mbox" if named_mbox(name) or os.path.exists(f"{found.path}.msf") else ""
        if content in PACKED:
            items = read_file(
                Path(found.path), mbox_mailbox="", message_mailbox="", settings=self._settings, progress=Progress()
            )
            return "mbox" if any(isinstance(item, SourceMessage) for item in items) else ""
        return ""

    # --- the tree ----------------------------------------------------------------------------------------------------

    def _walk(self) -> Iterator[_Found]:
        yield from self._visit(str(self._path), (), set())

    def _visit(self, path: str, parts: tuple[str, ...], visited: set[tuple[int, int]]) -> Iterator[_Found]:
        """Files first, then folders, each sorted. A link to a folder is followed, but no folder is visited twice."""
        try:
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in visited or len(parts) > _DEPTH_LIMIT:
                return
            visited.add((status.st_dev, status.st_ino))
            files, folders = _contents(path)
        except OSError as error:
            yield _Found(path, parts, error=error.strerror or str(error))
            return
        if is_maildir(set(folders)) and self._settings.only in (None, "maildir"):
            yield _Found(path, parts, is_maildir=True)
            return
        if self._settings.only != "maildir":
            for name in files:
                yield _Found(f"{path}/{name}", (*parts, name))
        for name in _with_mail(path, folders):
            if name not in NOT_MAIL_FOLDERS and not (name == "Attachments" and "Messages" in folders):
                yield from self._visit(f"{path}/{name}", (*parts, name), visited)

    def _size_of(self, found: _Found) -> int:
        if found.error:
            return 0
        if found.is_maildir:
            return maildir_size(MaildirTree(found.path).find())
        try:
            return os.stat(found.path).st_size
        except OSError:
            return 0

    # --- reading -----------------------------------------------------------------------------------------------------

    def _read(self) -> Iterator[Item]:
        for found in self._walk():
            if found.error:
                yield unreadable(found.path, ProblemCode.UNREADABLE, found.error)
            elif found.is_maildir:
                yield from self._read_maildir(found)
            else:
                size, before = self._size_of(found), self._progress.position
                yield from self._read_file(found)
                # What was passed over counts as read, what was read twice (a zip file's directory) counts once.
                self._progress.advance(size - (self._progress.position - before))

    def _read_maildir(self, found: _Found) -> Iterator[Item]:
        name = mailbox_of_maildir(found.parts)
        tree = MaildirTree(found.path, inbox="" if name == "INBOX" else name).find()
        return read_maildirs(tree, self._settings, self._progress)

    def _read_file(self, found: _Found) -> Iterator[Item]:
        *folders, name = found.parts
        try:
            opened = open_regular(found.path)
        except FileNotFoundError:
            return  # removed since it was listed, or a link that leads nowhere
        except OSError as error:
            yield unreadable(found.path, ProblemCode.UNREADABLE, error.strerror or str(error))
            return
        if opened is None:
            return
        descriptor, status = opened
        try:
            small = status.st_size <= _WHOLE_FILE or (named_message(name) and status.st_size <= self._settings.limit)
            head, _ = read_small(descriptor, status.st_size if small else HEAD, self._settings.limit)
        except OSError as error:
            yield unreadable(found.path, ProblemCode.UNREADABLE, error.strerror or str(error))
            return
        finally:
            os.close(descriptor)
        message_mailbox = mailbox_of_folder(folders, self._root)
        if small:
            content = content_wanted(head[:HEAD], name, self._settings)
            utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
            if content in (Content.MESSAGE, Content.EMLX) and not utf16 and len(head) <= self._settings.limit:
                self._progress.advance(status.st_size)
                entry = Entry(name, printable(found.path), "", message_mailbox, file_date(status.st_mtime))
                wrapped = content is Content.EMLX
                yield message_of(head, entry, self._settings, self._progress, wrapped=wrapped)
                return
        yield from read_file(
            Path(found.path),
            mbox_mailbox=mailbox_of_mbox(found.parts, self._root),
            message_mailbox=message_mailbox,
            settings=self._settings,
            progress=self._progress,
        )


def _contents(path: str) -> tuple[list[str], list[str]]:
    """The names of the files that may hold mail, and of the folders. No file is asked for its status here."""
    files: list[str] = []
    folders: list[str] = []
    passed_over: list[str] = []
    with os.scandir(path) as entries:
        for entry in entries:
            try:
                if entry.is_dir():
                    folders.append(entry.name)
                elif named_not_mail(entry.name):
                    passed_over.append(entry.name)
                elif entry.is_file():
                    files.append(entry.name)
            except OSError:
                continue  # a link that leads in a circle
    # Thunderbird's index stands beside each of its mboxes, and says what they are whatever they are called.
    indexed = {name[:-4] for name in passed_over if name.endswith(".msf")}
    files.extend(name for name in passed_over if name in indexed)
    return sorted(files), sorted(folders)


def _with_mail(path: str, folders: list[str]) -> list[str]:
    """Of Thunderbird's profile only the folders with mail: the rest is settings and caches."""
    mail = [name for name in folders if name in ("Mail", "ImapMail")]
    return mail if mail and os.path.exists(f"{path}/prefs.js") else folders
