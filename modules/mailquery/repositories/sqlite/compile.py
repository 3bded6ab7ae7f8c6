"""A query tree as an FTS5 expression and SQL conditions.

What the index serves (words, people, lists, what a message has) becomes one MATCH expression as far up the tree as it
reaches; the rest becomes conditions on the message. Any nesting of both works: an index expression below a condition
is a sub-select.
"""

import sqlite3

from mailquery.domain.messages import Flag
from mailquery.domain.queries import And, Not, Or, Query
from mailquery.repositories.sqlite.compiler import Compiler
from mailquery.repositories.sqlite.nodes import Condition, Flagged, Node, both
from mailquery.repositories.sqlite.people_index import PeopleIndex
from mailquery.repositories.sqlite.scope import Scope
from mailquery.repositories.sqlite.selection import Selection
from mcpkit.errors import ErrorCode, Fault

_SHOWN = Condition("{row} NOT IN (SELECT message FROM withheld)")
_NOT_REMOVED = Condition("{row} NOT IN (SELECT id FROM removed)")

_DEEPEST = 64  # FTS5's parser has a stack of 100
_MOST_NODES = 1000


def compile_query(connection: sqlite3.Connection, query: Query, scope: Scope, people: PeopleIndex) -> Selection:
    """How to find what `query` means among what `scope` covers. Raises Fault TOO_LARGE for a monstrous tree."""
    _check_size(query)
    node, shift = Compiler(connection, scope, people).node(query), largest_shift(connection)
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
    return Compiler(connection, scope, people).node(part)


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
