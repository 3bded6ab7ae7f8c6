"""The part of a text that shows why it was found.

Words are matched as the index matches them (`domain.words`): without regard to case, accents and width, English words
in all of their forms (`domain.stemming`), other Latin ones whole, numbers with and without separators, a `word*` with
any ending, what is in quotation marks exactly, and scripts without spaces anywhere.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from mailquery.domain.folding import fold, fold_with_origins
from mailquery.domain.numbers import number_spans
from mailquery.domain.stemming import stem
from mailquery.domain.words import UNSPACED, other_spellings

_BLOCK = 16_384  # characters looked at together
_LONGEST = 1 << 20  # characters looked at in all
_MATCHES = 200  # of one word in one block
_REACH = 24  # characters within which a word border is looked for
_AROUND = 2  # times the snippet's length, before and behind: enough for it wherever white space is not the most of it

_LETTER = f"[^\\W_{UNSPACED}]"  # of a script that separates its words
_A_LETTER = re.compile(_LETTER)
_LETTERS = re.compile(f"{_LETTER}+")
_STEMMED = re.compile("[a-z]{3,24}")
_WHITE = re.compile("[ \\n]")
_RUNS = re.compile(f"(?P<unspaced>[{UNSPACED}]+)|{_LETTER}+")
_NUMBER = re.compile("[0-9a-z ]*[0-9][0-9a-z ]*")  # without separators
_SEPARATED = re.compile(r"[\W_]+")
_QUOTED = re.compile(r'"(.*)"(\*?)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """`first` is what every match begins with: it is found many times faster than the expression. Where there is a
    `stem`, a match has it too. A match that begins or ends `at_border` has no letter of its script beyond, and one that
    is `open` goes on to the last letter of its word. (These are looked for apart: to compile the class of such letters
    into each word's expression takes longer than all of the looking.)"""

    first: str
    whole: re.Pattern[str]
    stem: str = ""
    begins_at_border: bool = False
    ends_at_border: bool = False
    open: bool = False

    def find_all(self, folded: str) -> Iterator[tuple[int, int]]:
        at = folded.find(self.first)
        while at >= 0:
            end = self._end(folded, at)
            if end is not None:
                yield at, end
                at = end - 1
            at = folded.find(self.first, at + 1)

    def _end(self, folded: str, at: int) -> int | None:
        """Where the match ends that begins there, if one does."""
        if self.begins_at_border and at > 0 and _A_LETTER.match(folded, at - 1):
            return None
        found = self.whole.match(folded, at)
        if found is None or (self.stem and stem(found[0]) != self.stem):
            return None
        end = found.end()
        if self.open:
            rest = _LETTERS.match(folded, end)
            return end if rest is None else rest.end()
        return None if self.ends_at_border and _A_LETTER.match(folded, end) else end


@dataclass(frozen=True, slots=True)
class _Sought:
    """A word in all the ways in which it may stand in a text: the patterns, and numbers without their separators."""

    patterns: tuple[_Pattern, ...]
    numbers: tuple[str, ...] = ()

    def find_all(self, text: str, number_spans: Sequence[tuple[int, int, str]]) -> Iterator[tuple[int, int]]:
        for pattern in self.patterns:
            yield from pattern.find_all(text)
        for start, end, forms in number_spans if self.numbers else ():
            if any(f" {number} " in f" {forms} " for number in self.numbers):
                yield start, end


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Words, each as it is looked for in a folded text, and in one that only its case was changed in."""

    words: tuple[str, ...]
    folded: tuple[_Sought, ...]
    plain: tuple[_Sought, ...]


class _Match(NamedTuple):
    """[start, end) in characters; `word` is its number among those looked for."""

    start: int
    end: int
    word: int


def snippet(text: str, words: Sequence[str], *, max_chars: int = 200, mark: tuple[str, str] = ("[", "]")) -> str:
    """The stretch of `text` in which most of `words` stand, on one line, with what matched between the two marks.

    A word may be a phrase, may end in `*`, and is matched exactly where it stands in quotation marks. The result has at
    most `max_chars` characters, which counts the `…` at a cut end and does not count the marks. Where nothing matches
    it is the beginning of the text. The marks are not looked for in the text: choose ones that cannot stand in it. Only
    the first 1,048,576 characters are looked at.
    """
    wanted = _wanted(tuple(words))
    text = text.strip()
    excerpt, before, after = _excerpt(text, *_densest_place(text, wanted, max_chars - 2), _AROUND * max_chars)
    line = " ".join(excerpt.split())
    matches = _matches(line, wanted)
    (first, last), _ = _densest(matches, max_chars - 2)
    start, end = _window(line, matches[first:last], max_chars)
    return _marked(line, matches, start, end, mark, before, after)


def found_in(text: str, words: Sequence[str]) -> frozenset[str]:
    """Those of `words`, as `snippet` takes them, that stand in the text, of which only the first 1,048,576 characters
    are looked at."""
    sought = _wanted(tuple(words)).words
    found: set[str] = set()
    for matches_of in (_matches,) if text.isascii() else (_plain_matches, _matches):
        for start, end in _blocks(text):
            rest = tuple(word for word in sought if word not in found)
            if not rest:
                return frozenset(found)
            found.update(rest[match.word] for match in matches_of(text[start:end], _wanted(rest)))
    return frozenset(found)


@lru_cache(maxsize=256)
def _wanted(words: tuple[str, ...]) -> _Wanted:
    """Those in which there is anything to look for, each once."""
    distinct = tuple(word for word in dict.fromkeys(words) if _sought(fold(word)).patterns)
    return _Wanted(
        distinct,
        tuple(_sought(fold(word)) for word in distinct),
        tuple(_sought(unicodedata.normalize("NFC", word).lower()) for word in distinct),
    )


def _densest_place(text: str, wanted: _Wanted, width: int) -> tuple[int, int]:
    """[start, end) of the matches that a snippet should show; [0, 0) where there are none."""
    place, best_score = (0, 0), (0, 0)
    # Words mostly stand in a text as they were typed. Only where one does not is the text folded.
    for matches_of in (_matches,) if text.isascii() else (_plain_matches, _matches):
        for start, end in _blocks(text):
            matches = matches_of(text[start:end], wanted)
            (first, last), score = _densest(matches, width)
            if score > best_score:
                place, best_score = (start + matches[first].start, start + matches[last - 1].end), score
            if best_score[0] == len(wanted.words):
                return place
    return place


def _excerpt(text: str, start: int, end: int, around: int) -> tuple[str, bool, bool]:
    """[start, end) with what stands around it, cut at white space where there is any, and whether text lies before and
    after."""
    left, right = max(0, start - around), min(len(text), end + around)
    if left > 0:
        left = _border(text, left, start)
    if right < len(text):
        border = _last_border(text, end, right)
        right = border if border > 0 else right
    return text[left:right], left > 0, right < len(text)


@lru_cache(maxsize=256)
def _sought(word: str) -> _Sought:
    """Where `word` stands in a text that was changed in the same way as it."""
    quoted = _QUOTED.fullmatch(word)
    if quoted is not None:
        word = quoted[1] + quoted[2]
    spellings = (word,) if quoted is not None or word.endswith("*") else (word, *other_spellings(word))
    patterns = (_pattern(spelling, exactly=quoted is not None) for spelling in spellings)
    # What is typed without separators between its thousands has other marks all the same: 1250.75.
    spaced = (_SEPARATED.sub(" ", spelling).strip() for spelling in spellings)
    numbers = () if quoted is not None else tuple(filter(_NUMBER.fullmatch, spaced))
    return _Sought(tuple(pattern for pattern in patterns if pattern is not None), numbers)


def _pattern(word: str, *, exactly: bool) -> _Pattern | None:
    prefix = word.endswith("*")
    runs = list(_RUNS.finditer(word))
    if not runs:
        return None
    if not exactly and _STEMMED.fullmatch(word) is not None:
        stemmed = stem(word)
        common = word[: next((i for i, (a, b) in enumerate(zip(word, stemmed, strict=False)) if a != b), len(stemmed))]
        return _Pattern(common, re.compile(f"{common}[a-z]*"), stemmed, begins_at_border=True, ends_at_border=True)
    pieces: list[str] = []
    for i, run in enumerate(runs):
        if i > 0:
            unspaced = run["unspaced"] is not None or runs[i - 1]["unspaced"] is not None
            pieces.append(r"[\W_]*" if unspaced else r"[\W_]+")
        pieces.append(re.escape(run[0]))
    ends_spaced = runs[-1]["unspaced"] is None
    return _Pattern(
        runs[0][0],
        re.compile("".join(pieces)),
        begins_at_border=runs[0]["unspaced"] is None,
        ends_at_border=ends_spaced and not prefix,
        open=ends_spaced and prefix,
    )


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Pieces of the text, [start, end), cut at white space where there is any."""
    start, limit = 0, min(len(text), _LONGEST)
    while start < limit:
        end = min(start + _BLOCK, len(text))
        if end < len(text):
            border = _last_border(text, start + _BLOCK // 2, end)
            end = border if border > 0 else end
        yield start, end
        start = end


def _last_border(text: str, start: int, end: int) -> int:
    """The last white space in [start, end), or -1."""
    return max(text.rfind(" ", start, end), text.rfind("\n", start, end))


def _border(text: str, start: int, end: int) -> int:
    """The place behind the first white space in [start, end), else `start`."""
    found = _WHITE.search(text, start, end)
    return start if found is None else found.end()


def _matches(text: str, wanted: _Wanted) -> list[_Match]:
    """In the order of the text; of two that begin at one place, the longer one first."""
    if not wanted.words:
        return []
    folded = fold(text)
    matches = _found(folded, wanted.folded)
    # Where characters come from costs more than all else, and many texts are looked through for nothing.
    if matches and not text.isascii():
        pieces, origins = fold_with_origins(text, folded)
        if pieces != folded:
            matches = _found(pieces, wanted.folded)
        if origins is not None:
            matches = [_Match(origins[m.start], origins[m.end - 1 : m.end + 1][-1], m.word) for m in matches]
    matches.sort(key=lambda match: (match.start, -match.end))
    return matches


def _plain_matches(text: str, wanted: _Wanted) -> list[_Match]:
    """Those that are written as the words are, but for the case."""
    lower = text.lower()
    if len(lower) != len(text) or not unicodedata.is_normalized("NFC", text):
        return []
    matches = _found(lower, wanted.plain)
    return sorted(matches, key=lambda match: (match.start, -match.end))


def _found(text: str, sought: Sequence[_Sought]) -> list[_Match]:
    numbers = list(islice(number_spans(text), _MATCHES)) if any(each.numbers for each in sought) else []
    return [
        _Match(start, end, number)
        for number, each in enumerate(sought)
        for start, end in islice(each.find_all(text, numbers), _MATCHES)
    ]


def _densest(matches: Sequence[_Match], width: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The range of `matches` that stands within `width` characters and has most different words, then most matches,
    and its score: those two numbers."""
    best, best_score = (0, 0), (0, 0)
    counts: dict[int, int] = {}
    first = 0
    for last, match in enumerate(matches):
        counts[match.word] = counts.get(match.word, 0) + 1
        while first < last and match.end - matches[first].start > width:
            word = matches[first].word
            counts[word] -= 1
            if not counts[word]:
                del counts[word]
            first += 1
        score = (len(counts), last - first + 1)
        if score > best_score:
            best, best_score = (first, last + 1), score
    return best, best_score


def _window(block: str, matches: Sequence[_Match], max_chars: int) -> tuple[int, int]:
    """[start, end) of the block: the matches with what stands around them, a third before and the rest after."""
    if len(block) <= max_chars:
        return 0, len(block)
    width = max_chars - 2
    if not matches:
        start = 0
    else:
        spare = max(0, width - (max(match.end for match in matches) - matches[0].start))
        start = min(max(0, matches[0].start - spare // 3), max(0, len(block) - width))
    end = min(len(block), start + width)
    if start > 0:
        border = block.find(" ", start - 1, min(start + _REACH, matches[0].start if matches else start))
        start = border + 1 if border >= 0 else _after_marks(block, start)
    if end < len(block):
        least = max((match.end for match in matches), default=start + 1)
        border = block.rfind(" ", max(end - _REACH, min(least, end)), end + 1)
        end = border if border > start else end
    return start, end


def _after_marks(block: str, at: int) -> int:
    while at < len(block) and unicodedata.category(block[at])[0] == "M":
        at += 1
    return at


def _marked(
    block: str, matches: Sequence[_Match], start: int, end: int, mark: tuple[str, str], before: bool, after: bool
) -> str:
    pieces = ["…" if before or start > 0 else ""]
    at = start
    for match in matches:
        left, right = max(match.start, at), min(match.end, end)
        if match.start >= start and left < right:
            pieces += [block[at:left], mark[0], block[left:right], mark[1]]
            at = right
    pieces += [block[at:end], "…" if after or end < len(block) else ""]
    return "".join(pieces)
