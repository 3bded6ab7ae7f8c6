"""What can be read in an attachment: its text, in the pieces that it has, and what is known of it beside.

All of it is a stranger's: it is cleaned and fenced where it is shown, as a message's body is.
"""

from dataclasses import dataclass
from enum import StrEnum

# Grows, by two, when the same bytes give another text: what was extracted before is extracted anew.
EXTRACTION_FORM = 2
# Of what has no pictures in which letters were not looked for: it is extracted anew neither with OCR nor without.
COMPLETE_FORM = EXTRACTION_FORM + 1


class SectionKind(StrEnum):
    TEXT = "text"  # all there is: no pages, sheets or slides
    PAGE = "page"
    SHEET = "sheet"
    SLIDE = "slide"
    ENTRY = "entry"  # a file in an archive, or one attached to a nested message
    MESSAGE = "message"  # a nested message: its header and its text
    EVENT = "event"  # of a calendar
    CONTACT = "contact"


@dataclass(frozen=True, slots=True)
class Section:
    """`label` tells it from its neighbours: a page's number, a sheet's name, an entry's path, each as it is counted or
    called in the file. `text` has line feeds only; the cells of a table are separated by tabs. `depth` is 0 for what
    the attachment itself holds, and one more for each file around it."""

    kind: SectionKind
    label: str
    text: str
    depth: int = 0


class ExtractionState(StrEnum):
    """What came of it. All but DONE and EMPTY are worth a sentence to whoever asks for the text."""

    DONE = "done"
    EMPTY = "empty"  # read, and without text: a scanned page, a picture
    PARTIAL = "partial"  # up to a limit, or up to where it is damaged
    ENCRYPTED = "encrypted"
    UNSUPPORTED = "unsupported"  # nothing here reads this type
    DAMAGED = "damaged"  # not what it says it is, or broken
    LIMITED = "limited"  # it wanted more time, memory or space than it may have
    CRASHED = "crashed"  # its process ended


@dataclass(frozen=True, slots=True)
class Extraction:
    """`type` is the MIME type of the content, whatever name and sender say. `facts` are (name, value) pairs such
    as ("pages", "12"), ("author", "Kim"), ("taken", "2026-03-09T10:00:00+09:00"). `detail` is a sentence where the
    state needs one; it holds nothing of the content. `unread_pictures`: it has pictures, or pages that are pictures,
    and nobody looked for letters in them."""

    type: str
    state: ExtractionState
    sections: tuple[Section, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    detail: str = ""
    unread_pictures: bool = False

    @property
    def form(self) -> int:
        return EXTRACTION_FORM if self.unread_pictures else COMPLETE_FORM
