"""Colours of CSS (Color 4, sections 4 and 5) as far as it takes to tell text from what is behind it."""

import re
from functools import lru_cache
from typing import NamedTuple

_ALIKE = 24  # of 441: nobody reads text whose colour is that near to its background
_HEX = re.compile(r"#([0-9a-f]{3,8})\b")
_FUNCTION = re.compile(r"(rgb|hsl)a?\(\s?([^()]{1,80})\)")
_NAME = re.compile(r"[a-z]{3,22}")
_NAMES = {
    "white": 0xFFFFFF, "black": 0x000000, "red": 0xFF0000, "green": 0x008000, "blue": 0x0000FF, "gray": 0x808080,
    "grey": 0x808080, "silver": 0xC0C0C0, "yellow": 0xFFFF00, "lime": 0x00FF00, "aqua": 0x00FFFF, "cyan": 0x00FFFF,
    "navy": 0x000080, "teal": 0x008080, "maroon": 0x800000, "purple": 0x800080, "fuchsia": 0xFF00FF,
    "magenta": 0xFF00FF, "olive": 0x808000, "orange": 0xFFA500, "snow": 0xFFFAFA, "ivory": 0xFFFFF0,
    "whitesmoke": 0xF5F5F5, "ghostwhite": 0xF8F8FF, "floralwhite": 0xFFFAF0, "azure": 0xF0FFFF,
    "mintcream": 0xF5FFFA, "seashell": 0xFFF5EE, "honeydew": 0xF0FFF0, "aliceblue": 0xF0F8FF, "lightgray": 0xD3D3D3,
    "lightgrey": 0xD3D3D3, "darkgray": 0xA9A9A9, "darkgrey": 0xA9A9A9, "dimgray": 0x696969, "lightyellow": 0xFFFFE0,
    "beige": 0xF5F5DC, "linen": 0xFAF0E6, "window": 0xFFFFFF, "windowtext": 0x000000, "canvas": 0xFFFFFF,
    "canvastext": 0x000000,
}  # fmt: skip


class Colour(NamedTuple):
    """0 to 255 each; `clear` is whether nothing of it is seen."""

    red: int
    green: int
    blue: int
    clear: bool = False


_CLEAR = Colour(0, 0, 0, clear=True)


def alike(one: Colour, other: Colour) -> bool:
    distance = (one.red - other.red) ** 2 + (one.green - other.green) ** 2 + (one.blue - other.blue) ** 2
    return distance <= _ALIKE**2


@lru_cache(maxsize=1_024)
def colour_of(value: str) -> Colour | None:
    """The first colour in a value, in lower case, or None where there is none that is known."""
    if "transparent" in value:
        return _CLEAR
    if match := _HEX.search(value):
        return _from_hex(match[1])
    if match := _FUNCTION.search(value):
        return _from_function(match[1], match[2])
    for name in _NAME.findall(value):
        if name in _NAMES:
            number = _NAMES[name]
            return Colour(number >> 16, number >> 8 & 255, number & 255)
    if re.fullmatch(r"[0-9a-f]{6}", value):  # as <font color> and bgcolor may have it
        return _from_hex(value)
    return None


def _from_hex(digits: str) -> Colour | None:
    if len(digits) in (3, 4):
        digits = "".join(digit * 2 for digit in digits)
    if len(digits) not in (6, 8):
        return None
    red, green, blue = (int(digits[place : place + 2], 16) for place in (0, 2, 4))
    return _CLEAR if len(digits) == 8 and int(digits[6:], 16) < 13 else Colour(red, green, blue)


def _from_function(kind: str, inside: str) -> Colour | None:
    parts = [part for part in re.split(r"[\s,/]+", inside.strip()) if part]
    try:
        numbers = [float(part.rstrip("%deg")) for part in parts[:4]]
    except ValueError:
        return None
    if len(numbers) < 3:
        return None
    if len(numbers) == 4 and numbers[3] / (100 if parts[3].endswith("%") else 1) < 0.05:
        return _CLEAR
    if kind == "hsl":
        from colorsys import hls_to_rgb

        shares = hls_to_rgb(numbers[0] % 360 / 360, min(numbers[2], 100) / 100, min(numbers[1], 100) / 100)
        return Colour._make((*(round(share * 255) for share in shares), False))
    scale = 2.55 if parts[0].endswith("%") else 1
    return Colour._make((*(max(0, min(255, round(number * scale))) for number in numbers[:3]), False))
