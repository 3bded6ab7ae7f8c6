"""HTML mail as clean text: what a reader of the rendered page would see, in lines.

Lexbor parses; the layout is marked in the source before that, by characters that HTML treats as white space where they
stand in a table (text there would be moved out of it): a line feed before a block, a form feed before a paragraph. The
sender's own such characters are taken out first, so the marks are ours.
"""

import re
from collections.abc import Iterator
from html import unescape
from itertools import islice
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from mailquery.domain.messages import Link
from mailquery.parsing.cleaning import clean
from mailquery.parsing.hiding import Hidden, remove_hidden
from mailquery.parsing.links import collect
from mailquery.parsing.taming import MAX_HTML_CHARACTERS, tame

_MAX_ANCHORS = 1_000
_MAX_UNSEEN = 12_000  # characters

_QUOTE_OPENS, _QUOTE_CLOSES, _QUOTE_TO_END, _BREAK, _KEPT_BLANK = "\x01", "\x02", "\x03", "\x0b", "\x1f"
_WHITE = re.compile(r"[ \t\r\n\f]+")
_TAG = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9]*)")
_PARAGRAPHS = (
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "dl",
    "table",
    "pre",
    "hr",
    "figure",
    "fieldset",
    "center",
)
_BLOCKS = ("div", "tr", "dt", "dd", "section", "article", "header", "footer", "main", "nav", "aside", "address", "form",
           "caption", "figcaption", "thead", "tbody", "tfoot", "summary", "details", "option")  # fmt: skip
# What is put before a tag.
_LAYOUT: dict[str, str] = {
    **{sign + name: "\f" for name in _PARAGRAPHS for sign in ("", "/")},
    **{sign + name: "\n" for name in _BLOCKS for sign in ("", "/")},
    "br": _BREAK,
    "li": "\n- ",
    "/li": "\n",
    "td": "\t",
    "th": "\t",
    "blockquote": "\f" + _QUOTE_OPENS,
    "/blockquote": _QUOTE_CLOSES + "\f",
}
_PRE = re.compile(r"<(/?)pre\b", re.IGNORECASE)
_TAG_OR_BLANK = re.compile(r"<[^<>]*>|[ \n\t]")

# In the page and no text of it, for anybody.
_NO_TEXT = "head,script,style,title,noframes,object,svg,select,datalist"

_QUOTED_ELEMENTS = (
    "div.gmail_attr,div.gmail_quote,div.yahoo_quoted,div.moz-cite-prefix,div.protonmail_quote,div.zmail_extra"
)
_QUOTE_BEGINS = "#appendonsend,#divRplyFwdMsg,#OLK_SRC_BODY_SECTION,#mail-editor-reference-message-container"
_OUTLOOK_RULE = re.compile(r"border-top\s{0,5}:\s{0,5}solid\s{1,5}#(?:E1E1E1|B5C4DF|C4C4C4)", re.IGNORECASE)
_QUOTE_MARKS = ("gmail_", "yahoo_quoted", "moz-cite", "protonmail_quote", "zmail_extra", "appendonsend",
                "divRplyFwdMsg", "OLK_SRC", "mail-editor-ref", "border-top")  # fmt: skip


class HtmlText(NamedTuple):
    """`quoted` has one entry for each line of `text`: whether the HTML says that it was quoted from another message.
    `hidden` is text of the page that a reader of it would not see (`parsing.hiding`), the beginning of it."""

    text: str
    quoted: tuple[bool, ...]
    links: tuple[Link, ...]
    complete: bool
    hidden: str = ""


class Unseen(NamedTuple):
    """The beginning of what a page hides, and of what is no text of it at all (comments, its title, choices of a form);
    `complete` unless it has more elements or styles than are looked at."""

    hidden: str
    others: str
    complete: bool


class Glance(NamedTuple):
    """How many characters a page shows, blanks not counted, and its links."""

    characters: int
    links: tuple[Link, ...]
    complete: bool


def read_html(source: str) -> HtmlText:
    """The text, its quoted lines and its links. Bounded in time whatever the source is."""
    complete = len(source) <= MAX_HTML_CHARACTERS
    source, flat, styles, _ = tame(source)
    text, links, hidden = _rendered(_mark_layout(source), styles, flat=flat)
    lines, quoted = _lines(text)
    return HtmlText("\n".join(lines), tuple(quoted), links, complete, hidden.text)


