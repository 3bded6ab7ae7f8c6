"""The ids that a client is given. They are durable: made from a message's content, not from where it was stored.

A message id is `m` and twelve base-32 digits (60 bits), a thread id `t` and twelve, an attachment id is its message's
id, a hyphen and the part's number: `m4hq0v7d2k8xn-2.1`. The digits are Crockford's, which leave out i, l, o and u.
"""

import re

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_LENGTH = 12
HANDLE_BITS = 5 * _LENGTH
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]  # of ten bits each
_HANDLE = re.compile(rf"[mt][{_DIGITS}]{{{_LENGTH}}}")
_ATTACHMENT = re.compile(rf"(m[{_DIGITS}]{{{_LENGTH}}})-([0-9]{{1,4}}(?:\.[0-9]{{1,4}}){{0,63}})")


def key_of_fingerprint(fingerprint: bytes) -> int:
    """The first 60 bits of a fingerprint: the number behind a message id."""
    return int.from_bytes(fingerprint[:8], "big") >> (64 - HANDLE_BITS)


def _encode(kind: str, key: int) -> str:
    if not 0 <= key < 1 << HANDLE_BITS:
        raise ValueError(f"a key has {HANDLE_BITS} bits")
    return kind + "".join([_PAIRS[key >> shift & 1023] for shift in range(HANDLE_BITS - 10, -1, -10)])


def message_handle(key: int) -> str:
    return _encode("m", key)


def thread_handle(key: int) -> str:
    return _encode("t", key)


def attachment_handle(key: int, part: str) -> str:
    return f"{message_handle(key)}-{part}"


def parse_handle(text: str) -> tuple[str, int] | None:
    """("m" or "t", key), or None where `text` is no message or thread id."""
    if not _HANDLE.fullmatch(text):
        return None
    key = 0
    for digit in text[1:]:
        key = key * 32 + _VALUES[digit]
    return text[0], key


def parse_attachment_handle(text: str) -> tuple[int, str] | None:
    """(message key, part number), or None where `text` is no attachment id."""
    match = _ATTACHMENT.fullmatch(text)
    if match is None:
        return None
    parsed = parse_handle(match[1])
    assert parsed is not None
    return parsed[1], match[2]
