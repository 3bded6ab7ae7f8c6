"""What holds a conversation together where no reference does: its subject.

After RFC 5256, section 2.1 (base subject), with the prefixes that mail programs write in other languages.
"""

import re

from mailquery.domain.words import fold

_REPLY = (
    "re|aw|antw(?:ort)?|sv|vs|ref|rif|odp|ynt|atb|bls|res|rv|ang|va|σχετ|απ|ответ|답장|회신|返信|回复|回覆|答复|答覆|回"
)
_FORWARD = "fwd?|wg|tr|vb|vl|i|enc|doorst|pd|tovabbitas|전달|転送|转发|轉寄|轉發"
_MARK = re.compile(
    rf"\s*(?:\[[^\[\]]{{1,64}}\]\s*)*(?:(?P<reply>{_REPLY})|(?:{_FORWARD}))\s*(?:[\[(^*]\d{{1,3}}[\])]?)?\s*[:：]\s*"
)
_LISTS = re.compile(r"\s*(?:\[[^\[\]]{1,64}\]\s*)+(?=\S)")
_TRAILER = re.compile(r"(?:\s*\((?:fwd|fw|tr)\))+\s*$")
_SPACE = re.compile(r"\s+")
_LONGEST = 998  # characters: RFC 5322's limit for a line
_MARKS_READ = 32  # a subject made of nothing but prefixes is not read to its end
_MINIMUM = 5  # letters; one of a script without letters for single sounds counts for more
_DENSE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\uac00-\ud7ff]")
_DENSE_WEIGHT = 2


def split_subject(subject: str) -> tuple[str, bool]:
    """A subject's base form, folded, without reply and forward marks and list names; and whether it is a reply's."""
    rest = _SPACE.sub(" ", fold(subject[:_LONGEST])).strip()
    rest = _TRAILER.sub("", rest)
    reply = False
    for _ in range(_MARKS_READ):
        match = _MARK.match(rest)
        if match is None:
            break
        reply = reply or match["reply"] is not None
        rest = rest[match.end() :]
    if match := _LISTS.match(rest):
        rest = rest[match.end() :]
    return rest.strip(), reply


def tells_apart(base: str) -> bool:
    """Whether a base subject has enough letters to name one conversation; "hi" and "2024" do not."""
    weight = 0
    for letter in base:
        if letter.isalpha():
            weight += _DENSE_WEIGHT if _DENSE.match(letter) else 1
            if weight >= _MINIMUM:
                return True
    return False
