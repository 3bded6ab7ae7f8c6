"""Words that are one slip of a finger from another."""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from mailquery.domain.folding import fold

_LATIN = "abcdefghijklmnopqrstuvwxyz"
_BLOCK = 256  # code points around a letter in which the rest of its alphabet is looked for
_HANGUL = range(0xAC00, 0xD7A4)
_LEADS, _VOWELS, _TAILS = 19, 21, 28  # The Unicode Standard, section 3.12: how a syllable is composed


def one_edit_from(word: str) -> Iterator[str]:
    """The words that come of leaving out, adding, changing or swapping one letter of the folded `word`, with letters of
    its alphabets. Syllables of Hangul are changed in one of their letters, and neither added nor left out."""
    if word and all(ord(letter) in _HANGUL for letter in word):
        yield from _one_key_from(word)
        return
    letters = sorted({letter for each in word for letter in _alphabet(each)})
    for place in range(len(word) + 1):
        before, after = word[:place], word[place:]
        if after:
            yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        for letter in letters:
            yield before + letter + after
            if after and letter != after[0]:
                yield before + letter + after[1:]


@lru_cache(maxsize=4096)
def _alphabet(letter: str) -> frozenset[str]:
    """The folded letters of the script that `letter` is of; of the Latin one those that most keyboards have."""
    script = unicodedata.name(letter, "").partition(" ")[0]
    if letter.isascii() or script == "LATIN":
        return frozenset({*_LATIN, letter})
    first = ord(letter) // _BLOCK * _BLOCK
    folded = {fold(chr(code)) for code in range(first, first + _BLOCK)}
    same = {each for each in folded if len(each) == 1 and each.isalpha() and unicodedata.name(each).startswith(script)}
    return frozenset({*same, letter})


def _one_key_from(word: str) -> Iterator[str]:
    for place, syllable in enumerate(word):
        before, after = word[:place], word[place + 1 :]
        lead, rest = divmod(ord(syllable) - _HANGUL.start, _VOWELS * _TAILS)
        vowel, tail = divmod(rest, _TAILS)
        others = (
            *((each, vowel, tail) for each in range(_LEADS)),
            *((lead, each, tail) for each in range(_VOWELS)),
            *((lead, vowel, each) for each in range(_TAILS)),
        )
        for parts in others:
            if parts != (lead, vowel, tail):
                yield before + chr(_HANGUL.start + (parts[0] * _VOWELS + parts[1]) * _TAILS + parts[2]) + after
        if after:
            yield before + after[0] + syllable + after[1:]
