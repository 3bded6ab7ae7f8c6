"""A query tree as an FTS5 expression and SQL conditions.

What the index serves (words, people, lists, what a message has) becomes one MATCH expression as far up the tree as it
reaches; the rest becomes conditions on the message. Any nesting of both works: an index expression below a condition
is a sub-select.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
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
    TextField,
    WithMessageId,
    Words,
)
from mailquery.domain.relevance import Demand, written
from mailquery.domain.words import Phrase, fold, is_named_word, other_forms, phrase
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.encoding import first_second_from
from mailquery.repositories.sqlite.people_index import PeopleIndex, domain_id, with_address
from mailquery.repositories.sqlite.scope import Scope, ids
from mailquery.repositories.sqlite.selection import (
    Condition,
    Dates,
    Flagged,
    Lies,
    Match,
    Negation,
    Node,
    Selection,
    Sized,
    Truth,
    both,
    either,
    negated,
    quoted,
)
from mailquery.repositories.sqlite.threads import current_thread, message_id_hash
from mailquery.repositories.sqlite.tokens import (
    MARK,
    REPLY,
    domain_token,
    feature_token,
    kind_token,
    list_token,
    participant_token,
)
from mailquery.repositories.sqlite.vocabulary import forms_of
from mcpkit.errors import ErrorCode, Fault

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
_SHOWN = Condition("{row} NOT IN (SELECT message FROM withheld)")
_NOT_REMOVED = Condition("{row} NOT IN (SELECT id FROM removed)")

_MOST_TERMS = 300  # index terms for one participant or list; with more, a condition on the message is faster
_DEEPEST = 64  # FTS5's parser has a stack of 100
_MOST_NODES = 1000

_COLUMNS = {
    TextField.SUBJECT: "subject : ",
    TextField.BODY: "{body quoted} : ",
    TextField.FILENAME: "filenames : ",
}
_EVERY_TEXT_COLUMN = "subject people body quoted filenames"
# Not in an index of an earlier form, nor where the policy of this process is not the one that they were indexed by.
_FINDS_ATTACHED = """
    SELECT EXISTS (SELECT 1 FROM pragma_table_info('search') WHERE name = 'attached')
       AND (SELECT is_policy_on_attachments(attachments) FROM policy)
"""

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


def compile_query(connection: sqlite3.Connection, query: Query, scope: Scope, people: PeopleIndex) -> Selection:
    """How to find what `query` means among what `scope` covers. Raises Fault TOO_LARGE for a monstrous tree."""
    _check_size(query)
    node, shift = _Compiler(connection, scope, people).node(query), largest_shift(connection)
    placements = "shown_placements"
    if scope.leaves_out_hidden:
        placements = "found_placements"
        if scope.has_all_accounts:
            node = both([node, Flagged(Flag.HIDDEN, present=False)])
    if scope.policy.withholds and scope.has_all_accounts:
        # What lies in a withheld mailbox is withheld: looking that up is enough, and takes a third of the time.
        selection = Selection.of(node, None, shift).also(_SHOWN)
    else:
        selection = Selection.of(node, scope.limit, shift, placements)
    return selection.also(_NOT_REMOVED) if _any_removed(connection) else selection


def _any_removed(connection: sqlite3.Connection) -> bool:
    """Whether words are in the index of messages that are no more."""
    return connection.execute("SELECT 1 FROM removed LIMIT 1").fetchone() is not None


def compile_part(connection: sqlite3.Connection, part: Query, scope: Scope, people: PeopleIndex) -> Node:
    """A part of a tree that `compile_query` took, by itself."""
    return _Compiler(connection, scope, people).node(part)


@dataclass(frozen=True, slots=True)
class FreeWord:
    """A free word of a query (`domain.relevance`), ready to be looked for. `exactly` is the same without its other
    forms; None where it has none."""

    written: str
    anyhow: Match
    exactly: Match | None


@dataclass(frozen=True, slots=True)
class FreeWords:
    """Those of a demand's free words that an index can find, with its alternatives."""

    words: tuple[FreeWord, ...]
    alternatives: tuple[tuple[int, ...], ...]
    unranked: tuple[FreeWord, ...] = ()
    of_demand: int = 0  # how many the demand has, with those that no index can find


