"""What is read in attachments, and how much it may cost."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from mailquery.settings.group import Group, words


class ExtractionLimits(Group):
    """Of one attachment with everything inside it: `seconds` of the clock and `cpu_seconds` of the processor, bytes of
    `memory`, `text` characters, bytes that come out of compressed ones (`expanded`, and `ratio` for each byte), files
    inside of it (`entries`) and how `depth` they may lie in each other, and `pixels` of one image."""

    seconds: float = Field(default=30.0, gt=0)
    cpu_seconds: float = Field(default=20.0, gt=0)
    memory: int = Field(default=512 * 1024 * 1024, ge=64 * 1024 * 1024)
    text: int = Field(default=5_000_000, ge=1_000)
    expanded: int = Field(default=200 * 1024 * 1024, ge=1024 * 1024)
    ratio: int = Field(default=200, ge=2)
    entries: int = Field(default=2_000, ge=1)
    depth: int = Field(default=4, ge=1, le=16)
    pixels: int = Field(default=50_000_000, ge=1)


class Ocr(Group):
    """Whether letters in pictures and in scanned pages are recognised, by the program `tesseract` (a name or a path),
    in `languages` by its own names for them. Of one attachment at most `pictures` are looked into, for at most
    `seconds` altogether."""

    enabled: bool = False
    languages: Annotated[tuple[str, ...], NoDecode] = ("kor", "eng")
    program: str = "tesseract"
    pictures: int = Field(default=20, ge=1, le=1_000)
    seconds: float = Field(default=120.0, gt=0)

    @field_validator("languages", mode="before")
    @classmethod
    def _separated(cls, given: object) -> object:
        return words(given)

    @field_validator("languages")
    @classmethod
    def _names(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if not given or any(not name.replace("_", "").replace("/", "").isalnum() for name in given):
            raise ValueError("each must be a name of a language as tesseract has it, such as kor, eng, jpn or chi_sim")
        return given


class Extraction(Group):
    """`enabled` is whether a server reads attachments in the background. `workers` is how many are read at once; None
    is one, or two where there are four cores or more."""

    enabled: bool = True
    workers: int | None = Field(default=None, ge=1, le=64)
    limits: ExtractionLimits = ExtractionLimits()
    ocr: Ocr = Ocr()
