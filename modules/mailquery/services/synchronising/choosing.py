"""Which mailboxes of a server are synchronised, and what the archive calls them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mailquery.domain.mailboxes import DistinctNames, MailboxRole
from mailquery.repositories.synchronising import KnownMailbox
from mailquery.services.synchronising.mailbox import Mailbox
from mailquery.sources.remote import RemoteMailbox

# What a person looks for first. Gmail's All Mail has the INBOX in it.
_RANKS = {
    MailboxRole.INBOX: 0,
    MailboxRole.ALL: 1,
    MailboxRole.SENT: 2,
    MailboxRole.NONE: 3,
    MailboxRole.DRAFTS: 4,
    MailboxRole.ARCHIVE: 5,
    MailboxRole.JUNK: 7,
    MailboxRole.TRASH: 8,
}
_OTHER_RANK = 6
# Where one mailbox holds everything, these two hold what it has not.
_BESIDE_ALL = frozenset({MailboxRole.ALL, MailboxRole.JUNK, MailboxRole.TRASH})

Wanted = Callable[[str, MailboxRole], bool]


@dataclass(frozen=True, slots=True)
class Choice:
    """`mailboxes` are those to synchronise, the most wanted first. `by_labels` is whether the others that messages of
    them lie in are taken from their labels. `roles` are by the server's names. `gone` are known ones that the server
    does not list any more."""

    mailboxes: Sequence[Mailbox]
    by_labels: bool
    roles: Mapping[str, MailboxRole]
    gone: Sequence[KnownMailbox]
    has_inbox: bool  # or else the list is not to be believed (RFC 9051, section 5.1)


def choose(
    listed: Sequence[RemoteMailbox], known: Sequence[KnownMailbox], wanted: Wanted, *, has_labels: bool
) -> Choice:
    """`wanted` is by the server's name, with "/" between its elements, and by role. A mailbox that is known and not
    wanted any more is left as it is.

    A mailbox that shows what lies in others is fetched instead of them where the server says which those are
    (`has_labels`), and else not at all."""
    by_key = {each.key: each for each in known}
    selectable = [each for each in listed if each.selectable]
    candidates = [each for each in selectable if wanted(each.name, each.role)]
    everything = next((each for each in candidates if each.role is MailboxRole.ALL), None)
    by_labels = has_labels and everything is not None
    if by_labels:
        chosen = [each for each in candidates if each.role in _BESIDE_ALL]
    else:
        chosen = [each for each in candidates if not each.contains_others]
    names = _names(chosen, by_key)
    there = {each.key for each in selectable}
    return Choice(
        mailboxes=[Mailbox(each, names[each.key], by_key.get(each.key)) for each in sorted(chosen, key=_rank)],
        by_labels=by_labels,
        roles={each.name: each.role for each in selectable},
        gone=[each for each in known if each.key not in there],
        has_inbox=any(each.role is MailboxRole.INBOX for each in listed),
    )


def rank(mailbox: Mailbox) -> int:
    return _RANKS.get(mailbox.remote.role, _OTHER_RANK)


def _rank(mailbox: RemoteMailbox) -> tuple[int, str]:
    return _RANKS.get(mailbox.role, _OTHER_RANK), mailbox.name


def _names(chosen: Sequence[RemoteMailbox], known: Mapping[str, KnownMailbox]) -> dict[str, str]:
    """By key. A mailbox keeps its name for as long as the server keeps its key; no two have the same. One that the
    server does not have any more gives its name to the next of that name."""
    names = {each.key: known[each.key].name for each in chosen if each.key in known}
    replaceable = {each.name for key, each in known.items() if key not in names}
    distinct = DistinctNames(each.name for each in known.values() if each.name not in replaceable)
    for each in chosen:
        if each.key not in names:
            names[each.key] = distinct.of(each.name)
    return names
