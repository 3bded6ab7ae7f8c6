"""HTTP requests with heads that are malformed, or that no client sends."""

import random
from collections.abc import Callable, Sequence

from mailbench.fuzzing.documents import broken_bytes
from mailbench.fuzzing.strings import hostile
from mailbench.fuzzing.wire import Fields, Made, field_value, head_of, host_field, post


def _methods(rng: random.Random, fields: Fields, body: bytes) -> Made:
    methods = (
        b"GET",
        b"HEAD",
        b"PUT",
        b"DELETE",
        b"OPTIONS",
        b"TRACE",
        b"PATCH",
        b"CONNECT",
        b"PROPFIND",
        b"FOO",
        b"post",
        b"",
    )
    method = rng.choice(methods)
    path = rng.choice((b"/mcp", b"/health", b"/", b"*"))
    length = (b"Content-Length", b"%d" % len(body))
    whole = head_of(method + b" " + path + b" HTTP/1.1", [*host_field(), *fields, length]) + body
    # What follows CONNECT is no HTTP, and an upgrade may be waited for.
    return "method", whole, method, method not in (b"CONNECT", b"", b"FOO")


def _targets(rng: random.Random, fields: Fields, body: bytes) -> Made:
    targets = (
        b"/mcp/",
        b"//mcp",
        b"/MCP",
        b"/mcp?a=b&a=c#d",
        b"/mcp%00",
        b"/%6dcp",
        b"/mcp/../../etc/passwd",
        b"/..%2f..%2ftoken.key",
        b"/static/%c0%ae%c0%ae/token.key",
        b"http://127.0.0.1/mcp",
        b"http://evil.example/mcp",
        b"https://[::1]:bad/mcp",
        b"http://[/mcp",
        b"mcp",
        b"*",
        b"/mcp;a=b",
        b"/" + b"a" * 5_000,
        b"/mcp?" + b"q=" * 2_000,
        b"/mcp\xff\xfe",
        b"/\xed\x95\x9c",
        b"/health?" + b"%ff" * 10,
    )
    line = rng.choice((b"POST ", b"GET ")) + rng.choice(targets) + b" HTTP/1.1"
    return (
        "target",
        head_of(line, [*host_field(), *fields, (b"Content-Length", b"%d" % len(body))]) + body,
        line[:4].strip(),
        True,
    )


def _hosts(rng: random.Random, fields: Fields, body: bytes) -> Made:
    values = (
        b"evil.example",
        b"",
        b"127.0.0.1:99999999",
        b"127.0.0.1@evil.example",
        b"[::1",
        b"localhost\x00",
        b"127.0.0.1, evil",
    )
    origins = (
        b"null",
        b"https://evil.example",
        b"http://127.0.0.1.evil.example",
        b"file://",
        b"http://127.0.0.1:1/",
        b"",
    )
    chosen: Fields = rng.choice(
        (
            [],
            [(b"Host", rng.choice(values))],
            [*host_field(), *host_field()],
            [*host_field(), (b"Host", b"evil.example")],
            [*host_field(), (b"Origin", rng.choice(origins))],
            [*host_field(), (b"Origin", b"http://localhost"), (b"Origin", b"https://evil.example")],
            [*host_field(), (b"X-Forwarded-Host", b"evil.example"), (b"X-Forwarded-For", field_value(hostile(rng)))],
        )
    )
    return (
        "host",
        head_of(b"POST /mcp HTTP/1.1", [*chosen, *fields, (b"Content-Length", b"%d" % len(body))]) + body,
        b"POST",
        True,
    )


def _header_fields(rng: random.Random, fields: Fields, body: bytes) -> Made:
    names = (
        b"Accept",
        b"Accept-Encoding",
        b"Content-Type",
        b"Content-Encoding",
        b"Authorization",
        b"Cookie",
        b"Expect",
        b"Mcp-Session-Id",
        b"MCP-Protocol-Version",
        b"Mcp-Method",
        b"Mcp-Name",
        b"Last-Event-ID",
        b"Range",
        b"Forwarded",
        b"If-None-Match",
        b"X-HTTP-Method-Override",
        b"Mcp-Param-Query",
        b"Traceparent",
    )
    values = (
        b"",
        b" ",
        b"\t\t",
        b"*/*;q=9",
        b"application/json;charset=utf-7",
        b"Bearer " + b"a" * 3_000,
        b"Basic !!!",
        b"\x80\xff",
        b"gzip, deflate, br",
        b"100-continue",
        b"=?utf-8?b?" + b"A" * 40 + b"?=",
        b"=?base64?////?=",
        b"a" * 8_000,
        b"bytes=0-,-1",
    )
    more = [(rng.choice(names), rng.choice((*values, field_value(hostile(rng))))) for _ in range(rng.randrange(1, 6))]
    every = [*fields, *more]
    if rng.random() < 0.3:
        rng.shuffle(every)
    if rng.random() < 0.2:
        every += every[:1] * rng.choice((1, 2, 120))
    return "fields", post(every, body), b"POST", True


def _broken_head(rng: random.Random, fields: Fields, body: bytes) -> Made:
    head = head_of(b"POST /mcp HTTP/1.1", [*host_field(), *fields, (b"Content-Length", b"%d" % len(body))])
    lines = (
        b"no colon at all",
        b": no name",
        b"name : value",
        b" folded",
        b"Sp ace: x",
        b"N\x00l: x",
        b"X: a\x00b",
        b"X: a\rb",
        b"\xff\xfe: x",
        b"X: " + b"a" * 70_000,
        b"Content-Length: 5",
        b"Content-Length: -1",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, identity",
        b"Upgrade: websocket\r\nConnection: Upgrade",
        b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings",
        *(b"\r\n".join(b"X-%d: y" % number for number in range(count)) for count in (90, 150, 4_000)),
    )
    sent = (
        head.replace(b"\r\n", b"\r\n" + rng.choice(lines) + b"\r\n", 1)
        if rng.random() < 0.7
        else broken_bytes(rng, head)
    )
    return "head", sent + body, b"POST", False


def _request_lines(rng: random.Random, fields: Fields, body: bytes) -> Made:
    line = rng.choice(
        (
            b"POST /mcp HTTP/1.0",
            b"POST /mcp HTTP/0.9",
            b"POST /mcp HTTP/2.0",
            b"POST /mcp HTTP/1.1 x",
            b"POST /mcp",
            b"POST\t/mcp\tHTTP/1.1",
            b"POST /mcp HTTP/9999999999999.1",
            b"PRI * HTTP/2.0\r\n\r\nSM",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"\x00" * 20,
            b"POST  /mcp  HTTP/1.1",
            b"\r\n\r\nPOST /mcp HTTP/1.1",
        )
    )
    sent = head_of(line, [*host_field(), *fields, (b"Content-Length", b"%d" % len(body))]) + body
    if rng.random() < 0.3:
        sent = sent.replace(b"\r\n", rng.choice((b"\n", b"\r", b"\n\r")))
    return "request line", sent, b"POST", False


HEADS: Sequence[Callable[[random.Random, Fields, bytes], Made]] = (
    _methods,
    _targets,
    _hosts,
    _header_fields,
    _broken_head,
    _request_lines,
)
