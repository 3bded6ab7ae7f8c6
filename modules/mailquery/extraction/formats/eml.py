"""Messages inside of messages (RFC 5322): header, text, and what is attached to them."""

from collections.abc import Iterator
from datetime import UTC, datetime

from mailquery.domain.addresses import Address
from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.interfaces import Budget, Inner
from mailquery.extraction.nested import read_inner
from mailquery.parsing.message import parse_message
from mailquery.parsing.reading import read_part


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    parsed = parse_message(data, source_date=None, now=datetime.now(UTC))
    facts["subject"] = parsed.subject
    facts["date"] = parsed.date.isoformat()
    head = [
        f"{name}: {value}"
        for name, value in (
            ("From", _people(parsed.from_)),
            ("To", _people(parsed.to)),
            ("Cc", _people(parsed.cc)),
            ("Date", parsed.date.isoformat()),
            ("Subject", parsed.subject),
        )
        if value
    ]
    yield Section(SectionKind.MESSAGE, parsed.subject, "\n".join([*head, "", parsed.body.text]))
    for attachment in parsed.attachments:
        budget.entry()
        part = read_part(data, attachment.part)
        if part is not None:
            yield from read_inner(part.data, attachment.filename or attachment.part, budget, inner)


def _people(addresses: tuple[Address, ...]) -> str:
    return ", ".join(f"{each.name} <{each.address}>" if each.name else each.address for each in addresses)
