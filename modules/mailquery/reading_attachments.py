"""What reads attachments, as it is set."""

import logging
import os
from typing import TYPE_CHECKING

from mailquery.extraction.interfaces import Extractor
from mailquery.settings import Settings

if TYPE_CHECKING:
    from mailquery.extraction.recognising import Recogniser

logger = logging.getLogger(__name__)

_MANY_CORES = 4


def extraction_workers(settings: Settings) -> int:
    return settings.extraction.workers or (2 if (os.cpu_count() or 1) >= _MANY_CORES else 1)


def recogniser_of(settings: Settings) -> "Recogniser | None":
    """What recognises letters in pictures; None where that cannot be had here, which is said."""
    from mailquery.extraction.tesseract import Tesseract, find_tesseract

    chosen = settings.extraction.ocr
    installed = find_tesseract(chosen.program)
    languages = installed.of(chosen.languages) if installed is not None else ()
    if installed is None or not languages:
        logger.warning("letters in pictures are not recognised; `mailquery doctor` says what that needs")
        return None
    return Tesseract(installed, languages)


def jailed_extractor(settings: Settings, recogniser: "Recogniser | None") -> Extractor:
    from mailquery.extraction.interfaces import Limits
    from mailquery.extraction.jailed import JailedExtractor

    ocr = settings.extraction.ocr
    limits = Limits(**settings.extraction.limits.model_dump(), pictures=ocr.pictures)
    return JailedExtractor(extraction_workers(settings), limits, recogniser, ocr.seconds)
