"""What mail servers found out about a message's sender: Authentication-Results (RFC 8601).

Anybody can write such a field. It counts only from a server that the receiver trusts, which by section 5 takes out
fields that claim its own name; the first of its fields is the one that it added last.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_METHODS = ("spf", "dkim", "dmarc", "arc")
_RESULTS = frozenset(
    ("none", "pass", "fail", "softfail", "policy", "neutral", "temperror", "permerror", "bestguesspass")
)
_COMMENT = re.compile(r"\([^()]*\)")
_SERVER = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]{0,252})(?:\s+\d{1,3})?\s*(?:;|$)")
_RESULT = re.compile(r"^\s*([a-z][a-z0-9-]{0,20})(?:/\d{1,3})?\s*=\s*([a-z]{1,20})", re.IGNORECASE)
_MOST_FIELDS = 50


@dataclass(frozen=True, slots=True)
class Authentication:
    """`results` are (method, result) of SPF, DKIM, DMARC and ARC, each once, by the server `by`. One that is not
    `trusted` proves nothing."""

    by: str
    results: tuple[tuple[str, str], ...]
    trusted: bool


def read_authentication(fields: Iterable[str], trusted: frozenset[str]) -> Authentication | None:
    """From the values of the Authentication-Results fields in their order, the newest first. `trusted` are names of
    servers (authserv-id), lower case. Without a field of one of them the first field is given, as not trusted."""
    first = None
    for number, value in enumerate(fields):
        if number >= _MOST_FIELDS:
            break
        found = _read(value, trusted)
        if found is None:
            continue
        if found.trusted:
            return found
        first = first or found
    return first


def _read(value: str, trusted: frozenset[str]) -> Authentication | None:
    text = value[:5_000]
    while (shorter := _COMMENT.sub(" ", text)) != text:  # comments stand in comments (RFC 5322, section 3.2.2)
        text = shorter
    server = _SERVER.match(text)
    if server is None:
        return None
    results: dict[str, str] = {}
    for part in text[server.end() :].split(";"):
        match = _RESULT.match(part)
        if match is None:
            continue
        method, result = match[1].lower(), match[2].lower()
        # Of several signatures one that holds is enough (section 2.7.1).
        if method in _METHODS and result in _RESULTS and results.get(method) != "pass":
            results[method] = result
    name = server[1].lower().rstrip(".")
    return Authentication(name, tuple(results.items()), name in trusted)
