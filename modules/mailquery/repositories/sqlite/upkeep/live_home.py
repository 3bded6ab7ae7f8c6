"""The folder of an archive as it is at one moment, while servers, synchronisations and imports go on in it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mailquery.repositories.backups import (
    ARCHIVE,
    AUDIT_HEAD,
    AUDIT_KEY,
    CONTROL,
    MASTER_KEY,
    TOKEN_KEY,
    Contents,
    Pinned,
)
from mcpkit.database.faults import translated
from mcpkit.database.files import private_file
from mcpkit.database.snapshots import Snapshot, sync
from mcpkit.database.writer_lock import WriterLock
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.secrets.encryption import MasterKeys
from mcpkit.security.secrets.master_key import KeyKeeper, keys_as_text
from mcpkit.security.secrets.store import sealing_key

_ROTATION_WAIT = 30.0  # seconds
_MESSAGES = "SELECT value FROM facts WHERE name = 'messages'"


@dataclass(frozen=True, slots=True)
class _Pinned:
    made: datetime
    contents: Contents
    databases: dict[str, Snapshot]
    small: dict[str, bytes]

    @property
    def sizes(self) -> dict[str, int]:
        small = {name: len(data) for name, data in self.small.items()}
        return {name: snapshot.bytes for name, snapshot in self.databases.items()} | small

    def copy(self, name: str, target: Path, report: Callable[[int], None]) -> None:
        if name in self.databases:
            self.databases[name].copy_to(target, report)
            return
        with translated(target):
            private_file(target)
            target.write_bytes(self.small[name])
            sync(target)

    def release(self) -> None:
        for snapshot in self.databases.values():
            snapshot.close()


class SqliteLiveHome:
    """`LiveHome`. `keeper` is where the master key is, `audit_key` the file of the audit's key."""

    def __init__(self, folder: Path, keeper: KeyKeeper, audit_key: Path) -> None:
        self.folder = folder
        self._keeper = keeper
        self._audit_key = audit_key

    @contextmanager
    def pin(self, *, with_key: bool) -> Iterator[Pinned]:
        if not (self.folder / ARCHIVE).is_file():
            message = f"There is no archive in {self.folder}. Import mail first, or set MAILQUERY_HOME to its folder."
            raise Fault(ErrorCode.NOT_FOUND, message)
        with ExitStack() as held:
            if with_key:  # no rotation of the key may come between what is sealed and the key for it
                lock = WriterLock(self.folder / f"{CONTROL}.lock")
                lock.acquire(_ROTATION_WAIT)
                held.callback(lock.release)
            # The head names only what was committed before it was read: the audit that is pinned after it has that.
            small = self._small_files()
            control = held.enter_context(Snapshot.take(self.folder / CONTROL))
            archive = held.enter_context(Snapshot.take(self.folder / ARCHIVE))
            made = datetime.now(UTC)
            contents = _contents(archive, control)
            if with_key and (keys := self._keys(contents.key)) is not None:
                small[MASTER_KEY] = keys_as_text(keys).encode()
            yield _Pinned(made, contents, {CONTROL: control, ARCHIVE: archive}, small)

    def _small_files(self) -> dict[str, bytes]:
        found = {}
        paths = [self.folder / AUDIT_HEAD, self.folder / TOKEN_KEY]
        if self._audit_key == self.folder / AUDIT_KEY:  # one that is kept elsewhere is its owner's to keep
            paths.append(self._audit_key)
        for path in paths:
            with translated(path), suppress(FileNotFoundError):
                found[path.name] = path.read_bytes()
        return found

    def _keys(self, needed: str) -> MasterKeys | None:
        keys = self._keeper.load()
        if needed and (keys is None or keys.by_id(needed) is None):
            raise Fault(
                ErrorCode.CONFIGURATION,
                f"The stored credentials are sealed with the master key {needed}, and {self._keeper.place} has not "
                "that one. Put it back, or make the backup without --with-key.",
                place=self._keeper.file,
            )
        return keys


def _contents(archive: Snapshot, control: Snapshot) -> Contents:
    messages = archive.connection.execute(_MESSAGES).fetchone()
    (accounts,) = archive.connection.execute("SELECT count(*) FROM accounts").fetchone()
    return Contents(
        archive_schema=archive.schema,
        control_schema=control.schema,
        messages=messages[0] if messages else 0,
        accounts=accounts,
        key=sealing_key(control.connection) or "",
    )
