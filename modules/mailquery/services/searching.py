"""Searching the archive."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from mailquery.domain.highlight import snippet
from mailquery.domain.queries import And, InAccount
from mailquery.domain.relevance import RANKED_WORDS, Demand
from mailquery.repositories.extracting import ExtractionRepository
from mailquery.repositories.interfaces import SearchRepository
from mailquery.repositories.records import (
    MATCHES,
    MessageRow,
    Position,
    QueryVector,
    SearchPage,
    Sort,
    Standing,
    Total,
    Visibility,
)
from mailquery.repositories.steps import Steps
from mailquery.services.attachments.attachment_matches import AttachmentMatch, MatchAttachments
from mailquery.services.background.freshness import Freshness, KeepFresh
from mailquery.services.background.refreshing import Refreshed
from mailquery.services.cursors import Bookmark, Cursors
from mailquery.services.explaining import Explained, explained
from mailquery.services.filters import Clock, FilterReader, Filters, Reading, utc_now
from mailquery.services.limits import checked_limit
from mailquery.services.masking import masked_row, may_need_masking
from mailquery.services.meaning import Meaning
from mailquery.services.signals import SignalKind, signals_of_rows
from mcpkit.errors import Fault
from mcpkit.security.tokens import SignedTokens
from mcpkit.security.untrusted.secrets import hide, mask

MOST_ROWS = 100
SNIPPET_CHARS = 160
MARKS = ("**", "**")


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found, and why. `snippet` is about `SNIPPET_CHARS` characters around the words searched for,
    each between two `MARKS`, or the beginning of the message where there are no words. `signals` are the warnings that
    its row tells by itself. `attachment_matches` have words that the message itself lacks."""

    row: MessageRow
    snippet: str
    standing: Standing = MATCHES
    signals: tuple[SignalKind, ...] = ()
    attachment_matches: tuple[AttachmentMatch, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """One page of hits. `given_before` counts those on earlier pages; `cursor_after(n)` continues after the first n
    hits of this page; `more` says whether there is anything after the whole page. Relevance that looked at the newest
    matches only says at how many in `ranked_newest`. `sort` is the order of these hits: by date where relevance was
    asked for and nothing in the query, or beyond those newest matches, has any. `near` counts the messages, on all
    pages together, that lack some of the words; `total` does not. `meaning_unused` says why meaning was not used, or
    not for all messages, where it might have been; else it is empty. `explanation` is there where it was asked for.
    `freshness` is that of the accounts on servers that were searched. `lasts` is false where meaning was not used for a
    reason that may pass by itself."""

    hits: tuple[Hit, ...]
    total: Total
    given_before: int
    more: bool
    sort: Sort
    ranked_newest: int | None
    near: int
    did_you_mean: tuple[tuple[str, str], ...]
    meaning_unused: str
    reading: Reading
    cursor_after: Callable[[int], str]
    explanation: Explained | None = None
    freshness: tuple[Freshness, ...] = ()
    lasts: bool = True


class SearchMessages:
    """Finds messages: by relevance where the query has words to rank by, else newest first, unless told otherwise.

    By relevance, messages that have all of the words come with the best of those that have only some of them, or that
    are near in meaning; each of these says what it lacks.
    """

    def __init__(
        self,
        search: SearchRepository,
        filters: FilterReader,
        tokens: SignedTokens,
        meaning: Meaning,
        clock: Clock = utc_now,
        fresh: KeepFresh | None = None,
        texts: ExtractionRepository | None = None,
    ) -> None:
        self._texts = texts
        self._search = search
        self._fresh = fresh
        self._filters = filters
        self._meaning = meaning
        self._cursors = Cursors(tokens, "search")
        self._clock = clock

    async def __call__(
        self,
        visible: Visibility,
        filters: Filters,
        *,
        sort: Sort | None = None,
        limit: int = 20,
        cursor: str | None = None,
        explain: bool = False,
        secrets: bool = False,
        fresh: bool = False,
    ) -> Found:
        """With `fresh`, what is new on the servers is brought in first, as far as that is done in time, and not again
        for a later page. Unless `secrets`, one-time codes and links that open an account are masked in what is shown;
        they are found all the same. Raises `QUERY_SYNTAX`, `VALIDATION_ERROR` and `INVALID_FORMAT` naming the
        argument."""
        checked_limit(limit, MOST_ROWS)
        steps = Steps()
        brought: tuple[Refreshed, ...] = ()
        if fresh and self._fresh is not None and cursor is None:
            with steps.step("bringing in what is new"):
                brought = await self._fresh.bring(visible, filters.account)
        digest = filters.digest(sort.value if sort else "", *sorted(visible.accounts or ()))
        start = self._cursors.open(visible.user, cursor, digest) if cursor else None
        now = start.now if start else self._clock()
        reading = await self._filters.read(filters, visible, now, steps)
        if sort is None:
            sort = Sort.RELEVANCE if reading.has_free_terms else Sort.NEWEST
        vector, unused = None, ""
        if sort is Sort.RELEVANCE:
            with steps.step("what the words mean"):
                vector, unused = await self._vector(reading)
        page = await self._search.search(
            reading.tree,
            visible,
            sort=sort,
            limit=limit,
            start=start.position if start else None,
            vector=vector,
            texts=bool(reading.words),
            steps=steps,
        )
        if not page.all_embedded:
            unused = "Not all messages of the archive have their vectors yet: `mailquery status` tells how many."
        if page.ranked and (unranked := len(Demand.of(reading.tree).unranked)):
            note = f"all words are matched; relevance goes by the first {RANKED_WORDS} of {RANKED_WORDS + unranked}"
            reading = replace(reading, notes=(*reading.notes, note))
        with steps.step("snippets"):
            look = None
            if self._texts is not None:
                look = MatchAttachments(self._texts, reading.tree, MARKS, secrets=secrets)
            texts = page.texts if reading.words else None
            hits = await hits_of(
                self._search, page.rows, page.standings, reading.words, secrets=secrets, look=look, texts=texts
            )
        explanation = await self._search.explain(reading.tree, visible) if explain else None
        given_before = start.given if start else 0

        def cursor_after(hits: int) -> str:
            position = _position_after(hits, page, start.position if start else None, reading.sequence)
            return self._cursors.seal(visible.user, digest, Bookmark(position, given_before + hits, now))

        return Found(
            hits=hits,
            total=page.total,
            given_before=given_before,
            more=page.next is not None,
            sort=Sort.NEWEST if sort is Sort.RELEVANCE and not page.ranked else sort,
            ranked_newest=page.ranked_newest,
            near=page.near,
            did_you_mean=page.did_you_mean,
            meaning_unused=unused,
            reading=reading,
            cursor_after=cursor_after,
            explanation=explained(explanation, steps, self._filters.zone) if explanation else None,
            freshness=await self._fresh(visible, _named_accounts(reading), brought) if self._fresh else (),
            lasts=vector is not None or not unused or self._meaning.embedder is None,
        )

    async def _vector(self, reading: Reading) -> tuple[QueryVector | None, str]:
        """What the free words mean, or why that is not known."""
        text = Demand.of(reading.tree).text
        if not text:
            return None, ""
        if self._meaning.embedder is None:
            return None, self._meaning.reason
        try:
            vectors = await self._meaning.embedder.embed([text])
        except Fault as fault:
            # A model that does not answer must not keep anybody from finding words.
            return None, fault.message
        return QueryVector(self._meaning.embedder.name, vectors[0]), ""


def _named_accounts(reading: Reading) -> tuple[str, ...] | None:
    """Those to which the search is narrowed. None is all: also those of which the archive has nothing yet."""
    parts = reading.tree.parts if isinstance(reading.tree, And) else (reading.tree,)
    return reading.coverage.accounts if any(isinstance(part, InAccount) for part in parts) else None


async def hits_of(
    search: SearchRepository,
    rows: Sequence[MessageRow],
    standings: Sequence[Standing] = (),
    words: tuple[str, ...] = (),
    *,
    secrets: bool = False,
    look: MatchAttachments | None = None,
    texts: Mapping[int, str] | None = None,
) -> tuple[Hit, ...]:
    """The rows with their snippets and warnings, and what `look` finds in their attachments. Unless `secrets`, codes
    and links are masked. `texts` are the bodies, which are read where they are not given."""
    if texts is None:
        wanted = rows if words else () if secrets else [row for row in rows if _may_show_secrets(row, row.preview)]
        texts = await search.body_texts([row.row for row in wanted]) if wanted else {}
    attached = await look(rows, texts) if look is not None else {}
    whole = [texts.get(row.row) or row.preview for row in rows]
    shown = [_snippet(text, words) if words else row.preview for row, text in zip(rows, whole, strict=True)]
    warned = signals_of_rows(list(zip(rows, shown, strict=True)))
    hits = (
        Hit(row, snippet, standing, signals, attached.get(row.row, ()))
        for row, snippet, standing, signals in zip(
            rows, shown, standings or (MATCHES,) * len(rows), warned, strict=True
        )
    )
    if secrets:
        return tuple(hits)
    return tuple(_masked(hit, text, words) for hit, text in zip(hits, whole, strict=True))


def _masked(hit: Hit, whole: str, words: tuple[str, ...]) -> Hit:
    """Without codes and links; `whole` is the message's text."""
    row = hit.row
    if not _may_show_secrets(row, hit.snippet.replace(MARKS[0], "")):
        return hit
    # The whole text says what a code is; its snippet is made anew, so that no word of it is marked in a code.
    values = mask(whole, context=row.subject).values
    row = masked_row(row, values)
    return replace(hit, row=row, snippet=_snippet(hide(whole, values), words) if words else row.preview)


def _snippet(text: str, words: tuple[str, ...]) -> str:
    return snippet(text, words, max_chars=SNIPPET_CHARS, mark=MARKS)


def _may_show_secrets(row: MessageRow, shown: str) -> bool:
    return may_need_masking(
        (
            row.subject,
            shown,
            *(each.name for each in (*row.from_, *row.to)),
            *(file.filename for file in row.attachments),
        )
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
