"""What a word is, for the index and for a query alike.

Text is folded, and what is no letter, digit or mark becomes a space: engines differ in which of the newer characters
they know. Runs of scripts that are written without spaces, or that glue endings to words (Thai, Lao, Khmer, Burmese,
Kana, Han, Hangul), become their overlapping bigrams followed by their last character: 예산안 is indexed as 예산, 산안
and 안. A query's run of two or more characters is the phrase of its bigrams, a single one a prefix: any substring is
found.
"""

import re
from array import array
from dataclasses import dataclass
from functools import lru_cache
from operator import add

from mailquery.domain.folding import fold, fold_for_index, is_word
from mailquery.domain.numbers import joined_numbers, typed_forms

__all__ = [
    "END_OF_TEXT",
    "UNSPACED",
    "Phrase",
    "fold",
    "has_word",
    "is_named_word",
    "new_words",
    "other_forms",
    "phrase",
    "segment",
]

UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Burmese
    "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"  # Hangul
    "\u1780-\u17ff"  # Khmer
    "\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c"  # Han iteration marks and numerals
    "\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # Kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
"""The characters of those scripts, as the inside of a regular expression's class."""

_RUNS = re.compile(f"([{UNSPACED}]+)")
_SEPARATORS = "\x00-/:-@\\[-`{-\x7f"  # ASCII that is no letter or digit
_STRETCHES = re.compile(f"([{UNSPACED}]+(?:[{_SEPARATORS}]+[{UNSPACED}]+)*)")
_FIRST_OF_RUN = re.compile(f"([{_SEPARATORS}])[{UNSPACED}]")
_ASCII_WORD = re.compile("[a-z0-9]")


def _bigrams(run: str) -> str:
    return " ".join(map(add, run, run[1:]))


def _indexed_run(run: str) -> str:
    return f" {run} " if len(run) == 1 else f" {_bigrams(run)} {run[-1]} "


_indexed_short_run = lru_cache(maxsize=16_384)(_indexed_run)  # most are words that come again and again
_SHORT = 8  # characters of a run that is worth remembering
_LONG = 64  # characters of a stretch that is quicker as a whole


def _indexed_stretch(stretch: str) -> str:
    """A stretch of runs with ASCII separators between them, as a whole: character, next one, space, and so on, where
    the next one is left out after a separator and is a separator after a run's last character."""
    following = _FIRST_OF_RUN.sub(r"\1 ", stretch)[1:] + " "
    triples = array("I", b"\x20\0\0\0" * (3 * len(stretch)))
    triples[0::3] = array("I", stretch.encode("utf-32-le"))
    triples[1::3] = array("I", following.encode("utf-32-le"))
    return f" {triples.tobytes().decode('utf-32-le')}"


def _indexed_runs(folded: str) -> str:
    if folded.isascii():
        return folded
    parts = _STRETCHES.split(folded)  # stretches and what stands between them, by turns
    for i in range(1, len(parts), 2):
        if len(parts[i]) >= _LONG:
            parts[i] = _indexed_stretch(parts[i])
        else:
            runs = _RUNS.split(parts[i])
            runs[1::2] = [_indexed_short_run(run) if len(run) <= _SHORT else _indexed_run(run) for run in runs[1::2]]
            parts[i] = "".join(runs)
    return "".join(parts)


END_OF_TEXT = "\ue001"  # a token that cannot be typed: no phrase reaches from the text into what is put behind it
_GROUPED = re.compile(r"(?<=\d)[\u00a0\u202f](?=\d{3}(?!\d))")  # folding would make plain spaces of them
_ASCII_DIGIT = re.compile("[0-9]")


INDEX_FORM = 3
"""Raised with every change to what `segment` makes of a text, and to what the index has columns for: an index that was
half rebuilt in another form is not gone on with."""


def segment(text: str) -> str:
    """The form in which `text` is given to an engine's tokenizer: its words, and behind them its numbers without their
    separators."""
    folded = fold_for_index(text)
    words = _indexed_runs(folded)
    # In `folded` the marks of numbers that are not ASCII have become spaces.
    if _ASCII_DIGIT.search(folded) is None or not (numbers := joined_numbers(fold(_GROUPED.sub("'", text)))):
        return words
    return f"{words} {END_OF_TEXT} {numbers}"


def has_word(text: str) -> bool:
    """Whether there is a letter or digit in `text`, so that an index can find it."""
    if text.isascii():
        return _ASCII_WORD.search(text.lower()) is not None
    return any(is_word(character) for character in fold_for_index(text))


_TOKENS = re.compile(r"[^\W_]+")
_NAMED = re.compile(f"[^\\W\\d_{UNSPACED}]{{3,24}}")


def is_named_word(token: str) -> bool:
    """Whether a token of the index is a word of letters alone, of a script that separates its words."""
    return _NAMED.fullmatch(token) is not None


def new_words(segmented: str, known: set[str]) -> list[str]:
    """The words of letters alone in a text in index form that are not in `known`. They are added to it, and so is what
    stands between spaces: most of a text was seen before, and is not looked at again."""
    pieces = set(segmented.split()) - known
    known.update(pieces)
    fresh = {word for piece in pieces for word in _TOKENS.findall(piece) if is_named_word(word)}
    added = [word for word in fresh if word in pieces or word not in known]
    known.update(added)
    return added


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a query looks for: `text` is in index form; with `prefix` its last token may go on."""

    text: str
    prefix: bool


_SCHEME = re.compile(r"(?:https?://)?(?:www\.)?(.+?)/*", re.DOTALL)


def other_spellings(text: str) -> tuple[str, ...]:
    """What an unquoted word is also looked for as, folded: a number with or without its separators, an address on the
    web without its scheme."""
    folded = fold(_GROUPED.sub("'", text))
    bare = _SCHEME.fullmatch(folded)
    without = () if bare is None or bare[1] == folded else (bare[1],)
    return (*typed_forms(folded), *without)


def other_forms(text: str) -> tuple[Phrase, ...]:
    """The phrases for `other_spellings`."""
    found = (phrase(spelling) for spelling in other_spellings(text))
    return tuple(form for form in found if form is not None)


def phrase(text: str, *, prefix: bool = False) -> Phrase | None:
    """The index phrase for the words of `text`, or None where it has no letter or digit at all."""
    if not has_word(text):
        return None
    folded = fold_for_index(text)
    end = len(folded)
    while not is_word(folded[end - 1]):
        end -= 1
    folded = folded[:end]
    # Only the last run is open at its end: inside a phrase the index form of a run, with its last character, stands.
    runs = list(_RUNS.finditer(folded))
    if not runs or runs[-1].end() != end:
        return Phrase(_indexed_runs(folded).strip(), prefix)
    before, run = _indexed_runs(folded[: runs[-1].start()]), runs[-1][0]
    if len(run) == 1:
        return Phrase(f"{before} {run}".strip(), prefix=True)
    return Phrase(f"{before} {_bigrams(run)}".strip(), prefix=False)
