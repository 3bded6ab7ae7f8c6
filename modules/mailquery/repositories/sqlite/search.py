"""Finding messages. A search is one function on a reading connection's thread, and sees one state of the archive."""

import sqlite3
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from mailquery.domain.queries import Query
from mailquery.domain.words import fold
from mailquery.repositories.compression import unpack_text
from mailquery.repositories.records import (
    AttachmentRow,
    GroupBy,
    MessageRow,
    Position,
    SearchPage,
    Sort,
    Statistics,
    Total,
    Visibility,
)
from mailquery.repositories.sqlite.compile import compile_query
from mailquery.repositories.sqlite.people_index import PeopleIndex
from mailquery.repositories.sqlite.rows import attachment, read_rows
from mailquery.repositories.sqlite.scope import Scope, ids
from mailquery.repositories.sqlite.selection import Condition, Match, Selection
from mailquery.repositories.sqlite.statistics import read_statistics
from mailquery.repositories.sqlite.tokens import HAS_PART
from mcpkit.database.faults import storage_damaged
from mcpkit.database.sqlite import Database

_COUNTED = 10_000
_RANKED = 1_000  # the newest matches that relevance looks at
_REMEMBERED_RANKINGS = 64
_YEAR = 365.25 * 86_400  # seconds
_RECENCY = 0.3  # how much the newest match gains over a very old one

# The columns: subject, people, body, quoted, filenames, meta.
_RANKING = "{row}, bm25(search, 8.0, 4.0, 1.0, 0.3, 2.0, 0.0)"

_BODIES = """
    SELECT m.id, b.body FROM json_each(?) j
    CROSS JOIN messages m ON m.id = j.value
    CROSS JOIN bodies b ON b.sequence = m.sequence
"""


class SqliteSearch:
    """`SearchRepository`.

    Newest first and oldest first follow the row ids. Relevance is BM25 with a mild gain for recent messages, over the
    newest 1,000 matches; behind those, older matches follow by date.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._people = PeopleIndex()
        self._rankings: OrderedDict[tuple[Query, int, Visibility], tuple[int, ...]] = OrderedDict()

    async def search(
        self, query: Query, visible: Visibility, *, sort: Sort, limit: int, start: Position | None = None
    ) -> SearchPage:
        def read(connection: sqlite3.Connection) -> SearchPage:
            scope = Scope(connection, visible)
            selection, as_of = self._select(connection, query, scope, start)
            if sort is Sort.RELEVANCE and selection.ranks and (start is None or start.offset < _RANKED):
                return self._ranked_page(connection, scope, selection, (query, as_of, visible), limit, start)
            return _dated_page(connection, scope, selection, as_of, limit, start, oldest=sort is Sort.OLDEST)

        return await self._database.read(read)

    def _select(
        self, connection: sqlite3.Connection, query: Query, scope: Scope, start: Position | None
    ) -> tuple[Selection, int]:
        """The compiled query as of the version that the first page saw."""
        selection = compile_query(connection, query, scope, self._people)
        (newest,) = connection.execute("SELECT coalesce(max(sequence), 0) FROM messages").fetchone()
        if start is None or start.as_of >= newest:
            return selection, newest if start is None else start.as_of
        return selection.also(Condition("m.sequence <= ?", (start.as_of,), needs_message=True)), start.as_of

    def _ranked_page(
        self,
        connection: sqlite3.Connection,
        scope: Scope,
        selection: Selection,
        key: tuple[Query, int, Visibility],
        limit: int,
        start: Position | None,
    ) -> SearchPage:
        ranked = self._rankings.pop(key, None)
        if ranked is None:
            ranked = _rank(connection, selection)
        self._rankings[key] = ranked  # kept, so that the pages of one ranking fit together whatever is added meanwhile
        if len(self._rankings) > _REMEMBERED_RANKINGS:
            self._rankings.popitem(last=False)
        # Fewer than were asked for are all that there are.
        total = _total(len(ranked) if len(ranked) < _RANKED else _count(connection, selection))
        offset = start.offset if start else 0
        page = ranked[offset : offset + limit]
        cut = total.value > _RANKED
        following: Position | None = None
        if offset + limit < len(ranked):
            following = Position(key[1], offset=offset + limit)
        elif cut and ranked:
            following = Position(key[1], row=min(ranked), offset=_RANKED)
        rows = read_rows(connection, page, scope)
        return SearchPage(rows, total, following, ranked=True, ranked_newest=_RANKED if cut else None)

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
            scope = Scope(connection, visible)
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
        def read(connection: sqlite3.Connection) -> dict[int, str]:
            return {row: unpack_text(body) for row, body in connection.execute(_BODIES, (ids(rows),))}

        try:
            return await self._database.read(read)
        except ValueError as error:
            raise storage_damaged(self._database.path, str(error)) from error

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
            scope = Scope(connection, visible)
            selection = compile_query(connection, query, scope, self._people)
            return read_statistics(connection, selection, scope, group_by, zone, limit, then_by, then_limit)

        return await self._database.read(read)


def _count(connection: sqlite3.Connection, selection: Selection, joined: str = "", most: int = _COUNTED + 1) -> int:
    """How many there are, at most `most`."""
    if selection.empty or most <= 0:
        return 0
    inner, parameters = selection.sql("1", joined=joined, tail="LIMIT ?")
    count: int = connection.execute(
        f"SELECT count(*) FROM ({inner})",  # noqa: S608 - the inner statement's values are parameters
        (*parameters, most),
    ).fetchone()[0]
    return count


def _rank(connection: sqlite3.Connection, selection: Selection) -> tuple[int, ...]:
    """The newest matches' row ids, the most relevant first; of equals, the newest."""
    sql, parameters = selection.sql(_RANKING, tail="ORDER BY {row} DESC LIMIT ?")
    rows: list[tuple[int, float]] = connection.execute(sql, (*parameters, _RANKED)).fetchall()
    if not rows:
        return ()
    newest = rows[0][0]
    scored = [(score * (1 + _RECENCY * 0.5 ** ((newest - row) / _YEAR)), -row) for row, score in rows]
    scored.sort()  # BM25 is negative here: the smallest is the best
    return tuple(-row for _, row in scored)


