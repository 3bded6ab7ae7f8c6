"""Reading from a message's bytes again: single parts, the HTML, the header as it was sent."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailquery.domain.partial import OMITTED_SIZE
from mailquery.parsing.attachments import part_filename, uuencoded_filename, uuencoded_number, uuencoded_of
from mailquery.parsing.body import decode_part, text_parts
from mailquery.parsing.charsets import codec_of, decode
from mailquery.parsing.cleaning import clean, one_line
from mailquery.parsing.fields import read_header, unfold
from mailquery.parsing.headers import decode_raw, decode_words
from mailquery.parsing.message import normalised
from mailquery.parsing.structure import Part, read_structure
from mailquery.parsing.transfer import undo_transfer_encoding

_SIZE_DIGITS = 12
_HTML_TYPES = frozenset({"text/html", "text/xhtml", "application/xhtml+xml"})
_NAMING = frozenset({"html", "xhtml", "xml", "calendar"})  # a calendar is in UTF-8, whatever the header says
_SAYS_NOTHING = frozenset({None, "ascii", "cp1252"})
_CAPITALISED = re.compile(r"(?:^|-)[a-z]")
_SPELLINGS = {"Mime-Version": "MIME-Version", "Message-Id": "Message-ID", "Content-Id": "Content-ID",
              "Dkim-Signature": "DKIM-Signature", "List-Id": "List-ID"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PartContent:
    """One part, decoded. `text` is that of a text part, as it was sent but for line ends; HTML is its source. `charset`
    is the one that the message says of it."""

    content_type: str
    filename: str
    data: bytes
    text: str | None
    charset: str = ""

    @property
    def as_file(self) -> bytes:
        """The content as a file that says itself how it is encoded: a text whose charset stands in the message alone is
        in UTF-8, with a mark. HTML and XML name their own; Latin-1 is what programs say that know none."""
        kind, _, name = self.content_type.partition("/")
        if kind != "text" or name in _NAMING or b"\x00" in self.data or codec_of(self.charset) in _SAYS_NOTHING:
            return self.data
        decoded = decode(self.data, self.charset)
        if not decoded.intact or decoded.text.encode("utf-8", "replace") == self.data:
            return self.data
        return codecs.BOM_UTF8 + decoded.text.encode("utf-8", "replace")


def read_part(raw: bytes, part: str) -> PartContent | None:
    """The part with the number `part`, as an `Attachment` names it, or None where there is none. Raises nothing."""
    raw = normalised(raw)
    for leaf in read_structure(raw).root.leaves():
        if leaf.number == part:
            return _leaf(raw, leaf)
        if leaf.content_type == "text/plain" and part.startswith(f"{leaf.number}."):
            return _uuencoded(raw, leaf, part)
    return None


def omitted_sizes(raw: bytes) -> dict[str, int]:
    """Of a message that was fetched in part (`domain.partial`): the sizes of the parts whose content is on the server,
    decoded as far as that can be told, by their numbers. Raises nothing."""
    raw = normalised(raw)
    sizes = {}
    for leaf in read_structure(raw).root.leaves():
        value = (leaf.header.first(OMITTED_SIZE.lower()) or b"").strip()
        if value.isdigit() and len(value) <= _SIZE_DIGITS:
            size = int(value)
            sizes[leaf.number] = size * 57 // 78 if leaf.transfer_encoding.strip().lower() == "base64" else size
    return sizes


def is_omitted(raw: bytes, part: str) -> bool:
    """Whether the part, or some of what is inside it, is on the server only, in a message that was fetched in part."""
    raw = normalised(raw)
    for leaf in read_structure(raw).root.leaves():
        if leaf.number == part:
            inside = raw[leaf.start : leaf.end].lower()
            return leaf.header.first(OMITTED_SIZE.lower()) is not None or OMITTED_SIZE.lower().encode() in inside
    return False


def all_parts(raw: bytes) -> Iterator[PartContent]:
    """Every part that holds something, and the files inside its text. Raises nothing."""
    raw = normalised(raw)
    for leaf in read_structure(raw).root.leaves():
        yield _leaf(raw, leaf)
        if leaf.content_type == "text/plain":
            for index, file in enumerate(uuencoded_of(raw, leaf), start=1):
                name = uuencoded_filename(file, uuencoded_number(leaf, index))
                yield PartContent("application/octet-stream", name, file.data, None)


def _leaf(raw: bytes, leaf: Part) -> PartContent:
    data = undo_transfer_encoding(raw[leaf.start : leaf.end], leaf.transfer_encoding).data
    text = None
    if leaf.content_type.startswith("text/"):
        text = clean(decode_part(data, leaf).text)
    return PartContent(leaf.content_type, part_filename(leaf, data), data, text, leaf.charset)


def _uuencoded(raw: bytes, leaf: Part, part: str) -> PartContent | None:
    for index, file in enumerate(uuencoded_of(raw, leaf), start=1):
        if uuencoded_number(leaf, index) == part:
            return PartContent("application/octet-stream", uuencoded_filename(file, part), file.data, None)
    return None


def html_source(raw: bytes) -> str | None:
    """The HTML of the message's text as it was sent, decoded, or None where it has none. Raises nothing."""
    raw = normalised(raw)
    for stretch in text_parts(read_structure(raw).root):
        for part in reversed(stretch):
            if part.content_type in _HTML_TYPES:
                data = undo_transfer_encoding(raw[part.start : part.end], part.transfer_encoding).data
                return clean(decode_part(data, part).text)
    return None


def header_lines(raw: bytes) -> tuple[tuple[str, str], ...]:
    """(name, value) of every header field in its order: unfolded, decoded, on one line. Raises nothing.

    Names are in the usual capitals, whatever the sender wrote.
    """
    raw = normalised(raw)
    return tuple(
        (_spelled(name), one_line(decode_words(decode_raw(unfold(value)))))
        for name, value in read_header(raw, 0, len(raw)).fields
    )


def _spelled(name: str) -> str:
    capitalised = _CAPITALISED.sub(lambda match: match[0].upper(), name)
    return _SPELLINGS.get(capitalised, capitalised)
