"""JSON documents that are wrong: in their values, in their grammar, and in their bytes."""

import copy
import json
import random
from typing import Any

from mailbench.fuzzing.strings import hostile

# Written in place of a value as they are: what no encoder would write. Some are JSON, and some are not.
_FRAGMENTS = (
    "NaN",
    "-Infinity",
    "1e999999",
    "-0",
    "01",
    "9" * 4_000,
    "9" * 5_000,
    "-" + "9" * 30,
    "0." + "1" * 5_000,
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u0000"',
    '"\\x41"',
    '"line\nbreak"',
    "'single'",
    '{"a": 1, "a": 2}',
    '{"a": 1,}',
    "[1, 2,]",
    "undefined",
    "/* comment */ 1",
    "[" * 300 + "]" * 300,
    '{"a":' * 150 + "1" + "}" * 150,
    "[" * 50_000,
    "[" * 20_000 + "]" * 20_000,
    "",
)
_MARK = "fragment-{}-goes-here"


def anything(rng: random.Random, depth: int = 0) -> Any:
    """A value of any type; now and then one that no encoder would write (`render` puts it in)."""
    match rng.randrange(12 if depth < 4 else 9):
        case 0:
            return None
        case 1:
            return rng.choice((True, False))
        case 2:
            return rng.choice((0, -1, 1, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**300))
        case 3:
            return rng.choice((0.5, -0.0, 1e308, 5e-324, 1.0))
        case 4 | 5 | 6:
            return hostile(rng)
        case 7 | 8:
            return _MARK.format(rng.randrange(len(_FRAGMENTS)))
        case 9 | 10:
            return [anything(rng, depth + 1) for _ in range(rng.randrange(4))]
        case _:
            return {hostile(rng)[:200]: anything(rng, depth + 1) for _ in range(rng.randrange(4))}


def mutated(rng: random.Random, document: Any) -> Any:
    """A copy with another value, a member less, a member more or another name at one place of it."""
    root = {"": copy.deepcopy(document)}
    places = list(_places(root))
    holder, key = rng.choice(places)
    match rng.randrange(6):
        case 0 if holder is not root:
            del holder[key]
        case 1 if isinstance(holder, dict) and holder is not root:
            holder[hostile(rng)[:100]] = holder.pop(key)
        case 2 if isinstance(holder[key], dict):
            holder[key][rng.choice(("_meta", "params", "jsonrpc", "user", "account", hostile(rng)[:100]))] = anything(
                rng
            )
        case 3:
            holder[key] = [holder[key]]
        case _:
            holder[key] = anything(rng)
    return root[""]


def render(document: Any) -> bytes:
    """The document as JSON, halves of surrogate pairs as escapes."""
    text = json.dumps(document)
    for number, fragment in enumerate(_FRAGMENTS):
        text = text.replace(f'"{_MARK.format(number)}"', fragment)
    return text.encode("utf-8")


def broken_bytes(rng: random.Random, text: bytes) -> bytes:
    """The text, damaged on its way."""
    at = rng.randrange(len(text) + 1)
    match rng.randrange(10):
        case 0:
            return text[:at]
        case 1:
            return text[at:]
        case 2:
            return text[:at] + bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9))) + text[at:]
        case 3:
            return (
                text[:at]
                + rng.choice((b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\x00"))
                + text[at:]
            )
        case 4:
            return text.decode().encode(rng.choice(("utf-16", "utf-16-be", "utf-32", "utf-7")))
        case 5:
            return b"\xef\xbb\xbf" + text
        case 6:
            return text + rng.choice((b"}", b"\x00", b" x", text, b"," + text))
        case 7:
            return b"[" + text + b"," + text + b"]"
        case 8:
            return rng.choice(
                (b"", b" ", b"null", b"[]", b"{}", b'""', b"0", b"\x1f\x8b\x08\x00", b"<xml/>", b"a=b&c=d")
            )
        case _:
            flipped = bytearray(text)
            for _ in range(rng.randrange(1, 6)):
                flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
            return bytes(flipped)


def _places(holder: Any) -> Any:
    """Each (container, key) in a document."""
    keys = holder.items() if isinstance(holder, dict) else enumerate(holder)
    for key, value in list(keys):
        yield holder, key
        if isinstance(value, dict | list):
            yield from _places(value)
