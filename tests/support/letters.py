"""Pictures with letters in them, and the program that recognises them where it is installed."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from mailquery.extraction.tesseract import Tesseract, find_tesseract

_HANGUL = Path("/usr/share/fonts/truetype/nanum/NanumGothic.ttf")


def drawn(text: str, size: tuple[int, int] = (900, 200), colour: str = "navy") -> Image.Image:
    """A white picture with this text, in letters as a page with 200 dots to the inch has them."""
    picture = Image.new("RGB", size, "white")
    ImageDraw.Draw(picture).text((30, 30), text, fill=colour, font=_font(text))
    return picture


def _font(text: str) -> Any:
    if text.isascii():
        return ImageFont.load_default(size=40)
    if not _HANGUL.exists():
        pytest.skip("no font with Hangul (Debian: fonts-nanum)")
    return ImageFont.truetype(_HANGUL, 40)


def saved(picture: Image.Image, kind: str, *more: Image.Image) -> bytes:
    """As a file; `more` are its further pages."""
    data = io.BytesIO()
    picture.save(data, kind, **({"save_all": True, "append_images": more} if more else {}))
    return data.getvalue()


def tesseract(*languages: str) -> Tesseract:
    """Skips the test where it is not installed."""
    installed = find_tesseract()
    if installed is None or set(installed.of(languages)) != set(languages):
        pytest.skip(f"no tesseract with {', '.join(languages)} (Debian: tesseract-ocr, tesseract-ocr-kor)")
    return Tesseract(installed, languages)
