"""Maildir, and its folders: Maildir++ (`.A.B` beside the inbox) and nested ones (Dovecot's LAYOUT=fs).

https://cr.yp.to/proto/maildir.html and https://www.courier-mta.org/imap/README.maildirquota.html
"""

import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mailquery.domain.messages import Flag, ProblemCode
from mailquery.sources.entries import Entry, file_date, message_of, open_regular, read_small
from mailquery.sources.local import Item, LocalSource, Progress, Settings, unreadable
from mailquery.sources.naming import maildir_name, printable

_DEPTH_LIMIT = 64
# ":" is what the specification says; "!" and ";" are used where a file system forbids it.
_INFO = re.compile(r"[:;!]2,([A-Za-z]*)[^:;!]*\Z")
_UNIQUE = re.compile(r"\A[^:;!]*")
_SIZE_IN_NAME = re.compile(r",S=(\d{1,12})(?:[,:;!]|\Z)")
_FLAGS = {
    "D": Flag.DRAFT,
    "F": Flag.FLAGGED,
    "P": Flag.FORWARDED,
    "R": Flag.ANSWERED,
    "S": Flag.SEEN,
    "T": Flag.DELETED,
}
_PARTS = frozenset({"cur", "new", "tmp"})


def flags_of(name: str) -> Flag:
    """The flags in a file name; lower-case letters are Dovecot's keywords and are left out."""
    flags = Flag(0)
    if (info := _INFO.search(name)) is not None:
        for letter in info[1]:
            flags |= _FLAGS.get(letter, Flag(0))
    return flags


def is_maildir(folders: set[str]) -> bool:
    """Whether a directory with these subdirectories is a Maildir."""
    return "cur" in folders and ("new" in folders or "tmp" in folders)


def subfolders(path: str) -> list[str]:
    """The names of the directories in `path`, sorted. Raises OSError."""
    with os.scandir(path) as entries:
        return sorted(entry.name for entry in entries if _is_directory(entry))


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


@dataclass(slots=True)
class MaildirTree:
    """A Maildir with its folders, each as (directory, mailbox). `inbox` is the root's mailbox name, "" for INBOX."""

    root: str
    inbox: str = ""
    folders: list[tuple[str, str]] = field(default_factory=list)
    unreadable: list[Item] = field(default_factory=list)

    def find(self) -> "MaildirTree":
        self._visit(self.root, (), set())
        return self

    def _visit(self, path: str, names: tuple[str, ...], visited: set[tuple[int, int]]) -> None:
        try:
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in visited or len(names) > _DEPTH_LIMIT:
                return
            visited.add((status.st_dev, status.st_ino))
            inside = subfolders(path)
        except OSError as error:
            self.unreadable.append(unreadable(path, ProblemCode.UNREADABLE, error.strerror or str(error)))
            return
        if "cur" in inside or "new" in inside:
            self.folders.append((path, self._mailbox(names)))
        for name in inside:
            if name not in _PARTS:
                self._visit(f"{path}/{name}", (*names, name), visited)

    def _mailbox(self, names: tuple[str, ...]) -> str:
        if not self.inbox:
            return maildir_name(names)
        return f"{self.inbox}/{maildir_name(names)}" if names else self.inbox


class MaildirSource(LocalSource):
    format = "maildir"

    def __init__(self, path: Path, settings: Settings) -> None:
        super().__init__(path, settings)
        self._size: int | None = None

    def size(self) -> int:
        if self._size is None:
            self._size = maildir_size(MaildirTree(str(self._path)).find())
        return self._size

    def _read(self) -> Iterator[Item]:
        return read_maildirs(MaildirTree(str(self._path)).find(), self._settings, self._progress)


def maildir_size(tree: MaildirTree) -> int:
    """The bytes of all messages; Dovecot and Courier write a message's into its name, others are asked for."""
    total = 0
    for folder, _ in tree.folders:
        for part in ("new", "cur"):
            try:
                with os.scandir(f"{folder}/{part}") as entries:
                    for entry in entries:
                        if (match := _SIZE_IN_NAME.search(entry.name)) is not None:
                            total += int(match[1])
                        else:
                            total += _size_of(entry)
            except OSError:
                continue
    return total


def _size_of(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_size if entry.is_file() else 0
    except OSError:
        return 0


def read_maildirs(tree: MaildirTree, settings: Settings, progress: Progress) -> Iterator[Item]:
    yield from tree.unreadable
    for folder, mailbox in tree.folders:
        progress.fills(settings.mailbox or mailbox)
        yield from _Folder(folder, settings.mailbox or mailbox, settings, progress).read()


class _Folder:
    """One Maildir: a directory with `new` and `cur`. Another program may deliver to it and change flags meanwhile."""

    def __init__(self, path: str, mailbox: str, settings: Settings, progress: Progress) -> None:
        self._path = path
        self._mailbox = mailbox
        self._settings = settings
        self._progress = progress
        self._moved: dict[str, str] | None = None  # unique name -> path, as of the last look

    def read(self) -> Iterator[Item]:
        # `new` first: what moves to `cur` in between is then read twice at worst, and never missed.
        for part in ("new", "cur"):
            directory = f"{self._path}/{part}"
            try:
                names = sorted(name for name in os.listdir(directory) if not name.startswith("."))
            except FileNotFoundError:
                continue
            except OSError as error:
                yield unreadable(directory, ProblemCode.UNREADABLE, error.strerror or str(error))
                continue
            for name in names:
                if (item := self._file(f"{directory}/{name}", name)) is not None:
                    yield item

    def _file(self, path: str, name: str) -> Item | None:
        try:
            opened = open_regular(path)
        except FileNotFoundError:
            return self._followed(name)
        except OSError as error:
            return unreadable(path, ProblemCode.UNREADABLE, error.strerror or str(error))
        if opened is None:
            return None
        descriptor, status = opened
        try:
            data, more = read_small(descriptor, status.st_size, self._settings.limit)
        except OSError as error:
            return unreadable(path, ProblemCode.UNREADABLE, error.strerror or os.strerror(errno.EIO))
        finally:
            os.close(descriptor)
        self._progress.advance(status.st_size)
        locator = printable(path)
        if not data:
            return unreadable(path, ProblemCode.NOT_MAIL, "an empty file")
        entry = Entry(name, locator, self._mailbox, self._mailbox, file_date(status.st_mtime), self._flags(path, name))
        return message_of(data, entry, self._settings, self._progress, more=more)

    @staticmethod
    def _flags(path: str, name: str) -> Flag:
        return flags_of(name) if path.endswith(f"/cur/{name}") else Flag(0)

    def _followed(self, name: str) -> Item | None:
        """The message under the name it has now, or None where it is gone."""
        unique = _unique(name)
        if self._moved is None or not os.path.exists(self._moved.get(unique, "")):
            self._moved = self._look()
        path = self._moved.pop(unique, None)
        if path is None or not os.path.exists(path):
            return None
        return self._file(path, os.path.basename(path))

    def _look(self) -> dict[str, str]:
        found = {}
        for part in ("new", "cur"):
            try:
                names = os.listdir(f"{self._path}/{part}")
            except OSError:
                continue
            found.update({_unique(name): f"{self._path}/{part}/{name}" for name in names})
        return found


def _unique(name: str) -> str:
    match = _UNIQUE.match(name)
    assert match is not None  # it matches nothing too
    return match[0]
