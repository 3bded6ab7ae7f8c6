"""The arithmetic of the audit's chain. Each record is bound to all that were before it, by a key.

A plain hash would tell of a mistake, but whoever can edit the file could compute the chain anew. The key stands outside
of the database, so that the file alone is not enough for that.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the chain: the sequence of a record, and its hash."""

    sequence: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash.hex()}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where the chain begins: `link` is what the first record is chained to. `made` is in unix seconds."""

    link: Link
    made: int
    proof: bytes


class Chain:
    """The chain under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def next(self, previous: Link, record: str) -> Link:
        sequence = previous.sequence + 1
        return Link(sequence, self._mac(b"record", previous.hash, _number(sequence), record.encode()))

    def holds(self, previous: Link, link: Link, record: str) -> bool:
        made = self.next(previous, record)
        return made.sequence == link.sequence and hmac.compare_digest(made.hash, link.hash)

    def checkpoint(self, link: Link, made: int) -> Checkpoint:
        return Checkpoint(link, made, self._checkpoint_proof(link, made))

    def is_own(self, checkpoint: Checkpoint) -> bool:
        return hmac.compare_digest(checkpoint.proof, self._checkpoint_proof(checkpoint.link, checkpoint.made))

    def head_proof(self, link: Link) -> bytes:
        return self._mac(b"head", link.hash, _number(link.sequence))

    def _checkpoint_proof(self, link: Link, made: int) -> bytes:
        return self._mac(b"checkpoint", link.hash, _number(link.sequence), _number(made))

    def _mac(self, purpose: bytes, *parts: bytes) -> bytes:
        """Unambiguous, since all parts but the last have a fixed length."""
        return hmac.digest(self._key, b"\0".join((purpose, b"".join(parts))), hashlib.sha256)


def genesis(sequence: int = 0) -> Link:
    """A beginning that nobody can foresee, so that no two chains share a record's hash."""
    return Link(sequence, secrets.token_bytes(HASH_BYTES))


def _number(number: int) -> bytes:
    return number.to_bytes(8, "big", signed=True)
