"""Web pages, as the bodies of messages are read."""

import re
from collections.abc import Iterator

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.interfaces import Budget, Inner, LimitReached
from mailquery.parsing.charsets import decode, decode_unlabelled
from mailquery.parsing.html import read_html

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_LONGEST = 4_000_000  # characters of a page's source


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del budget, facts, inner
    declared = _CHARSET.search(data[:4096])
    decoded = decode(data, declared[1].decode("ascii")) if declared else decode_unlabelled(data)
    yield Section(SectionKind.TEXT, "", read_html(decoded.text[:_LONGEST]).text)
    if len(decoded.text) > _LONGEST:
        raise LimitReached(f"{_LONGEST:,} characters of source")
