"""Text out of pictures, for an attachment whose reader gave some (`Scan`)."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from mailquery.domain.extraction import Extraction, ExtractionState, Section, SectionKind
from mailquery.extraction.interfaces import Picture, Scan
from mailquery.parsing.cleaning import clean

RECOGNISED = "pictures with recognised text"
WITHOUT_TEXT = "pages without text"
_TOO_MANY = "it has more pictures than letters are looked for in"
_READ = (ExtractionState.DONE, ExtractionState.EMPTY)


class NotRecognised(Exception):
    """The message is a sentence of ours on why nothing was found out about a picture."""


class Recogniser(Protocol):
    async def recognise(self, picture: Picture) -> str:
        """The text in a picture, empty where it has none. Raises NotRecognised for what the picture does to its
        program, and OSError where no process can be started."""
        ...


@dataclass(frozen=True, slots=True)
class Recognising:
    """`seconds` are for all pictures of one attachment, `text` is characters of it in all. At most `at_once` pictures
    are worked on at once."""

    recogniser: Recogniser
    seconds: float
    text: int
    at_once: asyncio.Semaphore

    async def __call__(self, found: Extraction) -> Extraction:
        """The extraction with text where its `Scan`s stood."""
        ends = time.monotonic() + self.seconds
        left = self.text - sum(len(section.text) for section in found.sections)
        sections: list[Section] = []
        why = _TOO_MANY if found.unread_pictures else ""
        for section in found.sections:
            if not isinstance(section, Scan):
                sections.append(section)
                continue
            text = ""
            if section.picture is not None and why in ("", _TOO_MANY):
                try:
                    text = await self._within(section.picture, ends)
                except NotRecognised as error:
                    why = str(error)
            if text := text[: max(0, left)]:
                left -= len(text)
                sections.append(Section(section.kind, section.label, text, section.depth))
        return _with(found, sections, why)

    async def _within(self, picture: Picture, ends: float) -> str:
        async with self.at_once:
            if time.monotonic() >= ends:
                raise NotRecognised(f"recognising letters takes more than {self.seconds:,.0f} seconds")
            return clean(await self.recogniser.recognise(picture)).strip("\n ")


def _with(found: Extraction, sections: Sequence[Section], why: str) -> Extraction:
    before = [section for section in found.sections if not isinstance(section, Scan)]
    gained = len(sections) - len(before)
    facts = dict(found.facts)
    if gained:
        facts[RECOGNISED] = str(gained)
    if WITHOUT_TEXT in facts:
        silent = int(facts[WITHOUT_TEXT]) - (_pages(sections) - _pages(before))
        facts[WITHOUT_TEXT] = str(silent)
        if silent <= 0:
            del facts[WITHOUT_TEXT]
    state, detail = found.state, found.detail
    if state in _READ:
        state = ExtractionState.DONE if sections else ExtractionState.EMPTY
        if why:
            state, detail = ExtractionState.PARTIAL, why
    if state is ExtractionState.PARTIAL and not sections:
        state = ExtractionState.LIMITED
    # What was left out is so for good: it waits for no recogniser.
    return replace(
        found,
        state=state,
        detail=detail,
        sections=tuple(sections),
        facts=tuple(facts.items()),
        unread_pictures=False,
    )


def _pages(sections: Sequence[Section]) -> int:
    return sum(section.kind is SectionKind.PAGE and section.depth == 0 for section in sections)
