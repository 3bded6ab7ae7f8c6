"""Which indexes serve a query, told from the compiled query and from SQLite's own plan of its statement."""

import sqlite3

from mailquery.domain.messages import Flag
from mailquery.domain.queries import (
    And,
    InThread,
    Is,
    Not,
    OfType,
    OnList,
    Or,
    Participant,
    Query,
    SizeBetween,
    TextField,
    WithMessageId,
    Words,
)
from mailquery.repositories.explanations import Explanation, Served, Use
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.compile import compile_part, compile_query
from mailquery.repositories.sqlite.nodes import (
    Both,
    Condition,
    Dates,
    Flagged,
    Lies,
    Match,
    Negation,
    Node,
    Sized,
    Truth,
)
from mailquery.repositories.sqlite.people_index import PeopleIndex, with_address
from mailquery.repositories.sqlite.scope import Scope
from mailquery.repositories.sqlite.selection import Selection

_FULL_TEXT = "full-text index"
_TOKENS = f"tokens of the {_FULL_TEXT}"
_COLUMNS = {
    TextField.ANY: _FULL_TEXT,
    TextField.SUBJECT: f"{_FULL_TEXT}: subjects",
    TextField.BODY: f"{_FULL_TEXT}: bodies and quoted history",
    TextField.FILENAME: f"{_FULL_TEXT}: file names",
    TextField.ATTACHMENT: f"{_FULL_TEXT}: file names and texts of attachments",
}
_FLAGGED = {
    Flag.SEEN: "index of unread messages",
    Flag.ANSWERED: "index of answered messages",
    Flag.FLAGGED: "index of starred messages",
    Flag.DRAFT: "index of drafts",
    Flag.GONE: "index of what is gone",
}
_SIZES = "index of sizes"
# What SQLite's plan calls the index that it goes through, and what it is here. The first that occurs counts.
_DRIVERS = (
    ("VIRTUAL TABLE", _FULL_TEXT),
    ("placements_", "mailbox index"),
    ("messages_unread", _FLAGGED[Flag.SEEN]),
    ("messages_answered", _FLAGGED[Flag.ANSWERED]),
    ("messages_starred", _FLAGGED[Flag.FLAGGED]),
    ("messages_draft", _FLAGGED[Flag.DRAFT]),
    ("messages_gone", _FLAGGED[Flag.GONE]),
    ("messages_by_size", _SIZES),
    ("messages_by_thread", "thread index"),
    ("messages_by_message_id", "index of Message-IDs"),
)
_MESSAGES = "messages in the order of time"


def explain_query(
    connection: sqlite3.Connection, query: Query, visible: Visibility, people: PeopleIndex
) -> Explanation:
    """How `query` is answered for the newest matches. Raises Fault TOO_LARGE as the search does."""
    scope = Scope(connection, visible, query)
    selection = compile_query(connection, query, scope, people)
    engine = () if selection.empty else _plan(connection, selection)
    driver = "nothing: no message can match" if selection.empty else _driver(engine)
    besides = ("in an account that the caller may see: its placements are looked up",) if scope.limit else ()
    if scope.policy.withholds and scope.has_all_accounts:
        besides = ("not withheld by the operator's policy: that is looked up by its row id",)
    if scope.leaves_out_hidden:
        besides = (*besides, "not hidden as gone: that is looked up in an index of its own")
    tree = _Explainer(connection, scope, people, selection, driver).conjunct(query)
    return Explanation(tree, driver, besides, engine)


def _plan(connection: sqlite3.Connection, selection: Selection) -> tuple[str, ...]:
    sql, parameters = selection.sql(tail="ORDER BY {row} DESC LIMIT 25")
    return tuple(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters))


def _driver(engine: tuple[str, ...]) -> str:
    first = engine[0] if engine else ""
    return next((name for index, name in _DRIVERS if index in first), _MESSAGES)


