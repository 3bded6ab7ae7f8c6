"""The operator's policy: which mail exists for nobody, and which attachments are not given out.

A rule covers whole messages: one that lies in a denied mailbox is withheld wherever else it lies.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Any

from mailquery.domain.mailboxes import MailboxRole, folded_name
from mailquery.domain.media import Kind, kind_of
from mailquery.domain.words import fold

_JUDGING = 1  # grows when the same rules come to cover other messages: every archive is then judged anew
_LONGEST_DOMAIN = 1_000  # characters of a domain, from its end, that are looked at


class HeaderTest(StrEnum):
    """How a header rule looks at a value. The first two ignore case."""

    EXACT = "exact"
    CONTAINS = "contains"
    REGEX = "regex"  # of RE2, found anywhere in the value


@dataclass(frozen=True)
class HeaderRule:
    """Covers a message that has a field of this name whose decoded value passes the test."""

    name: str
    test: HeaderTest
    value: str

    def covers(self, name: str, value: str) -> bool:
        if name.lower() != self.name.lower():
            return False
        match self.test:
            case HeaderTest.EXACT:
                return fold(value.strip()) == self._folded
            case HeaderTest.CONTAINS:
                return self._folded in fold(value)
            case HeaderTest.REGEX:
                return self._pattern.search(value) is not None

    @cached_property
    def _folded(self) -> str:
        return fold(self.value.strip())

    @cached_property
    def _pattern(self) -> Any:  # the library has no types
        return compile_pattern(self.value)


def compile_pattern(pattern: str) -> Any:
    """A pattern of RE2, whose time grows with the length of what it is matched against and no faster, whatever a sender
    writes. Raises ValueError for what is none."""
    import re2  # not needed where there is no such rule

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        raise ValueError(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)) from None


@dataclass(frozen=True, slots=True)
class Place:
    account: str
    mailbox: str
    role: MailboxRole


@dataclass(frozen=True, slots=True)
class Facts:
    """What a policy judges a message by. Addresses are as written; where a header held a name only, it is the name.
    `date` is a unix second. `headers` gives (name, decoded value) of all fields, and is asked only by header rules."""

    senders: Sequence[str]  # From and Sender
    others: Sequence[str]  # Reply-To and the recipients
    date: int
    places: Sequence[Place]
    headers: Callable[[], Iterable[tuple[str, str]]]


class Readable(IntEnum):
    """What of an attachment's text is given out and found."""

    NOTHING = 0
    OUTER = 1  # without that of files inside of it
    ALL = 2


