"""What of a body the sender wrote, what was quoted from earlier messages, and what is a signature or a list's footer.

The rules work on lines. In doubt a line is text: a quotation shown twice costs a reader a moment, a reply taken for a
quotation is lost.
"""

import re

from mailquery.domain.messages import Span, SpanKind
from mailquery.parsing import attribution

_TEXT, _QUOTE, _SIGNATURE = SpanKind.TEXT, SpanKind.QUOTE, SpanKind.SIGNATURE

# ">", or the initials of the quoted before it; not ">From ", which is how an mbox keeps "From ".
_PREFIX = re.compile(r"[ \t]{0,3}(?:[A-Za-z]{1,4}>[ >]|>(?!From ))")
_RULE = re.compile(r"\s*(?:[_\-=*~#]\s?){10,}|\s*_{5,}\s*$")
_RULE_CHARACTERS = "_-=*~#"
_DASHES = re.compile(r"--[ \t]?$")
_DEVICE = re.compile(
    r"\s*(?:(?:Sent|Written|Typed) (?:from|with|via|using) (?:my |the )?(?:\w+ ){0,3}"
    r"(?:iPhone|iPad|Android|Galaxy|Samsung|BlackBerry|mobile|phone|device|Outlook|Mail|Proton|Yahoo|Thunderbird)\b.{0,60}"
    r"|Get Outlook for (?:iOS|Android|Mac).{0,80}"
    r"|Von meinem .{1,30} gesendet.{0,20}|Gesendet mit .{1,40}"
    r"|Envoyé (?:de|depuis) mon .{1,40}|Enviado desde mi .{1,40}"
    r"|나의 .{1,30}에서 보냄.?|.{0,20}(?:iPhone|iPad|Android|Galaxy)\s?(?:에서|から|で)\s?(?:보냄|送信).{0,20}"
    r"|(?:发|發)自(?:我的)?\s?.{1,30}|(?:從|从)我的\s?.{1,30}(?:傳送|发送))\s*$",
    re.IGNORECASE,
)
_FOOTER = re.compile(
    r"mailing list|mailing-list|unsubscribe|subscription|/listinfo|sponsored by|yahoo! groups"
    r"|메일링 리스트|수신\s?거부|配信停止|メーリングリスト|退订|退訂|邮件列表"
    r"|abbestellen|abmelden|désabonner|désinscrire|liste de diffusion",
    re.IGNORECASE,
)
_SIGNATURE_LINES = 40
_FOOTER_LINES = 30
_FOOTER_SEEN_WITHIN = 6
_DEVICE_LINES = 4
# A forward with less than this written above it is about what it forwards.
_LITTLE_TEXT = 400
_LONGEST_HEADING = 300
_MAX_TRIED = 1_000  # lines that might announce a quotation: looking closely at each is slow
_ENDS_ATTRIBUTION = frozenset(":：。")


def divide(text: str, *, quoted: tuple[bool, ...] | None = None, forward: bool = False) -> tuple[Span, ...]:
    """Spans that follow each other and cover `text`.

    `quoted` says for each line whether its HTML marks it as quoted. With `forward` (by its subject) the message is one:
    what it forwards is then its text, unless more than a few lines are written above it, when it is a quotation.
    """
    if not text:
        return ()
    lines = text.split("\n")
    kinds = [_QUOTE if marked else _TEXT for marked in quoted] if quoted is not None else [_TEXT] * len(lines)
    _mark_prefixed(lines, kinds)
    forwarded = _mark_history(lines, kinds, forward)
    if any(kind is _QUOTE for kind in kinds):
        _mark_attributions(lines, kinds)
    if forwarded is not None:
        _settle_forward(lines, kinds, forwarded)
    _mark_signatures(lines, kinds)
    _rescue(lines, kinds)
    _absorb_blank_lines(lines, kinds)
    return _spans(lines, kinds)


