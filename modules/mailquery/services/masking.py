"""Stored messages without their one-time codes and the links that open an account (`mcpkit.security.untrusted`)."""

from collections.abc import Iterable
from dataclasses import replace

from mailquery.domain.addresses import Address
from mailquery.domain.messages import Attachment, Body, Link
from mailquery.repositories.records import MessageRow, StoredMessage
from mcpkit.security.untrusted.secrets import hide, link_mask, mask, may_be_code, opens_account

Values = tuple[str, ...]


def secrets_of(message: StoredMessage) -> Values:
    """The codes and links of a message, as they stand in it."""
    row = message.row
    found = [*mask(message.body.text, context=row.subject).values, *mask(row.subject, context=row.preview).values]
    found += [link.url for link in message.links if opens_account(link.url, link.text, row.subject)]
    return tuple(dict.fromkeys(found))


def masked_message(message: StoredMessage, values: Values) -> StoredMessage:
    """The message without `values`."""
    message = _masked_people(replace(message, row=masked_row(message.row, values)), values)
    if not values:
        return message
    links = (_masked_link(link, values) for link in message.links)
    # Two links that are masked alike say no more than one.
    kept = tuple({(link.url, link.text): link for link in links}.values())
    return replace(message, body=masked_body(message.body, values), links=kept)


def _masked_link(link: Link, values: Values) -> Link:
    return Link(link_mask(link.url) if link.url in values else link.url, hide(link.text, values))


def masked_body(body: Body, values: Values) -> Body:
    """The body without `values`; its spans follow what they were of."""
    pieces: list[str] = []
    spans = []
    length = 0
    for span in body.spans:
        piece = hide(body.text[span.start : span.end], values)
        pieces.append(piece)
        spans.append(replace(span, start=length, end=length + len(piece)))
        length += len(piece)
    text = "".join(pieces) if spans else hide(body.text, values)
    return replace(body, text=text, spans=tuple(spans))


def masked_row(row: MessageRow, values: Values = ()) -> MessageRow:
    """A message as a list shows it, without `values` and without what its few lines say themselves."""
    subject, preview = row.subject, row.preview
    if may_be_code(subject):
        subject = mask(subject, context=preview, also=values).text
    if may_be_code(preview):
        preview = mask(preview, context=row.subject, also=values).text
    from_, to = masked_names(row.from_, values), masked_names(row.to, values)
    files = tuple(masked_file(file, values) for file in row.attachments)
    return replace(row, subject=subject, preview=preview, from_=from_, to=to, attachments=files)


def masked_file(file: Attachment, values: Values = ()) -> Attachment:
    """An attachment whose name says no code."""
    return replace(file, filename=masked_name(file.filename, values)) if may_be_code(file.filename) else file


def _masked_people(message: StoredMessage, values: Values) -> StoredMessage:
    return replace(
        message,
        to=masked_names(message.to, values),
        cc=masked_names(message.cc, values),
        bcc=masked_names(message.bcc, values),
        reply_to=masked_names(message.reply_to, values),
    )


def masked_name(name: str, values: Values = ()) -> str:
    """A name, of a person or a file, without a code."""
    return mask(name, also=values).text if may_be_code(name) else name


def masked_names(addresses: tuple[Address, ...], values: Values = ()) -> tuple[Address, ...]:
    """Addresses whose display names say no code."""
    if not may_need_masking(each.name for each in addresses):
        return addresses
    return tuple(replace(each, name=masked_name(each.name, values)) for each in addresses)


def may_need_masking(texts: Iterable[str]) -> bool:
    return may_be_code("\n".join(texts))  # no code goes over a line's end
