"""Text as it may be kept: composed, with line feeds, and without characters that nobody can see."""

import re
import unicodedata

# C0 and C1 controls but tab and line feed; lone surrogates; and non-characters.
_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff"
# Zero-width space, word joiner and invisible operators, byte order mark, soft hyphen, grapheme joiner, bidirectional
# embeddings, overrides and isolates, interlinear marks, tag characters. ZWJ and ZWNJ stay: Persian and emoji need them.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
# One character at a time: the regular expression engine is quickest at looking for a bare set.
_UNWANTED = re.compile(f"[{_CONTROLS}{_INVISIBLE}]")
_UNWANTED_ASCII = bytes([*range(0x09), *range(0x0B, 0x20), 0x7F])
_LINE_BREAKS = re.compile("[\r\x0b\x0c\x85\u2028\u2029]")
# Joiners and direction marks that join nothing: newsletters pad their preview text with them.
_PADDING = re.compile("(?<![\u200c-\u200f])[\u200c-\u200f]++(?=\\s|$)")


def clean(text: str) -> str:
    """Text of several lines: NFC, line feeds only, no control characters but tab, no invisible ones."""
    if text.isascii():
        if "\r" in text or "\x0c" in text or "\x0b" in text:
            text = _LINE_BREAKS.sub("\n", text.replace("\r\n", "\n"))
        return text.encode("ascii").translate(None, _UNWANTED_ASCII).decode("ascii")
    text = _LINE_BREAKS.sub("\n", text.replace("\r\n", "\n"))
    text = _UNWANTED.sub("", text)
    if any(joiner in text for joiner in "\u200c\u200d\u200e\u200f"):
        text = _PADDING.sub("", text)
    return unicodedata.normalize("NFC", text)


def one_line(text: str) -> str:
    """Text of a header field: as `clean`, with every run of blanks a single one."""
    return clean(" ".join(text.split())) if text.isprintable() else " ".join(clean(text).split())
