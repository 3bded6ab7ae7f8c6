"""What a backup is made of, and what is made a backup of."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

FORMAT = 1
"""Raised when an earlier program could not restore what this one backs up."""

ARCHIVE = "archive.db"
CONTROL = "control.db"
AUDIT_HEAD = "audit.head"
AUDIT_KEY = "audit.key"
TOKEN_KEY = "token.key"  # noqa: S105 - a name
MASTER_KEY = "master.key"
NAMES = (ARCHIVE, CONTROL, AUDIT_HEAD, AUDIT_KEY, TOKEN_KEY, MASTER_KEY)
"""Nothing else is in a backup."""

Report = Callable[[int, int], None]
"""Is told how many bytes of how many are done. What it raises ends the work."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in the archive of a backup. `key` is the id of the master key by which credentials are sealed; empty
    where there are none."""

    archive_schema: int
    control_schema: int
    messages: int
    accounts: int
    key: str


@dataclass(frozen=True, slots=True)
class BackedUpFile:
    """`sha256` is in hex."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`home` is the folder that it was made of, `program` the version that made it. `made` is UTC: what the backup
    holds is of that moment."""

    format: int
    program: str
    made: datetime
    home: str
    contents: Contents
    files: tuple[BackedUpFile, ...]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    @property
    def has_key(self) -> bool:
        return any(file.name == MASTER_KEY for file in self.files)


class Pinned(Protocol):
    """The files of an archive as they belonged together at one moment."""

    @property
    def made(self) -> datetime: ...

    @property
    def contents(self) -> Contents: ...

    @property
    def sizes(self) -> dict[str, int]:
        """In bytes, by name, in the order in which they are to be copied."""
        ...

    def copy(self, name: str, target: Path, report: Callable[[int], None]) -> None:
        """Writes it (0600) to `target`, where there must be none, and waits for the disk."""
        ...

    def release(self) -> None:
        """Others need no longer keep what was pinned. Nothing can be copied after it."""
        ...


class LiveHome(Protocol):
    """The folder of an archive that other processes may be using. All of this blocks."""

    @property
    def folder(self) -> Path: ...

    def pin(self, *, with_key: bool) -> AbstractContextManager[Pinned]:
        """Raises Fault NOT_FOUND where there is no archive, CONFIGURATION where there is no master key to take."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How a restored archive is. `audit` is a sentence where its chain does not hold. `opens` is whether the stored
    credentials can be opened by the master key at hand; None where there are none. `key_place` is where that is."""

    audit: str
    opens: bool | None
    key_place: str


class RestoredHome(Protocol):
    """The folder that a backup is put back to. What blocks is not awaited."""

    @property
    def folder(self) -> Path: ...

    def has_archive(self) -> bool: ...

    def staging(self) -> AbstractContextManager[Path]:
        """A folder beside the archive, for one restoration at a time; removed at the end with what is left in it.
        Raises Fault CONFLICT."""
        ...

    def check_schemas(self, contents: Contents) -> None:
        """Raises Fault STORAGE_TOO_NEW."""
        ...

    def check(self, staged: Path, must_stop: Callable[[], bool]) -> None:
        """Whether the databases in `staged` are sound and have what an archive's have, and nothing else. Raises Fault
        STORAGE_DAMAGED, STORAGE_TOO_NEW."""
        ...

    async def bring_up_to_date(self, staged: Path) -> None:
        """Gives the databases in `staged` the schema of this program."""
        ...

    def put_in_place(self, staged: Path, names: Sequence[str]) -> Path | None:
        """Makes the files the archive's; those that they replace go to the folder that is returned. Raises Fault
        CONFLICT where any process has the present archive open: nothing has changed then."""
        ...

    async def standing(self) -> Standing: ...


class BackupFolders(Protocol):
    """Backups as folders. All of this blocks."""

    def new_backup(self, target: Path, made: datetime, size: int) -> AbstractContextManager[Path]:
        """A folder below `target` to put files into, removed at the end unless `finish` was called for it. Raises Fault
        STORAGE_FULL where `size` bytes do not fit, VALIDATION_ERROR where `target` is no folder."""
        ...

    def damage(self, folder: Path, must_stop: Callable[[], bool]) -> str:
        """What is wrong with the databases in it; empty where they are sound."""
        ...

    def digest(self, path: Path, report: Callable[[int], None]) -> str:
        """SHA-256 in hex."""
        ...

    def finish(self, draft: Path, manifest: Manifest) -> Path:
        """Writes the manifest and gives the backup its name: from now on it is one."""
        ...

    def prune(self, target: Path, home: Path, keep: int) -> Sequence[Path]:
        """Removes the oldest whole backups of `home` below `target` until `keep` are left; those that were removed."""
        ...

    def read_manifest(self, backup: Path) -> Manifest:
        """Raises Fault NOT_FOUND where there is no backup, STORAGE_DAMAGED where it was interrupted or changed,
        STORAGE_TOO_NEW where a later program made it."""
        ...

    def check_file(self, backup: Path, file: BackedUpFile, report: Callable[[int], None]) -> None:
        """Whether it is the one that the manifest names. Raises Fault STORAGE_DAMAGED."""
        ...

    def copy_checked(self, backup: Path, file: BackedUpFile, target: Path, report: Callable[[int], None]) -> None:
        """Copies a file (0600) and waits for the disk. Raises as `check_file`."""
        ...

    def require_room(self, folder: Path, size: int) -> None:
        """Raises Fault STORAGE_FULL where `size` bytes do not fit below `folder`."""
        ...
