"""Numbers that are typed with spaces in them: +82 10 1234 5678."""

from collections.abc import Sequence

from mailquery.domain.numbers import is_spaced_number
from mailquery.domain.queries import And, Query, Words, all_of, any_of
from mailquery.domain.words import fold

_LONGEST = 8  # terms of one number


def conjunction(*parts: Query) -> Query:
    """All of the parts. Unquoted terms beside each other that may be one number are looked for in both ways: each by
    itself, or all of them joined."""
    joined = all_of(*parts)
    if not isinstance(joined, And):
        return joined
    found: list[Query] = []
    at = 0
    while at < len(joined.parts):
        end = _end_of_number(joined.parts, at)
        found.append(joined.parts[at] if end == at + 1 else _either(joined.parts[at:end]))
        at = end
    return all_of(*found)


def _end_of_number(parts: Sequence[Query], start: int) -> int:
    first = parts[start]
    terms: list[str] = []
    for part in parts[start : start + _LONGEST]:
        if not isinstance(part, Words) or part.quoted or part.prefix:
            break
        if not isinstance(first, Words) or part.field is not first.field:
            break
        terms.append(fold(part.text).strip(" ,;:!?"))
    for length in range(len(terms), 1, -1):
        if is_spaced_number(terms[:length]):
            return start + length
    return start + 1


def _either(parts: Sequence[Query]) -> Query:
    words = [part for part in parts if isinstance(part, Words)]
    return any_of(all_of(*words), Words(" ".join(word.text for word in words), words[0].field))