def _mark_prefixed(lines: list[str], kinds: list[SpanKind]) -> None:
    last_quoted = -1
    for index, line in enumerate(lines):
        if ">" in line[:8] and _PREFIX.match(line):
            kinds[index] = _QUOTE
            # Blank lines between quoted lines are quoted too; a line of text between them is an answer.
            for between in range(index - 1, last_quoted, -1):
                if last_quoted < 0 or lines[between].strip():
                    break
            else:
                for between in range(last_quoted + 1, index):
                    kinds[between] = _QUOTE
            last_quoted = index


def _mark_history(lines: list[str], kinds: list[SpanKind], forward: bool) -> int | None:
    """Marks an earlier message that is included as it is, from its heading to the end.

    Returns the line where it begins if it is forwarded rather than quoted.
    """
    tried = 0
    for index, line in enumerate(lines):
        if not line or len(line) > _LONGEST_HEADING or (kinds[index] is not _TEXT and not _opens_marked(kinds, index)):
            continue
        if attribution.may_be_heading(line):
            is_forward = attribution.FORWARDED.match(line) is not None
            if is_forward or attribution.ORIGINAL.match(line) or attribution.starts_header_block(lines, index):
                start = _with_rule_above(lines, kinds, index)
                _to_end(kinds, start)
                return start if is_forward or forward else None
        elif line.rstrip()[-1:] in _ENDS_ATTRIBUTION and tried < _MAX_TRIED:
            tried += 1
            attributed = _bare_attribution(lines, kinds, index)
            if attributed is not None:
                _to_end(kinds, attributed)
                return None
    return None


def _with_rule_above(lines: list[str], kinds: list[SpanKind], index: int) -> int:
    """A heading's first line: the rule that Outlook draws above it is part of it."""
    above = index - 1
    while above >= 0 and kinds[above] is _TEXT and not lines[above].strip():
        above -= 1
    return above if above >= 0 and kinds[above] is _TEXT and _RULE.match(lines[above]) else index


def _opens_marked(kinds: list[SpanKind], index: int) -> bool:
    """The first line of what HTML marks as quoted: a forward is marked so as well."""
    return index == 0 or kinds[index - 1] is _TEXT


def _to_end(kinds: list[SpanKind], start: int) -> None:
    kinds[start:] = [_QUOTE] * (len(kinds) - start)


def _bare_attribution(lines: list[str], kinds: list[SpanKind], last: int) -> int | None:
    """The first line of an attribution that ends in line `last` and is followed by text without any sign.

    What follows such a one is quoted to the end of the message. One before lines with signs is `_mark_attributions`'s.
    """
    following = next((kinds[i] for i in range(last + 1, len(lines)) if lines[i].strip()), None)
    if following is not _TEXT:
        return None
    for count in range(1, attribution.MAX_LINES):
        first = last - count + 1
        if first < 0 or not lines[first].strip():
            return None
        if attribution.is_complete([part.strip() for part in lines[first : last + 1]]):
            return first
    return None


def _mark_attributions(lines: list[str], kinds: list[SpanKind]) -> None:
    for index in range(len(kinds)):
        if kinds[index] is not _QUOTE or (index and kinds[index - 1] is _QUOTE) or index == 0:
            continue
        end = index
        while end and not lines[end - 1].strip() and index - end < 2:
            end -= 1
        for count in range(1, attribution.MAX_LINES):
            start = end - count
            if start < 0 or kinds[start] is not _TEXT or not lines[start].strip():
                break
            if attribution.announces([line.strip() for line in lines[start:end]]):
                start = _first_line_of_attribution(lines, kinds, start, end)
                kinds[start:index] = [_QUOTE] * (index - start)
                break


_BEGINS_ATTRIBUTION = re.compile(
    r"(?:On|At|In|Am|Le|El|Il|Em|Op|Den)\s.{0,80}\d|.{0,40}\d{4}\s?[년年]|\d{4}[-/.]\d", re.IGNORECASE
)


