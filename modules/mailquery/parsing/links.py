"""The links of a message: from HTML with the words they were put on, from plain text as they stand."""

import re
from collections.abc import Iterable

from mailquery.domain.messages import Link
from mailquery.parsing.cleaning import one_line

MAX_LINKS = 500
_MAX_URL_CHARACTERS = 2_000
_MAX_TEXT_CHARACTERS = 300

_REST = re.compile(r"[^\s<>\"'`\\^{|}\u3000-\u303f\uff00-\uffef]{3,2000}")  # of an address, behind its "://"
_FOLLOWED = re.compile(r"(?:https?|ftp|mailto|tel|webcal):[^\s]", re.IGNORECASE)


def collect(found: Iterable[tuple[str, str]]) -> tuple[Link, ...]:
    """Links in their order, once for each address, with the first words that say something.

    Places within the message (#, cid:) and what is no address of the network (javascript:, data:) are left out.
    """
    links: dict[str, str] = {}
    for raw_url, raw_text in found:
        url = raw_url[: 2 * _MAX_URL_CHARACTERS]
        if not url.isprintable() or " " in url or not url.isascii():
            url = "".join(one_line(url).split())
        url = url[:_MAX_URL_CHARACTERS]
        if _FOLLOWED.match(url) is None:
            continue
        text = one_line(raw_text[: 4 * _MAX_TEXT_CHARACTERS])[:_MAX_TEXT_CHARACTERS]
        if url not in links and len(links) >= MAX_LINKS:
            continue
        links[url] = links.get(url) or text
    return tuple(Link(url, text) for url, text in links.items())


def links_in_text(text: str) -> tuple[Link, ...]:
    """The addresses written out in plain text; the words of each are the address itself."""
    found: list[tuple[str, str]] = []
    # Looked for from the sign in their middle, which a plain search finds ten times as fast as a pattern.
    position = text.find("://")
    while position >= 0 and len(found) < 4 * MAX_LINKS:
        end = position + 3
        scheme = _scheme_before(text, position)
        if scheme and (rest := _REST.match(text, end)) is not None:
            end = rest.end()
            url = _without_punctuation(scheme + "://" + rest[0])
            found.append((url, url))
        position = text.find("://", end)
    return collect(found) if found else ()


def _scheme_before(text: str, position: int) -> str:
    """http or https, as it is written, right before `position` and not as the end of a longer word; else empty."""
    for length in (4, 5):
        start = position - length
        if start >= 0 and text[start:position].lower() in ("http", "https"):
            longer = start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_")
            return "" if longer else text[start:position]
    return ""


def _without_punctuation(url: str) -> str:
    """An address at the end of a sentence or in parentheses, without what belongs to the sentence."""
    while url:
        last = url[-1]
        unpaired = last in ")]" and url.count(last) > url.count({")": "(", "]": "["}[last])
        if last not in ".,;:!?*_~…。、，！？" and not unpaired:
            break
        url = url[:-1]
    return url
