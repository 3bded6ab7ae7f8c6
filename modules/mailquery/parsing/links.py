"""The links of a message: from HTML with the words they were put on, from plain text as they stand."""

import re
from collections.abc import Iterable

from mailquery.domain.messages import Link
from mailquery.parsing.cleaning import one_line

MAX_LINKS = 500
_MAX_URL_CHARACTERS = 2_000
_MAX_TEXT_CHARACTERS = 300

_URL = re.compile(r"\bhttps?://[^\s<>\"'`\\^{|}\u3000-\u303f\uff00-\uffef]{3,2000}", re.IGNORECASE)
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
    if "://" not in text:
        return ()
    found = []
    for match in _URL.finditer(text):
        url = _without_punctuation(match[0])
        found.append((url, url))
        if len(found) >= 4 * MAX_LINKS:
            break
    return collect(found)


def _without_punctuation(url: str) -> str:
    """An address at the end of a sentence or in parentheses, without what belongs to the sentence."""
    while url:
        last = url[-1]
        unpaired = last in ")]" and url.count(last) > url.count({")": "(", "]": "["}[last])
        if last not in ".,;:!?*_~…。、，！？" and not unpaired:
            break
        url = url[:-1]
    return url
