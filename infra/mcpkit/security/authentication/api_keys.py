"""API keys: made by the operator for one user, shown once, kept as a salted hash.

A key is `<prefix>_<id>_<secret>`. Its beginning, `<prefix>_<id>`, names it and is no secret. The secret has 256 random
bits, so one round of SHA-256 with a salt is as good as a slow hash would be, which protects secrets that people choose.
"""

import base64
import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable, Collection

from mcpkit.errors import Fault
from mcpkit.security.authentication.interfaces import Authenticated, Rejected
from mcpkit.security.authentication.key_store import ApiKey, KeyStore

logger = logging.getLogger(__name__)

ISSUER = "api-key"
_ID_BYTES = 8
_SECRET_BYTES = 32
_SALT_BYTES = 16
_USED_STEP = 60  # seconds; when a key was last used is kept this exactly


class ApiKeys:
    """`prefix` is letters and digits, such as a product's short name."""

    def __init__(self, store: KeyStore, prefix: str, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._prefix = f"{prefix}_"
        self._clock = clock
        self._noted: dict[str, float] = {}

    async def create(
        self,
        user: str,
        scopes: Collection[str],
        *,
        label: str = "",
        accounts: Collection[str] | None = None,
        expires: int | None = None,
    ) -> tuple[str, ApiKey]:
        """The key itself, which is nowhere else, and what is kept of it. `expires` is in unix seconds."""
        id = self._prefix + base64.b32encode(secrets.token_bytes(_ID_BYTES)).decode().rstrip("=").lower()
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        salt = secrets.token_bytes(_SALT_BYTES)
        key = ApiKey(
            id=id,
            user=user,
            label=label,
            scopes=frozenset(scopes),
            accounts=None if accounts is None else frozenset(accounts),
            salt=salt,
            hash=_hash(salt, secret),
            created=int(self._clock()),
            expires=expires,
        )
        await self._store.add(key)
        return f"{id}_{secret}", key

    def takes(self, token: str) -> bool:
        return token.startswith(self._prefix)

    async def authenticate(self, token: str) -> Authenticated:
        name, secret = self._parts(token)
        key = await self._store.find(name)
        if key is None or not hmac.compare_digest(key.hash, _hash(key.salt, secret)):
            raise Rejected("The API key is unknown")
        now = self._clock()
        if key.revoked is not None:
            raise Rejected("The API key was revoked")
        if key.expires is not None and key.expires <= now:
            raise Rejected("The API key has expired")
        await self._note_use(key, now)
        return Authenticated(key.user, key.scopes, key.id, ISSUER, key.accounts, key.expires)

    async def close(self) -> None:
        """Nothing is open but the database, which is not this one's."""

    def name_of(self, key: str) -> str:
        """The beginning that names a key, from the whole key or from that alone."""
        return self._parts(key)[0]

    def _parts(self, token: str) -> tuple[str, str]:
        id, _, secret = token.removeprefix(self._prefix).partition("_")
        return self._prefix + id, secret

    async def _note_use(self, key: ApiKey, now: float) -> None:
        """At most one write a minute and key. That it fails is no reason to refuse the key."""
        last = max(key.used or 0, self._noted.get(key.id, 0))
        if now - last < _USED_STEP:
            return
        self._noted[key.id] = now
        try:
            await self._store.used(key.id, int(now))
        except Fault as fault:
            logger.warning("the last use of %s is not recorded: %s", key.id, fault.told_here)


def _hash(salt: bytes, secret: str) -> bytes:
    return hashlib.sha256(salt + secret.encode()).digest()
