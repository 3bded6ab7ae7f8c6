"""Words that are one slip of a finger from another."""

from collections.abc import Iterator

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def one_edit_from(word: str) -> Iterator[str]:
    """The words that come of leaving out, adding, changing or swapping one letter of the folded `word`."""
    letters = sorted({*_LETTERS, *word})
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
