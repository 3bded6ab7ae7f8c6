"""Making a backup of an archive that is in use."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mailquery.repositories.backups import FORMAT, BackedUpFile, BackupFolders, LiveHome, Manifest, Report
from mailquery.services.upkeep.long_work import Stop, Told, in_thread
from mcpkit.errors import ErrorCode, Fault

_PASSES = 3  # over the bytes of the files: copied, looked at for damage, hashed


@dataclass(frozen=True, slots=True)
class Made:
    """A new backup, and those that it made superfluous."""

    path: Path
    manifest: Manifest
    removed: Sequence[Path]


class BackUp:
    """A consistent copy of the archive and of what belongs to it, while others read and write."""

    def __init__(self, home: LiveHome, folders: BackupFolders, program: str) -> None:
        self._home = home
        self._folders = folders
        self._program = program

    async def __call__(
        self, target: Path, *, with_key: bool = False, keep: int | None = None, progress: Report | None = None
    ) -> Made:
        """Makes a backup below the folder `target`, which is made where it is missing, and removes the oldest ones of
        this archive there so that `keep` are left.

        Raises Fault NOT_FOUND, VALIDATION_ERROR, STORAGE_FULL, STORAGE_DAMAGED (the archive is: no backup of it is
        kept), CONFIGURATION, SERVICE_UNAVAILABLE. What ends it in whatever way leaves no backup that looks whole."""
        return await in_thread(lambda stop: self._make(target, with_key, keep, progress, stop))

    def _make(self, target: Path, with_key: bool, keep: int | None, progress: Report | None, stop: Stop) -> Made:
        target = target.absolute()
        if target.resolve().is_relative_to(self._home.folder.resolve()):
            raise Fault(
                ErrorCode.VALIDATION_ERROR,
                f"{target} is in the archive's own folder: what destroys the one destroys the other. Name another.",
            )
        with self._home.pin(with_key=with_key) as pinned:
            sizes = pinned.sizes
            total = sum(sizes.values())
            with self._folders.new_backup(target, pinned.made, total) as draft:
                told = Told(progress, _PASSES * total, stop)
                for name, size in sizes.items():
                    pinned.copy(name, draft / name, told.by)
                    told.passed(size)
                pinned.release()
                if damage := self._folders.damage(draft, stop.is_set):
                    raise Fault(
                        ErrorCode.STORAGE_DAMAGED,
                        f"The archive in {self._home.folder} is damaged ({damage}), and no backup of that was kept. "
                        "`mailquery verify` says what it is and what helps; keep the older backups.",
                    )
                told.passed(total)
                files = []
                for name in sizes:
                    path = draft / name
                    files.append(BackedUpFile(name, path.stat().st_size, self._folders.digest(path, told.by)))
                    told.passed(files[-1].bytes)
                manifest = Manifest(
                    FORMAT, self._program, pinned.made, str(self._home.folder), pinned.contents, tuple(files)
                )
                path = self._folders.finish(draft, manifest)
        removed = self._folders.prune(target, self._home.folder, keep) if keep is not None else ()
        return Made(path, manifest, removed)
