"""Which of a message's parts are its text, and that text."""

import re
from dataclasses import dataclass, field

from mailquery.domain.messages import EMPTY_BODY, Body, Link, Problem, ProblemCode
from mailquery.parsing.charsets import Decoded, decode
from mailquery.parsing.cleaning import clean
from mailquery.parsing.flowed import unflow
from mailquery.parsing.html import glance_at_html, read_html
from mailquery.parsing.links import links_in_text
from mailquery.parsing.quoting import divide
from mailquery.parsing.structure import Part
from mailquery.parsing.transfer import undo_transfer_encoding, uuencoded_files

MAX_BODY_CHARACTERS = 1_000_000
_MAX_BODY_BYTES = 4 * MAX_BODY_CHARACTERS
_MAX_TEXT_PARTS = 50
_MAX_HTML_PARTS = 3

_TEXT_TYPES = frozenset({"text/plain", "text/html", "text/enriched", "text/markdown", "text/x-markdown",
                         "text/richtext", "text/xhtml", "application/xhtml+xml"})  # fmt: skip
_HTML_TYPES = frozenset({"text/html", "text/xhtml", "application/xhtml+xml"})

_META_CHARSET = re.compile(rb"<meta[^<>]{0,300}?charset\s{0,5}=\s{0,5}[\"']?\s{0,5}([\w.:-]{1,40})", re.IGNORECASE)
_META_WITHIN = 4_096
_IS_HTML = re.compile(r"\s*(?:<!doctype html|<html[\s>]|<head[\s>]|<body[\s>]|<meta\s[^<>]{1,200}>\s*<)", re.IGNORECASE)
_STUB = re.compile(
    r"view (?:it|this|the)?\s?(?:e-?mail|message|newsletter|mail)?\s?(?:online|in (?:a|your) (?:web )?browser)"
    r"|(?:does not|doesn['’]t|cannot|can['’]t|unable to) (?:support|display|view|read) (?:html|this)"
    r"|html[ -](?:capable|enabled|compatible|format|e-?mail|version|message|mail)|in html format"
    r"|multi-?part message in mime|read this (?:message|e-?mail) in html|plain[ -]text version"
    r"|im browser (?:an(?:sehen|zeigen)|öffnen)|dans (?:votre|un) navigateur|en (?:tu|su) navegador"
    r"|브라우저에서 (?:보기|확인|열기)|웹\s?(?:에서|브라우저로) 보기|html (?:메일|형식|을 지원)"
    r"|ブラウザで(?:表示|見る|ご覧)|html(?:メール|形式)|在浏览器中(?:查看|打开)|在瀏覽器中|html格式",
    re.IGNORECASE,
)
_STUB_CHARACTERS = 400
# A text part with this share of the characters of its HTML twin is a teaser, not the text.
_FAR_SHORTER = 0.3
_TOO_SHORT_TO_MATTER = 200


@dataclass(slots=True)
class Content:
    """What the parts of a message gave."""

    body: Body = EMPTY_BODY
    links: tuple[Link, ...] = ()
    problems: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class _Section:
    """The text of one part, in lines."""

    text: str
    quoted: tuple[bool, ...] | None = None  # from HTML
    links: tuple[Link, ...] = ()


def is_text_candidate(part: Part) -> bool:
    """A part that may be (part of) the message's text rather than something attached to it."""
    if part.content_type not in _TEXT_TYPES or part.disposition == "attachment":
        return False
    return not (part.disposition_parameters.get("filename") or part.parameters.get("name")) or (
        part.disposition == "inline" and part.content_type in _HTML_TYPES and part.parent_type.endswith("/alternative")
    )


def text_parts(root: Part) -> list[list[Part]]:
    """The parts that make up the text, in order. Each entry is one stretch of it, with its alternatives."""
    found: list[list[Part]] = []
    _collect(root, found)
    return found


def _collect(part: Part, found: list[list[Part]]) -> None:
    if not part.children:
        if is_text_candidate(part) or (part.number == "1" and _is_sole_text(part)):
            found.append([part])
        return
    if part.content_type == "multipart/alternative":
        choices: list[Part] = []
        for child in part.children:
            inner: list[list[Part]] = []
            _collect(child, inner)
            choices.extend(candidate for stretch in inner for candidate in stretch)
        if choices:
            found.append(choices)
        return
    if part.content_type == "multipart/related":
        # The first part is the page, the others belong to it (RFC 2387).
        for child in part.children:
            inner = []
            _collect(child, inner)
            if inner:
                found.extend(inner)
                return
        return
    for child in part.children:
        _collect(child, found)


def _is_sole_text(part: Part) -> bool:
    """The only part there is, with a file name: mail programs of telephones name the text itself."""
    return part.content_type in ("text/plain", "text/html") and part.disposition != "attachment"


def read_body(raw: bytes, root: Part, *, forward: bool) -> Content:
    """The best readable text of the message. `forward` is whether its subject calls it one."""
    content = Content()
    sections: list[_Section] = []
    html_parts = 0
    stretches = text_parts(root)
    from_html = bool(stretches)
    for stretch in stretches[:_MAX_TEXT_PARTS]:
        section, is_html = _best(raw, stretch, content.problems, html_allowed=html_parts < _MAX_HTML_PARTS)
        html_parts += is_html
        from_html = from_html and (is_html or not section.text)
        if section.text.strip():
            sections.append(section)
    if len(stretches) > _MAX_TEXT_PARTS:
        content.problems.append(Problem(ProblemCode.TOO_LARGE, f"there are more than {_MAX_TEXT_PARTS} text parts"))
    text, quoted = _join(sections)
    if len(text) > MAX_BODY_CHARACTERS:
        text = text[:MAX_BODY_CHARACTERS]
        content.problems.append(
            Problem(ProblemCode.TOO_LARGE, f"only {MAX_BODY_CHARACTERS} characters of the text are kept")
        )
        quoted = quoted[: text.count("\n") + 1] if quoted is not None else None
    content.body = Body(text, divide(text, quoted=quoted, forward=forward), from_html and bool(text))
    seen: dict[str, Link] = {}
    for section in sections:
        for link in section.links:
            seen.setdefault(link.url, link)
    content.links = tuple(seen.values())[:500]
    return content


def _join(sections: list[_Section]) -> tuple[str, tuple[bool, ...] | None]:
    """The sections with an empty line between them."""
    if len(sections) == 1:
        return sections[0].text, sections[0].quoted
    text = "\n\n".join(section.text for section in sections)
    if all(section.quoted is None for section in sections):
        return text, None
    quoted: list[bool] = []
    for index, section in enumerate(sections):
        if index:
            quoted.append(False)
        quoted.extend(section.quoted if section.quoted is not None else [False] * (section.text.count("\n") + 1))
    return text, tuple(quoted)


def _best(raw: bytes, stretch: list[Part], problems: list[Problem], *, html_allowed: bool) -> tuple[_Section, bool]:
    """The plain text unless it is a stub, else the HTML."""
    plain = next((part for part in stretch if part.content_type not in _HTML_TYPES), None)
    html = (
        next((part for part in reversed(stretch) if part.content_type in _HTML_TYPES), None) if html_allowed else None
    )
    plain_section = _read_plain(raw, plain, problems) if plain is not None else None
    if plain_section is not None and plain_section.quoted is not None:
        return plain_section, True  # it was HTML in disguise
    if html is None:
        return plain_section or _Section(""), False
    source = _characters(raw, html, problems)
    if plain_section is not None and plain_section.text:
        page = glance_at_html(source)
        if not _is_stub(plain_section.text, page.characters):
            _note_incomplete(page.complete, problems)
            if page.links:
                plain_section.links = page.links  # they carry the words that they were put on
            return plain_section, False
    return _html_section(source, problems), True


def _is_stub(plain: str, shown: int) -> bool:
    """Whether a text part stands there for form's sake only. `shown` is how many characters its HTML twin shows."""
    # Where a link leads is no text, and a page does not show it; tracking links are longer than the words beside them.
    words = [word for word in plain.split() if "://" not in word]
    written = sum(map(len, words))
    if written < _STUB_CHARACTERS and shown > written and _STUB.search(" ".join(words)):
        return True
    return written < shown * _FAR_SHORTER and shown - written > _TOO_SHORT_TO_MATTER


def part_bytes(raw: bytes, part: Part, problems: list[Problem]) -> tuple[bytes, bytes]:
    """A part's bytes with their transfer encoding undone, and what stood in clear behind it."""
    transferred = undo_transfer_encoding(raw[part.start : part.end], part.transfer_encoding)
    if not transferred.intact:
        problems.append(Problem(ProblemCode.BAD_ENCODING, f"part {part.number}: its transfer encoding is damaged"))
    return transferred.data, transferred.trailer


def decode_part(data: bytes, part: Part) -> Decoded:
    """A text part's characters. A charset that only the page itself names (<meta>) counts where the header has none."""
    label = part.charset
    if part.content_type in _HTML_TYPES and (not label or label.lower() in ("us-ascii", "ascii")):
        named = _META_CHARSET.search(data[:_META_WITHIN])
        if named is not None and not data.isascii():
            in_page = named[1].decode("ascii", "ignore")
            if not in_page.lower().startswith("utf-16"):
                label = in_page
    return decode(data, label)


def _characters(raw: bytes, part: Part, problems: list[Problem]) -> str:
    data, trailer = part_bytes(raw, part, problems)
    if len(data) > _MAX_BODY_BYTES:
        problems.append(
            Problem(ProblemCode.TOO_LARGE, f"part {part.number}: only its first {_MAX_BODY_BYTES} bytes are read")
        )
        data = data[:_MAX_BODY_BYTES]
    decoded = decode_part(data, part)
    if not decoded.intact:
        problems.append(Problem(ProblemCode.BAD_CHARSET, f"part {part.number}: no charset explains all of its bytes"))
    if trailer:
        return decoded.text.rstrip("\r\n") + "\n\n" + decode(trailer[:100_000], part.charset).text
    return decoded.text


def _read_plain(raw: bytes, part: Part, problems: list[Problem]) -> _Section:
    text = _characters(raw, part, problems)
    if may_hold_uuencoded(raw, part):
        text = _without_uuencoded(text)
    if _IS_HTML.match(text[:500]) and "</" in text:
        return _html_section(text, problems)
    text = clean(text)
    if part.parameters.get("format", "").lower() == "flowed":
        text = unflow(text, delete_space=part.parameters.get("delsp", "").lower() == "yes")
    return _Section(_trimmed(text), None, links_in_text(text))


def may_hold_uuencoded(raw: bytes, part: Part) -> bool:
    """Whether to look for files inside a text. Nobody encodes twice: a text in base64 is not decoded again for it."""
    return raw.find(b"begin", part.start, part.end) >= 0


def _without_uuencoded(text: str) -> str:
    data = text.encode("utf-8", "replace")
    files = uuencoded_files(data)
    for file in reversed(files):
        data = data[: file.start] + data[file.end :]
    return data.decode("utf-8", "replace") if files else text


def _trimmed(text: str) -> str:
    """Without blank lines around it. `-- ` keeps its blank: it marks a signature."""
    return text.strip("\n") if text.strip() else ""


def _html_section(source: str, problems: list[Problem]) -> _Section:
    page = read_html(source)
    _note_incomplete(page.complete, problems)
    return _Section(page.text, page.quoted, page.links)


def _note_incomplete(complete: bool, problems: list[Problem]) -> None:
    if not complete:
        problems.append(Problem(ProblemCode.TOO_LARGE, "only the first part of a very long HTML page was read"))
