"""What HTTP requests are written with."""

SESSION = b"a-session-that-is-open"  # stands for one, until the request is sent
LARGEST_BODY = 256 * 1024  # bytes that the server is set to take

Fields = list[tuple[bytes, bytes]]
# The kind, what is sent, the method, and whether nothing of it is missing.
Made = tuple[str, bytes, bytes, bool]


def field_value(text: str) -> bytes:
    """What may stand in a field's value, and is short enough for one."""
    kept = "".join(character for character in text if character == "\t" or character >= " ")
    return kept.encode("utf-8", "replace").replace(b"\x7f", b"")[:2_000]


def post(fields: Fields, body: bytes) -> bytes:
    return head_of(b"POST /mcp HTTP/1.1", [*host_field(), *fields, (b"Content-Length", b"%d" % len(body))]) + body


def host_field() -> Fields:
    return [(b"Host", b"127.0.0.1")]


def head_of(line: bytes, fields: Fields) -> bytes:
    return line + b"\r\n" + b"".join(name + b": " + value + b"\r\n" for name, value in fields) + b"\r\n"