@dataclass(frozen=True)
class Policy:
    """`mailboxes` are names of mailboxes and labels as `in:` takes them, and what lies below them. `senders` are
    addresses; `domains`, with their subdomains, cover mail from and to them. `date_floor` is the unix second of the
    oldest mail that is shown. `attachment_types` are kinds (`domain.media.Kind`), MIME types, or families of them
    (image/*)."""

    accounts: tuple[str, ...] = ()
    mailboxes: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    headers: tuple[HeaderRule, ...] = ()
    date_floor: int | None = None
    attachment_types: tuple[str, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """Equal for policies that withhold the same messages; empty where that is none."""
        rules = {name: value for name, value in asdict(self).items() if name != "attachment_types"}
        if not any(value not in ((), None) for value in rules.values()):
            return ""
        text = json.dumps([_JUDGING, rules], sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @cached_property
    def withholds_in_accounts(self) -> bool:
        """Whether it withholds messages of accounts that it shows."""
        return bool(replace(self, accounts=()).fingerprint)

    @cached_property
    def attachments_fingerprint(self) -> str:
        """Equal for policies that withhold the same attachments; empty where that is none."""
        if not self.attachment_types:
            return ""
        text = json.dumps([_JUDGING, sorted(set(self.attachment_types))])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def withholds(self, facts: Facts) -> bool:
        """Whether the message is covered by any rule."""
        return (
            (self.date_floor is not None and facts.date < self.date_floor)
            or any(self.withholds_place(place) for place in facts.places)
            or (bool(self._senders) and any(fold(sender) in self._senders for sender in facts.senders))
            or (bool(self._domains) and any(self._of_denied_domain(each) for each in (*facts.senders, *facts.others)))
            or (bool(self.headers) and self._has_denied_header(facts.headers()))
        )

    def withholds_place(self, place: Place) -> bool:
        if folded_name(place.account) in self._accounts:
            return True
        own = folded_name(place.mailbox)
        return any(name == place.role.value or f"/{name}/" in f"/{own}/" for name in self._mailboxes)

    def withholds_content(self, content_type: str, filename: str) -> bool:
        """Whether an attachment of this type and name is not given out."""
        if not self.attachment_types:
            return False
        content_type = content_type.lower()
        family = content_type.partition("/")[0] + "/*"
        kind = kind_of(content_type, filename).value
        # What is sent as bytes of no type is of the type that its name says.
        by_name = kind_of("", filename)
        kinds = {kind, *([by_name.value] if by_name is not Kind.OTHER else [])}
        return any(each in (content_type, family) or each in kinds for each in self.attachment_types)

    def readable(self, content_type: str, filename: str, found_type: str = "") -> Readable:
        """What of the text of such an attachment is given out. `found_type` is what its content is, where that is
        known. Of files inside of it the types are not known one by one: where any is withheld, none of them is read."""
        if not self.attachment_types:
            return Readable.ALL
        denied = self.withholds_content(content_type, filename)
        if denied or (found_type and self.withholds_content(found_type, "")):
            return Readable.NOTHING
        return Readable.OUTER

    def unknown_places(self, places: Iterable[Place]) -> list[str]:
        """The denied accounts and mailboxes of which there is none among `places`: perhaps misspelt."""
        known = list(places)
        accounts = {folded_name(place.account) for place in known}
        return [
            *(f"account {name}" for name in self.accounts if folded_name(name) not in accounts),
            *(
                f"mailbox {name}"
                for name in self.mailboxes
                if not any(Policy(mailboxes=(name,)).withholds_place(place) for place in known)
            ),
        ]

    @cached_property
    def _accounts(self) -> frozenset[str]:
        return frozenset(folded_name(name) for name in self.accounts)

    @cached_property
    def _mailboxes(self) -> tuple[str, ...]:
        return tuple(folded_name(name).strip("/") for name in self.mailboxes)

    @cached_property
    def _senders(self) -> frozenset[str]:
        return frozenset(fold(sender) for sender in self.senders)

    @cached_property
    def _domains(self) -> frozenset[str]:
        return frozenset(_ascii(domain.removeprefix("@")) for domain in self.domains)

    def _of_denied_domain(self, address: str) -> bool:
        _, at, domain = address.rpartition("@")
        if not at:
            return False
        domain = _ascii(domain[-_LONGEST_DOMAIN:])
        while domain:
            if domain in self._domains:
                return True
            domain = domain.partition(".")[2]
        return False

    def _has_denied_header(self, headers: Iterable[tuple[str, str]]) -> bool:
        return any(rule.covers(name, value) for name, value in headers for rule in self.headers)


NO_POLICY = Policy()


def _none(raw: bytes) -> Iterable[tuple[str, str]]:
    raise ValueError("the header of a message cannot be read here")


@dataclass(frozen=True, slots=True)
class Judge:
    """A policy, and what it takes to judge by it. `header_fields` gives (name, decoded value) of the fields of a raw
    message's header."""

    policy: Policy
    header_fields: Callable[[bytes], Iterable[tuple[str, str]]] = _none


NOTHING_WITHHELD = Judge(NO_POLICY)


def _ascii(domain: str) -> str:
    """As it is looked up: without a trailing dot, labels of other scripts as A-labels (RFC 5890, section 2.3.2.1)."""
    domain = domain.strip().removesuffix(".").lower()
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain
