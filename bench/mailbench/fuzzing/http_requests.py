"""HTTP requests, byte by byte: malformed messages in good requests, and requests that are malformed themselves."""

import random
from dataclasses import dataclass
from typing import Any

from mailbench.fuzzing.arguments import Known
from mailbench.fuzzing.broken_bodies import BODIES
from mailbench.fuzzing.broken_heads import HEADS
from mailbench.fuzzing.documents import broken_bytes, render
from mailbench.fuzzing.messages import LEGACY, MODERN, VERSION_KEY, message, request
from mailbench.fuzzing.strings import hostile
from mailbench.fuzzing.wire import SESSION, Fields, field_value, post


@dataclass(frozen=True)
class HttpCase:
    """`is_whole` says that nothing is missing: the server must answer it, or close, without hearing more. An answer to
    `request_id` carries it, or none."""

    kind: str
    sent: bytes
    method: bytes = b"POST"
    is_whole: bool = True
    request_id: str | None = None


def http_case(rng: random.Random, number: int, known: Known) -> HttpCase:
    request_id = f"fuzz-{number}"
    if rng.random() < 0.6:
        made = message(rng, request_id, known)
        body = render(made.document)
        if rng.random() < 0.15:
            return HttpCase("bytes", post(_fields(rng, made.document), broken_bytes(rng, body)))
        return HttpCase(
            made.kind,
            post(_fields(rng, made.document), body),
            is_whole=made.kind != "subscription",  # whose answer has no end
            request_id=request_id if made.is_request else None,
        )
    document: Any = request(request_id, "tools/call", {"name": "list_accounts", "arguments": {}})
    body = render(document)
    kind, sent, method, is_whole = rng.choice((*HEADS, *BODIES))(rng, _fields(rng, document), body)
    return HttpCase(f"http: {kind}", sent, method, is_whole)


def _fields(rng: random.Random, document: Any) -> Fields:
    """Those of a bare call, of a client with a session, or of one that speaks 2026-07-28, now and then contradicting
    the message."""
    fields: Fields = [(b"Content-Type", b"application/json")]
    params = document.get("params") if isinstance(document, dict) else None
    named = params if isinstance(params, dict) else {}
    meta = named.get("_meta")
    has_envelope = isinstance(meta, dict) and VERSION_KEY in meta
    era = rng.choices(("bare", "legacy", "modern"), (1, 1, 18) if has_envelope else (9, 9, 2))[0]
    if named.get("protocolVersion") is not None:  # of a handshake
        return [*fields, (b"Accept", b"application/json, text/event-stream")] if rng.random() < 0.9 else fields
    if era != "bare":
        fields.append((b"Accept", b"application/json, text/event-stream"))
    if era == "legacy":
        fields.append((b"MCP-Protocol-Version", rng.choice(LEGACY).encode()))
        fields.append((b"Mcp-Session-Id", SESSION if rng.random() < 0.8 else field_value(hostile(rng))))
    if era == "modern":
        version = meta.get(VERSION_KEY) if isinstance(meta, dict) else None
        fields.append((b"MCP-Protocol-Version", field_value(str(version or MODERN))))
        fields.append(
            (b"Mcp-Method", field_value(str(document.get("method", "")) if isinstance(document, dict) else "x"))
        )
        fields.append((b"Mcp-Name", field_value(str(named.get("name", named.get("uri", ""))))))
    if era != "bare" and rng.random() < 0.1:
        at = rng.randrange(len(fields))
        fields[at] = (fields[at][0], field_value(hostile(rng)))
    return fields
