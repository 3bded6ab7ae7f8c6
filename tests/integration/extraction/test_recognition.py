"""Letters in pictures are recognised by Tesseract, in its jail, where that is wanted."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from PIL.Image import Image, frombytes

from attachments.files import eml, pdf, zipped
from mailquery.domain.extraction import ExtractionState, SectionKind
from mailquery.extraction.interfaces import Limits, Picture
from mailquery.extraction.jailed import JailedExtractor
from mailquery.extraction.recognising import NotRecognised, Recogniser
from support.extracting import by_label
from support.letters import drawn, saved, tesseract

SAID = "The klondarite boats leave at noon"
PAGE = drawn(SAID)


@asynccontextmanager
async def extracting(
    recogniser: Recogniser | None, limits: Limits | None = None, seconds: float = 120.0
) -> AsyncIterator[JailedExtractor]:
    extractor = JailedExtractor(2, limits or Limits(pictures=5), recogniser, seconds)
    try:
        yield extractor
    finally:
        await extractor.close()


async def test_the_text_of_pictures_pages_and_files_inside_others_is_read() -> None:
    async with extracting(tesseract("eng")) as extractor:
        png = saved(PAGE, "PNG")
        half = saved(drawn("kettle and gantry"), "PDF")
        files = {
            "a.png": png,
            "a.jpg": saved(PAGE, "JPEG"),
            "transparent.png": saved(_transparent(), "PNG"),
            "deep.png": saved(_with_16_bits(), "PNG"),
            "fax.tif": saved(PAGE, "TIFF", drawn("second page of it")),
            "scan.pdf": saved(PAGE, "PDF", drawn("")),
            "bundle.zip": zipped({"scans/1.png": png, "note.txt": "a note"}),
            "nested.eml": eml("Scan", "See the scan.", ("scan.pdf", half)),
        }
        found = dict(
            zip(files, await asyncio.gather(*(extractor.extract(d, n) for n, d in files.items())), strict=True)
        )
    for name in ("a.png", "a.jpg", "transparent.png", "deep.png"):
        assert by_label(found[name]) == {"": SAID}, name
        assert found[name].state is ExtractionState.DONE
    assert by_label(found["fax.tif"]) == {"1": SAID, "2": "second page of it"}
    assert by_label(found["scan.pdf"]) == {"1": SAID}
    assert found["scan.pdf"].sections[0].kind is SectionKind.PAGE
    facts = dict(found["scan.pdf"].facts)
    assert (facts["pages"], facts["pages without text"], facts["pictures with recognised text"]) == ("2", "1", "1")
    assert by_label(found["bundle.zip"])["scans/1.png"] == SAID
    assert by_label(found["nested.eml"])["scan.pdf/1"] == "kettle and gantry"
    assert not any(each.unread_pictures for each in found.values())


def _transparent() -> Image:
    """Letters on nothing, as programs draw signatures."""
    picture = PAGE.convert("RGBA")
    picture.putalpha(picture.convert("L").point([255 - shade for shade in range(256)]))
    return picture


def _with_16_bits() -> Image:
    """As scanners have it: two bytes for each shade."""
    grey = PAGE.convert("L")
    return frombytes("I;16", grey.size, bytes(shade for shade in grey.tobytes() for _ in range(2)))


async def test_korean_is_read() -> None:
    async with extracting(tesseract("kor", "eng")) as extractor:
        found = await extractor.extract(saved(drawn("결제 금액은 삼만 원입니다"), "PNG"), "a.png")
    assert "금액은" in by_label(found)[""].replace(" ", "")


async def test_without_a_recogniser_it_is_said_that_there_are_pictures() -> None:
    async with extracting(None) as extractor:
        for name, data, unread in (
            ("a.png", saved(PAGE, "PNG"), True),
            ("scan.pdf", saved(PAGE, "PDF"), True),
            ("bundle.zip", zipped({"a.png": saved(PAGE, "PNG")}), True),
            ("dot.png", saved(drawn("", (20, 20)), "PNG"), False),
            ("text.pdf", pdf("text"), False),
        ):
            found = await extractor.extract(data, name)
            assert found.unread_pictures is unread, name
            assert not any(section.text == SAID for section in found.sections)


class _Failing:
    def __init__(self, seconds: float = 0.0) -> None:
        self.asked = 0
        self._seconds = seconds

    async def recognise(self, picture: Picture) -> str:
        self.asked += 1
        await asyncio.sleep(self._seconds)
        if self.asked > 1:
            raise NotRecognised("it fails")
        return "read"


async def test_what_cannot_be_recognised_is_a_reason_and_costs_nothing_else() -> None:
    scans = saved(PAGE, "PDF", PAGE, PAGE)
    async with extracting(failing := _Failing()) as extractor:
        found = await extractor.extract(scans, "a.pdf")
        assert (found.state, found.detail, by_label(found)) == (ExtractionState.PARTIAL, "it fails", {"1": "read"})
        assert failing.asked == 2
        assert (await extractor.extract(saved(PAGE, "PNG"), "a.png")).state is ExtractionState.LIMITED
        assert by_label(await extractor.extract(b"the next one", "a.txt")) == {"": "the next one"}


async def test_pictures_and_the_time_for_them_are_limited() -> None:
    scans = saved(PAGE, "PDF", PAGE, PAGE)
    async with extracting(_Failing(), Limits(pictures=1)) as extractor:
        found = await extractor.extract(scans, "a.pdf")
        assert (found.state, by_label(found)) == (ExtractionState.PARTIAL, {"1": "read"})
        assert "more pictures" in found.detail
        assert not found.unread_pictures
    async with extracting(_Failing(0.05), seconds=0.01) as extractor:
        assert "seconds" in (await extractor.extract(scans, "a.pdf")).detail
    async with extracting(_Failing(), Limits(pictures=5, pixels=1_000)) as extractor:
        found = await extractor.extract(saved(PAGE, "PNG"), "a.png")
        assert (found.state, found.detail) == (ExtractionState.LIMITED, "it has more than 1,000 pixels")


@pytest.mark.parametrize(
    "picture",
    [
        Picture(100, 100, b"no zlib"),
        Picture(100, 100, zlib.compress(b"x")),
        Picture(100_000, 100_000, zlib.compress(b"x")),
        Picture(-1, -10, zlib.compress(b"x" * 10)),
    ],
)
async def test_what_is_no_picture_never_comes_to_the_program(picture: Picture) -> None:
    with pytest.raises(NotRecognised):
        await tesseract("eng").recognise(picture)
