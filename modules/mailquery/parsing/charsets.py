"""Bytes of unknown honesty into text.

A label is a claim. It is believed as what mail programs mean by it, which is often a superset of what its standard says
(the WHATWG Encoding Standard, section 4.2, lists the same habits): ks_c_5601-1987 and euc-kr are cp949, gb2312 is
gb18030, shift_jis is cp932, iso-8859-1 is windows-1252. Where the bytes contradict the label they are looked at.
"""

import codecs
import re
from encodings.aliases import aliases
from functools import lru_cache
from typing import NamedTuple

from mailquery.parsing import iso2022
from mailquery.parsing.detection import detect


class Decoded(NamedTuple):
    text: str
    intact: bool  # False: no charset explains the bytes, and U+FFFD stands where they were


_ASCII = "ascii"
_STATEFUL = re.compile(rb"\x1b[$(]")
_SHIFTED = frozenset({"utf_7", "hz"})  # seven-bit encodings without escape sequences
KOREAN_7BIT = b"\x1b$)C"  # with which text in ISO-2022-KR begins (RFC 1557)
_JAPANESE_7BIT = "iso2022_jp"
_KOREAN_7BIT = "iso2022_kr"

# Labels as mail has them, without "-", "_" and blanks, to Python's codecs.
_LABELS: dict[str, str] = {
    **dict.fromkeys(
        ("usascii", "ascii", "ansix3.41968", "iso646us", "646", "us", "7bit", "8bit", "none", "unknown", "unknown8bit",
         "xunknown", "default", "binary", "defaultcharset", "iso8bit"),
        _ASCII,
    ),
    **dict.fromkeys(("utf8", "utf8mb4", "utf8mb3", "unicode11utf8", "xutf8", "cp65001", "unicode", "utf"), "utf_8"),
    **dict.fromkeys(("utf7", "unicode11utf7", "xunicode20utf7", "csutf7"), "utf_7"),
    **dict.fromkeys(("utf16", "ucs2", "iso10646ucs2", "utf16be", "unicodefffe"), "utf_16_be"),
    "utf16le": "utf_16_le",
    **dict.fromkeys(
        ("ksc5601", "ksc56011987", "ksc56011989", "ksc56011992", "ksx1001", "ksx10011992", "isoir149",
         "korean", "euckr", "xeuckr", "eucko", "cp949", "uhc", "xwindows949", "windows949", "ms949", "cseuckr",
         "csksc56011987", "johabwansung"),
        "cp949",
    ),
    **dict.fromkeys(
        ("gb2312", "gb23121980", "gb231280", "gbk", "xgbk", "euccn", "xeuccn", "cp936", "ms936", "windows936",
         "gb18030", "gb180302000", "gb180302005", "isoir58", "chinese", "csgb2312", "eucgb2312cn", "gb", "xgb"),
        "gb18030",
    ),
    **dict.fromkeys(("big5", "big5tw", "csbig5", "xxbig5", "xbig5", "cp950", "ms950", "windows950"), "cp950"),
    **dict.fromkeys(("big5hkscs", "hkscs"), "big5hkscs"),
    **dict.fromkeys(
        ("shiftjis", "shiftjis2004", "sjis", "xsjis", "mskanji", "csshiftjis", "cp932", "windows31j", "cswindows31j",
         "windows932", "ms932", "sjiswin", "shiftjisms"),
        "cp932",
    ),
    **dict.fromkeys(("eucjp", "xeucjp", "ujis", "eucjpms", "cp51932", "eucjpwin", "cseucpkdfmtjapanese"), "euc_jp"),
    **dict.fromkeys(
        ("iso2022jp", "csiso2022jp", "iso2022jp1", "iso2022jp2", "iso2022jp3", "iso2022jp2004", "iso2022jpext",
         "iso2022jpms", "cp50220", "cp50221", "cp50222", "jis", "jis7"),
        _JAPANESE_7BIT,
    ),
    **dict.fromkeys(("iso2022kr", "csiso2022kr"), _KOREAN_7BIT),
    **dict.fromkeys(("hz", "hzgb2312", "hzgb"), "hz"),
    **dict.fromkeys(
        ("iso88591", "iso885911987", "isoir100", "latin1", "l1", "csisolatin1", "ibm819", "cp819", "8859", "88591",
         "cp1252", "windows1252", "win1252", "xcp1252", "ansi", "xansi", "ms1252", "iso", "latin", "western",
         "ansi1252"),
        "cp1252",
    ),
    **dict.fromkeys(("iso88599", "latin5", "windows1254", "win1254"), "cp1254"),
    **dict.fromkeys(
        ("tis620", "tis6200", "tis62025291", "tis62025330", "iso885911", "windows874", "cp874", "xwindows874",
         "dos874", "ms874", "thai"),
        "cp874",
    ),
    **dict.fromkeys(("iso88598i", "iso88598e", "iso88598"), "cp1255"),
    **dict.fromkeys(("koi8r", "koi8", "koi", "cskoi8r"), "koi8_r"),
    **dict.fromkeys(("koi8u", "koi8ru"), "koi8_u"),
}  # fmt: skip

