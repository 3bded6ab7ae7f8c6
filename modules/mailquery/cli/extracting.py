"""mailquery extract"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from mailquery.application import Application
from mailquery.cli.archive import with_archive
from mailquery.cli.output.ending import says_when_ended
from mailquery.cli.output.printing import JsonFlag, print_json
from mailquery.cli.output.progress import progress
from mailquery.domain.counts import plural
from mailquery.domain.extraction import ExtractionState
from mailquery.repositories.extracting import ExtractionProgress

HELP = """Read what is attached to messages, so that its words are found. A server does it in the background; this does
it at once. With --retry-failed also what could not be read before, as after an upgrade or with other limits.

Examples:

```
mailquery extract
mailquery extract --retry-failed
mailquery extract --json
```
"""
# What a person can do nothing about, and what is just as well.
_QUIET = frozenset({ExtractionState.DONE, ExtractionState.EMPTY})


@dataclass(frozen=True, slots=True)
class _Extracted:
    now: int
    progress: ExtractionProgress
    holding: Sequence[tuple[str, bool]]
    seconds: float


def register(app: typer.Typer) -> None:
    app.command("extract", help=HELP)(extract)


def extract(
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Also read again what could not be read before.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    shown = progress()
    started = time.monotonic()

    def show(found: ExtractionProgress) -> None:
        shown.show(found.done, found.total, f"{plural(found.done, 'attachment')} read")

    async def work(application: Application) -> _Extracted:
        now = await application.extract_attachments(show, retry_failed=retry_failed)
        holding = await application.extractor.holding() if now else ()
        return _Extracted(now, await application.texts.progress(), holding, time.monotonic() - started)

    with says_when_ended("What was read stays; `mailquery extract` or a server goes on with it."), shown:
        found = with_archive(work)
    if as_json:
        print_json({"read_now": found.now, **shape(found.progress), "protections": dict(found.holding)})
        return
    rate = f" in {found.seconds:,.1f} s ({found.now / found.seconds:,.1f}/s)" if found.now else ""
    print(f"{plural(found.now, 'attachment')} read{rate}. {in_words(found.progress)}")
    if missing := [name for name, holds in found.holding if not holds]:
        print(f"Not all protections hold on this machine: {', '.join(missing)}.", file=sys.stderr)


def shape(found: ExtractionProgress) -> dict[str, object]:
    return {
        "read": found.done,
        "attachments": found.total,
        "on_server": found.waiting,
        "withheld": found.withheld,
        "cut": found.cut,
        "searched": found.searched,
        "unread_pictures": found.unread_pictures,
        "contents": {state.value: count for state, count in found.contents.items()},
    }


def in_words(found: ExtractionProgress) -> str:
    parts = [f"{found.done:,} of {plural(found.total, 'attachment')} read"]
    others = sorted(((count, state) for state, count in found.contents.items() if state not in _QUIET), reverse=True)
    if others:
        states = ", ".join(f"{count:,} {state.value}" for count, state in others)
        parts.append(f"different ones that were not read, or in part: {states}")
    if found.waiting:
        parts.append(f"{found.waiting:,} more are on the mail server")
    if found.withheld:
        parts.append(f"{found.withheld:,} are withheld by the policy")
    if found.cut:
        parts.append(f"{found.cut:,} are found by the first part of their text only")
    if found.unread_pictures:
        parts.append(f"{found.unread_pictures:,} have pictures whose letters were not looked for (extraction.ocr)")
    if not found.searched:
        parts.append("their words are not found yet")
    return "; ".join(parts)
