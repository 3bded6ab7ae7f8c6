"""Reads the messages of an mbox: undoes its quoting, and takes flags, labels and dates from where programs put them."""

import re
from collections.abc import Iterator

from mailquery.domain.mailboxes import Placement
from mailquery.domain.messages import Problem, ProblemCode
from mailquery.sources.from_lines import date_of
from mailquery.sources.gmail import read_labels
from mailquery.sources.interfaces import SourceMessage
from mailquery.sources.local import Item, Progress, Quoting, Settings, unreadable
from mailquery.sources.splitting import Piece, Splitter, Stray
from mailquery.sources.state_fields import read_state
from mailquery.sources.streams import ByteStream

_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_QUOTED_ONCE = re.compile(rb"^>From ", re.MULTILINE)


def unquoted(data: bytes, quoting: Quoting, *, exact: bool = False) -> bytes:
    """A message's own bytes. `exact` is for a message whose Content-Length is right: then a "From " line in its body
    shows that this writer does not quote."""
    if quoting is Quoting.MBOXCL2 or b">From " not in data:
        return data
    if quoting is Quoting.AUTO and exact and b"\nFrom " in data:
        return data
    if quoting is Quoting.MBOXO:
        return _QUOTED_ONCE.sub(b"From ", data)
    return _QUOTED.sub(rb"\1", data)


def read_mbox(stream: ByteStream, locator: str, mailbox: str, settings: Settings, progress: Progress) -> Iterator[Item]:
    """The messages of `stream`. `locator` is a path; each message's own is that and "#" with its offset in bytes.
    `mailbox` is where messages without Gmail labels lie."""
    quoting = settings.quoting
    splitter = Splitter(
        stream,
        limit=settings.limit,
        sure_lengths=quoting in (Quoting.MBOXCL, Quoting.MBOXCL2),
        use_lengths=quoting is Quoting.AUTO,
    )
    for piece in splitter:
        place = f"{locator}#{piece.offset}"
        if isinstance(piece, Stray):
            yield unreadable(
                place, ProblemCode.NOT_MAIL, f"{piece.size} bytes before the first line that begins a message"
            )
        elif not piece.data.strip(b"\r\n\0"):
            yield unreadable(place, ProblemCode.NOT_MAIL, "nothing between two lines that begin a message")
        elif (message := _message(piece, place, mailbox, settings, progress)) is not None:
            yield message
    if splitter.damage is not None:
        yield unreadable(locator, ProblemCode.UNREADABLE, str(splitter.damage))


def _message(piece: Piece, place: str, mailbox: str, settings: Settings, progress: Progress) -> SourceMessage | None:
    state = read_state(piece.data[: piece.header_end])
    if state.expunged:
        return None
    flags = state.flags
    names: tuple[str, ...] = (mailbox,)
    if state.gmail_labels is not None:
        labelled, flags = read_labels(state.gmail_labels)
        if settings.mailbox is None:
            names = labelled
    problems: tuple[Problem, ...] = ()
    if piece.too_large:
        problems = (Problem(ProblemCode.TOO_LARGE, f"more than {settings.limit} bytes; the rest was left out"),)
    elif piece.truncated:
        problems = (Problem(ProblemCode.TRUNCATED, "the file ends inside this message"),)
    return SourceMessage(
        raw=unquoted(piece.data, settings.quoting, exact=piece.exact),
        placements=tuple(Placement(progress.fills(name), flags, place) for name in names),
        source_date=date_of(piece.from_line),
        gmail_thread_id=state.gmail_thread_id,
        problems=problems,
    )
