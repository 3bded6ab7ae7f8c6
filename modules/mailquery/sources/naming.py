"""How mailboxes are called: from the places of files, as each mail program lays them out."""

import binascii
import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

_MBOX_SUFFIX = re.compile(r"(?i)(?:\.(?:mbox|mbx|mboxo|mboxrd|mboxcl2?|imapmbox|gz|bz2|txt|eml|zip|tar|tgz))+\Z")
_APPLE_FOLDER = re.compile(r"(?i)\.(?:mbox|imapmbox)\Z")
_UUID = re.compile(r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_APPLE_VERSION = re.compile(r"V[0-9]{1,2}\Z")
_APPLE_INNER = re.compile(r"(?:Data|Messages|[0-9]{1,3})\Z")
_MAILDIR_ROOTS = frozenset({"maildir", ".maildir", "mail"})


def printable(text: str) -> str:
    """A file name as text that can be stored: bytes that are no UTF-8 become backslash escapes."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(text).decode("utf-8", "backslashreplace")
    return text


def _clean(parts: Sequence[str]) -> str:
    return unicodedata.normalize("NFC", "/".join(printable(part) for part in parts if part))


def folder_parts(parts: Sequence[str]) -> list[str]:
    """The folders of a path as mailbox names: what only the layout of Thunderbird, Apple Mail or Takeout needs is left
    out (Inbox.sbd -> Inbox; INBOX.mbox/<UUID>/Data/1/Messages -> INBOX)."""
    named: list[str] = []
    in_apple = False
    for number, part in enumerate(parts):
        if part.endswith(".sbd"):
            named.append(part[:-4])
        elif _APPLE_FOLDER.search(part):
            in_apple = True
            named.append(_APPLE_FOLDER.sub("", part))
        elif not (
            _UUID.match(part)
            or (in_apple and _APPLE_INNER.match(part))
            or (number == 0 and (part in ("Mail", "ImapMail", "Takeout") or _APPLE_VERSION.match(part)))
            or (number == 1 and parts[0] == "Takeout" and part in ("Mail", "Gmail"))
        ):
            named.append(part)
    return named


def stem(name: str) -> str:
    return _MBOX_SUFFIX.sub("", name) or name


def mailbox_of_mbox(parts: Sequence[str], root: str) -> str:
    """The mailbox that an mbox at `parts` (folders and file name) below a folder called `root` is."""
    *folders, name = parts
    named = folder_parts(folders)
    if name.lower() != "mbox":  # Apple's INBOX.mbox/mbox
        named.append(stem(name))
    return _clean(named) or _clean([stem(root)])


def mailbox_of_folder(folders: Sequence[str], root: str) -> str:
    """The mailbox that a folder of message files is."""
    return _clean(folder_parts(folders)) or _clean(folder_parts([root])) or _clean([root]) or "INBOX"


def mailbox_of_single(path: Path) -> str:
    """The mailbox of an mbox that is given by itself: its folders count only where the layout says so."""
    path = Path(os.path.abspath(path))  # not resolved: a link's own name is the one the user knows
    folders: list[str] = []
    for parent in path.parents:
        if not parent.name.endswith(".sbd"):
            break
        folders.insert(0, parent.name)
    return mailbox_of_mbox([*folders, path.name], path.parent.name)


def mailbox_of_maildir(folders: Sequence[str]) -> str:
    """The mailbox of a Maildir inside an archive, by the folders above its `cur`."""
    named = list(folders)
    for number, part in enumerate(named):
        if part.lower() in _MAILDIR_ROOTS:
            named = named[number + 1 :]
            break
    if not named:
        return "INBOX"
    return maildir_name(named)


def maildir_name(folders: Sequence[str]) -> str:
    """The mailbox at these folders below a Maildir's root: Maildir++ names, nested folders, or both."""
    named = [maildir_plus_name(part) if part.startswith(".") else modified_utf7(part) for part in folders]
    return _clean(named) or "INBOX"


def maildir_plus_name(folder: str) -> str:
    """`.A.B` of Maildir++ is the mailbox A/B; names are in the modified UTF-7 of RFC 3501, section 5.1.3."""
    parts = [modified_utf7(part).replace("/", "_") for part in folder.lstrip(".").split(".")]
    return _clean(parts) or "INBOX"


_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")


def modified_utf7(text: str) -> str:
    """`text` decoded; what is no valid modified UTF-7 stays as it is (Dovecot can be set to keep UTF-8 names)."""
    return _SHIFTED.sub(_unshift, text)


def _unshift(match: re.Match[str]) -> str:
    digits = match[1]
    if not digits:
        return "&"
    try:
        data = binascii.a2b_base64(digits.replace(",", "/") + "=" * (-len(digits) % 4))
        return data.decode("utf-16-be")
    except ValueError:
        return match[0]
