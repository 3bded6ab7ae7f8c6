"""Threads in which somebody waits for an answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mailquery.domain.automatic import is_automatic_sender, is_bulk
from mailquery.domain.ourselves import Ourselves
from mailquery.domain.requests import asking_sentence
from mailquery.parsing.reading import header_lines
from mailquery.repositories.interfaces import ConversationRepository, MessageRepository
from mailquery.repositories.records import LastWord, MessageRow, Position, Side, Visibility
from mailquery.services.cursors import Bookmark, Cursors
from mailquery.services.filters import Clock, FilterReader, Filters, Reading, utc_now
from mailquery.services.limits import checked_limit
from mailquery.services.masking import masked_row, may_need_masking
from mailquery.services.ourselves import FindOurselves
from mcpkit.security.tokens import SignedTokens
from mcpkit.security.untrusted.secrets import hide, mask

MOST_THREADS = 100
MOST_DAYS = 3_650
_AT_ONCE = 200
_MOST_READ = 2_000  # last messages that one call reads to find those that ask


class Direction(StrEnum):
    US = "us"
    THEM = "them"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A thread's last message and whose turn it is. `sentence` is the one that asks, or "" where ours asks nothing."""

    row: MessageRow
    side: Side
    sentence: str


@dataclass(frozen=True, slots=True)
class Awaited:
    """Newest first. `more` is whether there may be others; `read` last messages were looked at to find these, back to
    `read_to`. `days` is how old ours must be."""

    me: tuple[str, ...]
    threads: tuple[Waiting, ...]
    more: bool
    read: int
    read_to: datetime | None
    days: int
    reading: Reading
    now: datetime
    cursor_after: Callable[[int], str]


class AwaitingReply:
    """`days` is for how long ours must have been without an answer, where the caller does not say."""

    def __init__(
        self,
        conversations: ConversationRepository,
        messages: MessageRepository,
        filters: FilterReader,
        ourselves: FindOurselves,
        tokens: SignedTokens,
        days: int,
        clock: Clock = utc_now,
    ) -> None:
        self._conversations = conversations
        self._messages = messages
        self._filters = filters
        self._ourselves = ourselves
        self._cursors = Cursors(tokens, "awaiting")
        self._days = days
        self._clock = clock

    async def __call__(
        self,
        visible: Visibility,
        filters: Filters,
        *,
        direction: Direction = Direction.BOTH,
        days: int | None = None,
        limit: int = 20,
        cursor: str | None = None,
    ) -> Awaited:
        """Threads whose last message `filters` finds: from somebody else to us and asking something, or from us.

        Raises as a search does, and `CONFIGURATION` where it cannot be known whose mail it is.
        """
        checked_limit(limit, MOST_THREADS)
        if days is None:
            days = self._days
        elif days != 0:
            checked_limit(days, MOST_DAYS, "days")
        digest = filters.digest(direction.value, str(days), *sorted(visible.accounts or ()))
        start = self._cursors.open(visible.user, cursor, digest) if cursor else None
        now = start.now if start else self._clock()
        reading = await self._filters.read(filters, visible, now)
        ours = await self._ourselves(visible)
        sides = _sides(direction, now - timedelta(days=days))
        found: list[Waiting] = []
        behind = start.position.row if start else None
        read, read_to, more = 0, None, True
        while more and read < _MOST_READ and len(found) <= limit:
            words = await self._conversations.last_words(
                reading.tree, visible, ours, sides=sides, limit=_AT_ONCE, behind=behind
            )
            more = len(words) == _AT_ONCE
            for word in words:
                if len(found) > limit:
                    break
                read, read_to, behind = read + 1, word.row.date, word.row.row
                if (waiting := await self._waiting(word, ours, visible)) is not None:
                    found.append(waiting)
        given, last = found[:limit], behind

        def cursor_after(threads: int) -> str:
            after = given[threads - 1].row.row if threads > 0 else start.position.row if start else None
            if threads == len(given) and len(found) <= limit:
                after = last
            position = Position(reading.sequence, row=after if after is not None else _NEWEST)
            return self._cursors.seal(visible.user, digest, Bookmark(position, 0, now))

        return Awaited(
            me=ours.names(),
            threads=tuple(given),
            more=more or len(found) > limit,
            read=read,
            read_to=read_to,
            days=days,
            reading=reading,
            now=now,
            cursor_after=cursor_after,
        )

    async def _waiting(self, word: LastWord, ours: Ourselves, visible: Visibility) -> Waiting | None:
        sentence = asking_sentence(word.text)
        if word.side is Side.THEM:
            others = [each.address for each in word.row.to if not ours.owns(each.address)]
            if others and all(is_automatic_sender(address) for address in others):
                return None
            return _waiting(word, sentence or "")
        if sentence is None or any(is_automatic_sender(each.address) for each in word.row.from_):
            return None
        raw = await self._messages.raw(word.row.key, visible)
        if raw is None or is_bulk(header_lines(raw)):
            return None
        return _waiting(word, sentence)


def _waiting(word: LastWord, sentence: str) -> Waiting:
    """Without one-time codes and links that open an account."""
    if may_need_masking((sentence, word.row.subject)):
        values = mask(word.text, context=word.row.subject).values
        return Waiting(masked_row(word.row, values), word.side, hide(sentence, values))
    return Waiting(masked_row(word.row), word.side, sentence)


_NEWEST = 1 << 62  # a row behind which everything lies


def _sides(direction: Direction, before: datetime) -> dict[Side, datetime | None]:
    sides: Sequence[tuple[Side, datetime | None]] = ((Side.US, None), (Side.THEM, before))
    return {side: moment for side, moment in sides if direction.value in (side.value, Direction.BOTH.value)}
