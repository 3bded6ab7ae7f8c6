"""The nodes of a query tree as parts of a compiled query.

What the index serves (words, people, lists, what a message has) becomes an index expression; the rest becomes
conditions on the message.
"""

import sqlite3
from functools import cached_property

from mailquery.domain.addresses import Role
from mailquery.domain.handles import parse_handle
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.media import Kind
from mailquery.domain.messages import Flag
from mailquery.domain.queries import (
    And,
    DateBetween,
    Everything,
    Has,
    InAccount,
    InMailbox,
    InThread,
    Is,
    Not,
    OfType,
    OnList,
    Or,
    Participant,
    ParticipantField,
    Query,
    SizeBetween,
    State,
    WithMessageId,
    Words,
)
from mailquery.domain.words import Phrase, fold, is_named_word, other_forms, phrase
from mailquery.repositories.sqlite.encoding import first_second_from
from mailquery.repositories.sqlite.nodes import (
    Condition,
    Dates,
    Flagged,
    Lies,
    Match,
    Negation,
    Node,
    Sized,
    Truth,
    both,
    either,
    negated,
    quoted,
)
from mailquery.repositories.sqlite.people_index import PeopleIndex, domain_id, with_address
from mailquery.repositories.sqlite.scope import Scope, ids
from mailquery.repositories.sqlite.threads import current_thread, message_id_hash
from mailquery.repositories.sqlite.tokens import (
    REPLY,
    domain_token,
    feature_token,
    kind_token,
    list_token,
    participant_token,
)
from mailquery.repositories.sqlite.vocabulary import forms_of
from mailquery.repositories.sqlite.word_matches import finds_attached, words_match

_THREAD_OF = """
    SELECT m.thread FROM messages m
    WHERE m.id = (SELECT k.message FROM message_keys k WHERE k.key = ?1)
      AND (?2 IS NULL OR EXISTS (SELECT 1 FROM shown_placements v WHERE v.message = m.id
                                            AND v.mailbox IN (SELECT value FROM json_each(?2))))
"""

# The flags of a placement that is gone count only where there is no other.
_FLAG_IN_SCOPE = """
    EXISTS (SELECT 1 FROM placements f WHERE f.message = {row} AND f.flags & ? <> 0
            AND +f.mailbox IN (SELECT value FROM json_each(?))
            AND (f.flags & 64 = 0 OR NOT EXISTS (
              SELECT 1 FROM placements g WHERE g.message = {row} AND g.flags & 64 = 0
                AND +g.mailbox IN (SELECT value FROM json_each(?)))))
"""
_GONE_IN_SCOPE = """
    NOT EXISTS (SELECT 1 FROM placements f WHERE f.message = {row} AND f.flags & 64 = 0
                AND +f.mailbox IN (SELECT value FROM json_each(?)))
"""
_SHOWN_IN = """
    EXISTS (SELECT 1 FROM placements h WHERE h.message = {row} AND h.flags & 128 = 0
            AND +h.mailbox IN (SELECT value FROM json_each(?)))
"""

_MOST_TERMS = 300  # index terms for one participant or list; with more, a condition on the message is faster

_ROLES = {
    ParticipantField.FROM: (Role.FROM, Role.SENDER),
    ParticipantField.TO: (Role.TO,),
    ParticipantField.CC: (Role.CC,),
    ParticipantField.BCC: (Role.BCC,),
    ParticipantField.WITH: tuple(Role),
}

_FLAG_OF = {
    State.READ: Flag.SEEN,
    State.STARRED: Flag.FLAGGED,
    State.ANSWERED: Flag.ANSWERED,
    State.DRAFT: Flag.DRAFT,
    State.GONE: Flag.GONE,
}
_KINDS = frozenset(kind.value for kind in Kind)


