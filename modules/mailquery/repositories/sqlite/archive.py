"""Opening the archive."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mailquery.domain.policy import NOTHING_WITHHELD, Judge
from mailquery.domain.stemming import stem
from mailquery.domain.words import is_named_word
from mailquery.repositories.sqlite.policy_state import State
from mcpkit.database.migrations import load_migrations
from mcpkit.database.sqlite import READ_TIMEOUT, Database, operation
from mcpkit.errors import ErrorCode, Fault

T = TypeVar("T")

_PACKAGE = "mailquery.repositories.sqlite"


class Archive(Database):
    """A database that is read under the operator's policy. `judge` has that of this process: while another one is in
    force in the archive, nothing is read from it."""

    judge: Judge = NOTHING_WITHHELD

    async def read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """As `Database.read`. Raises Fault SERVICE_UNAVAILABLE too, where the policies differ."""
        return await super().read(self._guarded(function))

    async def glance(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """As `Database.glance`, and raises as `read`."""
        return await super().glance(self._guarded(function))

    async def glance_unshown(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """As `read_unshown`, for a few rows (`Database.glance`)."""
        return await super().glance(function)

    def _guarded(self, function: Callable[[sqlite3.Connection], T]) -> Callable[[sqlite3.Connection], T]:
        fingerprint = self.judge.policy.fingerprint

        def guarded(connection: sqlite3.Connection) -> T:
            if State.read(connection).fingerprint != fingerprint:
                raise _another_policy()
            return function(connection)

        if self.spans is not None:
            guarded.__qualname__ = operation(function)
        return guarded

    async def read_unshown(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Reads whatever policy is in force: for the archive's own upkeep, of which nobody is shown anything."""
        return await super().read(function)


def _another_policy() -> Fault:
    return Fault(
        ErrorCode.SERVICE_UNAVAILABLE,
        "The policy in this program's settings is not the one that is in force in the archive, so nothing is shown. "
        "`mailquery policy apply` puts that of the settings in force; a running server takes up changed settings on "
        "SIGHUP, or when it is started anew.",
    )


async def open_archive(
    path: Path, *, readers: int | None = None, read_timeout: float = READ_TIMEOUT, judge: Judge = NOTHING_WITHHELD
) -> Archive:
    """The archive in the file `path`, created where there is none. Raises what `Database.open` raises."""

    def is_policy(fingerprint: str) -> bool:
        return fingerprint == archive.judge.policy.attachments_fingerprint

    archive = await Archive.open(
        path,
        migrations=load_migrations(_PACKAGE),
        functions={"stem": stem, "is_word": is_named_word},
        queried={"is_policy_on_attachments": is_policy},
        readers=readers,
        read_timeout=read_timeout,
    )
    archive.judge = judge
    return archive
