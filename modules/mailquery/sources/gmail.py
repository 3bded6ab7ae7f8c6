"""Google Takeout's labels: the field X-Gmail-Labels, comma-separated values in the language of the account."""

import csv
from email.errors import HeaderParseError
from email.header import decode_header

from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from mailquery.sources.roles import folded, role_of

# As Gmail's interface and its exports write them; what is unknown stays a mailbox of its own.
_UNREAD = frozenset(
    {
        "unread",
        "ungelesen",
        "non lu",
        "non lus",
        "no leído",
        "no leídos",
        "읽지않음",
        "읽지 않음",
        "읽지 않은 메일",
        "안읽음",
        "안 읽음",
        "未読",
        "未读",
        "未讀",
    }
)
_OPENED = frozenset(
    {
        "opened",
        "geöffnet",
        "ouvert",
        "ouverts",
        "abierto",
        "abiertos",
        "열림",
        "열어봄",
        "열어 봄",
        "열람",
        "開封済み",
        "開封",
        "既読",
        "已打开",
        "已打開",
        "已開啟",
        "已读",
    }
)
_STARRED = frozenset(
    {
        "starred",
        "markiert",
        "mit stern",
        "suivi",
        "suivis",
        "messages suivis",
        "destacado",
        "destacados",
        "별표",
        "별표편지함",
        "별표 편지함",
        "스타",
        "スター付き",
        "已加星标",
        "已加星號",
    }
)
_VALUE_LIMIT = 16 * 1024  # bytes; Gmail has names of at most 225 characters
_NO_LABEL = "Archived"  # Gmail's name for mail without a mailbox


def read_labels(value: bytes) -> tuple[tuple[str, ...], Flag]:
    """The mailboxes, at least one, and the flags that a field's value stands for."""
    mailboxes: dict[str, None] = {}
    flags = Flag.SEEN
    for label in _labels(value):
        name = folded(label)
        if name in _UNREAD:
            flags &= ~Flag.SEEN
        elif name in _STARRED:
            flags |= Flag.FLAGGED
        elif name not in _OPENED:
            role = role_of(label)
            if role is MailboxRole.DRAFTS:
                flags |= Flag.DRAFT
            mailboxes["INBOX" if role is MailboxRole.INBOX else label] = None
    return tuple(mailboxes) or (_NO_LABEL,), flags


def _labels(value: bytes) -> list[str]:
    text = " ".join(_decoded(value).split())
    try:
        rows = list(csv.reader([text.replace("\0", "")], skipinitialspace=True))
    except csv.Error:
        rows = [text.split(",")]
    labels = (label.strip(" /") for row in rows for label in row)
    return [label for label in labels if label]


def _decoded(value: bytes) -> str:
    unfolded = value[:_VALUE_LIMIT].decode("utf-8", "replace").replace("\r", "").replace("\n", "")
    try:
        parts = decode_header(unfolded)
    except (HeaderParseError, ValueError):
        return unfolded
    text = []
    for part, charset in parts:
        if isinstance(part, str):
            text.append(part)
            continue
        try:
            text.append(part.decode(charset or "latin-1", "replace"))
        except LookupError:
            text.append(part.decode("utf-8", "replace"))
    return "".join(text)
