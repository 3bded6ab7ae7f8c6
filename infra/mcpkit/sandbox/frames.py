"""What parent and child say to each other: a letter, a length of eight bytes, and so many bytes."""

import struct
from typing import BinaryIO

HEAD = struct.Struct(">cQ")

# To the child.
OPTIONS, DATA = b"o", b"d"
# From the child.
READY, RESULT, DONE, FAILED, NO_MEMORY = b"r", b"f", b"e", b"x", b"m"


def pack(kind: bytes, content: bytes) -> bytes:
    return HEAD.pack(kind, len(content)) + content


def read(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    """None at the end of the stream."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    kind, length = HEAD.unpack(head)
    content = stream.read(length)
    return (kind, content) if len(content) == length else None