class Compiler:
    """Of the queries of one caller in one transaction. Trees are those that `compile_query` takes: deeper ones
    would not fit the stack."""

    def __init__(self, connection: sqlite3.Connection, scope: Scope, people: PeopleIndex) -> None:
        self._connection = connection
        self._scope = scope
        self._people = people

    @cached_property
    def finds_attached(self) -> bool:
        return finds_attached(self._connection)

    def node(self, query: Query) -> Node:
        match query:
            case And(parts):
                return both([self.node(part) for part in parts])
            case Or(parts):
                return either([self.node(part) for part in parts])
            case Not(part):
                return negated(self.node(part))
            case _:
                return self._leaf(query)

    def _leaf(self, query: Query) -> Node:
        match query:
            case Everything():
                return Truth(True)
            case Words():
                return self._words(query)
            case Participant(field, value, whole):
                return self._participant(field, value, whole=whole)
            case OnList(value):
                return self._on_list(value)
            case InMailbox(name):
                return self._lies(self._scope.named(name))
            case InAccount(name):
                return self._lies(self._scope.of_account(name))
            case InThread(handle):
                return self._in_thread(handle)
            case WithMessageId(message_id):
                return _with_message_id(message_id)
            case Has(feature):
                return _token(feature_token(feature))
            case Is(state):
                return self._is(state)
            case OfType(value):
                return _of_type(value)
            case SizeBetween(minimum, limit):
                return Truth(True) if minimum is None and limit is None else Sized(minimum, limit)
            case DateBetween(start, end):
                return Dates(
                    None if start is None else first_second_from(start), None if end is None else first_second_from(end)
                )
            case _:
                raise TypeError(f"no query: {query!r}")

    def _words(self, words: Words) -> Node:
        """As they stand; unquoted, also in their other forms."""
        found = phrase(words.text, prefix=words.prefix)
        if found is None:
            return Truth(False)
        phrases = [found]
        if not words.quoted and not words.prefix:
            phrases += other_forms(words.text)
            if is_named_word(found.text):
                phrases += [Phrase(form, prefix=False) for form in forms_of(self._connection, found.text)]
        return words_match(words.field, phrases, attached=self.finds_attached)

    def _participant(self, field: ParticipantField, value: str, *, whole: bool) -> Node:
        roles = _ROLES[field]
        if not whole and value.startswith("@") and "@" not in value[1:]:
            domain = domain_id(self._connection, value[1:]) if value[1:] else None
            if domain is None:
                return Truth(False)
            return either(_token(token) for token in dict.fromkeys(domain_token(role, domain) for role in roles))
        found = with_address(self._connection, value) if whole else self._people.matching(self._connection, value)
        if len(found) * len(roles) <= _MOST_TERMS:
            tokens = dict.fromkeys(participant_token(role, person) for role in roles for person in found)
            return either(_token(token) for token in tokens)
        return Condition(
            "EXISTS (SELECT 1 FROM message_participants w WHERE w.message = {row}"
            " AND w.role IN (SELECT value FROM json_each(?)) AND +w.participant IN (SELECT value FROM json_each(?)))",
            (ids(roles), ids(found)),
        )

    def _on_list(self, value: str) -> Node:
        folded = fold(value)
        if not folded:
            return Truth(False)
        found = [row[0] for row in self._connection.execute("SELECT id FROM lists WHERE instr(folded, ?)", (folded,))]
        if len(found) <= _MOST_TERMS:
            return either(_token(list_token(list_id)) for list_id in found)
        return Condition("coalesce(m.list IN (SELECT value FROM json_each(?)), 0)", (ids(found),), needs_message=True)

    def _in_thread(self, handle: str) -> Node:
        parsed = parse_handle(handle)
        if parsed is None:
            return Truth(False)
        kind, key = parsed
        if kind == "m":
            row = self._connection.execute(_THREAD_OF, (key, self._scope.limit)).fetchone()
            if row is None:
                return Truth(False)
            key = row[0]
        return Condition("m.thread = ?", (current_thread(self._connection, key),), needs_message=True)

    def _is(self, state: State) -> Node:
        match state:
            case State.REPLY:
                return _token(REPLY)
            case State.SENT:
                return self._lies(self._scope.with_role(MailboxRole.SENT))
            case State.UNREAD:
                if self._scope.limit is None or self._scope.has_all_accounts:
                    return Flagged(Flag.SEEN, present=False)
                return Negation(self._flag_in_scope(Flag.SEEN, self._scope.limit))
            case State.GONE if self._scope.limit is not None and not self._scope.has_all_accounts:
                return Condition(_GONE_IN_SCOPE, (self._scope.limit,))
            case _:
                flag = _FLAG_OF[state]
                if self._scope.limit is None or self._scope.has_all_accounts:
                    return Flagged(flag)
                return self._flag_in_scope(flag, self._scope.limit)

    def _lies(self, mailboxes: list[int]) -> Node:
        if not mailboxes:
            return Truth(False)
        lies = Lies(tuple(mailboxes))
        if not self._scope.leaves_out_hidden:
            return lies
        # It may be hidden in these, and not in others.
        return both([lies, Condition(_SHOWN_IN, (ids(mailboxes),))])

    def _flag_in_scope(self, flag: Flag, visible: str) -> Condition:
        return Condition(_FLAG_IN_SCOPE, (int(flag), visible, visible))


def _token(token: str) -> Match:
    return Match(f"meta : {quoted(token)}")


def _with_message_id(message_id: str) -> Node:
    bare = message_id.strip().removeprefix("<").removesuffix(">")
    if not bare:
        return Truth(False)
    hashed = message_id_hash(bare)
    if hashed is None:  # too short to be told apart by threads, so it is not in the index either
        return Condition("m.message_id = ?", (bare,), needs_message=True)
    return Condition("m.message_id_hash = ? AND m.message_id = ?", (hashed, bare), needs_message=True)


def _of_type(value: str) -> Node:
    value = value.lower()
    if value in _KINDS:
        return _token(kind_token(Kind(value)))
    return Condition("EXISTS (SELECT 1 FROM attachments t WHERE t.message = {row} AND t.type = ?)", (value,))