def unseen_in_html(source: str) -> Unseen:
    """What of a page a reader of it would not see."""
    tamed = tame(source)
    if tamed.flat:
        return Unseen("", tamed.comments, False)
    parser = LexborHTMLParser(tamed.source)
    others = [_text_in(node) for node in parser.css(_NO_TEXT)]
    _, hidden = _seen(parser, tamed.source, tamed.styles)
    return Unseen(hidden.text, "\n".join([tamed.comments, *others])[:_MAX_UNSEEN], hidden.complete)


def _text_in(node: LexborNode) -> str:
    # Of its source: what is in a template is no child of it (HTML, section 4.12.3).
    return re.sub("<[^<>]*>", " ", (node.html or "")[:_MAX_UNSEEN])


def glance_at_html(source: str) -> Glance:
    """For a page that stands beside the same in plain text: no layout, which is most of the work."""
    complete = len(source) <= MAX_HTML_CHARACTERS
    source, flat, styles, _ = tame(source)
    text, links, _ = _rendered(source, styles, flat=flat)
    return Glance(sum(map(len, text.split())), links, complete)


def _layout(match: re.Match[str]) -> str:
    return _LAYOUT.get(match[1].lower(), "") + match[0]


def _mark_layout(source: str) -> str:
    if _PRE.search(source) is None:
        return _TAG.sub(_layout, " ".join(source.split()))
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
    return _TAG.sub(_layout, _WHITE.sub(" ", piece))


def _keep_blank(match: re.Match[str]) -> str:
    blank = match[0]
    if blank == "\n":
        return _BREAK
    return _KEPT_BLANK if blank == " " else _KEPT_BLANK * 4 if blank == "\t" else blank


def _rendered(marked: str, styles: str, *, flat: bool) -> tuple[str, tuple[Link, ...], Hidden]:
    if flat:
        return _without_tags(marked), (), Hidden("", False)
    root, hidden = _seen(LexborHTMLParser(marked), marked, styles)
    if root is None:
        return "", (), hidden
    if any(mark in marked for mark in _QUOTE_MARKS):
        _mark_quotes(root)
    text = root.text(deep=True, separator="")
    if not text.strip(_BLANKS_AND_MARKS):
        # A picture of a letter: what its author says that it shows.
        text = _BREAK.join(node.attributes.get("alt") or "" for node in root.css("img[alt]"))
    return text, collect(_anchors(root)), hidden


def _seen(parser: LexborHTMLParser, marked: str, styles: str) -> tuple[LexborNode | None, Hidden]:
    """The page without what is no text of it and what a reader would not see, and that."""
    root = parser.body or parser.root
    if root is None:
        return None, Hidden("", True)
    for node in parser.css(_NO_TEXT):
        node.decompose()
    return root, remove_hidden(root, marked, styles)


_BLANKS_AND_MARKS = " \t\n\f\xa0-" + _QUOTE_OPENS + _QUOTE_CLOSES + _QUOTE_TO_END + _BREAK + _KEPT_BLANK


def _anchors(root: LexborNode) -> Iterator[tuple[str, str]]:
    for node in islice(root.css("a[href],area[href],span[href]"), _MAX_ANCHORS):
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
        if name in ("head", "title"):
            if not skipping and not match[1]:
                skipping = name
            elif skipping == name and match[1]:
                skipping = ""
        position = match.end()
    if not skipping:
        pieces.append(marked[position:])
    return unescape("".join(pieces))


_RUN = re.compile("[\n\f\x0b][ \n\f\x0b\t]*")
_OTHER_BLANK = re.compile("[\u2000-\u200a\u202f\u205f]")
_BLANK_RUN = re.compile(" {2,}")
_TABS = re.compile("\t[ \t]*")


def _break_lines(match: re.Match[str]) -> str:
    run = match[0]
    if "\f" in run:
        return "\n\n"
    # The <br> at the end of a block shows nothing of its own.
    breaks = run.count(_BREAK) + (run[0] == "\n")
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
    if not piece.isascii():
        piece = _OTHER_BLANK.sub(" ", piece.replace("\xa0", " "))
    if "  " in piece:
        piece = _BLANK_RUN.sub(" ", piece)
    if "\t" in piece:
        piece = _TABS.sub("\t", piece.replace(" \t", "\t"))
    piece = _RUN.sub(_break_lines, piece)
    piece = clean(piece.replace(_KEPT_BLANK, "\ue000")).replace("\ue000", " ")
    return "\n".join(line.strip("\t ") if line[:1] != " " else line.rstrip() for line in piece.split("\n"))
