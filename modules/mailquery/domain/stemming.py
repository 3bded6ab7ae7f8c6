"""Words by their stems: invoice, invoices and invoiced are forms of one word.

The stemmer is Snowball's for English (https://snowballstem.org/algorithms/english/stemmer.html). It leaves what is not
written in plain letters alone, and does other languages little harm: a form is only ever found in addition.
"""

import re
from functools import lru_cache

import Stemmer

_STEMMED = re.compile("[a-z]{3,24}")


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The stem of one folded word (`domain.folding.fold`); the word itself where it has none."""
    if _STEMMED.fullmatch(word) is None:
        return word
    stemmed: str = Stemmer.Stemmer("english", 0).stemWord(word)  # made anew: one must not be shared between threads
    return stemmed