def _dated_page(
    connection: sqlite3.Connection,
    scope: Scope,
    selection: Selection,
    as_of: int,
    limit: int,
    start: Position | None,
    *,
    oldest: bool,
) -> SearchPage:
    total, found = _count_and_find(connection, selection, limit + 1, start, "ASC" if oldest else "DESC")
    page = found[:limit]
    following = None
    if len(found) > limit:
        following = Position(as_of, row=page[-1], offset=start.offset if start else 0)
    return SearchPage(read_rows(connection, page, scope), total, following)


def _count_and_find(
    connection: sqlite3.Connection, selection: Selection, limit: int, start: Position | None, order: str
) -> tuple[Total, list[int]]:
    """How many there are, and the first row ids behind `start`."""
    if selection.empty:
        return Total(0, exact=True), []
    if start is None and selection.is_costly:
        inner, parameters = selection.sql(tail=f"ORDER BY {{row}} {order} LIMIT ?")
        rows = connection.execute(
            f"WITH hits (id) AS MATERIALIZED ({inner})"  # noqa: S608 - the inner statement's values are parameters
            " SELECT id, (SELECT count(*) FROM hits) FROM hits LIMIT ?",
            (*parameters, _COUNTED + 1, limit),
        ).fetchall()
        count = rows[0][1] if rows else 0
        return _total(count), [row for row, _ in rows]
    behind = Condition("{row} > ?" if order == "ASC" else "{row} < ?")
    rest = selection if start is None else selection.also(replace(behind, parameters=(start.row,)))
    sql, parameters = rest.sql(tail=f"ORDER BY {{row}} {order} LIMIT ?")
    found = [row for (row,) in connection.execute(sql, (*parameters, limit))]
    if start is not None:
        return _total(_count(connection, selection)), found
    count = len(found)
    if count == limit:  # else they are all that there are, and finding them was the whole work
        following = selection.also(replace(behind, parameters=(found[-1],)))
        count += _count(connection, following, most=_COUNTED + 1 - count)
    return _total(count), found


def _total(count: int) -> Total:
    return Total(min(count, _COUNTED), exact=count <= _COUNTED)


_JOIN_ATTACHMENTS = "CROSS JOIN attachments a ON a.message = {row}"
_ATTACHMENT_COLUMNS = "{row}, a.part, a.filename, a.type, a.size, a.inline, a.content_id"


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
