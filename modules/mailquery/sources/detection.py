"""Finds out what kind of mail a path holds, by what is in it; names only help."""

import os
import stat
from pathlib import Path

from mailquery.sources.files import FileSource
from mailquery.sources.folders import FolderSource
from mailquery.sources.interfaces import MailSource
from mailquery.sources.local import MESSAGE_LIMIT, Quoting, Settings
from mailquery.sources.maildir import MaildirSource, is_maildir, subfolders
from mailquery.sources.naming import printable
from mailquery.sources.sniffing import HEAD, MAIL, PACKED, Content, content_of, foreign, named_mbox, named_message
from mcpkit.errors import ErrorCode, Fault

FORMATS = ("mbox", "mboxo", "mboxrd", "mboxcl", "mboxcl2", "maildir", "eml", "emlx")
_QUOTINGS = {quoting.value: quoting for quoting in Quoting}
_LOOKED_FOR = "an mbox, a Maildir, .eml or .emlx files, or a .gz, .zip or .tar archive of them"


def open_sources(
    path: Path, *, format: str | None = None, mailbox: str | None = None, limit: int = MESSAGE_LIMIT
) -> list[MailSource]:
    """The mail at `path`, a file or a folder.

    `format` is one of `FORMATS` where detection is to be overruled. All messages are put into `mailbox`, if given.
    Messages over `limit` bytes are cut. Raises Fault: NOT_FOUND where there is no such path, SOURCE_UNAVAILABLE where
    it cannot be read, INVALID_FORMAT where it holds no mail.
    """
    if format is not None and format not in FORMATS:
        raise Fault(
            ErrorCode.VALIDATION_ERROR, f"There is no format {format!r}. The formats are: {', '.join(FORMATS)}."
        )
    settings = Settings(
        only="mbox" if format in _QUOTINGS else format,
        quoting=_QUOTINGS.get(format or "", Quoting.AUTO),
        mailbox=mailbox,
        limit=limit,
    )
    shown = printable(str(path))
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return [_open_folder(path, shown, settings)]
        if stat.S_ISREG(mode):
            return [_open_file(path, shown, settings)]
    except FileNotFoundError as error:
        raise Fault(ErrorCode.NOT_FOUND, f"There is no file or folder {shown}. Check the path.") from error
    except ValueError as error:  # a NUL in the path
        raise Fault(ErrorCode.NOT_FOUND, f"{shown!r} is no possible path.") from error
    except OSError as error:
        reason = error.strerror or str(error)
        # In a folder it is one of its files that names the reason.
        place = printable(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else shown
        raise Fault(
            ErrorCode.SOURCE_UNAVAILABLE, f"{place} cannot be read: {reason}. Check its permissions and try again."
        ) from error
    raise Fault(
        ErrorCode.INVALID_FORMAT,
        f"{shown} is neither a file nor a folder but a pipe or a device. Save what it gives to a file first.",
    )


def _open_folder(path: Path, shown: str, settings: Settings) -> MailSource:
    folders = subfolders(str(path))
    if settings.only in (None, "maildir") and is_maildir(set(folders)):
        return MaildirSource(path, settings)
    source = FolderSource(path, settings)
    if source.look():
        return source
    looked_for = f"{settings.only} files" if settings.only else _LOOKED_FOR
    if settings.only == "maildir":
        looked_for = "a folder with cur and new in it"
    raise Fault(
        ErrorCode.INVALID_FORMAT,
        f"There is no mail in the folder {shown}: looked for {looked_for}, in all its folders. {_remedy(settings)}",
    )


def _open_file(path: Path, shown: str, settings: Settings) -> MailSource:
    with path.open("rb") as file:
        head = file.read(HEAD)
    content = content_of(head)
    if settings.only == "maildir":
        raise Fault(
            ErrorCode.INVALID_FORMAT,
            f"{shown} is a file, and a Maildir is a folder with cur and new in it. {_remedy(settings)}",
        )
    if content is Content.FOREIGN:
        raise Fault(ErrorCode.INVALID_FORMAT, f"{shown} is {foreign(head)}.")
    if settings.only is not None and content not in PACKED:
        if settings.only == "emlx" and content is not Content.EMLX:
            raise Fault(
                ErrorCode.INVALID_FORMAT, f"{shown} is no .emlx: it does not begin with a size. {_remedy(settings)}"
            )
        return FileSource(path, settings.insisting(), settings.only)
    if content in MAIL:
        return FileSource(path, settings, content.value)
    if content in PACKED or content is Content.EMPTY:
        return FileSource(path, settings, settings.only or ("eml" if ".eml" in path.name.lower() else "mbox"))
    if named_mbox(path.name) or named_message(path.name):
        return FileSource(path, settings, "mbox" if named_mbox(path.name) else "eml")
    raise Fault(
        ErrorCode.INVALID_FORMAT,
        f"{shown} holds no mail that could be recognised: looked for {_LOOKED_FOR}. {_remedy(settings)}",
    )


def _remedy(settings: Settings) -> str:
    if settings.only is not None:
        return "Leave --format out to have it detected, or name another."
    return f"If it is mail all the same, say which kind with --format ({', '.join(FORMATS)})."