def compile_words(connection: sqlite3.Connection, demand: Demand, people: PeopleIndex) -> FreeWords:
    compiler = _Compiler(connection, Scope(connection, Visibility()), people)
    found = {place: word for place, query in enumerate(demand.words) if (word := _free(compiler, query)) is not None}
    places = {place: at for at, place in enumerate(found)}
    alternatives = [tuple(places[place] for place in each if place in places) for each in demand.alternatives]
    unranked = (_free(compiler, query) for query in demand.unranked)
    return FreeWords(
        tuple(found.values()),
        tuple(alternative for alternative in alternatives if alternative),
        tuple(word for word in unranked if word is not None),
        len(demand.words) + len(demand.unranked),
    )


def _free(compiler: "_Compiler", word: Query) -> FreeWord | None:
    anyhow, exactly = compiler.node(word), _exactly(word, attached=compiler.finds_attached)
    if not isinstance(anyhow, Match):
        return None
    differs = exactly if isinstance(exactly, Match) and exactly != anyhow else None
    return FreeWord(written(word), anyhow, differs)


def _exactly(word: Query, *, attached: bool) -> Node:
    match word:
        case Words(text, field, prefix):
            found = phrase(text, prefix=prefix)
            return Truth(False) if found is None else words_match(field, [found], attached=attached)
        case Or(parts):
            return either(_exactly(part, attached=attached) for part in parts)
        case _:
            raise TypeError(f"no free word: {word!r}")


def largest_shift(connection: sqlite3.Connection) -> int:
    shift: int = connection.execute("SELECT value FROM facts WHERE name = 'largest_shift'").fetchone()[0]
    return shift


def _check_size(query: Query) -> None:
    """Before any recursion: the tree's depth must fit Python's stack and FTS5's."""
    count = 0
    level: tuple[Query, ...] = (query,)
    for _ in range(_DEEPEST):
        count += len(level)
        level = tuple(part for node in level for part in _parts(node))
        if not level:
            break
    if level or count > _MOST_NODES:
        raise Fault(
            ErrorCode.TOO_LARGE, f"The query has more than {_MOST_NODES} parts or {_DEEPEST} levels. Search in steps."
        )


def _parts(node: Query) -> tuple[Query, ...]:
    match node:
        case And(parts) | Or(parts):
            return parts
        case Not(part):
            return (part,)
        case _:
            return ()


class _Compiler:
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


def finds_attached(connection: sqlite3.Connection) -> bool:
    """Whether the texts of attachments are searched."""
    return bool(connection.execute(_FINDS_ATTACHED).fetchone()[0])


def words_match(field: TextField, phrases: Sequence[Phrase], *, attached: bool) -> Match:
    """The index expression for any of `phrases`; `attached` is whether the texts of attachments are searched."""
    # The index's own tokens cannot be typed; text that tries to is kept to the columns of text.
    typed_mark = field is TextField.ANY and any(MARK in phrase.text for phrase in phrases)
    if field is TextField.ANY and attached and not typed_mark:
        columns = ""
    elif field is TextField.ANY:
        columns = f"{{{_EVERY_TEXT_COLUMN}{' attached' if attached else ''}}} : "
    elif field is TextField.ATTACHMENT:
        columns = "{filenames attached} : " if attached else "filenames : "
    else:
        columns = _COLUMNS[field]
    terms = " OR ".join(f"{quoted(phrase.text)}{' *' if phrase.prefix else ''}" for phrase in phrases)
    expression = f"({terms})" if len(phrases) > 1 else terms
    return Match(columns + expression, words=True, prefix=any(phrase.prefix for phrase in phrases))


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
