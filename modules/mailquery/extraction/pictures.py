"""Pictures as those who recognise letters take them: in shades of grey, of a size in which letters can be told."""

import base64
import zlib
from typing import TYPE_CHECKING, Any

from mailquery.extraction.interfaces import Picture

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 9_000_000  # an A4 page has 8.7 million with 300 dots to the inch
_SMALLEST = (40, 12)  # pixels; what is smaller separates, counts readers, or is a bullet
_LEAST_CONTRAST = 24  # between the darkest and the lightest; less is an empty page
# Sixteen shades are enough to tell letters by, and without the noise of a scanner a page is a third as large.
_SHADES = [shade & 0xF0 | shade >> 4 for shade in range(256)]


def may_have_letters(width: int, height: int) -> bool:
    return width >= _SMALLEST[0] and height >= _SMALLEST[1]


def normalised(image: "Image") -> Picture | None:
    """None where there is nothing to be seen."""
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        image = image.convert("I").point(lambda shade: shade * (1 / 256)).convert("L")
    if image.mode not in ("L", "1", "RGB"):
        seen = image.convert("RGBA")
        image = Image.new("RGBA", seen.size, "white")
        image.alpha_composite(seen)
    grey = image.convert("L")
    darkest, lightest = grey.getextrema()
    assert isinstance(lightest, int | float)
    assert isinstance(darkest, int | float)
    if lightest - darkest < _LEAST_CONTRAST:
        return None
    width, height = grey.size
    scale = (MOST_PIXELS / (width * height)) ** 0.5
    if scale < 1.0:
        grey = grey.resize((max(1, int(width * scale)), max(1, int(height * scale))), Image.Resampling.LANCZOS)
    return Picture(*grey.size, zlib.compress(grey.point(_SHADES).tobytes(), 1))


def unpacked(picture: Picture) -> bytes:
    """Of a picture that a jailed child gave, and hostile data may have made it give. Raises ValueError for anything
    that is no picture of at most `MOST_PIXELS`."""
    pixels = picture.width * picture.height
    if not (picture.width > 0 and picture.height > 0 and pixels <= MOST_PIXELS):
        raise ValueError("a picture of no such size")
    try:
        found = zlib.decompressobj().decompress(picture.packed, pixels)
    except zlib.error as error:
        raise ValueError("a picture that cannot be unpacked") from error
    if len(found) != pixels:
        raise ValueError("a picture with too few pixels")
    return found


def as_json(picture: Picture) -> dict[str, Any]:
    packed = base64.b64encode(picture.packed).decode("ascii")
    return {"width": picture.width, "height": picture.height, "packed": packed}


def from_json(value: dict[str, Any]) -> Picture:
    """Raises ValueError."""
    return Picture(int(value["width"]), int(value["height"]), base64.b64decode(value["packed"], validate=True))
