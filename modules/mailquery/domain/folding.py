"""Text without the differences that a search does not see: case, accents, width, composition, invisible characters.

Built for speed over whole bodies: most characters need no more than their case changed, and what becomes of each other
one is looked up in a table that fills as they turn up.
"""

import re
import unicodedata
from collections.abc import Callable

# Accents, and the vowel points of Hebrew and Arabic, which most writers leave out.
_MARKS = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]+"
)
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]+"
)
# Letters that Unicode does not take apart, as they are typed where the keyboard lacks them.
_PLAIN_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"}
)
_TRADE_MARKS = str.maketrans("™℠", "  ")  # compatibility letters that would grow onto the word before them
# Folding does no more to these than to change their case; most text of the large scripts consists of them.
_CASE_ONLY = (
    "\x00-\x7f\u0391-\u03a1\u03a3-\u03a9\u03b1-\u03c1\u03c3-\u03c9\u0410-\u0418\u041a-\u0438\u043a-\u044f\u05d0-\u05ea"
    "\u0627-\u063a\u0641-\u064a\u0e01-\u0e32\u0e34-\u0e3a\u0e40-\u0e4e\u3041-\u3096\u30a1-\u30fa\u30fc-\u30fe"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
)
_OTHERS = re.compile(f"[^{_CASE_ONLY}]+")
# What joins the character before it: accents, points, the later parts of a syllable, voicing marks.
_ATTACHED = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u1160-\u11ff\u3099\u309a\uff9e\uff9f"
_CLUSTERS = re.compile(f"[{_CASE_ONLY}]+(?![{_ATTACHED}])|.[{_ATTACHED}]*", re.DOTALL)


def _fold_character(character: str) -> str:
    if "\uffa0" <= character <= "\uffdc":  # half-width jamo: their wide forms, not the parts of syllables
        character = chr(int(unicodedata.decomposition(character).rpartition(" ")[2] or "0", 16))
    if "\u3131" <= character <= "\u318e":  # jamo that stand alone, as in ㅋㅋㅋ; NFKC would join them to syllables
        return character
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", _INVISIBLE.sub("", character)))
    folded = unicodedata.normalize("NFKC", bare).casefold()
    folded = _MARKS.sub("", unicodedata.normalize("NFD", folded)).translate(_PLAIN_LETTERS)
    return unicodedata.normalize("NFC", folded)


def is_word(character: str) -> bool:
    """Whether `character` is a letter, a digit, a mark or of private use: what an index keeps."""
    category = unicodedata.category(character)
    return category[0] in "LNM" or category == "Co"


def _index_character(character: str) -> str:
    folded = _fold_character(character.translate(_TRADE_MARKS))
    return "".join(c if c.isascii() or is_word(c) else " " for c in folded)


class _Table(dict[str, str]):
    """What becomes of each character, filled as characters turn up."""

    def __init__(self, of_character: Callable[[str], str]) -> None:
        super().__init__()
        self._of_character = of_character

    def __missing__(self, character: str) -> str:
        replacement = self[character] = self._of_character(character)
        return replacement

    def replace(self, match: re.Match[str]) -> str:
        found = match[0]
        return self[found] if len(found) == 1 else "".join([self[character] for character in found])


_FOLDED = _Table(_fold_character)
_INDEXED = _Table(_index_character)


def _apply(table: _Table, text: str) -> str:
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    folded = _OTHERS.sub(table.replace, text).casefold()
    if not unicodedata.is_normalized("NFC", folded):  # half-width kana and their voicing marks have come together
        folded = unicodedata.normalize("NFC", folded)
    return folded


def fold(text: str) -> str:
    """`text` without its differences of case, accent, width and composition, and without invisible characters."""
    return text.lower() if text.isascii() else _apply(_FOLDED, text)


def fold_for_index(text: str) -> str:
    """`text` folded, with a space in place of every character but ASCII that is no letter, digit or mark."""
    return text.lower() if text.isascii() else _apply(_INDEXED, text)


def fold_with_origins(text: str, folded: str | None = None) -> tuple[str, list[int] | None]:
    """`fold(text)`, which may be given as `folded`, and the place in `text` that each of its characters comes from,
    with the end last; None where every character stands where it stood."""
    folded = fold(text) if folded is None else folded
    if text.isascii() or _keeps_places(text, folded):
        return folded, None
    pieces: list[str] = []
    origins: list[int] = []
    for cluster in _CLUSTERS.finditer(text):
        start, end = cluster.span()
        piece = _FOLDED[cluster[0]] if end == start + 1 else fold(cluster[0])
        pieces.append(piece)
        origins.extend(range(start, end) if len(piece) == end - start else [start] * len(piece))
    origins.append(len(text))
    return "".join(pieces), origins


def _keeps_places(text: str, folded: str) -> bool:
    return (
        len(folded) == len(text)
        and unicodedata.is_normalized("NFC", text)
        and all(len(_FOLDED[character]) == 1 for character in set("".join(_OTHERS.findall(text))))
    )
