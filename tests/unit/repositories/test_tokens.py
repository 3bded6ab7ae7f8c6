"""The words that say what a message has are the same whichever process makes them."""

from mailquery.domain.media import Kind
from mailquery.repositories.sqlite.tokens import content_tokens, kind_token
from unit.parsing.messages import multipart, parse

FILES = ("application/pdf", "text/csv", "image/png", "application/zip", "audio/ogg", "text/calendar", "video/mp4")


def test_kinds_of_attachments_stand_in_the_order_of_the_attachments() -> None:
    """Digests of what an index was given are compared with those that another process makes."""
    parts = [f"Content-Type: {each}; name=a\nContent-Disposition: attachment\n\nx".encode() for each in FILES]
    tokens = list(content_tokens(parse(multipart("mixed", *parts))))
    kinds = {kind_token(kind): kind for kind in Kind}
    assert [kinds[token] for token in tokens if token in kinds] == [
        Kind.PDF,
        Kind.SPREADSHEET,
        Kind.IMAGE,
        Kind.ARCHIVE,
        Kind.AUDIO,
        Kind.CALENDAR,
        Kind.VIDEO,
    ]
