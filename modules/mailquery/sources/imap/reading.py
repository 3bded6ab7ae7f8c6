"""What is asked of a mailbox on an IMAP server: commands, and what their answers say. It blocks, as `session` does."""

import re
import time
from collections.abc import Callable, Mapping, Sequence

from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.uids import UidSet
from mailquery.sources.imap import fetched
from mailquery.sources.imap.faults import protocol_broken, unavailable
from mailquery.sources.imap.limits import Limits
from mailquery.sources.imap.names import decoded, mailboxes_of, quoted
from mailquery.sources.imap.refusals import code_of, of_command
from mailquery.sources.imap.responses import RUNS, Parts, Value, number, pairs, searched, values
from mailquery.sources.imap.session import Session
from mailquery.sources.imap.uid_sets import Members, most_at_once, sets_of
from mailquery.sources.remote import FlagChange, MailboxState, Reason, RemoteMailbox, RemoteMessage
from mcpkit.errors import ErrorCode, Fault

_MANY = 20  # mailboxes above which the states of all are asked for at once
_ABOUT = 4096  # bytes that a server may say of one message, without its content
_MOST = 5_000_000  # messages of a mailbox, and what a server may claim
_SEARCHES = 5_000  # of one mailbox, by a server that looks at some messages at a time
_BETWEEN = 4096  # bytes of a response beside its literals
_Take = Callable[[Parts], None]
_STATUS_CODE = re.compile(rb"\[(UIDVALIDITY|UIDNEXT|HIGHESTMODSEQ) (\d{1,20})\]", re.IGNORECASE)
_STOPPED = re.compile(r"\[MESSAGELIMIT \d{1,10} (\d{1,10})\]", re.IGNORECASE)
_SPECIAL_LABELS = {
    b"\\INBOX": MailboxRole.INBOX,
    b"\\SENT": MailboxRole.SENT,
    b"\\DRAFT": MailboxRole.DRAFTS,
    b"\\DRAFTS": MailboxRole.DRAFTS,
    b"\\IMPORTANT": MailboxRole.IMPORTANT,
    b"\\STARRED": MailboxRole.FLAGGED,
    b"\\FLAGGED": MailboxRole.FLAGGED,
    b"\\TRASH": MailboxRole.TRASH,
    b"\\SPAM": MailboxRole.JUNK,
    b"\\JUNK": MailboxRole.JUNK,
    b"\\ALL": MailboxRole.ALL,
    b"\\ALLMAIL": MailboxRole.ALL,
    b"\\ARCHIVE": MailboxRole.ARCHIVE,
}


