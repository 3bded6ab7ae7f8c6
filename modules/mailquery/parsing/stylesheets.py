"""Style sheets, as far as they hide something: the rules of CSS that decide whether text is seen, in their order.

Conditions (@media, CSS Media Queries 4) count where a reader at a desk with a window of 1,000 pixels meets them.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

MAX_RULES = 400
_MAX_CHARACTERS = 200_000

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))")  # CSS Syntax 3, section 4.3.7
_WINDOW = 1_000  # pixels
_WIDTH = re.compile(r"(min|max)-(?:device-)?width\s{0,5}:\s{0,5}(\d{1,7})")
_NOT_AT_A_DESK = re.compile(
    r"\bprint\b|\bspeech\b|prefers-|orientation|hover|pointer|resolution|pixel-ratio|not\s+(?:all|screen)"
)
# States that an element is not in when a message is opened, and boxes that are no elements.
_PASSING = re.compile(
    r":(?:hover|focus|active|visited|checked|target|link|any-link|before|after|root|host|is|where|-)|::|\[(?:if|!)"
)


class Rule(NamedTuple):
    selector: str
    declarations: dict[str, str]
    important: frozenset[str]


def declarations(style: str) -> tuple[dict[str, str], frozenset[str]]:
    """The declarations of a `style` attribute or a rule, the last of each property, lower case; and those that are
    `!important`."""
    found: dict[str, str] = {}
    important: set[str] = set()
    style = _COMMENT.sub("", style[:8_000])
    if "\\" in style:
        style = _ESCAPE.sub(_unescaped, style)
    for one in style.split(";"):
        name, colon, value = one.partition(":")
        if not colon:
            continue
        name, value = name.strip().lower(), value.strip().lower()
        if value.endswith("important") and "!" in value:
            value = value.rpartition("!")[0].strip()
            important.add(name)
        elif name in important:
            continue
        if name:
            found[name] = value
    return found, frozenset(important)


def _unescaped(match: re.Match[str]) -> str:
    if match[1] is None:
        return match[2] or ""
    number = int(match[1], 16)
    return chr(number) if 0x20 <= number < 0x110000 else "\ufffd"


def rules(styles: str) -> Iterator[Rule]:
    """The rules of style sheets that apply, one for each selector, at most `MAX_RULES`."""
    return islice(_rules(styles), MAX_RULES)


def exceeds_limits(styles: str) -> bool:
    """Whether there are more rules than are looked at."""
    return len(styles) > _MAX_CHARACTERS or next(islice(_rules(styles), MAX_RULES, None), None) is not None


def _rules(styles: str) -> Iterator[Rule]:
    text = _COMMENT.sub(" ", styles[:_MAX_CHARACTERS])
    for selectors, body in _applying(text):
        declared, important = declarations(body)
        if not declared:
            continue
        for selector in selectors.split(","):
            selector = selector.strip()
            if not selector or _PASSING.search(selector):
                continue
            yield Rule(selector, declared, important)


def _applying(text: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """(selectors, declarations) of the rules outside of conditions and within those that are met."""
    position = 0
    while (brace := text.find("{", position)) >= 0:
        head = text[position:brace].rpartition(";")[2].strip()
        end = _closing(text, brace)
        inner = text[brace + 1 : end]
        if head.startswith("@"):
            if depth < 3 and head.lower().startswith(("@media", "@supports", "@layer")) and _met(head.lower()):
                yield from _applying(inner, depth + 1)
        elif head:
            yield head, inner.partition("{")[0]
        position = end + 1


def _closing(text: str, brace: int) -> int:
    depth = 0
    for match in re.finditer("[{}]", text[brace:]):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return brace + match.start()
    return len(text)


def _met(condition: str) -> bool:
    if _NOT_AT_A_DESK.search(condition):
        return False
    return all(
        int(pixels) <= _WINDOW if bound == "min" else int(pixels) >= _WINDOW
        for bound, pixels in _WIDTH.findall(condition)
    )
