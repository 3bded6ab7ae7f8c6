"""Sealing what must not be read from a stolen file: AES-256-GCM (NIST SP 800-38D) under a master key."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass, field

from mcpkit.errors import ErrorCode, Fault

KEY_BYTES = 32
_NONCE_BYTES = 12  # random: at 2**32 seals of one key it is time for another (section 8.3)


@dataclass(frozen=True, slots=True)
class MasterKey:
    """`id` is made from the key, so that the two cannot be mixed up, and tells nothing of it."""

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) != KEY_BYTES:
            raise ValueError(f"the key has {len(self.key)} bytes and needs {KEY_BYTES}")

    @property
    def id(self) -> str:
        return hashlib.sha256(b"master key id\0" + self.key).hexdigest()[:16]

    @classmethod
    def new(cls) -> "MasterKey":
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def from_text(cls, text: str) -> "MasterKey":
        """Base64 or hex. Raises ValueError, without the text."""
        written = text.strip()
        try:
            key = bytes.fromhex(written) if len(written) == 2 * KEY_BYTES else base64.b64decode(written, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("a master key is 32 bytes, written as base64 or hex") from None
        if len(key) != KEY_BYTES:
            raise ValueError("a master key is 32 bytes, written as base64 or hex")
        return cls(key)

    def as_text(self) -> str:
        return base64.b64encode(self.key).decode()


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """What seals, and what else may open: the keys of a rotation that is not over."""

    current: MasterKey
    older: tuple[MasterKey, ...] = ()

    def by_id(self, id: str) -> MasterKey | None:
        return next((key for key in (self.current, *self.older) if key.id == id), None)


@dataclass(frozen=True, slots=True)
class Sealed:
    """`key` is the id of the master key."""

    key: str
    nonce: bytes
    sealed: bytes


def seal(key: MasterKey, purpose: str, name: str, secret: bytes) -> Sealed:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # costs time at the start, and few starts need it

    nonce = secrets.token_bytes(_NONCE_BYTES)
    return Sealed(key.id, nonce, AESGCM(key.key).encrypt(nonce, secret, _bound(key.id, purpose, name)))


def unseal(keys: MasterKeys, purpose: str, name: str, sealed: Sealed) -> bytes:
    """
    Raises:
        Fault: CONFIGURATION, where the key is not among `keys`; STORAGE_DAMAGED, where it was not sealed for this
            purpose and name, or was changed.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = keys.by_id(sealed.key)
    if key is None:
        raise Fault(
            ErrorCode.CONFIGURATION,
            f"The {purpose} {name} was sealed with the master key {sealed.key}, which is not at hand. Put it back "
            "where it was kept, or store the secret anew.",
            details={"key": sealed.key},
        )
    try:
        return AESGCM(key.key).decrypt(sealed.nonce, sealed.sealed, _bound(sealed.key, purpose, name))
    except (InvalidTag, ValueError):
        raise Fault(
            ErrorCode.STORAGE_DAMAGED,
            f"The stored {purpose} {name} was changed or is another's. Store the secret anew.",
        ) from None


def _bound(*parts: str) -> bytes:
    """Each part with its length: no two lists of parts give the same bytes."""
    return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
