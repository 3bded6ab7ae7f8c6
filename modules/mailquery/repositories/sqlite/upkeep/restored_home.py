"""The folder of an archive that a backup is put back to."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from mailquery.domain.stemming import stem
from mailquery.domain.words import is_named_word
from mailquery.repositories.backups import ARCHIVE, AUDIT_HEAD, CONTROL, Contents, Standing
from mailquery.repositories.sqlite.archive import open_archive
from mcpkit.database.connections import connect, fold_log
from mcpkit.database.faults import translated
from mcpkit.database.files import private_folder
from mcpkit.database.migrations import Migration, load_migrations, migrate, schema_version
from mcpkit.database.snapshots import damage_of, sync
from mcpkit.database.writer_lock import WriterLock
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.audit.chain import Chain
from mcpkit.security.audit.head import Head
from mcpkit.security.audit.verifying import verify
from mcpkit.security.control import open_control
from mcpkit.security.secrets.key_files import load_private_key
from mcpkit.security.secrets.master_key import KeyKeeper
from mcpkit.security.secrets.store import sealing_key

_STAGED = "restoring"
_LOGS = ("-wal", "-shm", "-journal")
_PATIENCE = 3.0  # seconds to wait for another process to close the archive
_OBJECTS = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
_HALF_MADE = "rebuilt_"  # tables of an index that is being made anew (`rebuilding`)


class SqliteRestoredHome:
    """`RestoredHome`. `keeper` is where the master key is looked for, `audit_key` the file of the audit's key."""

    def __init__(self, folder: Path, keeper: KeyKeeper, audit_key: Path) -> None:
        self.folder = folder
        self._keeper = keeper
        self._audit_key = audit_key
        self._migrations = {
            ARCHIVE: load_migrations("mailquery.repositories.sqlite"),
            CONTROL: load_migrations("mcpkit.security"),
        }

    def has_archive(self) -> bool:
        return any((self.folder / name).exists() for name in (ARCHIVE, CONTROL))

    @contextmanager
    def staging(self) -> Iterator[Path]:
        lock = WriterLock(self.folder / f"{ARCHIVE}.lock")
        staged = self.folder / _STAGED
        with translated(self.folder):
            private_folder(self.folder)
            lock.acquire()
            try:
                if staged.exists():  # of a restoration that was killed
                    shutil.rmtree(staged)
                staged.mkdir(mode=0o700)
                yield staged
            finally:
                shutil.rmtree(staged, ignore_errors=True)
                lock.release()

    def check_schemas(self, contents: Contents) -> None:
        for name, schema in ((ARCHIVE, contents.archive_schema), (CONTROL, contents.control_schema)):
            self._check_schema(name, schema)

    def check(self, staged: Path, must_stop: Callable[[], bool]) -> None:
        for name, migrations in self._migrations.items():
            path = staged / name
            if found := damage_of(path, must_stop):
                message = f"The backup is of a damaged archive ({name}: {found[0]}). Use another one."
                raise Fault(ErrorCode.STORAGE_DAMAGED, message)
            with translated(path), closing(connect(path, read_only=False)) as connection:
                schema = schema_version(connection)
                self._check_schema(name, schema)
                if differences := _differences(connection, migrations[:schema]):
                    message = f"{name} of the backup is no archive of this program: {differences[0]}."
                    raise Fault(ErrorCode.STORAGE_DAMAGED, message)

    async def bring_up_to_date(self, staged: Path) -> None:
        async with await open_archive(staged / ARCHIVE), await open_control(staged / CONTROL):
            """The migrations are applied."""
        for name in self._migrations:
            path = staged / name
            with translated(path), closing(connect(path, read_only=False)) as connection:
                connection.execute("PRAGMA journal_mode = WAL").fetchone()
                fold_log(connection)

    def put_in_place(self, staged: Path, names: Sequence[str]) -> Path | None:
        replaced = [name for name in (ARCHIVE, CONTROL) if (self.folder / name).exists()]
        logs = [name + suffix for name in (ARCHIVE, CONTROL) for suffix in _LOGS]
        with translated(self.folder), ExitStack() as held:
            for name in replaced:
                held.enter_context(_alone(self.folder / name))
            # Keys that the backup does not have are left: they may be needed for what it has.
            old = [name for name in (*replaced, *logs, *{AUDIT_HEAD, *names} - {ARCHIVE, CONTROL}) if self._has(name)]
            aside = self._aside() if old else None
            moves = [(self.folder / name, aside / name) for name in old] if aside else []
            moves += [(staged / name, self.folder / name) for name in names]
            _move_all(moves)
            sync(self.folder)
        if aside is not None:
            for name in replaced:
                _use_log(aside / name)
        return aside

    async def standing(self) -> Standing:
        return await asyncio.to_thread(self._standing)

    def _standing(self) -> Standing:
        path = self.folder / CONTROL
        with translated(path), closing(connect(path, read_only=True)) as connection:
            connection.execute("BEGIN")
            key = sealing_key(connection)
            audit = ""
            if self._audit_key.exists():
                chain = Chain(load_private_key(self._audit_key))
                verdict = verify(connection, chain, Head(self.folder / AUDIT_HEAD, chain).read())
                if verdict.problem is not None:
                    audit = f"Record {verdict.problem.sequence} {verdict.problem.what}."
            elif connection.execute("SELECT 1 FROM audit LIMIT 1").fetchone():
                audit = f"The audit's key is missing: put it back to {self._audit_key}."
        opens = None
        if key is not None:
            keys = self._keeper.load()
            opens = keys is not None and keys.by_id(key) is not None
        return Standing(audit, opens, str(self._keeper.file or self._keeper.place))

    def _has(self, name: str) -> bool:
        return os.path.lexists(self.folder / name)

    def _aside(self) -> Path:
        name = f"replaced-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        number = 1
        while True:
            aside = self.folder / (name if number == 1 else f"{name}-{number}")
            with suppress(FileExistsError):
                aside.mkdir(mode=0o700)
                return aside
            number += 1

    def _check_schema(self, name: str, schema: int) -> None:
        known = len(self._migrations[name])
        if schema > known:
            raise Fault(
                ErrorCode.STORAGE_TOO_NEW,
                f"The backup is of a newer version of this program ({name} has schema {schema}; this one knows "
                f"{known}). Upgrade the program.",
            )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keeps everybody else out of a database, which has no log meanwhile. Raises Fault CONFLICT where any process has
    it open. One that is too damaged to be opened is let be."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_PATIENCE)
    try:
        connection.isolation_level = None
        connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchone()
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise
        raise Fault(
            ErrorCode.CONFLICT,
            f"{path} is in use by another process. Stop the servers, imports and assistants that use this archive, "
            "then do the same again; nothing has changed.",
        ) from error
    except sqlite3.DatabaseError:  # damaged, or no database
        connection.close()
        yield
        return
    try:
        yield
    except BaseException:  # it stays where it is
        connection.execute("ROLLBACK")
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        raise
    finally:
        connection.close()


