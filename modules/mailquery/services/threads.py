"""Reading a whole conversation."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from mailquery.domain.addresses import Address
from mailquery.repositories.interfaces import MessageRepository
from mailquery.repositories.records import MessageRow, OpenedThread, Visibility
from mailquery.services.attachments.contents import Contents
from mailquery.services.ids import message_or_thread_key, not_found
from mailquery.services.masking import masked_message, masked_row, secrets_of
from mailquery.services.quotations import SaidBefore, own_words
from mailquery.services.signals import MOST_INSPECTED, ReadSignals, Signal, sender_of

# Beyond this many messages only the newest are read whole, so that no thread can fill the memory.
MOST_BODIES = 200


class Order(StrEnum):
    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class ThreadMessage:
    """`text` is without the quotations that repeat the thread, `quoted_left_out` characters of them. In a very long
    thread the older messages have their preview as text, and `is_preview`."""

    row: MessageRow
    text: str
    quoted_left_out: int = 0
    is_preview: bool = False
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True)
class Participant:
    """`sent` is how many of the thread's messages are from this address, `received` how many went to it."""

    address: Address
    sent: int
    received: int


@dataclass(frozen=True, slots=True)
class ThreadView:
    key: int
    messages: tuple[ThreadMessage, ...]
    participants: tuple[Participant, ...]
    order: Order


class ReadThread:
    def __init__(self, messages: MessageRepository, signals: ReadSignals, contents: Contents | None = None) -> None:
        self._messages = messages
        self._signals = signals
        self._contents = contents or Contents()

    async def __call__(
        self, visible: Visibility, id: str, *, order: Order = Order.OLDEST, secrets: bool = False
    ) -> ThreadView:
        """The thread with this id, or of the message with this id. Unless `secrets`, one-time codes and links that open
        an account are masked.

        Raises `INVALID_FORMAT` for what is neither, `NOT_FOUND` for an unknown one.
        """
        kind, key = message_or_thread_key(id)
        if kind == "m":
            message = await self._messages.get(key, visible)
            if message is None:
                raise not_found("message")
            key = message.row.thread_key
        thread = await self._messages.open_thread(key, visible, sender_of, bodies=MOST_BODIES, opened=MOST_INSPECTED)
        messages = await self._read(thread, secrets=secrets)
        if not messages:
            raise not_found("thread")
        participants = _participants(tuple(message.row for message in messages))
        if order is Order.NEWEST:
            messages.reverse()
        return ThreadView(messages[0].row.thread_key, tuple(messages), participants, order)

    async def _read(self, thread: OpenedThread, *, secrets: bool) -> list[ThreadMessage]:
        early, late = thread.early, [*thread.unopened, *(each.message for each in thread.opened)]
        signals: list[tuple[Signal, ...]] = [()] * len(thread.unopened)
        signals += [await self._signals(each) for each in thread.opened]
        if not secrets:
            early = tuple(masked_row(row) for row in early)
            late = [masked_message(message, secrets_of(message)) for message in late]
        said = SaidBefore()
        marked = self._contents.marked
        turns = [ThreadMessage(marked(row), row.preview, is_preview=True) for row in early]
        for message, found in zip(late, signals, strict=True):
            text, left_out = own_words(message.body, said)
            turns.append(ThreadMessage(marked(message.row), text, left_out, signals=found))
        return turns


def _participants(rows: tuple[MessageRow, ...]) -> tuple[Participant, ...]:
    """Those who wrote most first."""
    sent: Counter[str] = Counter()
    received: Counter[str] = Counter()
    named: dict[str, Address] = {}
    for row in rows:
        for counter, addresses in ((sent, row.from_), (received, row.to)):
            folded = {(address.address or address.name).casefold(): address for address in addresses}
            counter.update(folded.keys())
            for key, address in folded.items():
                if key not in named or (address.name and not named[key].name):
                    named[key] = address
    ranked = sorted(named, key=lambda key: (-sent[key], -received[key], key))
    return tuple(Participant(named[key], sent[key], received[key]) for key in ranked)
