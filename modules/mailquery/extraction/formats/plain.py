"""Text, in whatever charset: notes, CSV, Markdown, JSON, XML, programs."""

from collections.abc import Iterator

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.interfaces import Budget, Inner
from mailquery.parsing.charsets import decode_unlabelled


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del facts, inner
    # Decoding is quick and needs memory: what is over the limit of characters is not decoded.
    yield Section(SectionKind.TEXT, "", decode_unlabelled(data[: 4 * budget.limits.text]).text)
