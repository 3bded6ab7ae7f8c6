"""HTTP requests whose bodies are not what their heads say, or are cut, or follow each other; and streams."""

import gzip
import random
from collections.abc import Callable, Sequence

from mailbench.fuzzing.documents import broken_bytes
from mailbench.fuzzing.messages import LEGACY, MODERN
from mailbench.fuzzing.strings import hostile
from mailbench.fuzzing.wire import LARGEST_BODY, SESSION, Fields, Made, field_value, head_of, host_field, post


def _lengths(rng: random.Random, fields: Fields, body: bytes) -> Made:
    size = len(body)
    values = (size - 1, size + 1, size + 5_000, 0, -size, 2**31, 2**63, 2**64, 10**30)
    texts = (
        b"",
        b"abc",
        b"0x10",
        b"%d, %d" % (size, size),
        b"%d.0" % size,
        b"+%d" % size,
        b"1e2",
        b"%d " % size,
        b"\x0b%d" % size,
    )
    value = b"%d" % rng.choice(values) if rng.random() < 0.6 else rng.choice(texts)
    length = [(b"Content-Length", value)] if rng.random() < 0.9 else []
    return "length", head_of(b"POST /mcp HTTP/1.1", [*host_field(), *fields, *length]) + body, b"POST", False


def _chunks(rng: random.Random, fields: Fields, body: bytes) -> Made:
    encodings = (
        b"chunked",
        b"Chunked",
        b"chunked, chunked",
        b"identity, chunked",
        b"gzip, chunked",
        b"xchunked",
        b"\x0bchunked",
    )
    both: Fields = [(b"Content-Length", b"%d" % len(body))] if rng.random() < 0.3 else []
    head = head_of(
        b"POST /mcp HTTP/1.1", [*host_field(), *fields, (b"Transfer-Encoding", rng.choice(encodings)), *both]
    )
    right = (
        b"".join(b"%x\r\n%s\r\n" % (len(body[at : at + 40]), body[at : at + 40]) for at in range(0, len(body), 40))
        + b"0\r\n\r\n"
    )
    chunks = (
        right,
        right.replace(b"\r\n", b"\n"),
        right[:-5],
        b"zz\r\n" + right,
        b"-1\r\n\r\n" + right,
        b"ffffffffffffffffff\r\n" + right,
        b"0\r\nX-Trailer: y\r\n\r\n",
        right[:-2] + b"Host: evil.example\r\n\r\n",
        b"5;ext=" + b"a" * 20_000 + b"\r\nabcde\r\n0\r\n\r\n",
        b"1\r\na\r\n" * 3_000 + b"0\r\n\r\n",
        b"5\r\nabc",
        b"0\r\n\r\n" + body,
    )
    return "chunks", head + rng.choice(chunks), b"POST", False


def _truncated(rng: random.Random, fields: Fields, body: bytes) -> Made:
    sent = post(fields, body)
    return "truncated", sent[: rng.randrange(len(sent))], b"POST", False


def _encoded(rng: random.Random, fields: Fields, body: bytes) -> Made:
    other = rng.choice((gzip.compress(body, mtime=0), body.decode().encode("utf-16"), b"\xef\xbb\xbf" + body))
    kinds = (
        b"application/json; charset=utf-16",
        b"text/plain",
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=x",
        b"",
        b"application/json",
    )
    given: Fields = [
        (b"Content-Type", rng.choice(kinds)),
        (b"Content-Encoding", rng.choice((b"gzip", b"br", b"x", b"identity"))),
    ]
    return "encoding", post([*given, *fields[1:]], other), b"POST", True


def _large(rng: random.Random, fields: Fields, body: bytes) -> Made:
    size = rng.choice((LARGEST_BODY - 1_000, LARGEST_BODY, LARGEST_BODY + 1, 2 * LARGEST_BODY))
    padding = rng.choice((b" ", b"\x00", b"["))
    return "large body", post(fields, body + padding * (size - len(body))), b"POST", True


def _pipelined(rng: random.Random, fields: Fields, body: bytes) -> Made:
    one = post(fields, body)
    smuggled = head_of(
        b"POST /mcp HTTP/1.1", [*host_field(), *fields, (b"Content-Length", b"4"), (b"Transfer-Encoding", b"chunked")]
    )
    sent = rng.choice(
        (
            one * 2,
            one * 20,
            one + b"garbage\r\n\r\n",
            one[:-1] + one,
            smuggled + b"0\r\n\r\n" + one,
            one + b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
        )
    )
    return "pipelined", sent, b"POST", False


def _damaged(rng: random.Random, fields: Fields, body: bytes) -> Made:
    return (
        "damaged",
        broken_bytes(rng, post([(name, value if name != b"Mcp-Name" else b"x") for name, value in fields], body)),
        b"POST",
        False,
    )


def _streams(rng: random.Random, fields: Fields, body: bytes) -> Made:
    """GET and DELETE of the revisions with sessions, with the fields that they had."""
    method = rng.choice((b"GET", b"DELETE"))
    accept = rng.choice((b"text/event-stream", b"application/json", b"*/*", field_value(hostile(rng))))
    more: Fields = [(b"Accept", accept), (b"Last-Event-ID", field_value(hostile(rng)))]
    if rng.random() < 0.6:
        more.append((b"Mcp-Session-Id", rng.choice((SESSION, b"0" * 32, field_value(hostile(rng))))))
    if rng.random() < 0.6:
        more.append(
            (b"MCP-Protocol-Version", rng.choice((LEGACY[-1].encode(), MODERN.encode(), field_value(hostile(rng)))))
        )
    return "stream", head_of(method + b" /mcp HTTP/1.1", [*host_field(), *more]), method, True


BODIES: Sequence[Callable[[random.Random, Fields, bytes], Made]] = (
    _lengths,
    _chunks,
    _truncated,
    _encoded,
    _large,
    _pipelined,
    _damaged,
    _streams,
)
