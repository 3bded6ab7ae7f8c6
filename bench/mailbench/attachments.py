"""bench/attachments: how quickly attachments become text in jailed children, with how much memory, and whether every
page and sheet of every format is found by search_messages. With --fuzz N, damaged files instead, and what became of
them."""

import argparse
import asyncio
import os
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from mailbench.finding_attachments import recall
from mailbench.planted_files import MAKERS, Planted
from mailbench.report import machine, say, table, write_json
from mailquery.domain.extraction import ExtractionState
from mailquery.extraction.jailed import JailedExtractor

_MEGABYTE = 1024 * 1024
_STARTS = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where a phrase was not found, or a damaged file ended a child."""
    parser = argparse.ArgumentParser(prog="bench/attachments", description=__doc__)
    parser.add_argument("--files", type=int, default=40, help="of each format")
    parser.add_argument("--children", type=int, default=2)
    parser.add_argument("--fuzz", type=int, metavar="N", help="read N damaged files instead")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for damaged files that ended their child")
    parser.add_argument("--json", metavar="FILE")
    given = parser.parse_args(arguments)
    if given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
    if given.fuzz:
        result, failed = asyncio.run(_fuzz(given.fuzz, given.seed, given.children, given.keep))
    else:
        result, failed = asyncio.run(_measure(given.files, given.children))
        searched, missed = _recall()
        result, failed = {**result, **searched}, failed or missed
    if given.json:
        write_json({"machine": machine(), **result}, given.json)
    return int(failed)


async def _measure(files: int, children: int) -> tuple[dict[str, object], bool]:
    start = await _start_cost()
    say(f"start of a child: {start * 1000:.0f} ms, once for 200 files")
    rows: list[list[object]] = []
    missed: list[str] = []
    for name, make in MAKERS.items():
        rows.append(await _format(name, make, files, children, missed))
    columns = ("format", "files/s", "MB/s", "characters/s", "phrases", "found", "largest child, MB")
    say(table(f"{files} files of each format, {children} children", columns, rows))
    say(f"peak memory of the parent: {_peak('self'):.0f} MB")
    if missed:
        say("not found: " + ", ".join(missed))
    return {"start seconds": start, "formats": rows, "missed": missed, "parent MB": _peak("self")}, bool(missed)


def _recall() -> tuple[dict[str, object], bool]:
    asked = recall()
    counts = [(each.phrases, each.found, each.named) for each in asked.recalls]
    rows = [[each.format, *count] for each, count in zip(asked.recalls, counts, strict=True)]
    rows.append(["all", *map(sum, zip(*counts, strict=True))])
    columns = ("format", "phrases", "message found", "attachment named")
    say(table("search_messages, over STDIO", columns, rows))
    say(f"imported and read in {asked.seconds_for_reading:.1f} s, asked for in {asked.seconds_for_asking:.1f} s")
    for each in asked.recalls:
        if each.missed:
            say(f"not found in {each.format}: {', '.join(each.missed)}")
    return {"search": rows}, any(each.missed for each in asked.recalls)


async def _start_cost() -> float:
    """Seconds from nothing to the text of one small file, in the mean."""
    begin = time.perf_counter()
    for _ in range(_STARTS):
        extractor = JailedExtractor(1)
        await extractor.extract(b"text", "a.txt")
        await extractor.close()
    return (time.perf_counter() - begin) / _STARTS


async def _format(
    name: str, make: Callable[[str], Planted], files: int, children: int, missed: list[str]
) -> list[object]:
    planted = [make(secrets.token_hex(6)) for _ in range(files)]
    extractor = JailedExtractor(children)
    try:
        # What a child imports for a format is part of its start.
        await asyncio.gather(*(extractor.extract(planted[0].data, "warm") for _ in range(children)))
        begin = time.perf_counter()
        read = await asyncio.gather(*(extractor.extract(each.data, f"a.{name}") for each in planted))
        seconds = time.perf_counter() - begin
        memory = max(map(_peak, map(str, _children())), default=0.0)
    finally:
        await extractor.close()
    found = wanted = characters = 0
    for each, extraction in zip(planted, read, strict=True):
        text = "\n".join(section.text for section in extraction.sections)
        characters += len(text)
        wanted += len(each.phrases)
        here = [phrase for phrase in each.phrases if phrase in text]
        found += len(here)
        if len(here) < len(each.phrases):
            missed.append(f"{name}: {sorted(set(each.phrases) - set(here))[:3]}")
    size = sum(len(each.data) for each in planted) / _MEGABYTE
    return [name, files / seconds, size / seconds, characters / seconds, wanted, found, memory]


def _children() -> list[int]:
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


def _peak(process: str) -> float:
    """MB; 0 where the system does not say."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)


async def _fuzz(count: int, seed: int, children: int, keep: Path | None) -> tuple[dict[str, object], bool]:
    from support.damaging import damaged, good_files

    good = list(good_files().items())
    extractor = JailedExtractor(children)
    states: Counter[tuple[str, str]] = Counter()
    slowest: list[tuple[float, str]] = []
    ended: list[str] = []
    waiting = asyncio.Semaphore(children * 2)

    async def read(number: int) -> None:
        ending, data = good[number % len(good)]
        made = damaged(data, random.Random(f"{seed} {number}"))
        async with waiting:
            begin = time.perf_counter()
            found = await extractor.extract(made, f"a.{ending}")
            slowest.append((time.perf_counter() - begin, f"{number}.{ending}"))
        states[ending, found.state.value] += 1
        if found.state is ExtractionState.CRASHED or "failed" in found.detail:
            ended.append(f"{number}.{ending}: {found.detail}")
            if keep is not None:
                await asyncio.to_thread((keep / f"{number}.{ending}").write_bytes, made)

    begin = time.perf_counter()
    await asyncio.gather(*map(read, range(count)))
    seconds = time.perf_counter() - begin
    after = await extractor.extract(b"the next one", "a.txt")
    await extractor.close()
    names = [state.value for state in ExtractionState]
    rows = [[ending, *(states[ending, name] for name in names)] for ending, _ in good]
    rows.append(["all", *(sum(states[ending, name] for ending, _ in good) for name in names)])
    say(table(f"{count} damaged files, seed {seed}, {seconds:.0f} s", ("format", *names), rows))
    slowest.sort(reverse=True)
    say("slowest: " + ", ".join(f"{name} {taken:.1f} s" for taken, name in slowest[:5]))
    for line in ended:
        say(f"ended its child: {line}")
    failed = after.state is not ExtractionState.DONE
    return {"seconds": seconds, "states": {f"{a} {b}": n for (a, b), n in states.items()}, "ended": ended}, failed


if __name__ == "__main__":
    sys.exit(main())
