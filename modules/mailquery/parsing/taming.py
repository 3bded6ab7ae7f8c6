"""HTML of any sender made fit for a parser: what is not read is taken out, and what would cost time is bounded."""

import re
from typing import NamedTuple

MAX_HTML_CHARACTERS = 1_000_000
_MAX_TAGS = 60_000
_MANY_TAGS = 20_000  # from here on nesting is looked at
_MAX_DEPTH = 300
_FEW_TAGS = 1_000
_SHORT = 50_000
_MAX_ATTRIBUTES = 100
_KEPT_COMMENTS = 8_000  # characters

# Control characters: layout and quotations are marked with some of them, so the sender's own must not stand there.
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_CONTROL_REFERENCE = re.compile(
    "&#(?:0*(?:[0-8]|1[1-9]|2\\d|3[01])|[xX]0*(?:[0-8bBeEfF]|1[0-9a-fA-F]))(?![0-9a-fA-F]);?"
)

# Elements that HTML carries on from paragraph to paragraph (formatting elements, HTML 13.2.4.3): a page that leaves
# thousands open makes every parser repeat all of them in each block.
_FORMATTING = re.compile(r"<(/?)(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)\b", re.IGNORECASE)
_ANY_TAG = re.compile(r"<(/?)([a-z][a-z0-9]{0,20})", re.IGNORECASE)
_MAX_REPEATED = 2_000_000


class Tamed(NamedTuple):
    """`flat` is whether the page is too deep to be parsed. Its style sheets are not read, but say what of it is seen;
    `comments` is the beginning of what stands in comments and scripts."""

    source: str
    flat: bool
    styles: str
    comments: str


def tame(source: str) -> Tamed:
    """The source without what is not read and without control characters."""
    source = source[:MAX_HTML_CHARACTERS]
    if not source.isprintable():
        source = _CONTROL.sub(" ", source)
    if "&#" in source:
        source = _CONTROL_REFERENCE.sub(" ", source)
    source, styles, comments = _without_unread(source)
    source, flat = _tamed(source)
    return Tamed(source, flat, styles, comments)


_UNREAD = re.compile(r"<!--|<(?:script|style|noframes)(?=[\s>/])", re.IGNORECASE)
_UNREAD_ENDS = {
    "<!--": re.compile("-->"),
    "<script": re.compile(r"</script\b[^<>]*>?", re.IGNORECASE),
    "<style": re.compile(r"</style\b[^<>]*>?", re.IGNORECASE),
    "<noframes": re.compile(r"</noframes\b[^<>]*>?", re.IGNORECASE),
}


def _without_unread(source: str) -> tuple[str, str, str]:
    """The source without comments, scripts and style sheets; the sheets; the beginning of the others. One that does not
    end goes to the end of the page."""
    pieces: list[str] = []
    styles: list[str] = []
    comments: list[str] = []
    room = _KEPT_COMMENTS
    position = 0
    while (match := _UNREAD.search(source, position)) is not None:
        pieces.append(source[position : match.start()])
        opening = match[0].lower()
        # "<!-->" is a whole comment, so its end may overlap its beginning (HTML, section 13.2.5.43).
        end = _UNREAD_ENDS[opening].search(source, match.start() + 2 if opening == "<!--" else match.end())
        if opening == "<style":
            styles.append(source[match.end() : end.start() if end else len(source)].partition(">")[2])
        elif room > 0:
            comments.append(source[match.end() : min(end.start() if end else len(source), match.end() + room)])
            room -= len(comments[-1])
        if end is None:
            return "".join(pieces), "\n".join(styles), "\n".join(comments)
        position = end.end()
    if not pieces:
        return source, "", ""
    pieces.append(source[position:])
    return "".join(pieces), "\n".join(styles), "\n".join(comments)


def _tamed(source: str) -> tuple[str, bool]:
    """The source without what would make a parser slow; and whether it is too deep to be parsed at all."""
    if len(source) > _SHORT:
        source = _with_few_attributes(source)
    tags = source.count("<")
    formatting = len(_FORMATTING.findall(source)) if tags > _FEW_TAGS else 0
    if formatting * tags > _MAX_REPEATED:
        source = _FORMATTING.sub(r"<\1span", source)
    return source, tags > _MAX_TAGS or (tags > _MANY_TAGS and _too_deep(source))


_TAG_NAME = re.compile(r"<[a-zA-Z][^\s/>]*+")
_ATTRIBUTE = re.compile(r"[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>]*+))?+")


def _with_few_attributes(source: str) -> str:
    """The source with at most 100 attributes to a tag: a parser compares each one with all before it."""
    pieces: list[str] = []
    position = kept_from = 0
    while (match := _TAG_NAME.search(source, position)) is not None:
        position = match.end()
        count = 0
        cut = -1
        while (attribute := _ATTRIBUTE.match(source, position)) is not None:
            count += 1
            if count == _MAX_ATTRIBUTES:
                cut = position
            position = attribute.end()
        if cut >= 0:
            pieces.append(source[kept_from:cut])
            kept_from = position
    if not pieces:
        return source
    pieces.append(source[kept_from:])
    return "".join(pieces)


_VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
                   "track", "wbr", "p", "li", "td", "th", "tr", "dt", "dd", "option"))  # fmt: skip


def _too_deep(source: str) -> bool:
    """Whether more elements are open at once than in any honest page, by their names."""
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
