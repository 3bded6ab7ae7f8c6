"""HTML mail as clean text: what a reader of the rendered page would see, in lines.

Lexbor parses; the layout is marked in the source before that, by characters that HTML treats as white space where they
stand in a table (text there would be moved out of it): a line feed before a block, a form feed before a paragraph. The
sender's own such characters are taken out first, so the marks are ours.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from mailquery.domain.messages import Link
from mailquery.parsing.cleaning import clean
from mailquery.parsing.links import collect

MAX_HTML_CHARACTERS = 1_000_000
_MAX_TAGS = 20_000
_MAX_DEPTH = 300

_QUOTE_OPENS, _QUOTE_CLOSES, _QUOTE_TO_END, _BREAK, _KEPT_BLANK = "\x01", "\x02", "\x03", "\x0b", "\x1f"
_OURS = re.compile("[\x00-\x08\x0b-\x1f\x7f]|&#(?:0*(?:[0-8]|1[1-9]|2\\d|3[01])|x0*(?:[0-8bef]|1[0-9a-f]));?", re.I)

_WHITE = re.compile(r"[ \t\r\n\f]+")
_LAYOUT = re.compile(
    r"<(?:(br)\b"
    r"|(/?(?:p|h[1-6]|ul|ol|dl|table|pre|hr|figure|fieldset|center)\b)"
    r"|(li)\b"
    r"|(t[dh])\b"
    r"|(blockquote)\b|(/blockquote)\b"
    r"|(/?(?:div|tr|/li|dt|dd|section|article|header|footer|main|nav|aside|address|form|caption|figcaption|option"
    r"|thead|tbody|tfoot|title|summary|details)\b|/li\b))",
    re.IGNORECASE,
)
_PRE = re.compile(r"<(/?)pre\b", re.IGNORECASE)
_TAG_OR_BLANK = re.compile(r"<[^<>]*>|[ \n\t]")

# Text that is in the page and not seen on it. What styles in a <style> element hide is not looked for.
_INVISIBLE_ELEMENTS = (
    "head,script,style,title,template,noframes,object,svg,select,datalist,[hidden],[aria-hidden=true i]"
)
_MAY_HIDE = re.compile(
    r"display\s{0,5}:|visibility\s{0,5}:|font-size\s{0,5}:\s{0,5}0|opacity\s{0,5}:|max-height\s{0,5}:|mso-hide", re.I
)
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0*(?:\.0+)?(?:0|(?<=0))(?:px|pt|em|rem|%|ex)?\s*(?:;|!|$)"
    r"|(?<![\w-])opacity\s*:\s*0*(?:\.0+)?(?:0|(?<=0))\s*(?:;|!|$)|max-height\s*:\s*0(?:px|pt|em|%)?\s*(?:;|!|$)|mso-hide\s*:\s*all",
    re.IGNORECASE,
)

_QUOTED_ELEMENTS = "div.gmail_attr,div.gmail_quote,div.gmail_extra>div.gmail_attr,div.yahoo_quoted,div.moz-cite-prefix,div.protonmail_quote,div.zmail_extra"
_QUOTE_BEGINS = "#appendonsend,#divRplyFwdMsg,#OLK_SRC_BODY_SECTION,#mail-editor-reference-message-container"
_OUTLOOK_RULE = re.compile(r"border-top\s*:\s*solid\s+#(?:E1E1E1|B5C4DF|C4C4C4)", re.IGNORECASE)
_HAS_QUOTE_MARKS = re.compile(
    r"gmail_|yahoo_quoted|moz-cite|protonmail_quote|zmail_extra|appendonsend|divRplyFwdMsg|OLK_SRC|mail-editor-ref|border-top",
    re.I,
)

# Elements that HTML carries on from paragraph to paragraph (formatting elements, HTML 13.2.4.3): a page that leaves
# thousands open makes every parser repeat all of them in each block.
_FORMATTING = re.compile(r"<(/?)(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)\b", re.IGNORECASE)
_ANY_TAG = re.compile(r"<(/?)([a-z][a-z0-9]{0,20})", re.IGNORECASE)
_MAX_REPEATED = 2_000_000


class HtmlText(NamedTuple):
    """`quoted` has one entry for each line of `text`: whether the HTML says that it was quoted from another message."""

    text: str
    quoted: tuple[bool, ...]
    links: tuple[Link, ...]
    complete: bool


def read_html(source: str) -> HtmlText:
    """The text, its quoted lines and its links. Bounded in time whatever the source is."""
    complete = len(source) <= MAX_HTML_CHARACTERS
    source = _OURS.sub("\n", source[:MAX_HTML_CHARACTERS])
    source, flat = _tamed(source)
    marked = _mark_layout(source)
    if flat:
        text, links = _without_tags(marked), ()
    else:
        text, links = _rendered(marked)
    lines, quoted = _lines(text)
    return HtmlText("\n".join(lines), tuple(quoted), links, complete)


def _tamed(source: str) -> tuple[str, bool]:
    """The source without what would make a parser slow; and whether it is too deep to be parsed at all."""
    formatting = len(_FORMATTING.findall(source))
    tags = source.count("<")
    if formatting * tags > _MAX_REPEATED:
        source = _FORMATTING.sub(r"<\1span", source)
    return source, tags > _MAX_TAGS and _too_deep(source)


_VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr p li td th tr dt dd option".split()
)


def _too_deep(source: str) -> bool:
    open_elements: dict[str, int] = {}
    depth = 0
    for match in _ANY_TAG.finditer(source):
        name = match[2].lower()
        if name in _VOID:
            continue
        count = open_elements.get(name, 0)
        if match[1]:
            if count:
                open_elements[name] = count - 1
                depth -= 1
        else:
            open_elements[name] = count + 1
            depth += 1
            if depth > _MAX_DEPTH:
                return True
    return False


def _layout(match: re.Match[str]) -> str:
    tag = match[0]
    kind = match.lastindex
    if kind == 1:
        return _BREAK + tag
    if kind == 2:
        return "\f" + tag
    if kind == 3:
        return "\n- " + tag
    if kind == 4:
        return "\t" + tag
    if kind == 5:
        return "\f" + _QUOTE_OPENS + tag
    if kind == 6:
        return _QUOTE_CLOSES + "\f" + tag
    return "\n" + tag


def _mark_layout(source: str) -> str:
    if "<pre" not in source and "<PRE" not in source and "<Pre" not in source:
        return _LAYOUT.sub(_layout, _WHITE.sub(" ", source))
    pieces: list[str] = []
    position = depth = 0
    for match in _PRE.finditer(source):
        pieces.append(_mark_piece(source[position : match.start()], preformatted=depth > 0))
        depth = max(0, depth - 1) if match[1] else depth + 1
        position = match.start()
    pieces.append(_mark_piece(source[position:], preformatted=depth > 0))
    return "".join(pieces)


def _mark_piece(piece: str, *, preformatted: bool) -> str:
    if preformatted:
        piece = _TAG_OR_BLANK.sub(_keep_blank, piece)
    return _LAYOUT.sub(_layout, _WHITE.sub(" ", piece))


def _keep_blank(match: re.Match[str]) -> str:
    blank = match[0]
    if blank == "\n":
        return _BREAK
    return _KEPT_BLANK if blank == " " else _KEPT_BLANK * 4 if blank == "\t" else blank


def _rendered(marked: str) -> tuple[str, tuple[Link, ...]]:
    parser = LexborHTMLParser(marked)
    root = parser.body or parser.root
    if root is None:
        return "", ()
    for node in parser.css(_INVISIBLE_ELEMENTS):
        node.decompose()
    if _MAY_HIDE.search(marked):
        for node in root.css("[style]"):
            if node.tag != "body" and _HIDING.search(node.attributes.get("style") or ""):
                node.decompose()
    if _HAS_QUOTE_MARKS.search(marked):
        _mark_quotes(root)
    text = root.text(deep=True, separator="")
    if not text.strip(_BLANKS_AND_MARKS):
        # A picture of a letter: what its author says that it shows.
        text = _BREAK.join(node.attributes.get("alt") or "" for node in root.css("img[alt]"))
    return text, collect(_anchors(root))


_BLANKS_AND_MARKS = " \t\n\f\xa0-" + _QUOTE_OPENS + _QUOTE_CLOSES + _QUOTE_TO_END + _BREAK + _KEPT_BLANK


def _anchors(root: LexborNode) -> Iterator[tuple[str, str]]:
    for node in root.css("a[href],area[href],span[href]"):
        yield (node.attributes.get("href") or "").strip(), node.text(deep=True, separator="")


def _mark_quotes(root: LexborNode) -> None:
    """Marks what Gmail, Outlook and others quote without a <blockquote>."""
    for node in root.css(_QUOTED_ELEMENTS):
        if "gmail_quote" in (node.attributes.get("class") or "") and node.css_first("blockquote") is not None:
            continue  # the blockquote is the quotation: answers can stand between two of them
        node.insert_before(_QUOTE_OPENS)
        node.insert_after(_QUOTE_CLOSES)
    begins = root.css(_QUOTE_BEGINS)
    rules = [node for node in root.css("div[style]") if _OUTLOOK_RULE.search(node.attributes.get("style") or "")]
    for node in (*begins, *rules):
        node.insert_before(_QUOTE_TO_END)


def _without_tags(marked: str) -> str:
    """For a page nested too deeply to be parsed: its text between the tags, without scripts and styles."""
    pieces: list[str] = []
    skipping = ""
    position = 0
    for match in re.finditer(r"<(/?)([a-z!][a-z0-9-]{0,20})?[^<>]*>", marked, re.IGNORECASE):
        if not skipping:
            pieces.append(marked[position : match.start()])
        name = (match[2] or "").lower()
        if name in ("script", "style", "head", "title"):
            if not skipping and not match[1]:
                skipping = name
            elif skipping == name and match[1]:
                skipping = ""
        position = match.end()
    if not skipping:
        pieces.append(marked[position:])
    return unescape("".join(pieces))


_RUN = re.compile(" ?[\n\f\x0b][ \n\f\x0b\t]*")
_BLANK_RUN = re.compile("[ \xa0\u2000-\u200a\u202f\u205f\u3000]{2,}|[\xa0\u2000-\u200a\u202f\u205f]")
_TABS = re.compile(" ?\t[ \t]*")


def _break_lines(match: re.Match[str]) -> str:
    run = match[0]
    if "\f" in run:
        return "\n\n"
    # The <br> at the end of a block shows nothing of its own.
    breaks = run.count(_BREAK) + (run.lstrip(" ")[:1] == "\n")
    return "\n\n" if breaks >= 2 else "\n"


_MARKS = re.compile("[\x01-\x03]")


def _lines(text: str) -> tuple[list[str], list[bool]]:
    """The text's lines as they would be shown, and for each whether it stands in a quotation."""
    pieces: list[tuple[str, bool]] = []
    depth = 0
    to_end = False
    position = 0
    for match in _MARKS.finditer(text):
        pieces.append((text[position : match.start()], depth > 0 or to_end))
        position = match.end()
        if match[0] == _QUOTE_OPENS:
            depth += 1
        elif match[0] == _QUOTE_CLOSES:
            depth = max(0, depth - 1)
        else:
            to_end = True
    pieces.append((text[position:], depth > 0 or to_end))
    lines: list[str] = []
    quoted: list[bool] = []
    for piece, is_quoted in pieces:
        shown = _shown(piece)
        if not shown.strip("\n"):
            if shown and lines and lines[-1]:
                lines.append("")
                quoted.append(quoted[-1])
            continue
        for line in shown.split("\n"):
            if line or (lines and lines[-1]):
                lines.append(line)
                quoted.append(is_quoted)
    while lines and not lines[-1]:
        lines.pop()
        quoted.pop()
    return lines, quoted


def _shown(piece: str) -> str:
    piece = _BLANK_RUN.sub(" ", piece)
    piece = _TABS.sub("\t", piece)
    piece = _RUN.sub(_break_lines, piece)
    piece = clean(piece.replace(_KEPT_BLANK, "\ue000")).replace("\ue000", " ")
    return "\n".join(line.strip("\t ") if line[:1] != " " else line.rstrip() for line in piece.split("\n"))
