"""Tokens at rest: sealed, and renewed by one at a time, across tasks and processes."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from mcpkit.database.faults import translated
from mcpkit.database.files import private_file
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.oauth.tokens import Tokens
from mcpkit.security.secrets.store import SecretStore

PURPOSE = "oauth tokens"

_WAIT = 90.0  # seconds for another process, which waits for a server
_POLL = 0.05
_RETRY_AFTER = 10.0


class TokenStore:
    """`folder` is where the lock files are. All raises what `SecretStore` raises."""

    def __init__(self, secrets: SecretStore, folder: Path, wait: float = _WAIT) -> None:
        self._secrets = secrets
        self._folder = folder
        self._wait = wait
        self._tasks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, name: str) -> Tokens | None:
        text = await self._secrets.get(PURPOSE, name)
        if text is None:
            return None
        try:
            return Tokens.from_text(text)
        except (ValueError, TypeError):
            raise Fault(
                ErrorCode.STORAGE_DAMAGED, f"The stored tokens of {name} cannot be read. Sign in again."
            ) from None

    async def put(self, name: str, tokens: Tokens) -> None:
        """For whoever is `exclusive`."""
        await self._secrets.put(PURPOSE, name, tokens.as_text())

    async def replace(self, name: str, tokens: Tokens) -> None:
        """Stores those of a new login, over whatever a renewal of the old one stores."""
        async with self.exclusive(name):
            await self.put(name, tokens)

    async def delete(self, name: str) -> bool:
        """Whether there were any. No renewal that is under way brings them back."""
        async with self.exclusive(name):
            return await self._secrets.delete(PURPOSE, name)

    @asynccontextmanager
    async def exclusive(self, name: str) -> AsyncIterator[None]:
        """Nobody else is in here for the same name, in this process or in another. Raises Fault CONFLICT where one has
        been for long."""
        # One object for a name: two of one process would shut each other out for ever.
        async with self._tasks[name]:
            lock = await self._locked(name)
            try:
                yield
            finally:
                lock.release()

    async def _locked(self, name: str) -> FileLock:
        path = self._folder / f".tokens-{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock"
        lock = FileLock(path, thread_local=False)
        with translated(path):
            await asyncio.to_thread(private_file, path)
        until = asyncio.get_running_loop().time() + self._wait
        while not _taken(lock, path):
            if asyncio.get_running_loop().time() >= until:
                raise Fault(
                    ErrorCode.CONFLICT,
                    f"Another process has been renewing the token of {name} for long. Wait for it, or stop it.",
                    retry_after=_RETRY_AFTER,
                )
            await asyncio.sleep(_POLL)
        return lock


def _taken(lock: FileLock, path: Path) -> bool:
    """One system call."""
    with translated(path):
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return False
    return True
