"""A message of which only the text is fetched, put together from its parts (RFC 9051, section 6.4.5.1 and BODYSTRUCTURE
in section 7.5.2)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from email.policy import compat32

from mailquery.domain.partial import OMITTED_SIZE
from mailquery.sources.imap.reading import Reader
from mailquery.sources.imap.responses import Value, number, pairs

_PARTS = 400  # of one message; those after them are left out
_ITEMS = 3500  # characters of a command
_HEADER = 256 * 1024  # bytes of the header of the message or of a part
_OURS = re.compile(rb"(?im)^" + OMITTED_SIZE.encode() + rb"[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*")


@dataclass(slots=True)
class _Part:
    """`header` and `content` are names of sections. A part with `size` has content; `taken` bytes of it are fetched."""

    header: str
    content: str = ""
    size: int = 0
    is_text: bool = False
    boundary: bytes = b""
    parts: "list[_Part]" = field(default_factory=list)
    is_multipart: bool = False
    taken: int = 0

    def all(self) -> "Iterator[_Part]":
        yield self
        for part in self.parts:
            yield from part.all()


def fetch_text(reader: Reader, uid: int, limit: int) -> bytes | None:
    """A valid message: with the header, text of at most `limit` bytes, and every other part's header with
    `domain.partial.OMITTED_SIZE` in it. None where the message is gone."""
    known = reader.sections(uid, b"UID RFC822.SIZE BODYSTRUCTURE BODY.PEEK[HEADER]", total=max(limit, _HEADER))
    header = known.get(b"BODY[HEADER]")
    if not isinstance(header, bytes):
        return None
    structure = known.get(b"BODYSTRUCTURE")
    if isinstance(structure, list) and structure:
        message = _Builder().part(structure, "", "HEADER", is_child=False)
    else:  # the server cannot say what is in it: the beginning is better than nothing
        size = max(0, (number(known.get(b"RFC822.SIZE")) or 0) - len(header))
        message = _Part("HEADER", "TEXT", size, is_text=True)
    sections: dict[str, bytes] = {"HEADER": header}
    headers = [part.header for part in message.all() if part.header != "HEADER"]
    _bring(reader, uid, dict.fromkeys(headers, 0), sections, _HEADER)
    left = limit
    for part in message.all():
        if part.is_text and left > 0:
            part.taken = min(part.size, left)
            left -= part.taken
    wanted = {part.content: 0 if part.taken == part.size else part.taken for part in message.all() if part.taken}
    _bring(reader, uid, wanted, sections, limit)
    return b"".join(_written(message, sections))


class _Builder:
    def __init__(self) -> None:
        self._count = 0

    def part(self, structure: Value, section: str, header: str, *, is_child: bool) -> _Part:
        """`section` is where the part is; `is_child` whether it is a multipart's, and not all that is in a message."""
        self._count += 1
        if not isinstance(structure, list) or not structure:
            return _Part(header, content=section or "TEXT")
        if isinstance(structure[0], list):
            return self._multipart(structure, section, header)
        own = section if is_child else _below(section, 1)
        media = _lower(structure[0]), _lower(structure[1]) if len(structure) > 1 else b""
        size = number(structure[6], 0xFFFFFFFF) if len(structure) > 6 else None
        if media == (b"message", b"rfc822") and len(structure) > 8 and isinstance(structure[8], list):
            inner = self.part(structure[8], own, f"{own}.HEADER", is_child=False)
            return _Part(header, parts=[inner])
        return _Part(header, own, size or 0, is_text=media[0] == b"text" and not _is_attached(structure))

    def _multipart(self, structure: list[Value], section: str, header: str) -> _Part:
        children = [child for child in structure if isinstance(child, list)]
        # After the parts come the subtype and the parameters, which are a list, too.
        kinds = [isinstance(child, list) for child in structure]
        count = kinds.index(False) if False in kinds else len(children)
        parameters = dict(pairs(structure[count + 1])) if len(structure) > count + 1 else {}
        boundary = parameters.get(b"BOUNDARY")
        made = _Part(header, is_multipart=True, boundary=boundary if isinstance(boundary, bytes) else b"")
        for at, child in enumerate(children[:count], start=1):
            if self._count >= _PARTS:
                break
            inner = _below(section, at)
            made.parts.append(self.part(child, inner, f"{inner}.MIME", is_child=True))
        return made


def _bring(reader: Reader, uid: int, wanted: Mapping[str, int], sections: dict[str, bytes], limit: int) -> None:
    """Sections by name, and how many bytes of them: 0 is all."""
    batch: list[str] = []

    def ask() -> None:
        items = " ".join(["UID", *batch]).encode()
        for name, value in reader.sections(uid, items, total=limit).items():
            found = re.fullmatch(rb"BODY\[([^\]]*)\](?:<\d+>)?", name)
            if found and isinstance(value, bytes):
                sections[found[1].decode("latin-1")] = value
        batch.clear()

    for name, size in wanted.items():
        batch.append(f"BODY.PEEK[{name}]" + (f"<0.{size}>" if size else ""))
        if sum(map(len, batch)) > _ITEMS:
            ask()
    if batch:
        ask()


def _written(part: _Part, sections: Mapping[str, bytes]) -> Iterator[bytes]:
    header = _OURS.sub(b"", sections.get(part.header, b"")).rstrip(b"\r\n")
    header += b"\r\n" if header else b""
    content = sections.get(part.content, b"") if part.taken else b""
    if part.content and (not part.is_text or part.taken < part.size):
        header += b"%s: %d\r\n" % (OMITTED_SIZE.encode(), part.size)
    yield header + b"\r\n"
    if part.is_multipart:
        boundary = _boundary(header) or part.boundary
        for inner in part.parts:
            yield b"--" + boundary + b"\r\n"
            yield from _written(inner, sections)
            yield b"\r\n"
        yield b"--" + boundary + b"--\r\n"
    elif part.parts:
        yield from _written(part.parts[0], sections)
    else:
        yield content


def _boundary(header: bytes) -> bytes:
    """As whoever reads the message will find it."""
    found = BytesHeaderParser(policy=compat32).parsebytes(header).get_boundary()
    return found.encode("latin-1", "replace") if found else b""


def _below(section: str, at: int) -> str:
    return f"{section}.{at}" if section else str(at)


def _lower(value: Value) -> bytes:
    return value.lower() if isinstance(value, bytes) else b""


def _is_attached(structure: list[Value]) -> bool:
    """Whether its disposition is `attachment`: that is a list, `("attachment" ("filename" "a.txt"))`."""
    return any(isinstance(value, list) and value and _lower(value[0]) == b"attachment" for value in structure[7:])
