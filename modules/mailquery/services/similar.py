"""Messages that are about the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from mailquery.repositories.interfaces import MessageRepository, VectorRepository
from mailquery.repositories.records import MessageRow, Visibility
from mailquery.services.filters import Clock, FilterReader, Filters, Reading, utc_now
from mailquery.services.ids import message_key, not_found
from mailquery.services.limits import checked_limit
from mailquery.services.masking import masked_row
from mailquery.services.meaning import Meaning
from mailquery.services.searching import Hit
from mailquery.services.signals import signals_of_rows
from mcpkit.errors import ErrorCode, Fault

MOST_SIMILAR = 50
_SOON = 30.0  # seconds after which a message that was just imported is worth asking for again


@dataclass(frozen=True, slots=True)
class SimilarHit:
    """`similarity` is from 0 to 1, where 1 is the same text."""

    hit: Hit
    similarity: float


@dataclass(frozen=True, slots=True)
class Similar:
    """The nearest first. `not_embedded` messages of the archive have no vectors yet and were not looked at; None for a
    caller who may not see all accounts."""

    hits: tuple[SimilarHit, ...]
    not_embedded: int | None
    reading: Reading


class FindSimilar:
    """Finds the messages nearest in meaning to one."""

    def __init__(
        self,
        messages: MessageRepository,
        vectors: VectorRepository,
        filters: FilterReader,
        meaning: Meaning,
        clock: Clock = utc_now,
    ) -> None:
        self._messages = messages
        self._vectors = vectors
        self._filters = filters
        self._meaning = meaning
        self._clock = clock

    async def __call__(self, visible: Visibility, id: str, filters: Filters, *, limit: int = 10) -> Similar:
        """Of the messages that match `filters`, without the message itself. Raises `NOT_FOUND` for an unknown id,
        `CONFIGURATION` where search by meaning is not available, `CONFLICT` (with `retry_after`) where the message is
        not embedded yet, and what `FilterReader.read` raises."""
        checked_limit(limit, MOST_SIMILAR)
        key = message_key(id)
        embedder = self._meaning.needed()
        if await self._messages.get(key, visible) is None:
            raise not_found("message")
        reading = await self._filters.read(filters, visible, self._clock())
        found = await self._vectors.similar(key, embedder.name, reading.tree, visible, limit=limit)
        if found is None:
            raise Fault(
                ErrorCode.CONFLICT,
                "This message is not embedded yet. A server embeds in the background, and `mailquery embed` does it at "
                "once. Until then search for its words.",
                retry_after=_SOON,
            )
        progress = await self._vectors.shown_progress(visible)
        hits = _hits([masked_row(each.row) for each in found])
        nearness = [min(1.0, max(0.0, each.similarity)) for each in found]
        return Similar(
            hits=tuple(map(SimilarHit, hits, nearness)),
            not_embedded=None if visible.accounts is not None else progress.total - progress.messages,
            reading=reading,
        )


def _hits(rows: Sequence[MessageRow]) -> list[Hit]:
    signals = signals_of_rows([(row, row.preview) for row in rows])
    return [Hit(row, row.preview, signals=warned) for row, warned in zip(rows, signals, strict=True)]
