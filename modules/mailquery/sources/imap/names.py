"""What mailboxes are called on an IMAP server and here (RFC 9051, section 5.1; RFC 6154; RFC 3501, section 5.1.3)."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from imapclient import imap_utf7

from mailquery.domain.mailboxes import DistinctNames, MailboxRole
from mailquery.sources.imap.responses import Parts, Value, values
from mailquery.sources.remote import RemoteMailbox
from mailquery.sources.roles import role_of

_ATTRIBUTES = {
    b"\\ALL": MailboxRole.ALL,
    b"\\ALLMAIL": MailboxRole.ALL,  # Gmail, before RFC 6154
    b"\\ARCHIVE": MailboxRole.ARCHIVE,
    b"\\DRAFTS": MailboxRole.DRAFTS,
    b"\\FLAGGED": MailboxRole.FLAGGED,
    b"\\STARRED": MailboxRole.FLAGGED,
    b"\\IMPORTANT": MailboxRole.IMPORTANT,
    b"\\JUNK": MailboxRole.JUNK,
    b"\\SPAM": MailboxRole.JUNK,
    b"\\SENT": MailboxRole.SENT,
    b"\\TRASH": MailboxRole.TRASH,
}
_UNSELECTABLE = frozenset({b"\\NOSELECT", b"\\NONEXISTENT"})
_VIEWS = frozenset({MailboxRole.ALL, MailboxRole.FLAGGED, MailboxRole.IMPORTANT})
_SLASH = "\N{DIVISION SLASH}"  # in an element of a path; "/" is what is between them
_LONGEST = 4096  # bytes; servers have limits of some hundreds for each element
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class _Listed:
    key: str
    name: str
    attributes: frozenset[bytes]

    @property
    def role(self) -> MailboxRole:
        """That the server says."""
        if self.name == "INBOX":
            return MailboxRole.INBOX
        found = (_ATTRIBUTES.get(attribute) for attribute in sorted(self.attributes))
        return next((role for role in found if role is not None), MailboxRole.NONE)


def mailboxes_of(lists: Iterable[Parts], *, utf8: bool) -> list[RemoteMailbox]:
    """Of LIST responses. A mailbox that is there by two keys or whose name is another's, too, is told apart."""
    listed = {found.key: found for found in (_listed(parts, utf8) for parts in lists) if found is not None}
    given = {mailbox.role for mailbox in listed.values()}
    names = DistinctNames()
    mailboxes = []
    for mailbox in listed.values():
        role = mailbox.role
        if role is MailboxRole.NONE:
            guessed = role_of(mailbox.name)
            role = guessed if guessed not in given else MailboxRole.NONE
        mailboxes.append(
            RemoteMailbox(
                key=mailbox.key,
                name=names.of(mailbox.name),
                role=role,
                selectable=not mailbox.attributes & _UNSELECTABLE,
                contains_others=mailbox.role in _VIEWS,
            )
        )
    return mailboxes


def key_of(name: Value) -> str | None:
    """Any bytes, as a text that can be stored and is turned into the same bytes again."""
    return name.decode("latin-1") if isinstance(name, bytes) else None


def quoted(key: str) -> bytes:
    """As it is sent; only what has line ends or NUL has to be a literal, and no mailbox has that."""
    return b'"' + key.encode("latin-1").replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def decoded(raw: bytes, *, utf8: bool = False) -> str:
    """A mailbox's name as it is read. What is no modified UTF-7 is taken for UTF-8, which many servers send."""
    if not utf8 and raw.isascii():
        try:
            return _stored(imap_utf7.decode(raw))
        except ValueError:
            return _stored(raw.decode("ascii"))
    return _stored(raw.decode("utf-8", "replace"))


def _stored(name: str) -> str:
    """Surrogates cannot be stored, and control characters not be shown."""
    clean = name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return unicodedata.normalize("NFC", _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", clean))


def _listed(parts: Parts, utf8: bool) -> _Listed | None:
    """Of `LIST (\\HasNoChildren) "/" "Work/2024"`; None where that has no name, or one that no mailbox has."""
    found = values(parts)
    if len(found) < 4 or not isinstance(found[1], list):
        return None
    key = key_of(found[3])
    if not key or len(key) > _LONGEST or any(character in key for character in "\r\n\0"):
        return None
    delimiter = found[2].decode("latin-1") if isinstance(found[2], bytes) else ""
    elements = key.split(delimiter) if delimiter else [key]
    shown = [decoded(element.encode("latin-1"), utf8=utf8).replace("/", _SLASH) for element in elements]
    shown = [element for element in shown if element]
    if not shown:
        return None
    if shown[0].upper() == "INBOX":
        shown[0] = "INBOX"
    attributes = frozenset(attribute.upper() for attribute in found[1] if isinstance(attribute, bytes))
    return _Listed(key, "/".join(shown), attributes)
