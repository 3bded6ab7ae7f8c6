"""What the text index is given of a message, in index form."""

from collections.abc import Iterable, Sequence

from mailquery.domain.extraction import Section, SectionKind
from mailquery.domain.messages import ParsedMessage, SpanKind
from mailquery.domain.words import END_OF_TEXT, segment
from mailquery.repositories.prepared import IndexText

MOST_ATTACHED = 1_000_000  # characters of the attachments of one message
# Those whose label stands nowhere in the text: a sheet's name is what people look for.
_NAMED = frozenset({SectionKind.SHEET, SectionKind.ENTRY})


def index_text(message: ParsedMessage) -> IndexText:
    """Made of nothing but what is stored of a message beside its raw bytes, so that it can be made again."""
    body = message.body
    own: list[str] = []
    quoted: list[str] = []
    for span in body.spans:
        (quoted if span.kind is SpanKind.QUOTE else own).append(body.text[span.start : span.end])
    people = (message.from_, message.sender, message.reply_to, message.to, message.cc, message.bcc)
    return IndexText(
        subject=segment(message.subject),
        people=segment(" , ".join(dict.fromkeys(str(address) for group in people for address in group))),
        body=segment("".join(own)),
        quoted=segment("".join(quoted)),
        filenames=segment(" , ".join(attachment.filename for attachment in message.attachments)),
    )


def attached_text(files: Iterable[Sequence[Section]]) -> tuple[str, list[bool]]:
    """The texts of a message's attachments in index form, at most `MOST_ATTACHED` characters of them, and for each
    attachment whether something of it was left out. No phrase reaches from one section into the next."""
    pieces: list[str] = []
    cut: list[bool] = []
    room = MOST_ATTACHED
    for sections in files:
        missing = False
        for section in sections:
            text = section.text[:room]
            room -= len(text)
            missing = missing or len(text) < len(section.text)
            if section.kind in _NAMED and section.label not in text:
                text = f"{section.label}\n{text}"
            if text:
                pieces.append(segment(text))
        cut.append(missing)
    return f" {END_OF_TEXT} ".join(pieces), cut