class Reader:
    """Over a session that is logged in. Raises Fault as `sources.remote` says."""

    def __init__(self, session: Session, limits: Limits) -> None:
        self._session = session
        self._limits = limits
        self.counts_changes = session.has("CONDSTORE") or session.has("QRESYNC")
        self.has_labels = session.has("X-GM-EXT-1")
        self._at_once = most_at_once(session.capabilities, _MOST)
        self._utf8 = False
        self._by_role: dict[MailboxRole, str] = {}
        if session.has("ID"):
            # Some servers refuse to open a mailbox to who has not said what they are (RFC 2971; 163.com).
            session.run([b'ID ("name" "mailquery")'], what="ID", refusable=True)
        if session.has("UTF8=ONLY"):
            # RFC 6855, section 3: nothing else works there. Elsewhere names are in modified UTF-7.
            session.run([b"ENABLE UTF8=ACCEPT"], what="ENABLE")
            self._utf8 = True

    def mailboxes(self) -> Sequence[RemoteMailbox]:
        command = b'LIST "" "*"'
        if self._session.has("SPECIAL-USE") and self._session.has("LIST-EXTENDED"):
            command += b" RETURN (SPECIAL-USE)"
        found = mailboxes_of(self._list(command), utf8=self._utf8)
        self._by_role = {mailbox.role: mailbox.name for mailbox in reversed(found) if mailbox.role}
        return found

    def states(self, keys: Sequence[str]) -> Mapping[str, MailboxState]:
        items = (
            b"(MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"
            if self.counts_changes
            else b"(MESSAGES UIDNEXT UIDVALIDITY)"
        )
        found: dict[str, MailboxState] = {}

        def take(parts: Parts) -> None:
            if parts[0][:7].upper() == b"STATUS ":
                key, state = _status(values(parts))
                if key is not None and state is not None:
                    found[key] = state

        wanted = dict.fromkeys(keys)
        if self._session.has("LIST-STATUS") and len(wanted) > _MANY:
            self._session.run([b'LIST "" "*" RETURN (STATUS ' + items + b")"], take, what="LIST", lines=self._listing)
            wanted = {key: None for key in wanted if key not in found}
        commands = [b"STATUS " + quoted(key) + b" " + items for key in wanted]
        # One that is gone, or cannot be opened, is refused.
        ended = self._session.run(
            commands, take, what="STATUS", refusable=True, lines=self._limits.answer + _BETWEEN * len(commands)
        )
        for completion in ended:
            if completion.status == b"BAD":
                raise of_command("STATUS", completion.text)
        # INBOX has one name in any case.
        inbox = next((key for key in found if key.upper() == "INBOX"), None)
        return {
            key: found[known]
            for key in keys
            if (known := inbox if key.upper() == "INBOX" and inbox is not None else key) in found
        }

    def open(self, key: str) -> MailboxState:
        codes: dict[bytes, int] = {}

        def take(parts: Parts) -> None:
            for name, digits in _STATUS_CODE.findall(parts[0][:200]):
                codes[name.upper()] = int(digits)

        self._session.exists = 0
        command = b"EXAMINE " + quoted(key) + (b" (CONDSTORE)" if self.counts_changes else b"")
        (completion,) = self._session.run([command], take, what="EXAMINE", refusable=True)
        if not completion.ok:
            if completion.status == b"NO" and not self._is_there(key, completion.text):
                raise Fault(ErrorCode.NOT_FOUND, "The mailbox is on the server no more.", others=decoded(_raw(key)))
            raise of_command("EXAMINE", completion.text)
        for name, digits in _STATUS_CODE.findall(completion.text.encode()):
            codes[name.upper()] = int(digits)
        if not 0 < codes.get(b"UIDVALIDITY", 0) <= 0xFFFFFFFF:
            raise protocol_broken("it gives a mailbox no UIDVALIDITY")
        state = MailboxState(
            uid_validity=codes[b"UIDVALIDITY"],
            uid_next=min(codes.get(b"UIDNEXT", 0), 0xFFFFFFFF) or self._next_uid(),
            messages=self._session.exists,
            highest_modseq=codes.get(b"HIGHESTMODSEQ", 0),
        )
        self._session.changed = False
        return state

    def uids(self) -> UidSet:
        if self._session.exists == 0:
            # The server may not have told of those that have come since.
            self._session.run([b"NOOP"], what="NOOP")
        if self._session.exists == 0:
            return UidSet()
        if self._session.exists > _MOST:
            raise unavailable(
                Reason.PROTOCOL,
                f"The mail server says that the mailbox has {self._session.exists} messages; at most {_MOST} are read.",
            )
        extended = self._session.has("ESEARCH")
        found: list[UidSet] = []
        runs = 0

        def take(parts: Parts) -> None:
            nonlocal runs
            if (uids := searched(parts)) is not None:
                runs += len(uids.ranges)
                if runs > RUNS:
                    raise protocol_broken("its UIDs have more gaps between them than can be read")
                found.append(uids)

        # Each number has ten digits at most, and something between.
        most = 11 * self._session.exists + 64 * 1024
        command = b"UID SEARCH RETURN (ALL) " if extended else b"UID SEARCH "
        criterion, below = b"ALL", 0xFFFFFFFF + 1
        searches = 0
        while criterion:
            if searches == _SEARCHES:
                raise protocol_broken("it looks at too few messages at a time")
            searches += 1
            (completion,) = self._session.run(
                [command + criterion], take, what="UID SEARCH", lines=most + self._limits.answer, line=most
            )
            # A server that looks at so many messages at a time says where it has stopped (RFC 9738, section 3.1).
            stopped = _STOPPED.search(completion.text)
            criterion = b""
            if stopped is not None and 1 < int(stopped[1]) < below:
                below = int(stopped[1])
                criterion = b"UID 1:%d" % (below - 1)
        if not found:
            raise protocol_broken("it does not answer a search")
        return UidSet.of_ranges(part for uids in found for part in uids.ranges)

    def describe(self, uids: UidSet) -> Sequence[RemoteMessage]:
        items = b"UID FLAGS INTERNALDATE RFC822.SIZE"
        if self.has_labels:
            items += b" X-GM-MSGID X-GM-THRID X-GM-LABELS"
            self._know_roles()
        elif self._session.has("OBJECTID"):
            items += b" EMAILID"
        members = Members(uids)
        found: dict[int, RemoteMessage] = {}

        def take(parts: Parts) -> None:
            message = fetched.described(parts, self._labels) if fetched.is_fetch(parts) else None
            if message is not None and message.uid in members:
                found[message.uid] = message

        self._fetch(uids, items, take)
        return list(found.values())

    def flags(self, uids: UidSet) -> Sequence[FlagChange]:
        found = self._changes(sets_of(uids, self._at_once), b"")
        members = Members(uids)
        return [change for change in found if change.uid in members]

    def changed_since(self, modseq: int) -> Sequence[FlagChange]:
        if self._session.exists == 0:
            return ()
        return list(self._changes([b"1:*"], b" (CHANGEDSINCE %d)" % modseq))

    def fetch(self, uids: UidSet) -> Mapping[int, bytes]:
        members = Members(uids)
        found: dict[int, bytes] = {}

        def take(parts: Parts) -> None:
            uid, content = fetched.whole(parts) if fetched.is_fetch(parts) else (None, b"")
            # Some servers give nothing of a message that is being expunged.
            if uid is not None and uid in members and content:
                found[uid] = content

        self._fetch(uids, b"UID BODY.PEEK[]", take, literals=self._limits.batch, literal=self._limits.message)
        return found

    def sections(self, uid: int, items: bytes, *, total: int) -> Mapping[bytes, Value]:
        """Of one message; empty where it is gone."""
        found: dict[bytes, Value] = {}

        def take(parts: Parts) -> None:
            known = fetched.attributes(parts) if fetched.is_fetch(parts) else {}
            if fetched.uid_of(known) == uid:
                found.update(known)

        self._session.run(
            [b"UID FETCH %d (%s)" % (uid, items)],
            take,
            what="UID FETCH",
            literals=total + self._limits.answer,
            literal=total,
        )
        return found

    def wait(self, seconds: float) -> bool:
        if not self._session.has("IDLE"):
            return False
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._session.idle(min(left, self._limits.idle)):
                return True
        return False

    @property
    def _listing(self) -> int:
        return 2 * self._limits.answer

    def _list(self, command: bytes) -> list[Parts]:
        found: list[Parts] = []

        def take(parts: Parts) -> None:
            if parts[0][:5].upper() == b"LIST ":
                found.append(parts)

        self._session.run([command], take, what="LIST", lines=self._listing)
        return found

    def _is_there(self, key: str, said: str) -> bool:
        if code_of(said) in ("NONEXISTENT", "TRYCREATE"):
            return False
        return any(
            mailbox.selectable for mailbox in mailboxes_of(self._list(b'LIST "" ' + quoted(key)), utf8=self._utf8)
        )

    def _next_uid(self) -> int:
        """Of a server that does not say it when a mailbox is opened, as old ones do not."""
        uids: list[int] = []

        def take(parts: Parts) -> None:
            if fetched.is_fetch(parts) and (uid := fetched.uid_of(fetched.attributes(parts))) is not None:
                uids.append(uid)

        if self._session.exists:
            self._session.run([b"FETCH * (UID)"], take, what="FETCH")
        return max(uids, default=0) + 1

    def _changes(self, sets: Sequence[bytes], modifier: bytes) -> Sequence[FlagChange]:
        items = b"UID FLAGS"
        if self.has_labels:
            items += b" X-GM-LABELS"
            self._know_roles()
        found: dict[int, FlagChange] = {}

        def take(parts: Parts) -> None:
            if fetched.is_fetch(parts) and (change := fetched.flagged(parts, self._labels)) is not None:
                found[change.uid] = change
                if len(found) > _MOST:
                    raise protocol_broken("it tells of more messages than there can be")

        self._session.run(
            [b"UID FETCH " + uids + b" (" + items + b")" + modifier for uids in sets],
            take,
            what="UID FETCH",
            lines=self._limits.answer + _ABOUT * min(self._session.exists, _MOST),
        )
        return list(found.values())

    def _fetch(self, uids: UidSet, items: bytes, take: _Take, *, literals: int = 0, literal: int = 0) -> None:
        self._session.run(
            [b"UID FETCH " + each + b" (" + items + b")" for each in sets_of(uids, self._at_once)],
            take,
            what="UID FETCH",
            lines=self._limits.answer + _ABOUT * min(len(uids), _MOST),
            literals=literals,
            literal=literal,
        )

    def _know_roles(self) -> None:
        if not self._by_role:
            self.mailboxes()

    def _labels(self, value: Value) -> tuple[str, ...]:
        """Names of mailboxes, as `mailboxes` gives them. Special ones are in the language of the account there."""
        if not isinstance(value, list):
            return ()
        names: dict[str, None] = {}
        for label in value:
            if not isinstance(label, bytes) or not label:
                continue
            role = _SPECIAL_LABELS.get(label.upper())
            if role is not None:
                known = "INBOX" if role is MailboxRole.INBOX else self._by_role.get(role)
                if known:
                    names[known] = None
            else:
                names[decoded(label, utf8=self._utf8)] = None
        return tuple(names)


def _status(found: list[Value]) -> tuple[str | None, MailboxState | None]:
    """Of `STATUS "Work" (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 1)`."""
    if len(found) < 3 or not isinstance(found[1], bytes):
        return None, None
    known = dict(pairs(found[2]))
    validity, following = number(known.get(b"UIDVALIDITY"), 0xFFFFFFFF), number(known.get(b"UIDNEXT"), 0xFFFFFFFF)
    messages = number(known.get(b"MESSAGES"), 0xFFFFFFFF)
    if not validity or messages is None:
        return None, None
    return found[1].decode("latin-1"), MailboxState(
        validity, following or 0, messages, number(known.get(b"HIGHESTMODSEQ")) or 0
    )


def _raw(key: str) -> bytes:
    return key.encode("latin-1")
