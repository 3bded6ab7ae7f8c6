"""What backups are made of, and put back to, by the settings."""

from mailquery import __version__
from mailquery.callers import key_keeper
from mailquery.repositories.backup_folders import BackupFolders
from mailquery.repositories.sqlite.upkeep.live_home import SqliteLiveHome
from mailquery.repositories.sqlite.upkeep.restored_home import SqliteRestoredHome
from mailquery.services.upkeep.backing_up import BackUp
from mailquery.services.upkeep.restoring import CheckBackup, Restore
from mailquery.settings import Settings


def back_up(settings: Settings) -> BackUp:
    home = SqliteLiveHome(settings.home, key_keeper(settings), settings.audit_key_path)
    return BackUp(home, BackupFolders(), __version__)


def restore(settings: Settings) -> Restore:
    home = SqliteRestoredHome(settings.home, key_keeper(settings), settings.audit_key_path)
    return Restore(home, BackupFolders())


def check_backup() -> CheckBackup:
    return CheckBackup(BackupFolders())
