"""The values of header fields as text: RFC 2047 and what is sent in its place."""

import binascii
import re

from mailquery.parsing.charsets import codec_of, decode, decode_unlabelled
from mailquery.parsing.cleaning import one_line
from mailquery.parsing.fields import unfold

MAX_SUBJECT_CHARACTERS = 5_000
MAX_ID_CHARACTERS = 998  # a line of RFC 5322, section 2.1.1
KEPT_IDS_AT_EACH_END = 100

_WORD = re.compile(r"=\?([^?\s]{1,100})\?([bBqQ])\?([^?]*)\?=")
_ID = re.compile(r"<([^<>]{1,2000})>")
_BLANKS = re.compile(r"\s+")


def decode_raw(value: bytes, charset: str = "") -> str:
    """A value's bytes as text. Raw 8-bit text is UTF-8 (RFC 6532), or else what the message's own `charset` is."""
    if value.isascii():
        return decode(value).text
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        if charset and codec_of(charset) not in (None, "ascii", "utf_8"):
            decoded = decode(value, charset)
            if decoded.intact:
                return decoded.text
        return decode_unlabelled(value).text


def decode_words(text: str) -> str:
    """`text` with its encoded words decoded (RFC 2047).

    Blanks between two words are dropped (section 6.2), and words of one charset are joined before they are decoded,
    since many programs cut inside a character. Words are also read where they should not stand: in quoted strings, and
    next to each other or to other text without a blank.
    """
    if "=?" not in text:
        return text
    result: list[str] = []
    pending: list[tuple[str, str, str]] = []
    position = 0
    for match in _WORD.finditer(text):
        gap = text[position : match.start()]
        if gap and not (pending and gap.isspace()):
            result.append(_decode_run(pending))
            pending = []
            result.append(gap)
        pending.append((match[1].partition("*")[0].lower(), match[2].lower(), match[3]))
        position = match.end()
    result.append(_decode_run(pending))
    result.append(text[position:])
    return "".join(result)


def _decode_run(words: list[tuple[str, str, str]]) -> str:
    """Encoded words that stand side by side."""
    decoded: list[str] = []
    data = b""
    base64 = ""  # not decoded yet: a word can end inside a group of four
    charset = ""
    for label, encoding, content in words:
        if label != charset:
            decoded.append(decode(data + _base64(base64), charset).text)
            data, base64, charset = b"", "", label
        if encoding == "q":
            data += _base64(base64) + _quoted(content)
            base64 = ""
        else:
            if base64 and (len(base64) % 4 == 0 or base64.endswith("=")):
                data += _base64(base64)
                base64 = ""
            base64 += _BLANKS.sub("", content)
    decoded.append(decode(data + _base64(base64), charset).text)
    return "".join(decoded)


def _base64(content: str) -> bytes:
    if not content:
        return b""
    data = content.encode("ascii", "ignore").rstrip(b"=")
    if len(data) % 4 == 1:
        data = data[:-1]
    try:
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
    except binascii.Error:
        return b""


def _quoted(content: str) -> bytes:
    return binascii.a2b_qp(content.encode("utf-8", "replace"), header=True)


def text_of(value: bytes | None, charset: str = "") -> str:
    """An unstructured field on one line: the subject, a list's name."""
    if value is None:
        return ""
    return one_line(decode_words(decode_raw(unfold(value), charset)))


def message_ids(values: list[bytes]) -> tuple[str, ...]:
    """The ids of References or In-Reply-To, in order and once each, without angle brackets.

    Of more than 200 the first and the last hundred are kept. Text around them ("Your message of Tuesday") is left out.
    """
    found: dict[str, None] = {}
    for value in values:
        text = decode_raw(unfold(value))
        ids = [_BLANKS.sub("", match) for match in _ID.findall(text)]
        if not ids:
            ids = [word.strip("<>,;") for word in text.split() if "@" in word and not word.startswith("=?")]
        for one in ids:
            if cleaned := one_line(one)[:MAX_ID_CHARACTERS]:
                found.setdefault(cleaned)
    ids = list(found)
    if len(ids) > 2 * KEPT_IDS_AT_EACH_END:
        ids = ids[:KEPT_IDS_AT_EACH_END] + ids[-KEPT_IDS_AT_EACH_END:]
    return tuple(ids)


def message_id(value: bytes | None) -> str:
    """The Message-ID without its angle brackets, as written where it has none; "" where there is no such field."""
    if value is None:
        return ""
    text = decode_raw(unfold(value))
    match = _ID.search(text)
    return one_line(_BLANKS.sub("", match[1] if match else text.strip("<> ")))[:MAX_ID_CHARACTERS]


def list_id(value: bytes | None, charset: str = "") -> str:
    """The identifier of RFC 2919 without its brackets and in lower case; the whole value where it has no brackets."""
    if value is None:
        return ""
    text = decode_raw(unfold(value), charset)
    match = _ID.search(text)
    return one_line(match[1] if match else decode_words(text)).lower()[:MAX_ID_CHARACTERS]
