"""Extraction in jailed child processes, seen from the parent, which looks at nothing of an attachment itself."""

import asyncio
import json
from dataclasses import asdict
from typing import Any

from mailquery.domain.extraction import Extraction, ExtractionState, Section, SectionKind
from mailquery.extraction.detection import OCTETS
from mailquery.extraction.interfaces import Limits
from mcpkit.sandbox.children import ChildLimits, ChildPool, Ending, Outcome

_CHARACTER = 6  # bytes that one may have in JSON and UTF-8
_SPARE = 4 * 1024 * 1024
_LIMITED = {
    Ending.TIME: "it takes more time than it may",
    Ending.CPU: "it takes more of the processor's time than it may",
    Ending.MEMORY: "it takes more memory than it may",
    Ending.OUTPUT: "it gives more than it may",
}


class JailedExtractor:
    """`Extractor`. At most `size` attachments are worked on at once."""

    def __init__(self, size: int, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        limited = self._limits
        self._children = ChildPool(
            "mailquery.extraction.work:work",
            size,
            ChildLimits(
                memory=limited.memory,
                cpu_seconds=max(1, round(limited.cpu_seconds)),
                seconds=limited.seconds,
                output=limited.text * _CHARACTER + _SPARE,
            ),
        )

    async def extract(self, data: bytes, name: str) -> Extraction:
        """Raises OSError where no process can be started."""
        outcome = await self._children.run(data, {"name": name, "limits": asdict(self._limits)})
        return await asyncio.to_thread(_read, outcome)

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
    sections = tuple(
        Section(SectionKind(part["kind"]), str(part["label"]), str(part["text"]), int(part["depth"]))
        for part in parts
        if "text" in part
    )
    told = next((part for part in reversed(parts) if "state" in part), None)
    if outcome.ending is Ending.DONE and told is not None:
        facts = tuple((str(key), str(value)) for key, value in told["facts"])
        return Extraction(content_type, ExtractionState(told["state"]), sections, facts, str(told["detail"]))
    if (limit := _LIMITED.get(outcome.ending)) is not None:
        state, detail = ExtractionState.LIMITED, limit
    else:
        state, detail = ExtractionState.CRASHED, f"the program that reads it has failed ({outcome.detail})"
    return Extraction(content_type, ExtractionState.PARTIAL if sections else state, sections, (), detail)
