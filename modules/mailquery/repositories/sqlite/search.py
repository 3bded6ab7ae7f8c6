"""Finding messages. A search is one function on a reading connection's thread, and sees one state of the archive."""

import sqlite3
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from mailquery.domain.queries import Query
from mailquery.domain.relevance import Demand, Weights
from mailquery.domain.words import fold
from mailquery.repositories.compression import unpack_text
from mailquery.repositories.explanations import Explanation
from mailquery.repositories.groups import GroupBy, Statistics
from mailquery.repositories.records import (
    AttachmentRow,
    MessageRow,
    Position,
    QueryVector,
    SearchPage,
    Sort,
    Total,
    Visibility,
)
from mailquery.repositories.sqlite.compile import compile_query
from mailquery.repositories.sqlite.explaining import explain_query
from mailquery.repositories.sqlite.free_words import compile_words
from mailquery.repositories.sqlite.nodes import Condition, Match
from mailquery.repositories.sqlite.people_index import PeopleIndex
from mailquery.repositories.sqlite.ranking import NEAR, RANKED, Ranked, Ranker, Ranking, added_until
from mailquery.repositories.sqlite.rows import attachment, read_rows
from mailquery.repositories.sqlite.scope import Scope, ids
from mailquery.repositories.sqlite.selection import Selection
from mailquery.repositories.sqlite.statistics.repository import read_statistics
from mailquery.repositories.sqlite.suggestions import suggestions
from mailquery.repositories.sqlite.tokens import HAS_PART
from mailquery.repositories.sqlite.vectors.codes import State
from mailquery.repositories.sqlite.vectors.nearest import NearestVectors
from mailquery.repositories.steps import Steps
from mcpkit.database.faults import storage_damaged
from mcpkit.database.sqlite import Database

_COUNTED = 10_000
_REMEMBERED_RANKINGS = 64

_BODIES = """
    SELECT m.id, b.body FROM json_each(?) j
    CROSS JOIN messages m ON m.id = j.value
    CROSS JOIN bodies b ON b.sequence = m.sequence
"""