def _use_log(path: Path) -> None:
    """Gives the database its write-ahead log again, which `_alone` took."""
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(path)) as connection:  # a damaged one has none
        connection.execute("PRAGMA journal_mode = WAL").fetchone()


def _move_all(moves: Sequence[tuple[Path, Path]]) -> None:
    """All of them or, where one fails, none."""
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            source.rename(target)
            done.append((source, target))
    except BaseException:
        for source, target in reversed(done):
            target.rename(source)
        raise


def _differences(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> list[str]:
    """What a database has that the migrations do not make, and what it lacks of that."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as model:
        model.create_function("stem", 1, stem, deterministic=True)
        model.create_function("is_word", 1, is_named_word, deterministic=True)
        migrate(model, migrations)
        wanted = {(kind, name): sql for kind, name, sql in model.execute(_OBJECTS)}
    found = {(kind, name): sql for kind, name, sql in connection.execute(_OBJECTS)}
    differences = [f"the {kind} {name} is missing" for kind, name in wanted.keys() - found.keys()]
    for (kind, name), sql in found.items():
        if (kind, name) not in wanted:
            if kind == "table" and name.startswith(_HALF_MADE):
                continue
            differences.append(f"it has a {kind} {name}")
        elif kind in ("trigger", "view") and sql != wanted[kind, name]:
            differences.append(f"the {kind} {name} is another")
    return sorted(differences)
