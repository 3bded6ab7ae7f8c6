"""Content-Type and Content-Disposition with their parameters (RFC 2045, section 5.1; RFC 2231), as mail writes them."""

import re
from urllib.parse import unquote_to_bytes

from mailquery.parsing.charsets import decode
from mailquery.parsing.fields import unfold
from mailquery.parsing.headers import decode_raw, decode_words

MAX_VALUE_BYTES = 5_000
_MAX_PARAMETERS = 200

_PARAMETER = re.compile(rb"""(?<=[;\s])([^\s=;"]{1,100})\s{0,20}=\s{0,20}("(?:[^"\\]|\\.)*"?|[^;]*)""", re.DOTALL)
_TYPE = re.compile(rb"\s*([\w.+*-]+)\s*/\s*([\w.+*-]+)")
_ESCAPED = re.compile(rb'\\(["\\])')
_NUMBERED = re.compile(r"([^*]+)\*(\d{1,3})(\*?)")


def read_type(value: bytes | None) -> str | None:
    """The media type in lower case, or None where there is none that can be read."""
    if value is None:
        return None
    match = _TYPE.match(value[:500])
    if match is None:
        return None
    return f"{match[1].decode('latin-1')}/{match[2].decode('latin-1')}".lower()


def read_parameters(value: bytes | None) -> dict[str, str]:
    """The parameters by name, in lower case, their values decoded by RFC 2231 or, as many programs do, RFC 2047."""
    if value is None or b"=" not in value:
        return {}
    value = unfold(value[:MAX_VALUE_BYTES])
    plain: dict[str, bytes] = {}
    continued: dict[str, dict[int, tuple[bytes, bool]]] = {}
    for match in _bounded(value):
        name = match[1].decode("latin-1").lower()
        content = _unquoted(match[2])
        if (numbered := _NUMBERED.fullmatch(name)) is not None:
            continued.setdefault(numbered[1], {})[int(numbered[2])] = (content, bool(numbered[3]))
        elif name.endswith("*"):
            continued.setdefault(name[:-1], {}).setdefault(0, (content, True))
        else:
            plain.setdefault(name, content)
    parameters = {name: decode_words(decode_raw(content)) for name, content in plain.items()}
    for name, pieces in continued.items():
        parameters[name] = _joined(pieces)
    return parameters


def _bounded(value: bytes) -> list[re.Match[bytes]]:
    found: list[re.Match[bytes]] = []
    start = value.find(b";")
    for match in _PARAMETER.finditer(value, max(start, 0)):
        found.append(match)
        if len(found) >= _MAX_PARAMETERS:
            break
    return found


def _unquoted(content: bytes) -> bytes:
    content = content.strip()
    if content.startswith(b'"'):
        content = content[1:-1] if len(content) > 1 and content.endswith(b'"') else content[1:]
        return _ESCAPED.sub(rb"\1", content)
    return content


def _joined(pieces: dict[int, tuple[bytes, bool]]) -> str:
    """RFC 2231, sections 3 and 4: numbered pieces, the first of which may name the charset: `utf-8'ko'%EA%B0%80`."""
    charset = ""
    data = b""
    encoded_any = False
    for position, number in enumerate(sorted(pieces)):
        content, encoded = pieces[number]
        if encoded:
            encoded_any = True
            if position == 0 and content.count(b"'") >= 2:
                label, _, content = content.split(b"'", 2)
                charset = label.decode("latin-1")
            content = unquote_to_bytes(content)
        data += content
    if encoded_any:
        return decode(data, charset).text
    return decode_words(decode_raw(data))
