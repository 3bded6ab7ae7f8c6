"""What every reader of a format is, and what it must keep to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from mailquery.domain.extraction import Extraction, Section


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one attachment, with everything inside it. `seconds` are of the clock, `cpu_seconds` of the processor;
    `memory` is bytes of address space beyond what the child has at its start. `text` is characters given in all,
    `expanded` bytes that may come out of compressed ones in all, `ratio` how many bytes one compressed byte may give,
    `entries` files inside it in all, and `depth` how deep they may lie in each other. `pixels` are of one image, and
    `pictures` are those in which letters are looked for; 0 is none."""

    seconds: float = 30.0
    cpu_seconds: float = 20.0
    memory: int = 512 * 1024 * 1024
    text: int = 5_000_000
    expanded: int = 200 * 1024 * 1024
    ratio: int = 200
    entries: int = 2_000
    depth: int = 4
    pixels: int = 50_000_000
    pictures: int = 0


class ExtractionFailed(Exception):
    """A reader's way to say why it cannot go on. Raised by readers only, and turned into an `Extraction` whose sections
    are those that were given until then."""


class Encrypted(ExtractionFailed):
    pass


class Damaged(ExtractionFailed):
    """The message is a sentence of ours, without any of the content."""


class LimitReached(ExtractionFailed):
    """The message names the limit."""


class Budget(Protocol):
    """What is left of an attachment's limits. Readers ask before they make something large; the same budget goes on
    to the readers of what lies inside."""

    @property
    def limits(self) -> Limits: ...

    @property
    def text_left(self) -> int:
        """Characters that may still be given."""
        ...

    def text(self, characters: int) -> None:
        """Raises LimitReached where so much more text is too much."""
        ...

    def expand(self, compressed: int, expanded: int) -> None:
        """Says that so many bytes gave so many. Raises LimitReached."""
        ...

    def entry(self) -> None:
        """Another file inside. Raises LimitReached."""
        ...

    def picture(self) -> bool:
        """Another picture that may have letters in it. Whether it is to be given, as a `Scan`."""
        ...

    def deeper(self) -> "Budget":
        """For what lies inside. Raises LimitReached."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """Shades of grey, from 0 for black to 255 for white: one byte for each pixel, line by line from the top. They are
    `packed` with zlib, since there may be many (`pictures.unpacked`)."""

    width: int
    height: int
    packed: bytes


@dataclass(frozen=True, slots=True)
class Scan(Section):
    """Where the text of a picture will stand, once its letters were recognised. It has none of its own."""

    picture: Picture | None = None


class Inner(Protocol):
    """Reads a file inside of another one, with what is left of the budget."""

    def __call__(self, data: bytes, name: str, budget: Budget) -> Extraction: ...


class Reader(Protocol):
    """Reads one format. It is a function of a module of its own, which imports its library when it is called: a child
    loads what it needs.

    It yields sections as they come, so that what was read before a limit is kept. Raises `ExtractionFailed`; whatever
    else it raises counts as damaged.
    """

    def __call__(self, data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterable[Section]: ...


class Extractor(Protocol):
    """What the services use: extraction in child processes."""

    async def extract(self, data: bytes, name: str) -> Extraction:
        """Never raises for what the data is; `name` may help where the content tells two types not apart."""
        ...

    async def holding(self) -> Sequence[tuple[str, bool]]:
        """The protections of the children, by name, and whether each holds on this machine."""
        ...

    async def close(self) -> None: ...
