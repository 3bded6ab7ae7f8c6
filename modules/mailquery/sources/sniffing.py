"""What a file is, by its first bytes, and what it is not, by its name."""

import re
from enum import Enum

from mailquery.domain.media import Kind, kind_of
from mailquery.sources.from_lines import begins_mbox

HEAD = 8192  # bytes that are looked at


class Content(Enum):
    MBOX = "mbox"
    MESSAGE = "eml"
    EMLX = "emlx"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    ZIP = "zip"
    TAR = "tar"
    EMPTY = "empty"
    FOREIGN = "foreign"  # mail or a container of it in a format that is not read
    OTHER = "other"


MAIL = frozenset({Content.MBOX, Content.MESSAGE, Content.EMLX})
PACKED = frozenset({Content.GZIP, Content.BZIP2, Content.ZIP, Content.TAR})

_FOREIGN = (
    (b"!BDN", "an Outlook data file (.pst); export it as mbox, for instance with readpst"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Outlook message (.msg); save it as .eml"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
    (b"Rar!\x1a\x07", "a RAR archive; unpack it first"),
    (b"\xfd7zXZ\0", "an xz file; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd file; unpack it first"),
)
_FIELD_LINE = re.compile(rb"[!-9;-~]{1,128}[ \t]*:")
_MAIL_FIELDS = frozenset(
    (b"from to date subject received return-path delivered-to message-id mime-version x-mozilla-status x-gm-thrid "
     b"envelope-to dkim-signature x-account-key content-type sender reply-to bcc in-reply-to").split()
)  # fmt: skip
_EMLX = re.compile(rb"[ \t]*\d{1,12}[ \t]*\r?\n")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def is_utf16(head: bytes) -> bool:
    return head.startswith(_UTF16) and len(head) >= 4


def begins_message(head: bytes) -> bool:
    """Whether a header stands there: a field first, and among the fields two that mail has, or one in a short one."""
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if head.startswith(b">From "):  # left by old gateways above the header
        head = head.partition(b"\n")[2]
    if not _FIELD_LINE.match(head):
        return False
    lines = head.replace(b"\r", b"").partition(b"\n\n")[0].split(b"\n")
    found = len(_MAIL_FIELDS & {line.partition(b":")[0].rstrip().lower() for line in lines})
    return found >= 2 or (found == 1 and len(lines) < 4)


def content_of(head: bytes) -> Content:
    """What a file that begins with `head` (its first `HEAD` bytes) is."""
    if not head:
        return Content.EMPTY
    if head.startswith(b"\x1f\x8b"):
        return Content.GZIP
    if head.startswith(b"BZh") and head[4:10] == b"1AY&SY":
        return Content.BZIP2
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return Content.ZIP
    if head[257:262] == b"ustar":
        return Content.TAR
    if foreign(head):
        return Content.FOREIGN
    if is_utf16(head):
        head = head[: len(head) // 2 * 2].decode("utf-16", "replace").encode("utf-8", "replace")
    if begins_mbox(head):
        return Content.MBOX
    if (line := _EMLX.match(head)) is not None and begins_message(head[line.end() :]):
        return Content.EMLX
    return Content.MESSAGE if begins_message(head) else Content.OTHER


def foreign(head: bytes) -> str:
    """What else it is, and what to do with it; empty where that is not known."""
    return next((words for magic, words in _FOREIGN if head.startswith(magic)), "")


# --- names -----------------------------------------------------------------------------------------------------------

_NOT_MAIL_KINDS = frozenset(Kind) - {Kind.MESSAGE, Kind.ARCHIVE, Kind.TEXT, Kind.OTHER}
_NOT_MAIL_ENDINGS = frozenset(
    {
        "msf",
        "dat",
        "db",
        "sqlite",
        "sqlite-wal",
        "sqlite-shm",
        "sqlite3",
        "ini",
        "plist",
        "lock",
        "css",
        "js",
        "map",
        "woff",
        "woff2",
        "ttf",
        "ico",
        "exe",
        "dll",
        "so",
        "pyc",
        "emlxpart",
        "html",
        "htm",
        "json",
        "xml",
        "yaml",
        "yml",
        "md",
        "mab",
        "rdf",
        "xpi",
        "jsm",
        "cache",
        "index",
        "tmp",
        "bak",
        "lst",
        "cfg",
        "conf",
        "toml",
        "pid",
    }
)
_NOT_MAIL_NAMES = frozenset(
    {
        ".ds_store",
        "thumbs.db",
        "desktop.ini",
        "icon\r",
        "table_of_contents",
        "maildirfolder",
        "maildirsize",
        "subscriptions",
        ".subscriptions",
        ".mh_sequences",
        ".uidvalidity",
        ".mbsyncstate",
        ".isyncuidmap.db",
        ".nov",
        ".parentlock",
        ".gitignore",
        ".gitattributes",
        ".strange",
        ".overview",
        ".active",
    }
)
_NOT_MAIL_PREFIXES = ("._", "dovecot", "courierimap", ".dovecot", ".imap")
NOT_MAIL_FOLDERS = frozenset(
    {".git", ".svn", ".hg", "__MACOSX", "node_modules", "__pycache__", ".Spotlight-V100", ".Trashes", ".fseventsd"}
)


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def named_not_mail(name: str) -> bool:
    """Whether a file's name alone says that it holds no mail."""
    lower = name.lower()
    if lower in _NOT_MAIL_NAMES or lower.startswith(_NOT_MAIL_PREFIXES):
        return True
    ending = _ending(lower)
    return ending in _NOT_MAIL_ENDINGS or (ending != "" and kind_of("", lower) in _NOT_MAIL_KINDS)


def expected_not_mail(name: str) -> bool:
    """Whether it is no surprise that a file with this name held no mail: text, an archive of something else."""
    return kind_of("", name.lower()) in (Kind.TEXT, Kind.ARCHIVE)


def named_message(name: str) -> bool:
    return _ending(name) in ("eml", "emlx")


def named_mbox(name: str) -> bool:
    return _ending(name) in ("mbox", "mbx", "mboxo", "mboxrd", "mboxcl", "mboxcl2") or name == "mbox"
