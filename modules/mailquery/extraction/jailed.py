"""Extraction in jailed child processes, seen from the parent, which looks at nothing of an attachment itself."""

import asyncio
import json
from dataclasses import asdict, replace
from typing import Any

from mailquery.domain.extraction import Extraction, ExtractionState, Section, SectionKind
from mailquery.extraction.detection import OCTETS
from mailquery.extraction.interfaces import Limits, Scan
from mailquery.extraction.pictures import from_json
from mailquery.extraction.recognising import Recogniser, Recognising
from mcpkit.sandbox.children import ChildLimits, ChildPool, Ending, Outcome

_CHARACTER = 6  # bytes that one may have in JSON and UTF-8
_SPARE = 4 * 1024 * 1024
_PACKED_PICTURE = 3 * 1024 * 1024  # bytes in the mean that one has at most
_LIMITED = {
    Ending.TIME: "it takes more time than it may",
    Ending.CPU: "it takes more of the processor's time than it may",
    Ending.MEMORY: "it takes more memory than it may",
    Ending.OUTPUT: "it gives more than it may",
}


class JailedExtractor:
    """`Extractor`. At most `size` attachments are worked on at once. With a `recogniser` the letters in pictures are
    recognised: in as many of each attachment as its limits say, for `recogniser_seconds` altogether."""

    def __init__(
        self,
        size: int,
        limits: Limits | None = None,
        recogniser: Recogniser | None = None,
        recogniser_seconds: float = 120.0,
    ) -> None:
        limited = limits or Limits()
        self._limits = limited if recogniser is not None else replace(limited, pictures=0)
        self._recognised = None
        if recogniser is not None:
            self._recognised = Recognising(recogniser, recogniser_seconds, limited.text, asyncio.Semaphore(size))
        self._children = ChildPool(
            "mailquery.extraction.work:work",
            size,
            ChildLimits(
                memory=limited.memory,
                cpu_seconds=max(1, round(limited.cpu_seconds)),
                seconds=limited.seconds,
                output=limited.text * _CHARACTER + _SPARE + self._limits.pictures * _PACKED_PICTURE,
            ),
        )

    async def extract(self, data: bytes, name: str) -> Extraction:
        """Raises OSError where no process can be started."""
        outcome = await self._children.run(data, {"name": name, "limits": asdict(self._limits)})
        found = await asyncio.to_thread(_read, outcome)
        return found if self._recognised is None else await self._recognised(found)

    async def holding(self) -> tuple[tuple[str, bool], ...]:
        return tuple((await self._children.protections()).items())

    async def close(self) -> None:
        await self._children.close()


def _read(outcome: Outcome) -> Extraction:
    """What a child says is not believed: hostile data may have taken it over."""
    try:
        return _understood(outcome)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Extraction(OCTETS, ExtractionState.CRASHED, detail="the program that reads it has given no sense")


def _understood(outcome: Outcome) -> Extraction:
    parts: list[dict[str, Any]] = [json.loads(result) for result in outcome.results]
    content_type = str(next((part["type"] for part in parts if "type" in part), OCTETS))
    sections = tuple(_section(part) for part in parts if "text" in part)
    told = next((part for part in reversed(parts) if "state" in part), None)
    if outcome.ending is Ending.DONE and told is not None:
        facts = tuple((str(key), str(value)) for key, value in told["facts"])
        left_out = int(told["pictures_left_out"])
        state, detail = ExtractionState(told["state"]), str(told["detail"])
        return Extraction(content_type, state, sections, facts, detail, unread_pictures=left_out > 0)
    if (limit := _LIMITED.get(outcome.ending)) is not None:
        state, detail = ExtractionState.LIMITED, limit
    else:
        state, detail = ExtractionState.CRASHED, f"the program that reads it has failed ({outcome.detail})"
    return Extraction(content_type, ExtractionState.PARTIAL if sections else state, sections, (), detail)


def _section(part: dict[str, Any]) -> Section:
    kind, label = SectionKind(part["kind"]), str(part["label"])
    text, depth = str(part["text"]), int(part["depth"])
    if "picture" in part:
        return Scan(kind, label, "", depth, from_json(part["picture"]))
    return Section(kind, label, text, depth)
