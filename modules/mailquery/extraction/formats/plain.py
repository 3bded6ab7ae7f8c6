"""Text, in whatever charset: notes, CSV, Markdown, JSON, XML, programs."""

import re
from collections.abc import Iterator

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.interfaces import Budget, Inner
from mailquery.parsing.charsets import KOREAN_7BIT, decode, decode_unlabelled

_XML = re.compile(rb"\s{0,20}<\?xml[^>]{0,200}?\bencoding\s*=\s*[\"']([\w.:-]{1,40})")
_JAPANESE_7BIT = re.compile(rb"\x1b\$[@B]")


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del facts, inner
    # Decoding is quick and needs memory: what is over the limit of characters is not decoded.
    data = data[: 4 * budget.limits.text]
    yield Section(SectionKind.TEXT, "", _decoded(data))


def _decoded(data: bytes) -> str:
    label = _label(data)
    return (decode(data, label) if label else decode_unlabelled(data)).text


def _label(data: bytes) -> str:
    """What the text itself says (XML 1.0, section 4.3.3)."""
    if declared := _XML.match(data):
        return declared[1].decode("ascii")
    if not data.isascii():
        return ""
    if KOREAN_7BIT in data[:4096]:
        return "iso-2022-kr"
    return "iso-2022-jp" if _JAPANESE_7BIT.search(data[:4096]) else ""