_ADDED_SINCE = """
    SELECT 1 FROM messages m
    WHERE m.sequence > ?1 AND (?2 IS NULL OR EXISTS (SELECT 1 FROM shown_placements v WHERE v.message = m.id
                                            AND v.mailbox IN (SELECT value FROM json_each(?2)))) LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    query: Query
    visible: Visibility
    sort: Sort
    limit: int
    start: Position | None
    vector: QueryVector | None
    texts: bool
    steps: Steps


@dataclass(frozen=True, slots=True)
class _RankingKey:
    query: Query
    as_of: int
    visible: Visibility
    model: str  # that its vector is of, empty where meaning is not used
    generation: int  # of what the policy withholds


class SqliteSearch:
    """`SearchRepository`.

    Newest first and oldest first follow the row ids. Relevance is of the newest 1,000 matches, and of the messages that
    lack some of the words (`ranking`); behind those, older matches follow by date.
    """

    def __init__(
        self, database: Database, *, weights: Weights | None = None, vectors: NearestVectors | None = None
    ) -> None:
        self._database = database
        self._people = PeopleIndex()
        self._ranker = Ranker(weights or Weights(), vectors or NearestVectors())
        self._rankings: OrderedDict[_RankingKey, Ranking] = OrderedDict()

    async def search(
        self,
        query: Query,
        visible: Visibility,
        *,
        sort: Sort,
        limit: int,
        start: Position | None = None,
        vector: QueryVector | None = None,
        texts: bool = False,
        steps: Steps | None = None,
    ) -> SearchPage:
        asked = _Asked(query, visible, sort, limit, start, vector, texts, steps or Steps())
        return await self._database.read(lambda connection: self._page(connection, asked))

    async def explain(self, query: Query, visible: Visibility) -> Explanation:
        return await self._database.read(lambda connection: explain_query(connection, query, visible, self._people))

    def _page(self, connection: sqlite3.Connection, asked: _Asked) -> SearchPage:
        start, steps = asked.start, asked.steps
        with steps.step("compiling"):
            scope = Scope(connection, asked.visible, asked.query)
            selection, as_of = self._select(connection, asked.query, scope, start)
        in_ranking = start is None or start.offset < RANKED + NEAR
        if asked.sort is Sort.RELEVANCE and selection.ranks and in_ranking:
            page = self._ranked_page(connection, asked, scope, selection, as_of)
        else:
            oldest = asked.sort is Sort.OLDEST
            page = _dated_page(connection, scope, selection, as_of, asked.limit, start, steps, oldest=oldest)
        if start is None:
            with steps.step("looking for other spellings"):
                found = page.total.value > 0
                page = replace(page, did_you_mean=suggestions(connection, asked.query, scope, self._people, found))
        if asked.texts:
            with steps.step("reading the texts"):
                page = replace(page, texts=self._texts(connection, [row.row for row in page.rows]))
        return page

    def _texts(self, connection: sqlite3.Connection, rows: Sequence[int]) -> dict[int, str]:
        try:
            return {row: unpack_text(body) for row, body in connection.execute(_BODIES, (ids(rows),))}
        except ValueError as error:
            raise storage_damaged(self._database.path, str(error)) from error

    def _select(
        self, connection: sqlite3.Connection, query: Query, scope: Scope, start: Position | None
    ) -> tuple[Selection, int]:
        """The compiled query as of the version that the first page saw."""
        selection = compile_query(connection, query, scope, self._people)
        (newest,) = connection.execute("SELECT coalesce(max(sequence), 0) FROM messages").fetchone()
        if start is None or start.as_of >= newest:
            return selection, newest if start is None else start.as_of
        return selection.also(added_until(start.as_of)), start.as_of

    def _ranked_page(
        self, connection: sqlite3.Connection, asked: _Asked, scope: Scope, selection: Selection, as_of: int
    ) -> SearchPage:
        start, limit, steps = asked.start, asked.limit, asked.steps
        model = asked.vector.model if asked.vector else ""
        state = State.read(connection)
        through = state.through if model == state.model else 0
        key = _RankingKey(asked.query, as_of, asked.visible, model, scope.policy.generation)
        # Only later pages take a ranking that is remembered: flags and mailboxes change without a new version.
        ranking = self._rankings.pop(key, None) if start is not None else None
        if ranking is None:
            with steps.step("finding and ranking"):
                demand = Demand.of(asked.query)
                required, _ = self._select(connection, demand.required, scope, start)
                words = compile_words(connection, demand, self._people)
                ranking = self._ranker.rank(connection, Ranked(selection, required, words), asked.vector)
        self._rankings[key] = ranking  # kept, so that the pages of one ranking fit together whatever is added meanwhile
        if len(self._rankings) > _REMEMBERED_RANKINGS:
            self._rankings.popitem(last=False)
        with steps.step("counting"):
            total = _total(_count(connection, selection) if ranking.cut else ranking.matches)
        offset = start.offset if start else 0
        page = ranking.rows[offset : offset + limit]
        following: Position | None = None
        if offset + limit < len(ranking.rows):
            following = Position(as_of, offset=offset + limit)
        elif ranking.cut and ranking.oldest_match is not None:
            following = Position(as_of, row=ranking.oldest_match, offset=RANKED + NEAR)
        with steps.step("reading the rows"):
            rows = read_rows(connection, page, scope)
        return SearchPage(
            rows,
            total,
            following,
            ranked=True,
            ranked_newest=RANKED if ranking.cut else None,
            standings=tuple(map(ranking.standing, page)),
            near=ranking.near,
            all_embedded=asked.vector is None or not _any_added_since(connection, through, scope),
        )

    async def attachments(
        self,
        query: Query,
        visible: Visibility,
        *,
        filename: str,
        media_type: str,
        limit: int,
        start: Position | None = None,
    ) -> tuple[tuple[AttachmentRow, ...], Total, Position | None]:
        def read(connection: sqlite3.Connection) -> tuple[tuple[AttachmentRow, ...], Total, Position | None]:
            scope = Scope(connection, visible, query)
            selection, as_of = self._select(connection, query, scope, start)
            selection = selection.also_matching(Match(f'meta : "{HAS_PART}"'))
            if filename:
                selection = selection.also(Condition("instr(a.folded, ?) > 0", (fold(filename),)))
            if media_type:
                wanted = media_type.lower()
                selection = selection.also(Condition("(a.kind = ? OR a.type = ?)", (wanted, wanted)))
            return _attachments_page(connection, scope, selection, as_of, limit, start)

        return await self._database.read(read)

    async def body_texts(self, rows: Sequence[int]) -> dict[int, str]:
        return await self._database.read(lambda connection: self._texts(connection, rows))

    async def statistics(
        self,
        query: Query,
        visible: Visibility,
        *,
        group_by: GroupBy,
        zone: ZoneInfo,
        limit: int,
        then_by: GroupBy | None = None,
        then_limit: int = 12,
    ) -> Statistics:
        def read(connection: sqlite3.Connection) -> Statistics:
            scope = Scope(connection, visible, query)
            selection = compile_query(connection, query, scope, self._people)
            return read_statistics(connection, selection, scope, group_by, zone, limit, then_by, then_limit)

        return await self._database.read(read)


def _any_added_since(connection: sqlite3.Connection, sequence: int, scope: Scope) -> bool:
    """Whether there are later messages that the caller sees."""
    return connection.execute(_ADDED_SINCE, (sequence, scope.limit)).fetchone() is not None


def _count(connection: sqlite3.Connection, selection: Selection, joined: str = "", most: int = _COUNTED + 1) -> int:
    """How many there are, at most `most`."""
    if selection.empty or most <= 0:
        return 0
    if selection.is_index_alone and not joined:
        # To step over rows takes half of the time of handing them on to be counted.
        beyond, parameters = selection.sql("1", tail="LIMIT 1 OFFSET ?")
        if connection.execute(beyond, (*parameters, most - 1)).fetchone() is not None:
            return most
        every, parameters = selection.sql("count(*)")
        (count,) = connection.execute(every, parameters).fetchone()
        return int(count)
    inner, parameters = selection.sql("1", joined=joined, tail="LIMIT ?")
    (count,) = connection.execute(
        f"SELECT count(*) FROM ({inner})",  # noqa: S608 - the inner statement's values are parameters
        (*parameters, most),
    ).fetchone()
    return int(count)


def _dated_page(
    connection: sqlite3.Connection,
    scope: Scope,
    selection: Selection,
    as_of: int,
    limit: int,
    start: Position | None,
    steps: Steps,
    *,
    oldest: bool,
) -> SearchPage:
    with steps.step("finding and counting"):
        total, found = _count_and_find(connection, selection, limit + 1, start, "ASC" if oldest else "DESC")
    page = found[:limit]
    following = None
    if len(found) > limit:
        following = Position(as_of, row=page[-1], offset=start.offset if start else 0)
    with steps.step("reading the rows"):
        rows = read_rows(connection, page, scope)
    return SearchPage(rows, total, following)


def _count_and_find(
    connection: sqlite3.Connection, selection: Selection, limit: int, start: Position | None, order: str
) -> tuple[Total, list[int]]:
    """How many there are, and the first row ids behind `start`."""
    if selection.empty:
        return Total(0, exact=True), []
    if start is None and selection.is_costly:
        selection = selection.in_order_of_time()
        inner, parameters = selection.sql(tail=f"ORDER BY {{row}} {order} LIMIT ?")
        rows = connection.execute(
            f"WITH hits (id) AS MATERIALIZED ({inner})"  # noqa: S608 - the inner statement's values are parameters
            " SELECT id, (SELECT count(*) FROM hits) FROM hits LIMIT ?",
            (*parameters, _COUNTED + 1, limit),
        ).fetchall()
        count = rows[0][1] if rows else 0
        return _total(count), [row for row, _ in rows]
    if selection.is_out_of_order:
        count = _count(connection, selection)
        # Few are sorted; of many, the first are soon met among all messages.
        driven = selection.in_order_of_time() if count > _COUNTED else selection
        return _total(count), _found(connection, driven, limit, start, order)
    found = _found(connection, selection, limit, start, order)
    if start is not None:
        return _total(_count(connection, selection)), found
    count = len(found)
    if count == limit:  # else they are all that there are, and finding them was the whole work
        rest = selection.also(_behind(found[-1], order))
        count += _count(connection, rest, most=_COUNTED + 1 - count)
    return _total(count), found


def _found(
    connection: sqlite3.Connection, selection: Selection, limit: int, start: Position | None, order: str
) -> list[int]:
    """The first row ids behind `start`."""
    if start is not None:
        selection = selection.also(_behind(start.row, order))
    sql, parameters = selection.sql(tail=f"ORDER BY {{row}} {order} LIMIT ?")
    return [row for (row,) in connection.execute(sql, (*parameters, limit))]


def _behind(row: int, order: str) -> Condition:
    return Condition("{row} > ?" if order == "ASC" else "{row} < ?", (row,))


def _total(count: int) -> Total:
    return Total(min(count, _COUNTED), exact=count <= _COUNTED)


_JOIN_ATTACHMENTS = "CROSS JOIN attachments a ON a.message = {row}"
_ATTACHMENT_COLUMNS = (
    "{row}, a.part, a.filename, a.type, a.size, a.inline, a.content_id, "
    "coalesce((SELECT c.type FROM contents c WHERE c.id = a.content), '')"
)


def _attachments_page(
    connection: sqlite3.Connection,
    scope: Scope,
    selection: Selection,
    as_of: int,
    limit: int,
    start: Position | None,
) -> tuple[tuple[AttachmentRow, ...], Total, Position | None]:
    total = _total(_count(connection, selection, _JOIN_ATTACHMENTS))
    if selection.empty:
        return (), total, None
    skipped = 0
    if start is not None:
        selection = selection.also(Condition("{row} <= ?", (start.row,)))
        skipped = start.offset
    sql, parameters = selection.sql(
        _ATTACHMENT_COLUMNS, joined=_JOIN_ATTACHMENTS, tail="ORDER BY {row} DESC, a.position LIMIT ? OFFSET ?"
    )
    found = connection.execute(sql, (*parameters, limit + 1, skipped)).fetchall()
    page = [(row, attachment(*columns)) for row, *columns in found[:limit]]
    messages: dict[int, MessageRow] = {
        message.row: message for message in read_rows(connection, list(dict.fromkeys(row for row, _ in page)), scope)
    }
    following = None
    if len(found) > limit:
        given: dict[int, int] = defaultdict(int)
        if start is not None:
            given[start.row] = skipped
        for row, _ in page:
            given[row] += 1
        last = page[-1][0]
        following = Position(as_of, row=last, offset=given[last])
    return tuple(AttachmentRow(messages[row], part) for row, part in page), total, following
