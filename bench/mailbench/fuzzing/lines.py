"""What a client may write to standard input: malformed messages, and lines that are malformed themselves."""

import random
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from mailbench.fuzzing.arguments import Known
from mailbench.fuzzing.documents import broken_bytes, render
from mailbench.fuzzing.messages import ENVELOPE, message, request

LARGEST_LINE = 4 * 1024 * 1024  # bytes that the server takes


@dataclass(frozen=True)
class LineCase:
    """`sent` is written in the pieces that it is given in. Each of `request_ids` must be answered."""

    kind: str
    sent: tuple[bytes, ...]
    request_ids: tuple[str, ...] = ()


def line_case(rng: random.Random, number: int, known: Known, *, is_modern: bool) -> LineCase:
    """For a connection of 2026-07-28, or for one that began with a handshake."""
    request_id = f"fuzz-{number}"
    if rng.random() < 0.75:
        made = message(rng, request_id, known, enveloped=0.9 if is_modern else 0.1)
        text = render(made.document)
        if rng.random() < 0.15:
            return LineCase("bytes", _pieces(rng, broken_bytes(rng, text) + b"\n"))
        ids: tuple[str, ...] = (request_id,) if made.is_request and _is_one_line(text) else ()
        return LineCase(made.kind, _pieces(rng, text + b"\n"), ids)
    ids = tuple(f"{request_id}-{each}" for each in range(3))
    call = {"name": "list_accounts", "arguments": {}, **({"_meta": ENVELOPE} if is_modern else {})}
    calls = [render(request(each, "tools/call", call)) for each in ids]
    return _line(rng, ids, calls)


def _line(rng: random.Random, ids: tuple[str, ...], calls: list[bytes]) -> LineCase:
    first = calls[0]
    match rng.randrange(9):
        case 0:  # several at once
            return LineCase("line: several", (b"\n".join(calls) + b"\n",), ids)
        case 1:  # in single bytes
            return LineCase("line: single bytes", (*(first[at : at + 1] for at in range(len(first))), b"\n"), ids[:1])
        case 2:
            return LineCase(
                "line: ends", (b"\r\n\r\n" + first + b"\r\n" + b" \t\n\n\n" + calls[1] + b" \r\n",), ids[:2]
            )
        case 3:  # the second has no line of its own
            return LineCase(
                "line: two in one",
                (first + rng.choice((b"", b" ", b"\r", b"\x00", b"\x0b", b"\xe2\x80\xa8")) + calls[1] + b"\n",),
            )
        case 4:
            return LineCase(
                "line: broken across", (first[: len(first) // 2] + b"\n" + first[len(first) // 2 :] + b"\n",)
            )
        case 5:
            return LineCase(
                "line: no UTF-8", (bytes(rng.randrange(256) for _ in range(rng.randrange(1, 3_000))) + b"\n",)
            )
        case 6:
            return LineCase(
                "line: Content-Length", (b"Content-Length: %d\r\n\r\n" % len(first) + first + b"\n",), ids[:1]
            )
        case 7 if rng.random() < 0.1:  # larger than what is taken
            filling = rng.choice((b" ", b"a", b"[", b"\xff"))
            return LineCase(
                "line: huge", (filling * (LARGEST_LINE + rng.choice((0, 1, 70_000))), b"\n" + first + b"\n"), ids[:1]
            )
        case _:  # white space around a message
            filling = rng.choice((b" ", b"\t", b"\r")) * rng.choice((1, 5_000, 200_000))
            return LineCase("line: padded", (filling + first + filling + b"\n",), ids[:1])


def _pieces(rng: random.Random, text: bytes) -> tuple[bytes, ...]:
    if rng.random() < 0.8:
        return (text,)
    cuts = sorted(rng.randrange(len(text) + 1) for _ in range(rng.randrange(1, 6)))
    return tuple(text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True))


def _is_one_line(text: bytes) -> bool:
    """Whether it is JSON, so that the server can know its id."""
    if b"\n" in text:
        return False
    try:
        decoded: Any = from_json(text, allow_inf_nan=False)
    except ValueError:
        return False
    return isinstance(decoded, dict)
