"""Backups as folders: the files, and a manifest that is written last.

A backup is made under a name that ends in `.partial` and gets its own name when it is whole. Who makes it holds a lock
on the folder, which the system releases when that process ends, however it ends: what nobody holds was interrupted.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailquery.repositories.backups import ARCHIVE, CONTROL, FORMAT, NAMES, BackedUpFile, Contents, Manifest
from mcpkit.database.faults import storage_full, translated
from mcpkit.database.files import private_file, private_folder
from mcpkit.database.snapshots import damage_of, sync
from mcpkit.errors import ErrorCode, Fault

MANIFEST = "manifest.json"
_PARTIAL = ".partial"
_NAME = re.compile(r"mailquery-\d{8}T\d{6}Z(?:-\d+)?")
_LARGEST_MANIFEST = 64 << 10  # bytes
_LARGEST_SMALL_FILE = 64 << 10  # bytes of what is no database
_SPARE = 16 << 20  # bytes that are to be left on the disk
_CHUNK = 4 << 20  # bytes
_SHA256 = re.compile(r"[0-9a-f]{64}")


class BackupFolders:
    """`backups.BackupFolders`."""

    @contextmanager
    def new_backup(self, target: Path, made: datetime, size: int) -> Iterator[Path]:
        with translated(target):
            if target.exists() and not target.is_dir():
                raise Fault(ErrorCode.VALIDATION_ERROR, f"{target} is no folder. Name one that backups are put into.")
            private_folder(target)
            _remove_interrupted(target)
            if shutil.disk_usage(target).free < size + _SPARE:
                raise Fault(
                    ErrorCode.STORAGE_FULL,
                    f"There is not room enough in {target}: the backup takes {size / 1e6:,.1f} MB.",
                )
            draft = _free_name(target, made)
            draft.mkdir(mode=0o700)
            with _held(draft):
                try:
                    yield draft
                finally:
                    shutil.rmtree(draft, ignore_errors=True)  # a finished one has another name by now

    def finish(self, draft: Path, manifest: Manifest) -> Path:
        shape = {**asdict(manifest), "made": manifest.made.isoformat()}
        path = draft / MANIFEST
        with translated(path):
            private_file(path)
            path.write_text(json.dumps(shape, indent=2) + "\n", "utf-8")
            sync(path)
            sync(draft)
            final = draft.with_name(draft.name.removesuffix(_PARTIAL))
            draft.rename(final)
            sync(final.parent)
        return final

    def damage(self, folder: Path, must_stop: Callable[[], bool]) -> str:
        for name in (ARCHIVE, CONTROL):
            if found := damage_of(folder / name, must_stop):
                return f"{name}: {found[0]}"
        return ""

    def digest(self, path: Path, report: Callable[[int], None]) -> str:
        made = hashlib.sha256()
        done = 0
        with translated(path), path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                made.update(chunk)
                done += len(chunk)
                report(done)
        return made.hexdigest()

    def read_manifest(self, backup: Path) -> Manifest:
        if not backup.is_dir():
            raise Fault(ErrorCode.NOT_FOUND, f"There is no backup {backup}: name one that `mailquery backup` made.")
        try:
            return _manifest(json.loads(_read(backup / MANIFEST, _LARGEST_MANIFEST)))
        except FileNotFoundError:
            if (backup / ARCHIVE).exists():
                message = f"{backup} has no {MANIFEST}: it was interrupted, and is no whole backup. Use another one."
                raise Fault(ErrorCode.STORAGE_DAMAGED, message) from None
            message = (
                f"{backup} is no backup: it has no {MANIFEST}. Name one of the folders that `mailquery backup` made."
            )
            raise Fault(ErrorCode.NOT_FOUND, message) from None
        except OSError as error:
            raise _changed(backup, f"{MANIFEST} cannot be read ({error.strerror})") from error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise _changed(backup, f"{MANIFEST} cannot be understood") from error

    def copy_checked(self, backup: Path, file: BackedUpFile, target: Path, report: Callable[[int], None]) -> None:
        made = hashlib.sha256()
        done = 0
        with _opened(backup, file) as source, translated(target):
            private_file(target)
            with target.open("wb") as copy:
                while chunk := source.read(_CHUNK):
                    made.update(chunk)
                    copy.write(chunk)
                    done += len(chunk)
                    report(done)
                copy.flush()
                os.fsync(copy.fileno())
        if made.hexdigest() != file.sha256:
            raise _changed(backup, f"{file.name} is not what was backed up (its SHA-256 is another)")

    def check_file(self, backup: Path, file: BackedUpFile, report: Callable[[int], None]) -> None:
        made = hashlib.sha256()
        done = 0
        with _opened(backup, file) as source:
            while chunk := source.read(_CHUNK):
                made.update(chunk)
                done += len(chunk)
                report(done)
        if made.hexdigest() != file.sha256:
            raise _changed(backup, f"{file.name} is not what was backed up (its SHA-256 is another)")

    def prune(self, target: Path, home: Path, keep: int) -> Sequence[Path]:
        found = []
        for entry in target.iterdir():
            if _NAME.fullmatch(entry.name) and entry.is_dir() and not entry.is_symlink():
                with suppress(Fault):  # what is no backup is not ours to remove
                    manifest = self.read_manifest(entry)
                    if manifest.home == str(home):
                        found.append((manifest.made, entry.name))
        found.sort(reverse=True)
        removed = [target / name for _, name in found[keep:]]
        for entry in removed:
            # What is left of an interrupted removal is no whole backup, and is removed with the next one.
            shutil.rmtree(entry.rename(entry.with_name(entry.name + _PARTIAL)))
        return removed

    def require_room(self, folder: Path, size: int) -> None:
        with translated(folder):
            if shutil.disk_usage(folder).free < size + _SPARE:
                raise storage_full(folder)


def _free_name(target: Path, made: datetime) -> Path:
    name = f"mailquery-{made.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    tried, number = name, 1
    while (target / tried).exists() or (target / f"{tried}{_PARTIAL}").exists():
        number += 1
        tried = f"{name}-{number}"
    return target / f"{tried}{_PARTIAL}"


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # where the file system has no locks, interrupted ones stay for people to remove
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _remove_interrupted(target: Path) -> None:
    for entry in target.iterdir():
        if not (entry.name.endswith(_PARTIAL) and _NAME.fullmatch(entry.name.removesuffix(_PARTIAL))):
            continue
        with suppress(OSError):
            descriptor = os.open(entry, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(entry)
            finally:
                os.close(descriptor)


@contextmanager
def _opened(backup: Path, file: BackedUpFile) -> Iterator[Any]:
    """A plain file of the size that the manifest says: whoever put a link or a device there is not followed."""
    path = backup / file.name
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _changed(backup, f"{file.name} is missing") from None
    except OSError as error:
        raise _changed(backup, f"{file.name} cannot be read ({error.strerror})") from error
    with os.fdopen(descriptor, "rb") as opened:
        found = os.fstat(opened.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise _changed(backup, f"{file.name} is no plain file")
        if found.st_size != file.bytes:
            raise _changed(backup, f"{file.name} has {found.st_size:,} bytes, and {file.bytes:,} were backed up")
        with translated(path):
            yield opened


def _read(path: Path, largest: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        text = file.read(largest + 1)
    if len(text) > largest:
        raise ValueError("too long")
    return text


def _manifest(read: Any) -> Manifest:
    """Raises ValueError, TypeError, KeyError where it is not what `finish` writes."""
    version = _number(read["format"])
    if version > FORMAT:
        raise Fault(
            ErrorCode.STORAGE_TOO_NEW,
            f"A newer version of this program made the backup ({_line(read['program'])}). Upgrade the program.",
        )
    contents = read["contents"]
    files = tuple(
        BackedUpFile(_line(each["name"]), _number(each["bytes"]), _line(each["sha256"])) for each in read["files"]
    )
    names = [file.name for file in files]
    if len(set(names)) != len(names) or not {ARCHIVE, CONTROL} <= set(names) <= set(NAMES):
        raise ValueError("other files than those of an archive")
    if not all(_SHA256.fullmatch(file.sha256) for file in files):
        raise ValueError("no hash")
    if any(file.bytes > _LARGEST_SMALL_FILE for file in files if file.name not in (ARCHIVE, CONTROL)):
        raise ValueError("too large a file")
    made = datetime.fromisoformat(_line(read["made"]))
    if made.tzinfo is None:
        raise ValueError("no time zone")
    return Manifest(
        format=version,
        program=_line(read["program"]),
        made=made,
        home=_line(read["home"]),
        contents=Contents(
            archive_schema=_number(contents["archive_schema"]),
            control_schema=_number(contents["control_schema"]),
            messages=_number(contents["messages"]),
            accounts=_number(contents["accounts"]),
            key=_line(contents["key"]),
        ),
        files=files,
    )


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("no number")
    return value


def _line(value: object) -> str:
    if not isinstance(value, str) or "\n" in value:
        raise ValueError("no line of text")
    return value


def _changed(backup: Path, what: str) -> Fault:
    return Fault(ErrorCode.STORAGE_DAMAGED, f"The backup {backup} is damaged or was changed: {what}. Use another one.")
