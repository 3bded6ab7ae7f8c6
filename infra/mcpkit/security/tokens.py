"""Small sealed texts (cursors and the like) that a client hands back and cannot change.

They are signed, not encrypted: nothing goes in that the client may not read.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mcpkit.errors import ErrorCode, Fault

KEY_BYTES = 32
_MAC_BYTES = 16  # HMAC-SHA256 truncated to 128 bits (RFC 2104, section 5)
_LONGEST = 8192  # characters of a token that is worth a look


class SignedTokens:
    """`purpose` tells kinds of tokens apart: one sealed for one purpose does not open for another."""

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"the key has {len(key)} bytes and needs {KEY_BYTES}")
        self._key = key

    def seal(self, purpose: str, payload: Mapping[str, Any]) -> str:
        """A URL-safe text. `payload` is of what JSON has."""
        body = json.dumps(dict(payload), separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode()
        return base64.urlsafe_b64encode(self._mac(purpose, body) + body).rstrip(b"=").decode()

    def open(self, purpose: str, token: str) -> dict[str, Any]:
        """
        Raises:
            Fault: INVALID_FORMAT, where it was not sealed here, for this purpose, and is unchanged.
        """
        sealed = _decode(token)
        mac, body = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(purpose, body)):
            raise _invalid(purpose)
        payload: dict[str, Any] = json.loads(body)
        return payload

    def _mac(self, purpose: str, body: bytes) -> bytes:
        return hmac.digest(self._key, purpose.encode() + b"\0" + body, hashlib.sha256)[:_MAC_BYTES]


def load_or_create_key(folder: Path, name: str = "token.key") -> bytes:
    """The key kept in `folder`, made at first use and readable by its owner alone; processes that start at once agree.

    Raises:
        Fault: CONFIGURATION, if the file is not such a key.
        OSError: the folder cannot be written.
    """
    path = folder / name
    if not path.exists():
        _create(path)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise Fault(
            ErrorCode.CONFIGURATION,
            f"{path.name} is damaged. Remove it, and a new one is made at the next start.",
            place=path,
        )
    return key


def _create(path: Path) -> None:
    """Written under another name and linked in place, so that nobody ever sees half of it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was first, and its key is the one
            os.link(draft, path)
    finally:
        draft.unlink()


def _decode(token: str) -> bytes:
    if len(token) > _LONGEST:
        raise _invalid("token")
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _invalid("token") from None
    # Base64 has several spellings of the same bytes; only the one that was given out is taken back.
    if base64.urlsafe_b64encode(sealed).rstrip(b"=").decode() != token:
        raise _invalid("token")
    return sealed


def _invalid(purpose: str) -> Fault:
    return Fault(ErrorCode.INVALID_FORMAT, f"The {purpose} is not one that this server gave, or it was changed.")
