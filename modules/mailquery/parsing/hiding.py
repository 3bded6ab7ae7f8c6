"""What of a page a reader does not see, taken out of it before its text is read.

Two kinds are told apart. A box that is not shown takes everything in it along: `display: none`, no opacity, no size, a
place off the page. What text inherits can be set anew further in: its size, its visibility and its colour against the
background; only the text that has the hiding value itself goes. Styles are those of attributes and of style sheets in
the page; of the cascade (CSS Cascade 5) the order and `!important` count, specificity does not.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from selectolax.lexbor import LexborNode, SelectolaxError

from mailquery.parsing.colours import Colour, alike, colour_of
from mailquery.parsing.stylesheets import declarations, exceeds_limits, rules

_KEPT_CHARACTERS = 4_000  # of what was hidden
_MAX_STYLINGS = 300_000  # of an element by a rule of a style sheet, all together

_TAG = re.compile(r"<[^<>]*>")
_NEVER_SHOWN = "template,noscript,[hidden],[aria-hidden=true i]"
_DECISIVE = (
    "\\", "display", "visibility", "font", "opacity", "height", "width", "mso-hide", "color", "position", "indent",
    "clip", "transform", "margin", "filter", "left", "top", "right", "overflow", "background", "bgcolor", "hidden",
    "fill",
)  # fmt: skip

_NUMBER = re.compile(r"^([+-]?\d{0,7}(?:\.\d{1,6})?)\s?([a-z%]{0,4})$")
_FAR = re.compile(r"-\s?(?:\d{4,}|[3-9]\d\d)(?:\.\d+)?\s?(?:px|pt|r?em|%|vw|vh)?\b|-\s?[1-9]\d{2,}\s?(?:r?em|vw|vh|%)")
_NO_CLIP = re.compile(
    r"rect\(\s?(?:0(?:px)?[\s,]+){3}0(?:px)?\s?\)|rect\(\s?1px[\s,]+1px[\s,]+1px[\s,]+1px"
    r"|inset\(\s?(?:[5-9]\d|100)%|circle\(\s?0|polygon\(\s?0(?:px)?(?:\s0(?:px)?)?[,)]"
)
_NO_SCALE = re.compile(r"(?:scale(?:3d|x|y)?|matrix)\(\s?0?\.?0+\s?[,)]|scale\(\s?0?\.0\d")
_TINY = {
    "px": 2.5,
    "pt": 2.0,
    "": 2.5,
    "em": 0.16,
    "rem": 0.16,
    "%": 16.0,
    "ex": 0.3,
    "vw": 0.2,
    "mm": 0.6,
    "cm": 0.06,
    "in": 0.03,
}
_FONT_SIZE = re.compile(r"(?<![\w.-])(\d{0,5}(?:\.\d{1,5})?(?:px|pt|r?em|%|mm|cm|in))(?=\s|/|$)")
_Style = dict[str, str]


class Hidden(NamedTuple):
    """The beginning of the text that is not seen; `complete` unless there were more styles than are looked at."""

    text: str
    complete: bool


def remove_hidden(root: LexborNode, source: str, styles: str) -> Hidden:
    """Takes out of the tree what is not seen. `source` is the page, for a look at whether anything in it can hide."""
    hidden: list[str] = []
    complete = True
    for node in root.css(_NEVER_SHOWN):
        _take_out(node, hidden)
    folded = f"{source} {styles}".lower()
    if any(word in folded for word in _DECISIVE):
        styled, complete = _styled(root, styles)
        _remove_boxes(root, styled, hidden)
        _remove_text(root, styled, hidden)
    return Hidden(" ".join(" ".join(hidden).split())[:_KEPT_CHARACTERS], complete)


def _take_out(node: LexborNode, hidden: list[str]) -> None:
    text = node.text(deep=True, separator=" ")
    if not text and node.tag == "template":  # what is in it is no child of it (HTML, section 4.12.3)
        text = _TAG.sub(" ", node.html or "")
    hidden.append(text[:_KEPT_CHARACTERS])
    node.decompose()


def _styled(root: LexborNode, styles: str) -> tuple[dict[int, _Style], bool]:
    """What is declared for each element that anything is declared for, by its identity; and whether that is all."""
    styled: dict[int, _Style] = {}
    kept: dict[int, set[str]] = {}
    complete = not exceeds_limits(styles)
    room = _MAX_STYLINGS
    for rule in rules(styles) if styles else ():
        try:
            nodes = [*root.css(rule.selector), *([root] if rule.selector in ("body", "html", "*") else ())]
        except SelectolaxError:
            continue
        room -= len(nodes)
        if room < 0:
            complete = False
            break
        for node in nodes:
            style = styled.setdefault(node.mem_id, {})
            fixed = kept.setdefault(node.mem_id, set())
            style.update(
                {
                    name: value
                    for name, value in rule.declarations.items()
                    if name not in fixed or name in rule.important
                }
            )
            fixed |= rule.important
    for node in root.css("[style],[bgcolor],[background],font[color]"):
        attributes = node.attributes
        style = styled.setdefault(node.mem_id, {})
        declared, important = declarations(attributes.get("style") or "")
        fixed = kept.get(node.mem_id, set())
        if colour := attributes.get("bgcolor"):
            style.setdefault("background-color", colour.strip().lower())
        if attributes.get("background"):
            style.setdefault("background-image", "url()")
        if node.tag == "font" and (colour := attributes.get("color")):
            style.setdefault("color", colour.strip().lower())
        style.update({name: value for name, value in declared.items() if name not in fixed or name in important})
    return styled, complete


def _remove_boxes(root: LexborNode, styled: dict[int, _Style], hidden: list[str]) -> None:
    if not any(map(_is_no_box, styled.values())):
        return
    gone = [
        node for node in root.traverse(include_text=False) if node.mem_id in styled and _is_no_box(styled[node.mem_id])
    ]
    taken: set[int] = set()
    for node in gone:
        if node.tag == "body" or _within(node, taken):
            continue
        taken.add(node.mem_id)
    for node in gone:
        if node.mem_id in taken:
            _take_out(node, hidden)


def _within(node: LexborNode, taken: set[int]) -> bool:
    parent = node.parent
    while parent is not None and taken:
        if parent.mem_id in taken:
            return True
        parent = parent.parent
    return False


def _is_no_box(style: _Style) -> bool:
    get = style.get
    if get("display") == "none" or get("mso-hide") == "all" or get("content-visibility") == "hidden":
        return True
    if _is_small(get("opacity"), {"": 0.05, "%": 5.0}) or "opacity(0" in get("filter", ""):
        return True
    clipped = any(
        value in ("hidden", "clip") for value in (get("overflow", ""), get("overflow-x", ""), get("overflow-y", ""))
    )
    if _is_small(get("max-height"), _NO_SIZE) or _is_small(get("max-width"), _NO_SIZE):
        return True
    if clipped and any(_is_small(get(name), _NO_SIZE) for name in ("height", "width")):
        return True
    if get("position") in ("absolute", "fixed") and any(
        _FAR.search(get(side, "")) for side in ("left", "top", "right", "bottom")
    ):
        return True
    if any(_FAR.search(get(name, "")) for name in ("text-indent", "margin-left", "margin-top", "margin")):
        return True
    if any(_NO_CLIP.search(get(name, "")) for name in ("clip", "clip-path")):
        return True
    transform = get("transform", "")
    return bool(_NO_SCALE.search(transform) or ("translate" in transform and _FAR.search(transform)))


_NO_SIZE = {"": 1.0, "px": 1.0, "pt": 1.0, "em": 0.06, "rem": 0.06, "%": 0.5}


def _is_small(value: str | None, least: dict[str, float]) -> bool:
    """Whether a length is that of nothing: at most `least` of its unit."""
    match = _NUMBER.match(value) if value else None
    if match is None or not match[1].strip("+-."):
        return False
    return abs(float(match[1])) <= least.get(match[2], 0.0)


def _remove_text(root: LexborNode, styled: dict[int, _Style], hidden: list[str]) -> None:
    """Goes down the tree with what text inherits, and takes out the text that is not seen."""
    inherits = any(not _KEYS.isdisjoint(style) for style in styled.values())
    if not inherits:
        return
    gone: list[LexborNode] = []
    state = _Seen()
    for ancestor in reversed(list(_ancestors(root))):
        state = state.within(styled.get(ancestor.mem_id))
    stack: list[tuple[LexborNode, _Seen]] = [(root, state.within(styled.get(root.mem_id)))]
    while stack:
        node, seen = stack.pop()
        for child in node.iter(include_text=True):
            if child.tag == "-text":
                if seen.hides and child.text(deep=False).strip():
                    gone.append(child)
            else:
                style = styled.get(child.mem_id)
                stack.append((child, seen.within(style) if style else seen))
    for node in gone:
        hidden.append(node.text(deep=False))
        node.decompose()


def _ancestors(node: LexborNode) -> Iterator[LexborNode]:
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


_KEYS = frozenset(("font-size", "font", "visibility", "color", "-webkit-text-fill-color"))


_PAPER = Colour(255, 255, 255)


class _Seen:
    """What text at a place of the page has from above."""

    __slots__ = ("background", "colour", "hidden", "hides", "tiny")

    def __init__(self, tiny: bool = False, hidden: bool = False, colour: Colour | None = None,
                 background: Colour | None = _PAPER) -> None:  # fmt: skip
        self.tiny, self.hidden = tiny, hidden
        self.colour, self.background = colour, background  # None: not said; not known
        self.hides = (
            tiny
            or hidden
            or (colour is not None and (colour.clear or (background is not None and alike(colour, background))))
        )

    def within(self, style: _Style | None) -> "_Seen":
        if not style:
            return self
        tiny, hidden, colour, background = self.tiny, self.hidden, self.colour, self.background
        size = style.get("font-size") or (found[1] if (found := _FONT_SIZE.search(style.get("font", ""))) else None)
        if size:
            relative = size.endswith(("em", "%")) and not size.endswith("rem")
            tiny = _is_small(size, _TINY) or (tiny and relative)
        if visibility := style.get("visibility"):
            hidden = visibility in ("hidden", "collapse") or (hidden and visibility == "inherit")
        said = style.get("-webkit-text-fill-color") or style.get("color")
        if said and said not in ("inherit", "unset"):
            colour = colour_of(said)
        if (
            any(name in style for name in ("background-image", "background"))
            and "url(" in (style.get("background-image", "") + style.get("background", ""))
        ) or "gradient" in style.get("background", "") + style.get("background-image", ""):
            background = None
        elif behind := style.get("background-color") or style.get("background"):
            found_colour = colour_of(behind)
            if found_colour is not None and not found_colour.clear:
                background = found_colour
            elif found_colour is None and behind not in ("inherit", "none", "transparent", "initial", "unset"):
                background = None
        return _Seen(tiny, hidden, colour, background)
