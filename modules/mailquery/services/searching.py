"""Searching the archive."""

from collections.abc import Callable
from dataclasses import dataclass

from mailquery.domain.highlight import snippet
from mailquery.repositories.interfaces import SearchRepository
from mailquery.repositories.records import MessageRow, Position, SearchPage, Sort, Total, Visibility
from mailquery.repositories.steps import Steps
from mailquery.services.cursors import Bookmark, Cursors
from mailquery.services.explaining import Explained, explained
from mailquery.services.filters import Clock, FilterReader, Filters, Reading, utc_now
from mailquery.services.limits import checked_limit
from mcpkit.security.tokens import SignedTokens

MOST_ROWS = 100
SNIPPET_CHARS = 160
MARKS = ("**", "**")


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found. `snippet` is about `SNIPPET_CHARS` characters around the words searched for, each
    between two `MARKS`, or the beginning of the message where there are no words."""

    row: MessageRow
    snippet: str


@dataclass(frozen=True, slots=True)
class Found:
    """One page of hits. `given_before` counts those on earlier pages; `cursor_after(n)` continues after the first n
    hits of this page; `more` says whether there is anything after the whole page. Relevance that looked at the newest
    matches only says at how many in `ranked_newest`. `sort` is the order of these hits: by date where relevance was
    asked for and nothing in the query, or beyond those newest matches, has any. `explanation` is there where it was
    asked for."""

    hits: tuple[Hit, ...]
    total: Total
    given_before: int
    more: bool
    sort: Sort
    ranked_newest: int | None
    reading: Reading
    cursor_after: Callable[[int], str]
    explanation: Explained | None = None


class SearchMessages:
    """Finds messages, newest first unless told otherwise.

    The order does not depend on the words of the query: an answer that is cut short then always leaves out what is
    older, and a second page follows on a first one even while mail arrives.
    """

    def __init__(
        self, search: SearchRepository, filters: FilterReader, tokens: SignedTokens, clock: Clock = utc_now
    ) -> None:
        self._search = search
        self._filters = filters
        self._cursors = Cursors(tokens, "search")
        self._clock = clock

    async def __call__(
        self,
        visible: Visibility,
        filters: Filters,
        *,
        sort: Sort = Sort.NEWEST,
        limit: int = 20,
        cursor: str | None = None,
        explain: bool = False,
    ) -> Found:
        """Raises `QUERY_SYNTAX`, `VALIDATION_ERROR` and `INVALID_FORMAT` naming the argument."""
        checked_limit(limit, MOST_ROWS)
        steps = Steps()
        digest = filters.digest(sort.value, *sorted(visible.accounts or ()))
        start = self._cursors.open(cursor, digest) if cursor else None
        now = start.now if start else self._clock()
        reading = await self._filters.read(filters, visible, now, steps)
        page = await self._search.search(
            reading.tree, visible, sort=sort, limit=limit, start=start.position if start else None, steps=steps
        )
        with steps.step("snippets"):
            hits = await self._with_snippets(page.rows, reading.words)
        explanation = await self._search.explain(reading.tree, visible) if explain else None
        given_before = start.given if start else 0

        def cursor_after(hits: int) -> str:
            position = _position_after(hits, page, start.position if start else None, reading.sequence)
            return self._cursors.seal(digest, Bookmark(position, given_before + hits, now))

        return Found(
            hits=hits,
            total=page.total,
            given_before=given_before,
            more=page.next is not None,
            sort=Sort.NEWEST if sort is Sort.RELEVANCE and not page.ranked else sort,
            ranked_newest=page.ranked_newest,
            reading=reading,
            cursor_after=cursor_after,
            explanation=explained(explanation, steps, self._filters.zone) if explanation else None,
        )

    async def _with_snippets(self, rows: tuple[MessageRow, ...], words: tuple[str, ...]) -> tuple[Hit, ...]:
        if not words or not rows:
            return tuple(Hit(row, row.preview) for row in rows)
        texts = await self._search.body_texts([row.row for row in rows])
        return tuple(
            Hit(row, snippet(texts.get(row.row) or row.preview, words, max_chars=SNIPPET_CHARS, mark=MARKS))
            for row in rows
        )


def _position_after(hits: int, page: SearchPage, start: Position | None, sequence: int) -> Position:
    """Where a page begins that follows the first `hits` hits of this one."""
    if page.next is not None and hits == len(page.rows):
        return page.next
    # Mail added after the first page must not move what follows: what that page saw stays the bound.
    as_of = start.as_of if start else page.next.as_of if page.next else sequence
    given = start.offset if start else 0
    if page.ranked:
        return Position(as_of, offset=given + hits)
    if hits == 0:
        return start or Position(as_of)
    return Position(as_of, row=page.rows[hits - 1].row, offset=given)
