"""What a word is, for the index and for a query alike.

An engine's tokenizer splits at what is no letter, digit or mark. Before that, text is folded (case, accents, width),
and runs of scripts that are written without spaces, or that glue endings to words (Thai, Lao, Khmer, Burmese, Kana,
Han, Hangul), become their overlapping bigrams followed by their last character: 예산안 is indexed as `예산 산안 안`.
A query's run of two or more characters is the phrase of its bigrams, a single one a prefix: any substring is found.
"""

import re
import unicodedata
from dataclasses import dataclass

_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Burmese
    "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"  # Hangul
    "\u1780-\u17ff"  # Khmer
    "\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c"  # Han iteration marks and numerals
    "\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # Kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
_RUN = re.compile(f"[{_UNSPACED}]+")
# Accents, and the vowel points of Hebrew and Arabic, which most writers leave out.
_MARKS = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]+"
)
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]+"
)
_WORD_CHARACTER = re.compile(f"[^\\W_]|[{_UNSPACED}]")


def fold(text: str) -> str:
    """`text` without its differences of case, accent, width and composition, and without invisible characters."""
    if text.isascii():
        return text.lower()
    text = _INVISIBLE.sub("", text)
    decomposed = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFKC", _MARKS.sub("", decomposed)).casefold()


def _bigrams_and_last(match: re.Match[str]) -> str:
    run = match[0]
    if len(run) == 1:
        return f" {run} "
    pairs = [run[i : i + 2] for i in range(len(run) - 1)]
    pairs.append(run[-1])
    return f" {' '.join(pairs)} "


def segment(text: str) -> str:
    """The form in which `text` is given to an engine's tokenizer."""
    folded = fold(text)
    if folded.isascii():
        return folded
    return _RUN.sub(_bigrams_and_last, folded)


def has_word(text: str) -> bool:
    """Whether there is a letter or digit in `text`, so that an index can find it."""
    return _WORD_CHARACTER.search(fold(text)) is not None


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a query looks for: `text` is in index form; with `prefix` its last token may go on."""

    text: str
    prefix: bool


def phrase(text: str, *, prefix: bool = False) -> Phrase | None:
    """The index phrase for the words of `text`, or None where it has no letter or digit at all."""
    folded = fold(text)
    if not _WORD_CHARACTER.search(folded):
        return None
    if folded.isascii():
        return Phrase(folded, prefix)
    # Only the last run is open at its end: inside a phrase the index form of a run, with its last character, stands.
    stripped = folded.rstrip()
    runs = list(_RUN.finditer(stripped))
    if not runs or runs[-1].end() != len(stripped):
        return Phrase(_RUN.sub(_bigrams_and_last, folded), prefix)
    last = runs[-1]
    before = _RUN.sub(_bigrams_and_last, stripped[: last.start()])
    run = last[0]
    if len(run) == 1:
        return Phrase(f"{before} {run}".strip(), prefix=True)
    pairs = " ".join(run[i : i + 2] for i in range(len(run) - 1))
    return Phrase(f"{before} {pairs}".strip(), prefix=False)
