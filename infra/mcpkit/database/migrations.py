"""Versioned schema changes, forward only: `0001_name.sql`, `0002_name.sql`, ... in a package's folder."""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from mcpkit.database.faults import storage_damaged
from mcpkit.errors import ErrorCode, Fault

_FILE_NAME = re.compile(r"(\d{4})_\w+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: from schema `version` - 1 to `version`. `sql` holds no BEGIN and no COMMIT."""

    version: int
    name: str
    sql: str


def load_migrations(package: str, folder: str = "migrations") -> tuple[Migration, ...]:
    """The migrations in a folder of a package, in order. Raises ValueError where a number is missing or given twice."""
    found = []
    for entry in files(package).joinpath(folder).iterdir():
        if match := _FILE_NAME.fullmatch(entry.name):
            found.append(Migration(int(match[1]), entry.name, entry.read_text("utf-8")))
    found.sort(key=lambda migration: migration.version)
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"the migrations of {package} are not numbered 1, 2, 3, ...: {[m.name for m in found]}")
    return tuple(found)


def schema_version(connection: sqlite3.Connection) -> int:
    """The version of the schema; 0 for an empty database."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def check_version(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> bool:
    """Whether the schema is up to date. Raises Fault STORAGE_TOO_NEW or STORAGE_DAMAGED where it cannot be used."""
    version = schema_version(connection)
    if version > len(migrations):
        raise Fault(
            ErrorCode.STORAGE_TOO_NEW,
            f"{path.name} was written by a newer version of this program (schema {version}; this one knows "
            f"{len(migrations)}). Upgrade the program, or use another archive.",
            place=path,
        )
    if version == 0 and connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        raise storage_damaged(path, "it is a database of another program")
    return version == len(migrations)


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Applies what is missing, each step in a transaction of its own. The caller holds the writer's lock."""
    for migration in migrations[schema_version(connection) :]:
        script = f"BEGIN IMMEDIATE;\n{migration.sql}\nPRAGMA user_version = {migration.version};\nCOMMIT;"
        try:
            connection.executescript(script)
        except sqlite3.Error:
            if connection.in_transaction:
                connection.rollback()
            raise
