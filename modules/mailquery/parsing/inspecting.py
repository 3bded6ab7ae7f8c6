"""What a message's bytes tell besides what is stored of it: what was taken out of its text, and who vouched for it."""

import re
from dataclasses import dataclass
from itertools import islice

from mailquery.parsing.authentication import Authentication, read_authentication
from mailquery.parsing.body import decode_part, text_parts
from mailquery.parsing.fields import unfold
from mailquery.parsing.headers import decode_raw, decode_words
from mailquery.parsing.html import unseen_in_html
from mailquery.parsing.message import normalised
from mailquery.parsing.structure import Part, read_structure
from mailquery.parsing.transfer import undo_transfer_encoding

_HTML_TYPES = frozenset({"text/html", "text/xhtml", "application/xhtml+xml"})
_MOST_PARTS = 20
_MOST_BYTES = 2_000_000  # of one part
_SHOWN_FIELDS = ("from", "to", "cc", "subject", "reply-to", "sender", "list-id")

# What no reader sees and no language needs where it stands: zero-width and joining characters, direction marks and
# overrides, tags. The soft hyphen and the grapheme joiner, with which newsletters pad their previews, are counted too.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
# Those that change what is read: they reorder it, or spell words that only a machine reads.
_DECEIVING = re.compile("[\u202a-\u202e\u2066-\u2069]|[\U000e0020-\U000e007e]{2,}")
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007f]{2,8}")  # of England, Scotland, Wales: an emoji sequence
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]|\x1b[\\[\\]()#%A-Z]?")
_CONTROL_BYTES = bytes([*range(0x09), 0x0B, *range(0x0E, 0x20), 0x7F])  # all with which a match can begin
_REFERENCE = re.compile(r"&#(?:x([0-9a-f]{1,6})|(\d{1,7}));|&(?:zwnj|zwj|lrm|rlm|shy|ZeroWidthSpace);", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Inspection:
    """`hidden` is the beginning of text that a reader of the page would not see, `unread` of what is in the page and no
    text of it; `complete` unless a page is too large to be looked at for that. `invisible` counts characters that
    cannot be seen, `deceiving` those of them that reorder text or spell hidden words; `controls` counts control
    characters and terminal escapes."""

    hidden: str = ""
    unread: str = ""
    complete: bool = True
    invisible: int = 0
    deceiving: int = 0
    controls: int = 0
    authentication: Authentication | None = None


def inspect_message(raw: bytes, trusted: frozenset[str]) -> Inspection:
    """For any bytes, in bounded time. `trusted` are the mail servers whose word counts. Raises nothing."""
    raw = normalised(raw)
    try:
        structure = read_structure(raw)
    except Exception:  # noqa: BLE001 - as in parse_message: a fault of ours must not keep anybody from reading
        return Inspection()
    header = structure.root.header
    texts = [decode_words(decode_raw(unfold(value[:20_000]))) for name, value in header.fields if name in _SHOWN_FIELDS]
    leaves = list(islice(structure.root.leaves(), _MOST_PARTS))
    texts += [leaf.disposition_parameters.get("filename", "") + leaf.parameters.get("name", "") for leaf in leaves]
    hidden: list[str] = []
    unread: list[str] = []
    complete = True
    parts = [part for stretch in text_parts(structure.root) for part in stretch][:_MOST_PARTS]
    for part in parts:
        text = _text(raw, part)
        if part.content_type in _HTML_TYPES or text[:200].lstrip().lower().startswith(("<!doctype html", "<html")):
            unseen = unseen_in_html(text)
            hidden.append(unseen.hidden)
            unread.append(unseen.others)
            complete = complete and unseen.complete
            texts.append(_REFERENCE.sub(_character, text))
        else:
            texts.append(text)
    invisible, deceiving, controls = _counted(texts)
    results = [decode_raw(unfold(value[:10_000])) for value in header.all("authentication-results")]
    return Inspection(
        hidden=" ".join(text for text in hidden if text),
        unread="\n".join(unread),
        complete=complete,
        invisible=invisible,
        deceiving=deceiving,
        controls=controls,
        authentication=read_authentication(results, trusted) if results else None,
    )


def _text(raw: bytes, part: Part) -> str:
    data = undo_transfer_encoding(raw[part.start : part.end], part.transfer_encoding).data
    return decode_part(data[:_MOST_BYTES], part).text


def _character(match: re.Match[str]) -> str:
    if match[1] or match[2]:
        number = int(match[1], 16) if match[1] else int(match[2])
        return chr(number) if 0x80 <= number < 0x110000 else match[0]
    return "\u200b"


def _counted(texts: list[str]) -> tuple[int, int, int]:
    invisible = deceiving = controls = 0
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        # Bytes below 0x80 stand for themselves alone, and to delete some takes a tenth of the time of an expression.
        if len(encoded.translate(None, _CONTROL_BYTES)) < len(encoded):
            controls += len(_CONTROL.findall(text))
        if len(encoded) == len(text):
            continue
        found = len(_INVISIBLE.findall(text.removeprefix("\ufeff")))
        if found:  # those that deceive are among them
            invisible += found
            deceiving += sum(map(len, _DECEIVING.findall(_FLAG.sub("", text))))
    return invisible, deceiving, controls