# Python has codecs that are no charsets (base64, zlib, idna, unicode_escape): only these may be asked for by a sender.
_KNOWN_CODECS = frozenset(
    codec
    for codec in aliases.values()
    if re.fullmatch(r"(?:cp|iso8859_|mac_|koi8_|ptcp|kz1048|tis_620|hp_roman8|johab|utf_32)\w*", codec)
    and not codec.startswith(("cp932", "cp949", "cp950", "mac_imperial"))
)
_NUMBERED = re.compile(r"(?:x)?(?:windows|win|cp|ibm|dos|ms|codepage|microsoft)(\d{3,5})")

# What a Western reader's program writes for 0x80-0x9F, with the five bytes that windows-1252 leaves out as WHATWG has.
_CP1252 = {byte: bytes((byte,)).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0x100)}
_CP1252_TABLE = "".join(chr(b) if b < 0x80 else _CP1252[b] for b in range(0x100))


@lru_cache(maxsize=512)
def codec_of(label: str) -> str | None:
    """Python's name for the charset that `label` means in mail, or None where it means nothing to us."""
    label = label[:100].lower().partition("*")[0]
    key = re.sub(r"[\s_\"'()<>-]+", "", label.replace("charset=", ""))
    if not key:
        return None
    if (codec := _LABELS.get(key)) is not None:
        return codec
    if (numbered := _NUMBERED.fullmatch(key)) is not None:
        key = f"cp{numbered[1]}"
        if key in _LABELS:
            return _LABELS[key]
    elif key.startswith("x") and key[1:] in _LABELS:
        return _LABELS[key[1:]]
    try:
        name = codecs.lookup(key if numbered else label.strip("\"' ")).name
    except (LookupError, ValueError, UnicodeError):
        return None
    codec = name.replace("-", "_")
    if codec.startswith("iso8859") or codec in _KNOWN_CODECS:
        return codec
    return None


def decode(data: bytes, label: str = "") -> Decoded:
    """`data` as text: by its label, by what the label is known to be used for, or by its looks. Never raises.

    Lone surrogates do not come out of it, whatever goes in.
    """
    codec = codec_of(label) if label else None
    if data.isascii() and codec not in _SHIFTED and not (codec or "").startswith(("utf_16", "utf_32")):
        if _STATEFUL.search(data):
            korean = codec == _KOREAN_7BIT or KOREAN_7BIT in data
            return _korean_7bit(data) if korean else Decoded(*iso2022.decode_japanese(data))
        return Decoded(data.decode(_ASCII), True)
    if codec is None or codec == _ASCII:
        return decode_unlabelled(data)
    return _decode_as(data, codec)


