"""Putting a backup back, and looking at one without doing so."""

from dataclasses import dataclass
from pathlib import Path

from mailquery.repositories.backups import ARCHIVE, BackupFolders, Manifest, Report, RestoredHome, Standing
from mailquery.services.upkeep.long_work import Stop, Told, in_thread
from mcpkit.errors import ErrorCode, Fault


@dataclass(frozen=True, slots=True)
class Restored:
    """`replaced` is the folder with what was there before; None where nothing was."""

    manifest: Manifest
    home: Path
    replaced: Path | None
    standing: Standing


class Restore:
    """Makes a backup the archive. Until all of it was verified, and brought up to date, nothing of what is there is
    touched; what it replaces is kept aside."""

    def __init__(self, home: RestoredHome, folders: BackupFolders) -> None:
        self._home = home
        self._folders = folders

    async def __call__(self, backup: Path, *, replace: bool = False, progress: Report | None = None) -> Restored:
        """Raises Fault NOT_FOUND (no backup), CONFLICT (there is an archive and `replace` was not asked for, or a
        process uses it), STORAGE_DAMAGED, STORAGE_TOO_NEW, STORAGE_FULL, SERVICE_UNAVAILABLE."""
        manifest = self._folders.read_manifest(backup)
        self._home.check_schemas(manifest.contents)
        if self._home.has_archive() and not replace:
            raise Fault(
                ErrorCode.CONFLICT,
                f"There is an archive in {self._home.folder}. With --replace the backup takes its place, and it is "
                "kept aside; or set MAILQUERY_HOME to another folder.",
            )
        # The archive comes last: a home is one as soon as it has that.
        files = sorted(manifest.files, key=lambda file: file.name == ARCHIVE)

        with self._home.staging() as staged:

            def copy(stop: Stop) -> None:
                self._folders.require_room(staged, manifest.bytes)
                told = Told(progress, 2 * manifest.bytes, stop)
                for file in files:
                    self._folders.copy_checked(backup, file, staged / file.name, told.by)
                    told.passed(file.bytes)
                self._home.check(staged, stop.is_set)
                told.passed(manifest.bytes)

            await in_thread(copy)
            await self._home.bring_up_to_date(staged)
            replaced = self._home.put_in_place(staged, [file.name for file in files])
        return Restored(manifest, self._home.folder, replaced, await self._home.standing())


class CheckBackup:
    """Whether a backup could be restored."""

    def __init__(self, folders: BackupFolders) -> None:
        self._folders = folders

    async def __call__(self, backup: Path, progress: Report | None = None) -> Manifest:
        """Raises Fault NOT_FOUND, STORAGE_DAMAGED, STORAGE_TOO_NEW."""
        manifest = self._folders.read_manifest(backup)

        def check(stop: Stop) -> None:
            told = Told(progress, 2 * manifest.bytes, stop)
            for file in manifest.files:
                self._folders.check_file(backup, file, told.by)
                told.passed(file.bytes)
            if damage := self._folders.damage(backup, stop.is_set):
                message = f"The backup {backup} is of a damaged archive ({damage}). Use another one."
                raise Fault(ErrorCode.STORAGE_DAMAGED, message)
            told.passed(manifest.bytes)

        await in_thread(check)
        return manifest
