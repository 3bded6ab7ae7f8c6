"""Pictures: size, and when and with what they were taken (Exif 2.32). Their pixels are decoded only where letters are
to be recognised in them."""

import io
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mailquery.domain.extraction import Section, SectionKind
from mailquery.extraction.interfaces import Budget, Damaged, Inner, LimitReached, Scan
from mailquery.extraction.pictures import may_have_letters, normalised

if TYPE_CHECKING:
    from PIL.Image import Image

_MAKE, _MODEL, _CHANGED, _EXIF = 0x010F, 0x0110, 0x0132, 0x8769
_TAKEN, _OFFSET = 0x9003, 0x9011
_PAGES = frozenset({"TIFF"})  # formats whose further pictures are pages, as a fax has them; those of others move


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del inner
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pictures that would be large if they were decoded
        try:
            with Image.open(io.BytesIO(data)) as picture:
                facts["size"] = f"{picture.width} x {picture.height}"
                _tell_of(picture, facts)
                yield from _scans(picture, budget)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise Damaged("it is no whole picture") from error


def _tell_of(picture: "Image", facts: dict[str, str]) -> None:
    exif = picture.getexif()
    inside = exif.get_ifd(_EXIF)
    taken = inside.get(_TAKEN) or exif.get(_CHANGED)
    if isinstance(taken, str) and taken.strip("\x00 :"):
        date, _, time = taken.strip("\x00 ").partition(" ")
        facts["taken"] = f"{date.replace(':', '-')}T{time}{inside.get(_OFFSET) or ''}"
    camera = " ".join(str(exif[tag]).strip("\x00 ") for tag in (_MAKE, _MODEL) if exif.get(tag))
    if camera:
        facts["camera"] = camera


def _scans(picture: "Image", budget: Budget) -> Iterator[Section]:
    count = getattr(picture, "n_frames", 1) if picture.format in _PAGES else 1
    for number in range(count):
        if number:
            picture.seek(number)
        if not may_have_letters(*picture.size) or not budget.picture():
            continue
        if picture.width * picture.height > budget.limits.pixels:
            raise LimitReached(f"{budget.limits.pixels:,} pixels")
        if (found := normalised(picture)) is not None:
            kind, label = (SectionKind.PAGE, str(number + 1)) if count > 1 else (SectionKind.TEXT, "")
            yield Scan(kind, label, "", picture=found)