def decode_unlabelled(data: bytes) -> Decoded:
    """Text without a label, or with one that says ASCII or nothing: UTF-8 where it is that, else by its looks."""
    if data.startswith(codecs.BOM_UTF8):
        data = data[3:]
    elif data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _replaced(data, "utf_16")
    if (text := _strict(data, "utf_8")) is not None:
        return Decoded(text, True)
    if _STATEFUL.search(data):
        return Decoded(*iso2022.decode_japanese(data))
    if _mostly_utf8(data):
        return _replaced(data, "utf_8")
    return _decode_as(data, detect(data))


def _decode_as(data: bytes, codec: str) -> Decoded:
    if codec == "cp1252":
        # A page that was labelled for a Western reader and written by a newer program: UTF-8 that is valid is UTF-8.
        if (text := _strict(data, "utf_8")) is not None:
            return Decoded(text, True)
        return Decoded(data.decode("latin-1").translate(_CP1252), True)
    if codec == _JAPANESE_7BIT:
        return Decoded(*iso2022.decode_japanese(data))
    if codec == _KOREAN_7BIT:
        return _korean_7bit(data)
    if codec.startswith("utf_16") and data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        codec = "utf_16"
    for candidate in _candidates(data, codec):
        if (text := _strict(data, candidate)) is not None:
            return Decoded(text, True)
    if codec == "utf_8":
        if _mostly_utf8(data):
            return _replaced(data, "utf_8")
        return _decode_as(data, detect(data))
    if (text := _strict(data, "utf_8")) is not None:
        return Decoded(text, True)
    return _replaced(data, codec)


def _candidates(data: bytes, codec: str) -> tuple[str, ...]:
    """The codecs to try for a label, the likeliest first."""
    if codec == "cp949":
        # KS X 1001 annex 3: eight bytes, A4 D4 and three jamo, make up a syllable. Python's euc_kr alone reads them.
        return ("euc_kr", "cp949") if b"\xa4\xd4" in data else ("cp949",)
    if codec == "cp950":
        return ("cp950", "big5hkscs")
    if codec == "euc_jp":
        return ("euc_jp", "euc_jis_2004")
    if codec == "cp932":
        return ("cp932", "shift_jis_2004")
    return (codec,)


def _strict(data: bytes, codec: str) -> str | None:
    try:
        text = data.decode(codec)
    except (UnicodeError, LookupError):
        return None
    return text if codec == "utf_8" else _without_surrogates(text)


def _replaced(data: bytes, codec: str) -> Decoded:
    text = _without_surrogates(data.decode(codec, "replace"))
    return Decoded(text, "\ufffd" not in text)


def _without_surrogates(text: str) -> str:
    # UTF-7 and some East Asian codecs hand out halves of surrogate pairs.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


_UTF8_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_SAMPLE = 65_536


def _mostly_utf8(data: bytes) -> bool:
    """UTF-8 with a few damaged bytes (a line cut inside a character): nine in ten of its high bytes fit."""
    sample = data[:_SAMPLE]
    high = len(sample) - len(sample.translate(None, bytes(range(0x80, 0x100))))
    fitting = sum(len(found) for found in _UTF8_SEQUENCE.findall(sample))
    return fitting > 0 and fitting * 10 >= high * 9


def _korean_7bit(data: bytes) -> Decoded:
    """ISO-2022-KR (RFC 1557): what stands between SO and SI is KS X 1001 with the eighth bit off."""
    pieces = []
    for index, piece in enumerate(data.replace(b"\x1b$)C", b"").split(b"\x0e")):
        if index == 0:
            pieces.append(piece)
            continue
        korean, _, rest = piece.partition(b"\x0f")
        # Lines end outside of the shifted state, yet some writers leave them inside.
        pieces.append(bytes(b | 0x80 if 0x20 < b < 0x7F else b for b in korean) + rest)
    return _replaced(b"".join(pieces), "cp949")
