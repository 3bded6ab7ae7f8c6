"""Messages as bytes, written by hand: what a library would refuse to write is the point of many of them."""

import base64
import quopri
from collections.abc import Sequence
from dataclasses import dataclass, field

ME = "Bo Kim <bo@home.example>"


@dataclass(frozen=True, slots=True)
class Letter:
    """One message. `seen` are words that may reach the reader, inside the fence only; `unseen` must not reach anybody
    but through the source of the page. `secret` must be masked wherever it stands, `kept` must not."""

    name: str
    family: str
    raw: bytes
    seen: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(slots=True)
class Parts:
    """What a message is made of. `fields` come after the usual ones; one of the same name goes before them."""

    sender: str = "Ana Lima <ana@acme.example>"
    subject: str = "Plan"
    fields: Sequence[tuple[str, str | bytes]] = ()
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    encoding: str = "8bit"
    files: list[tuple[str, bytes]] = field(default_factory=list)  # header block of a part, its body
    day: int = 1


def encoded_word(text: str) -> str:
    return "".join(
        f"=?utf-8?b?{base64.b64encode(text[place : place + 12].encode('utf-8', 'surrogatepass')).decode()}?= "
        for place in range(0, len(text), 12)
    ).strip()


def header_text(text: str) -> str:
    return text if text.isascii() and text.isprintable() else encoded_word(text)


def compose(parts: Parts) -> bytes:
    given = {name.lower() for name, _ in parts.fields}
    lines: list[bytes] = []
    usual = (
        ("From", parts.sender),
        ("To", ME),
        ("Subject", header_text(parts.subject)),
        ("Date", f"Mon, {1 + parts.day % 28:02} Mar 2026 {parts.day // 28 % 24:02}:{parts.day % 60:02}:00 +0000"),
        ("Message-ID", f"<{parts.day}.{abs(hash_of(parts)):x}@acme.example>"),
    )
    for name, value in (*((name, value) for name, value in usual if name.lower() not in given), *parts.fields):
        lines.append(
            name.encode() + b": " + (value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass"))
        )
    body_head = f"Content-Type: {parts.content_type}\nContent-Transfer-Encoding: {parts.encoding}".encode()
    if not parts.files:
        return b"\n".join([*lines, b"MIME-Version: 1.0", body_head, b"", parts.body, b""])
    pieces = [body_head + b"\n\n" + parts.body]
    pieces += [head.encode("utf-8") + b"\n\n" + content for head, content in parts.files]
    mixed = b"".join(b"--cut\n" + piece + b"\n" for piece in pieces) + b"--cut--\n"
    return b"\n".join([*lines, b"MIME-Version: 1.0", b'Content-Type: multipart/mixed; boundary="cut"', b"", mixed])


def hash_of(parts: Parts) -> int:
    import zlib

    return zlib.crc32(parts.body + parts.subject.encode("utf-8", "replace") + parts.sender.encode("utf-8", "replace"))


def base64_body(text: str, charset: str = "utf-8") -> bytes:
    return base64.encodebytes(text.encode(charset))


def quoted_body(text: str, charset: str = "utf-8") -> bytes:
    return quopri.encodestring(text.encode(charset))


def attachment(head: str, content: bytes) -> tuple[str, bytes]:
    return f"{head}\nContent-Transfer-Encoding: base64", base64.encodebytes(content)
