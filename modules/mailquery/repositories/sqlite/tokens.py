"""Words of the index's `meta` column: what never changes about a message, so that a query for it is a look-up.

Each begins with a private-use character, so a word that somebody typed or sent is none of them.
"""

from collections.abc import Iterable, Iterator

from mailquery.domain.addresses import Role
from mailquery.domain.media import DOCUMENT_KINDS, Kind, kind_of
from mailquery.domain.messages import ParsedMessage
from mailquery.domain.queries import Feature

MARK = "\ue000"

_ROLE_LETTERS = {
    Role.FROM: "f",
    Role.SENDER: "f",
    Role.REPLY_TO: "r",
    Role.TO: "t",
    Role.CC: "c",
    Role.BCC: "b",
}
REPLY = f"{MARK}reply"
HAS_PART = f"{MARK}part"
_FEATURES = {feature: f"{MARK}has{feature.value}" for feature in Feature}
_URL_SCHEMES = ("http://", "https://")
_LONGEST_DOMAIN = 253  # characters (RFC 1035, section 2.3.4)
_MOST_PARENTS = 16


def participant_token(role: Role, participant: int) -> str:
    return f"{MARK}{_ROLE_LETTERS[role]}p{participant:x}"


def domain_token(role: Role, domain: int) -> str:
    return f"{MARK}{_ROLE_LETTERS[role]}d{domain:x}"


def list_token(list_id: int) -> str:
    return f"{MARK}list{list_id:x}"


def feature_token(feature: Feature) -> str:
    return _FEATURES[feature]


def kind_token(kind: Kind) -> str:
    return f"{MARK}kind{kind.value}"


def with_parents(domain: str) -> tuple[str, ...]:
    """A domain and those above it, up to the top-level one: mail.acme.io, acme.io, io."""
    if len(domain) > _LONGEST_DOMAIN:
        return (domain,)
    labels = domain.split(".")
    first = max(1, len(labels) - _MOST_PARENTS)
    return (domain, *(".".join(labels[i:]) for i in range(first, len(labels)) if labels[i]))


def content_tokens(message: ParsedMessage) -> Iterator[str]:
    """The tokens for what a message contains and whether it is a reply."""
    if message.in_reply_to or message.references:
        yield REPLY
    if message.links or any(scheme in message.body.text for scheme in _URL_SCHEMES):
        yield feature_token(Feature.LINK)
    if not message.attachments:
        return
    yield HAS_PART
    if not all(part.inline for part in message.attachments):
        yield feature_token(Feature.ATTACHMENT)
    # In their order: another process must make the same of the message, and the order of a set differs.
    yield from kinds_tokens(dict.fromkeys(kind_of(part.content_type, part.filename) for part in message.attachments))


def kinds_tokens(kinds: Iterable[Kind]) -> Iterator[str]:
    for kind in kinds:
        yield kind_token(kind)
        if kind is Kind.CALENDAR:
            yield feature_token(Feature.CALENDAR)
        elif kind is Kind.IMAGE:
            yield feature_token(Feature.IMAGE)
        elif kind in DOCUMENT_KINDS:
            yield feature_token(Feature.DOCUMENT)
