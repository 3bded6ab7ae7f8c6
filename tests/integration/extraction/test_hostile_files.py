"""Whatever a file does to its reader, it costs one child at most, ends within the limits in a state that is recorded,
and the next one is read."""

import asyncio
import os
import random
import time
from collections.abc import Mapping
from itertools import cycle

import pytest

from mailquery.domain.extraction import Extraction, ExtractionState
from mailquery.extraction.interfaces import Limits
from mailquery.extraction.jailed import JailedExtractor
from support.damaging import damaged, good_files
from support.hostile import MAKERS, xml_bombs

LIMITS = Limits(seconds=30.0, cpu_seconds=10.0)
ENDS = frozenset({
    ExtractionState.DONE, ExtractionState.EMPTY, ExtractionState.PARTIAL, ExtractionState.ENCRYPTED,
    ExtractionState.UNSUPPORTED, ExtractionState.DAMAGED, ExtractionState.LIMITED,
})  # fmt: skip
CHILDREN = 2
FUZZED = int(os.environ.get("MAILQUERY_TEST_FUZZED", "480"))  # damaged files


async def read_all(files: Mapping[str, bytes]) -> dict[str, Extraction]:
    extractor = JailedExtractor(CHILDREN, LIMITS)

    async def read(name: str, data: bytes) -> tuple[str, Extraction]:
        begin = time.monotonic()
        found = await extractor.extract(data, name)
        assert time.monotonic() - begin < LIMITS.seconds * (len(files) + 1)
        return name, found

    try:
        found = dict([await each for each in asyncio.as_completed([read(*item) for item in files.items()])])
        after = await extractor.extract(b"the next one", "a.txt")
    finally:
        await extractor.close()
    assert [section.text for section in after.sections] == ["the next one"]
    return found


BOMBS = ("zip bomb", "nested zip", "overlapping", "gzip bomb", "bz2", "xz bomb", "sevenzip", "hwp", "sparse")


@pytest.mark.parametrize("name", MAKERS)
async def test_a_hostile_file(name: str) -> None:
    found = (await read_all({name: MAKERS[name]()}))[name]
    assert sum(len(section.text) for section in found.sections) <= LIMITS.text
    # PDFium ends its process where it gets no memory, and so does Rust.
    assert found.state in ENDS | {ExtractionState.CRASHED}
    assert found.detail or found.state in (ExtractionState.DONE, ExtractionState.EMPTY)
    if name.startswith(BOMBS):
        assert found.state in (ExtractionState.LIMITED, ExtractionState.PARTIAL)
        assert "it has more than" in found.detail


async def test_no_entity_is_expanded_in_any_format() -> None:
    secret = "root:"  # of /etc/passwd
    for name, found in (await read_all(xml_bombs())).items():
        text = "".join(section.text for section in found.sections)
        assert found.state in ENDS, name
        assert secret not in text, name
        assert "haha" not in text, name


async def test_files_cut_anywhere() -> None:
    cut = {
        f"{part}.{ending}": data[: len(data) * part // 8] for ending, data in good_files().items() for part in (1, 4, 7)
    }
    assert {found.state for found in (await read_all(cut)).values()} <= ENDS


async def test_random_bytes_behind_each_signature() -> None:
    chance = random.Random(7)
    files = {ending: data[:16] + chance.randbytes(20_000) for ending, data in good_files().items()}
    files["none"] = os.urandom(100_000)
    assert {found.state for found in (await read_all(files)).values()} <= ENDS


@pytest.mark.timeout(900)
async def test_files_with_damage_of_every_kind() -> None:
    """`MAILQUERY_TEST_FUZZED=5000` has so many read; `bench/attachments --fuzz` also says what became of them."""
    good = list(good_files().items())
    files = {
        f"{number}.{ending}": damaged(data, random.Random(f"{ending} {number}"))
        for number, (ending, data) in zip(range(FUZZED), cycle(good), strict=False)
    }
    read = await read_all(files)
    # A program in Rust or C++ that gets no memory aborts; what our own readers do not expect must not end a child.
    unexpected = {name: found for name, found in read.items() if found.state not in ENDS}
    assert {name: found for name, found in unexpected.items() if "SIGABRT" not in found.detail} == {}
    assert len(unexpected) < max(10, FUZZED // 100)
    assert len(read) == FUZZED


async def test_good_files_are_read() -> None:
    found = await read_all({f"good.{ending}": data for ending, data in good_files().items()})
    assert {name for name, each in found.items() if each.state is not ExtractionState.DONE} == {
        "good.jpg", "good.png", "good.tiff", "good.webp"
    }  # fmt: skip
