"""What the text index is given of a message, in index form."""

from mailquery.domain.messages import ParsedMessage, SpanKind
from mailquery.domain.words import segment
from mailquery.repositories.records import IndexText


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
