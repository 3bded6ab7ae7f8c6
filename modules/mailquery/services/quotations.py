"""Which quotations repeat what a thread says elsewhere.

Each reply tends to carry the whole conversation below it. Reading a thread, everything needs to be said once: a
quotation is left out where its lines stand in an earlier message, and kept where the thread has them nowhere else (the
first message was never imported, or a part of it is quoted from another conversation).
"""

import re

from mailquery.domain.messages import Body, SpanKind
from mailquery.domain.words import fold

_MARKERS = re.compile(r"^[\s>|]+")
_BLANKS = re.compile(r"\s+")
# "On ... wrote:", "Von: ...": what introduces a quotation says nothing that is worth keeping it for.
_INTRODUCTION = re.compile(r"[:：]\s*$|^\W*[\w /\-]{2,24}\s?[:：]\s")
_LEAST_KEPT = 40  # characters of new text that make a quotation worth keeping
_LEAST_COMPARED = 4
_SEARCH_WORK = 200_000_000  # characters looked through for re-wrapped lines, over one thread


def _normal(line: str) -> str:
    if line.isascii():  # the same, and quicker
        return "".join(line.split()).lstrip(">|").lower()
    return _BLANKS.sub("", fold(_MARKERS.sub("", line)))


class SaidBefore:
    """What a thread has said so far. Messages are to be given in their order, the oldest first."""

    def __init__(self) -> None:
        self._lines: set[str] = set()
        self._all = ""
        self._work = _SEARCH_WORK

    def add(self, text: str) -> None:
        lines = [_normal(line) for line in text.splitlines()]
        self._lines.update(lines)
        self._all += "".join(lines) + "\n"

    def _knows(self, line: str) -> bool:
        if len(line) < _LEAST_COMPARED or line in self._lines:
            return True
        # The quoting program may have wrapped the line elsewhere: without blanks it is still a part of the whole.
        self._work -= len(self._all)
        return self._work < 0 or line in self._all

    def knows_all_of(self, text: str) -> bool:
        return all(self._knows(_normal(line)) for line in text.splitlines())

    def new_in(self, quotation: str) -> str:
        """The part of a quotation that was not said before: from its first new line to its last, or nothing."""
        lines = quotation.splitlines()
        new = [number for number, line in enumerate(lines) if not self._knows(_normal(line))]
        told = sum(len(_normal(lines[number])) for number in new if not _INTRODUCTION.search(lines[number]))
        if told < _LEAST_KEPT:
            return ""
        return "\n".join(lines[new[0] : new[-1] + 1])


def own_words(body: Body, said: SaidBefore) -> tuple[str, int]:
    """The body without what `said` knows, and how many characters of quotation were left out. Adds the rest to `said`.

    A message of which nothing would be left is given whole.
    """
    pieces = []
    left_out = 0
    for span in body.spans:
        text = body.text[span.start : span.end]
        if span.kind is SpanKind.QUOTE:
            kept = said.new_in(text)
            left_out += len(text) - len(kept)
            text = kept
        elif span.kind is SpanKind.SIGNATURE and said.knows_all_of(text):
            continue  # the footer of a mailing list stands under each message
        said.add(text)
        if text.strip():
            pieces.append(text.strip("\n"))
    remaining = "\n".join(pieces)
    if not remaining.strip():
        return body.text, 0
    return remaining, left_out
