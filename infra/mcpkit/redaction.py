"""What looks like a secret is hidden: values by the name they stand under, and text by its form.

It is the second line. The first is that nobody gives a secret to the log.
"""

import re
from collections.abc import Callable, Mapping

HIDDEN = "[hidden]"

_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|api[_-]?key|private[_-]?key|master[_-]?key|credential|authori[sz]ation|cookie|bearer",
    re.IGNORECASE,
)

_WORDS = r"pass(?:word|wd|phrase)|secret|token|api[_-]?key|private[_-]?key|master[_-]?key|credentials?|signature"
_BODY = r"[\w.~+/=%-]"
# Each with what it is replaced by. Repetitions that may fail are bounded, so that the time grows with the text alone.
_FORMS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # scheme://user:password@host and scheme://token@host (RFC 3986, section 3.2.1)
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,30}://)[^\s/?#@\"'<>]+@"), rf"\1{HIDDEN}@"),
    # Authorization and cookies (RFC 9110, section 11.6.2; RFC 6265), in a header's form or a mapping's: to its end
    (
        re.compile(
            r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)(b?['\"]?\s*[:=,]\s*b?)"
            r"(\"[^\"]*\"|'[^']*'|[^\r\n'\"]+)"
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(rf"(?i)\b(bearer|digest|negotiate|dpop)\s+{_BODY}{{8,}}"), rf"\1 {HIDDEN}"),
    (re.compile(rf"\b([Bb]asic|BASIC)\s+(?=[a-z]*[A-Z0-9+/=]){_BODY}{{8,}}"), rf"\1 {HIDDEN}"),
    # Logins of IMAP, POP and SMTP (RFC 9051, sections 6.2.2 and 6.2.3; RFC 4954)
    (re.compile(r"\b(AUTH(?:ENTICATE)? [A-Z0-9-]{3,20} )[A-Za-z0-9+/]{4,}={0,2}"), rf"\1{HIDDEN}"),
    (
        re.compile(
            r"\b([A-Za-z0-9]{1,12} LOGIN (?:\"[^\"\r\n]{0,320}\"|[^\s\"]{1,320}) )(\"(?:[^\"\\\r\n]|\\.)*\"|[^\s\"]+)"
        ),
        rf"\1{HIDDEN}",
    ),
    # This project's API keys; those of others that are known by their beginning
    (re.compile(r"\bmq_[A-Za-z0-9_.~-]{6,}"), HIDDEN),
    (re.compile(r"\b(?:sk|pk|rk|ghp|gho|ghs|github_pat|glpat|xox[abprs])[-_][A-Za-z0-9_-]{12,}"), HIDDEN),
    # JSON Web Tokens (RFC 7519): two or three parts of base64url, of which the first begins with {"
    (re.compile(r"\beyJ[\w-]{5,1000}\.[\w-]{5,}(?:\.[\w-]*)*"), HIDDEN),
    (
        re.compile(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
        f"{HIDDEN}",
    ),
    # password=..., "token": "...", secret is ..., key deadbeef...
    (
        re.compile(rf"(?i)((?:\b|_)(?:{_WORDS})\b['\"]?\s*[=:]\s*)(b?'[^'\r\n]*'|b?\"[^\"\r\n]*\"|[^\s,;&)}}\]]+)"),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(
            rf"(?i:\b((?:{_WORDS}|key|code|assertion)\b[^\w\r\n]{{0,4}}(?:is|was|of|for)?[^\w\r\n]{{1,4}}))"
            r"(?:(?=[a-z+/_-]{0,200}[0-9A-Z])[A-Za-z0-9+/_-]{20,}={0,2}|[0-9a-f]{16,})"
        ),
        rf"\1{HIDDEN}",
    ),
)
# Most lines hold none of these.
_WORTH_A_LOOK = re.compile(
    r"(?i)://|mq_|eyJ|AUTH|LOGIN|-----BEGIN|pass|secret|token|key|credential|authori|cookie|bearer|basic|digest|negotiate|dpop"
    r"|signature|code|assertion|[sprg][kpht][-_a-z]|xox|git|glpat"
)


def is_secret_name(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def redact_text(text: str) -> str:
    """A text without what has the form of a secret."""
    if not _WORTH_A_LOOK.search(text):
        return text
    for form, shown in _FORMS:
        text = form.sub(shown, text)
    return text


def redact_value(name: str, value: object) -> object:
    """A value that stands under `name`, at any depth. What is neither text nor number nor a collection of them is
    looked at in the form in which it would be written."""
    if is_secret_name(name) and value not in (None, "", b""):
        return HIDDEN
    if isinstance(value, str):
        return redact_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {redact_text(str(inner)): redact_value(str(inner), kept) for inner, kept in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return _redacted_items(name, list(value))
    return redact_text(str(value))


def _redacted_items(name: str, items: list[object]) -> list[object]:
    """A pair may be a header: its first half is the name of the other."""
    if len(items) == 2 and isinstance(items[0], str | bytes) and is_secret_name(_text(items[0])):
        return [_text(items[0]), HIDDEN]
    return [redact_value(name, item) for item in items]


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