class _Explainer:
    def __init__(
        self, connection: sqlite3.Connection, scope: Scope, people: PeopleIndex, selection: Selection, driver: str
    ) -> None:
        self._connection = connection
        self._scope = scope
        self._people = people
        self._selection = selection
        self._driver = driver

    def conjunct(self, query: Query) -> Served:
        """A part that every match must be: the whole query, or one of the parts that are joined by AND."""
        if isinstance(query, And):
            return Served(query, "", Use.DRIVES, tuple(self.conjunct(part) for part in query.parts))
        node = self._node(query)
        match node:
            case Match():
                return self._all(query, Use.DRIVES)
            case Negation(Match()):
                return self._all(query, Use.DRIVES if self._selection.match is not None else Use.SET)
            case Dates():
                return Served(query, "row ids, which are in the order of time", Use.NARROWS)
            case Lies(mailboxes) if self._selection.mailbox is not None and mailboxes == (self._selection.mailbox,):
                return Served(query, self._driver, Use.DRIVES)
            case Flagged(flag) if self._driver == _FLAGGED[flag]:
                return Served(query, self._driver, Use.DRIVES)
            case Sized() if self._driver == _SIZES:
                return Served(query, self._driver, Use.DRIVES)
            case Condition() if isinstance(query, InThread | WithMessageId) and self._driver in (
                "thread index",
                "index of Message-IDs",
            ):
                return Served(query, self._driver, Use.DRIVES)
            case _:
                return self._inner(query)

    def _node(self, query: Query) -> Node:
        node = compile_part(self._connection, query, self._scope, self._people)
        # That it must not be hidden there is said of the whole.
        return node.parts[0] if isinstance(node, Both) and isinstance(node.parts[0], Lies) else node

    def _all(self, query: Query, use: Use) -> Served:
        """A part that is one expression of the full-text index."""
        match query:
            case And(parts) | Or(parts):
                return Served(query, "", use, tuple(self._all(part, use) for part in parts))
            case Not(part):
                return Served(query, "", use, (self._all(part, use),))
            case _:
                node = self._node(query)
                return Served(query, self._index(query, node), Use.DECIDED if isinstance(node, Truth) else use)

    def _inner(self, query: Query) -> Served:
        """A part below an OR or a NOT that the full-text index does not answer as a whole."""
        node = self._node(query)
        if isinstance(node, Match) or (isinstance(node, Negation) and isinstance(node.part, Match)):
            return self._all(query, Use.SET)
        match query:
            case And(parts) | Or(parts):
                return Served(query, "", Use.CANDIDATE, tuple(self._inner(part) for part in parts))
            case Not(part):
                return Served(query, "", Use.CANDIDATE, (self._inner(part),))
            case _:
                return Served(
                    query, self._index(query, node), Use.DECIDED if isinstance(node, Truth) else Use.CANDIDATE
                )

    def _index(self, query: Query, node: Node) -> str:
        match node:
            case Truth(False) if self._scope.limit is not None and isinstance(query, Participant | OnList):
                return self._of_query(query, looked_up=False)  # whether hidden mail has it is not told
            case Truth(value):
                return "no condition" if value else "no message: nothing in the archive bears it"
            case Flagged(flag):
                return _FLAGGED[flag]
            case Lies():
                return "placements of the message"
            case Dates():
                return "message table: date"
            case _:
                return self._of_query(query, looked_up=not isinstance(node, Match))

    def _of_query(self, query: Query, *, looked_up: bool) -> str:
        match query:
            case Words(field=field):
                return _COLUMNS[field]
            case Participant(value=value, whole=False) if value.startswith("@"):
                return f"domain index, as {_TOKENS}"
            case Participant(value=value, whole=whole):
                # How many there are in hidden accounts is not told.
                found_in = with_address if whole else self._people.matching
                people = len(found_in(self._connection, value))
                found = "" if self._scope.limit is not None else f" ({people:,} found)"
                how = "then the participants of the message" if looked_up else f"as {_TOKENS}"
                return f"participants index{found}, {how}"
            case OnList():
                return "list index, then the message table" if looked_up else f"list index, as {_TOKENS}"
            case OfType():
                return "attachments of the message" if looked_up else _TOKENS
            case InThread():
                return "message table: thread"
            case WithMessageId():
                return "message table: Message-ID"
            case SizeBetween():
                return "facts of the message: size"
            case Is():
                return "placements of the message" if looked_up else _TOKENS
            case _:
                return _TOKENS
