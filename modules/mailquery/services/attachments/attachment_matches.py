"""Which attachments show why a message was found."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mailquery.domain.extraction import Section, SectionKind
from mailquery.domain.highlight import found_in, snippet
from mailquery.domain.messages import Attachment
from mailquery.domain.queries import And, Or, Query, TextField, Words
from mailquery.repositories.extracting import ExtractionRepository
from mailquery.repositories.records import MessageRow
from mailquery.services.masking import masked_file, masked_name
from mcpkit.security.untrusted.secrets import hide, mask, may_be_code

MOST_MATCHES = 3  # attachments of one message
SNIPPET_CHARS = 120
_AROUND = 4_000  # characters of a section that say what a code in it is
_OWN = 400_000  # characters of a message's own text that are looked at
_FEW = 10_000  # characters of attachments for which no thread is needed
_TOGETHER = 2_500_000  # characters of attachments that are looked at for one page of results: about a second


@dataclass(frozen=True, slots=True)
class AttachmentMatch:
    """An attachment that has words which the message itself lacks. `place` is where in it, such as "page 3", and empty
    where it has no parts. `snippet` is as that of a message."""

    attachment: Attachment
    snippet: str
    place: str


class MatchAttachments:
    """Looks into the attachments of what `query` found. Unless `secrets`, codes in what is shown are masked."""

    def __init__(
        self, texts: ExtractionRepository, query: Query, mark: tuple[str, str], *, secrets: bool = False
    ) -> None:
        self._texts = texts
        self._anywhere = tuple(dict.fromkeys(_words(query, TextField.ANY)))
        self._in_attachments = tuple(dict.fromkeys(_words(query, TextField.ATTACHMENT)))
        self._mark = mark
        self._secrets = secrets

    async def __call__(
        self, rows: Iterable[MessageRow], bodies: Mapping[int, str]
    ) -> Mapping[int, tuple[AttachmentMatch, ...]]:
        """By `MessageRow.row`, as `bodies` are, for those that have any."""
        if not (self._anywhere or self._in_attachments):
            return {}
        lacking: dict[int, tuple[MessageRow, tuple[str, ...]]] = {}
        for row in rows:
            if row.attachments:
                lacks = words_not_in(row, bodies.get(row.row, ""), self._anywhere)
                if words := (*self._in_attachments, *lacks):
                    lacking[row.row] = row, words
        files = await self._texts.texts(list(lacking)) if lacking else {}
        if not files:
            return {}

        def find() -> Mapping[int, tuple[AttachmentMatch, ...]]:
            found = {}
            left = _TOGETHER
            for row, (message, words) in lacking.items():  # in the order of the rows: the first are looked at in full
                kept = [(attachment, tuple(_within(sections, left))) for attachment, sections in files.get(row, ())]
                left -= sum(len(section.text) for _, sections in kept for section in sections)
                if matches := matches_in(message, kept, words, self._mark, secrets=self._secrets):
                    found[row] = matches
            return found

        if sum(len(section.text) for of in files.values() for _, sections in of for section in sections) <= _FEW:
            return find()
        # Attachments are longer than messages: other calls are not to wait for it.
        return await asyncio.to_thread(find)


def _within(sections: Sequence[Section], most: int) -> Iterator[Section]:
    """The first of them, of `most` characters together."""
    for section in sections:
        if most <= 0:
            return
        yield section if len(section.text) <= most else replace(section, text=section.text[:most])
        most -= len(section.text)


def _words(query: Query, field: TextField) -> Iterator[str]:
    match query:
        case Words(text, of, prefix, quoted) if of is field:
            written = f'"{text}"' if quoted else text
            yield f"{written}*" if prefix else written
        case And(parts) | Or(parts):
            for part in parts:
                yield from _words(part, field)
        case _:
            pass


def words_not_in(row: MessageRow, text: str, words: Sequence[str]) -> tuple[str, ...]:
    """Those that a message's own text, people and file names lack."""
    people = " , ".join(str(each) for each in (*row.from_, *row.to))
    names = " , ".join(each.filename for each in row.attachments)
    found = found_in(f"{row.subject}\n{people}\n{names}\n{text[:_OWN]}", words)
    return tuple(word for word in words if word not in found)


def matches_in(
    row: MessageRow,
    files: Iterable[tuple[Attachment, Sequence[Section]]],
    words: Sequence[str],
    mark: tuple[str, str],
    *,
    secrets: bool,
) -> tuple[AttachmentMatch, ...]:
    """The attachments with most of the words, at most `MOST_MATCHES`. Unless `secrets`, codes are masked."""
    found = []
    for position, (attachment, sections) in enumerate(files):
        best, has = _best(sections, words)
        if best is not None:
            found.append((-has, position, attachment, best))
    found.sort(key=lambda each: each[:2])
    return tuple(
        _match(row, attachment, best, words, mark, secrets=secrets) for _, _, attachment, best in found[:MOST_MATCHES]
    )


def _best(sections: Sequence[Section], words: Sequence[str]) -> tuple[Section | None, int]:
    """The first section that has most of the words."""
    best, most = None, 0
    for section in sections:
        has = len(found_in(_shown(section), words))
        if has > most:
            best, most = section, has
        if most == len(words):
            break
    return best, most


def _shown(section: Section) -> str:
    """A sheet is found by its name too."""
    return f"{section.label}\n{section.text}" if section.kind is SectionKind.SHEET else section.text


def _match(
    row: MessageRow,
    attachment: Attachment,
    section: Section,
    words: Sequence[str],
    mark: tuple[str, str],
    *,
    secrets: bool,
) -> AttachmentMatch:
    # A text in one piece has a label where it is that of a file inside.
    place = section.label if section.kind is SectionKind.TEXT else f"{section.kind.value} {section.label}".strip()
    text = _shown(section)
    shown = snippet(text, words, max_chars=SNIPPET_CHARS, mark=mark)
    if not secrets:
        attachment, place = masked_file(attachment), masked_name(place)
        if may_be_code(shown.replace(mark[0], "").replace(mark[1], "")):
            # What stands around says what a code is; the snippet is made anew, so that no word of it is marked in one.
            around = snippet(text, words, max_chars=_AROUND, mark=("", ""))
            values = mask(around, context=row.subject).values
            shown = snippet(hide(around, values), words, max_chars=SNIPPET_CHARS, mark=mark)
    return AttachmentMatch(attachment, shown, place)
