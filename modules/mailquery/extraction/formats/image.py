"""Pictures: size, and when and with what they were taken (Exif 2.32). Pixels are not decoded."""

import io
import warnings
from collections.abc import Iterator

from mailquery.domain.extraction import Section
from mailquery.extraction.interfaces import Budget, Damaged, Inner

_MAKE, _MODEL, _CHANGED, _EXIF = 0x010F, 0x0110, 0x0132, 0x8769
_TAKEN, _OFFSET = 0x9003, 0x9011


def read(data: bytes, budget: Budget, facts: dict[str, str], inner: Inner) -> Iterator[Section]:
    del inner, budget
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pictures that would be large if they were decoded
        try:
            with Image.open(io.BytesIO(data)) as picture:
                facts["size"] = f"{picture.width} x {picture.height}"
                exif = picture.getexif()
                inside = exif.get_ifd(_EXIF)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise Damaged("it is no whole picture") from error
    taken = inside.get(_TAKEN) or exif.get(_CHANGED)
    if isinstance(taken, str) and taken.strip("\x00 :"):
        date, _, time = taken.strip("\x00 ").partition(" ")
        facts["taken"] = f"{date.replace(':', '-')}T{time}{inside.get(_OFFSET) or ''}"
    camera = " ".join(str(exif[tag]).strip("\x00 ") for tag in (_MAKE, _MODEL) if exif.get(tag))
    if camera:
        facts["camera"] = camera
    yield from ()