def _first_line_of_attribution(lines: list[str], kinds: list[SpanKind], start: int, end: int) -> int:
    """An attribution can be broken over lines: "On Monday, 1 January 2024," / "Kim Minsu <kim@example.kr> wrote:"."""
    for above in range(start, max(end - attribution.MAX_LINES, -1), -1):
        if not lines[above].strip() or kinds[above] is not _TEXT:
            break
        if _BEGINS_ATTRIBUTION.match(lines[above].strip()):
            return above
    return start


def _settle_forward(lines: list[str], kinds: list[SpanKind], start: int) -> None:
    own = sum(len(line.strip()) for line, kind in zip(lines[:start], kinds[:start], strict=True) if kind is _TEXT)
    if own < _LITTLE_TEXT:
        for index in range(start, len(kinds)):
            # What the forwarded message itself quotes stays a quotation.
            kinds[index] = _QUOTE if ">" in lines[index][:8] and _PREFIX.match(lines[index]) else _TEXT


def _mark_signatures(lines: list[str], kinds: list[SpanKind]) -> None:
    """From the end: list footers and signatures, also one that stands above the quotation of a top-posted reply."""
    end = len(kinds)
    while end > 0:
        if kinds[end - 1] is not _TEXT:
            end -= 1
            continue
        start = end
        while start and kinds[start - 1] is _TEXT:
            start -= 1
        cut = _signature_start(lines, start, end)
        if cut is not None:
            kinds[cut:end] = [_SIGNATURE] * (end - cut)
            earlier = _signature_start(lines, start, cut)
            if earlier is not None:
                kinds[earlier:cut] = [_SIGNATURE] * (cut - earlier)
                cut = earlier
            if any(line.strip() for line in lines[start:cut]):
                return
        elif any(line.strip() for line in lines[start:end]):
            return
        end = start


def _signature_start(lines: list[str], start: int, end: int) -> int | None:
    for index in range(max(start, end - _SIGNATURE_LINES), end):
        line = lines[index]
        first = line.lstrip()[:1]
        if first and first in _RULE_CHARACTERS:
            if _DASHES.match(line):
                return index
            if end - index <= _FOOTER_LINES and _RULE.match(line):
                following = "\n".join(lines[index : min(index + _FOOTER_SEEN_WITHIN, end)])
                if _FOOTER.search(following[:3_000]):
                    return index
        elif end - index <= 2 * _DEVICE_LINES and len(line) < 120 and _DEVICE.match(line):
            left = sum(1 for later in lines[index:end] if later.strip())
            if left <= _DEVICE_LINES:
                return index
    return None


def _rescue(lines: list[str], kinds: list[SpanKind]) -> None:
    """A message in which nothing at all is left as text: what its HTML or a heading marked as quoted is its text."""
    if any(kind is _TEXT and line.strip() for line, kind in zip(lines, kinds, strict=True)):
        return
    for index, kind in enumerate(kinds):
        if kind is _QUOTE and not _PREFIX.match(lines[index]):
            kinds[index] = _TEXT


def _absorb_blank_lines(lines: list[str], kinds: list[SpanKind]) -> None:
    """Blank lines alone are no text of the sender's: between two other stretches they belong to the first."""
    index = 0
    while index < len(kinds):
        start = index
        blank = True
        while index < len(kinds) and kinds[index] is kinds[start]:
            blank = blank and not lines[index].strip()
            index += 1
        if blank and start and kinds[start] is _TEXT:
            kinds[start:index] = [kinds[start - 1]] * (index - start)


def _spans(lines: list[str], kinds: list[SpanKind]) -> tuple[Span, ...]:
    spans: list[Span] = []
    start = position = 0
    for index, line in enumerate(lines):
        position += len(line) + (1 if index + 1 < len(lines) else 0)
        if index + 1 == len(lines) or kinds[index + 1] is not kinds[index]:
            if position > start:
                spans.append(Span(kinds[index], start, position))
            start = position
    return tuple(spans)
