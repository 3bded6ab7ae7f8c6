"""The nearest of a few known spellings."""

from collections.abc import Iterable


def distance(left: str, right: str) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours between two words (optimal string alignment)."""
    previous: list[int] = []
    current = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        older, previous, current = previous, current, [i]
        for j, b in enumerate(right, 1):
            cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and b == left[i - 2]:
                cost = min(cost, older[j - 2] + 1)
            current.append(cost)
    return current[-1]


def nearest(word: str, candidates: Iterable[str], *, within: int) -> str:
    """The candidate at most `within` edits from `word`, the first of the closest ones, or an empty string."""
    best, best_distance = "", within + 1
    for candidate in candidates:
        if abs(len(candidate) - len(word)) < best_distance:
            edits = distance(word, candidate)
            if edits < best_distance:
                best, best_distance = candidate, edits
    return best
