"""Where a database is, and whether it is still there."""

from pathlib import Path

from mcpkit.errors import ErrorCode, Fault

_RETRY_AFTER = 2.0  # seconds


class Place:
    """The file at `path`, with those of SQLite's beside it. It is known from `remember` on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._identity: tuple[int, int] | None = None  # of the file, wherever it is moved

    @property
    def log(self) -> Path:
        return self._beside("-wal")

    @property
    def lock(self) -> Path:
        return self._beside(".lock")

    def size(self) -> int:
        """Bytes of its files."""
        files = (self.path, self.log, self._beside("-shm"))
        return sum(file.stat().st_size for file in files if file.exists())

    def remember(self) -> None:
        """From here on the file is to be this one. Raises OSError where it is not there."""
        self._identity = _identity(self.path)

    def check(self) -> None:
        """That the file is still there: open connections go on without it, and nobody finds again what they store.
        Raises Fault SERVICE_UNAVAILABLE."""
        try:
            if _identity(self.path) == self._identity:
                return
            problem, remedy = "was replaced", "Put the old file back, or start the server anew with this one."
        except OSError as error:
            problem, remedy = f"cannot be found any more ({error.strerror})", put_back(self.path)
        raise Fault(
            ErrorCode.SERVICE_UNAVAILABLE,
            f"{self.path.name} {problem} while this program had it open. {remedy}",
            details={"remedy": remedy},
            place=self.path,
            retry_after=_RETRY_AFTER,
        )

    def check_for_another_connection(self) -> None:
        """A further one finds the file by its path: to another file, the answers of this process would be of two
        archives. Raises as `check` does."""
        if self._identity is not None:
            self.check()

    def check_log(self) -> None:
        """That nothing new is begun beside the log of a file that was moved away: SQLite would empty that log, and with
        it go the newest changes of the file. Raises Fault SERVICE_UNAVAILABLE."""
        log = self.log
        if not self.path.exists() and log.exists() and log.stat().st_size:
            raise Fault(
                ErrorCode.SERVICE_UNAVAILABLE,
                f"{self.path.name} is not there, but its newest changes are, in {log.name}. Put {self.path.name} back; "
                f"or, to begin anew without it, move {log.name} and {self.path.name}-shm away.",
                place=self.path,
            )

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)


def put_back(path: Path) -> str:
    """What helps where a database is gone. Names nothing private."""
    return f"Put {path.name} back, with its -wal file where it has one (is its disk mounted?)."


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
