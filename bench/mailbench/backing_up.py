"""bench/backup: how long a backup takes and its readers and writers wait, beside `sqlite3 .backup` and `tar`."""

import argparse
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import count, cycle
from pathlib import Path

from mailbench import commands
from mailbench.archive import Plan
from mailbench.cache import Archive, bench_folder, synthetic
from mailbench.importing import measure_ours
from mailbench.measuring import Run, percentile, run_measured
from mailbench.report import machine, say, table, write_json

_IDLE = 5.0  # seconds that others read and write without a backup, to compare
_READ = "SELECT rowid FROM search WHERE search MATCH ? ORDER BY rowid DESC LIMIT 20"
_WRITE = "INSERT OR REPLACE INTO facts (name, value) VALUES ('benchmark', ?)"
_WORDS = "SELECT word FROM words ORDER BY random() LIMIT 200"


@dataclass(frozen=True, slots=True)
class Waits:
    """Milliseconds of the operations of others meanwhile."""

    operations: int
    p50: float
    p95: float
    longest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Waits":
        ms = [1000 * each for each in seconds] or [0.0]
        return cls(len(seconds), percentile(ms, 50), percentile(ms, 95), max(ms))


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one way to make a backup, or of what is done with one; bytes and seconds. `log` is the largest size of the
    archive's write-ahead log meanwhile."""

    what: str
    seconds: float
    peak: int
    bytes: int
    reads: Waits
    writes: Waits
    log: int
    others: float


class _Others:
    """A reader and a writer that go on while something is measured."""

    def __init__(self, database: Path, *, writing: bool = True) -> None:
        self._database = database
        self._over = threading.Event()
        self._reads: list[float] = []
        self._writes: list[float] = []
        self._log = 0
        self._threads = [threading.Thread(target=self._read)]
        if writing:
            self._threads.append(threading.Thread(target=self._write))

    def __enter__(self) -> "_Others":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def figures(self, what: str, run: Run | None, size: int) -> Figures:
        peak = run.memory.parent if run is not None else 0
        seconds, others = (run.seconds, run.others) if run is not None else (_IDLE, 0.0)
        reads, writes = Waits.of(self._reads), Waits.of(self._writes)
        return Figures(what, seconds, peak, size, reads, writes, self._log, others)

    def _read(self) -> None:
        with closing(sqlite3.connect(self._database, isolation_level=None, timeout=60)) as connection:
            words = cycle([word for (word,) in connection.execute(_WORDS)])
            while not self._over.wait(0.01):
                began = time.perf_counter()
                connection.execute(_READ, (f'"{next(words)}"',)).fetchall()
                self._reads.append(time.perf_counter() - began)

    def _write(self) -> None:
        log = self._database.with_name(self._database.name + "-wal")
        with closing(sqlite3.connect(self._database, isolation_level=None, timeout=60)) as connection:
            connection.execute("PRAGMA synchronous = NORMAL")
            numbers = count()
            while not self._over.wait(0.02):
                began = time.perf_counter()
                connection.execute(_WRITE, (next(numbers),))
                self._writes.append(time.perf_counter() - began)
                self._log = max(self._log, log.stat().st_size if log.exists() else 0)


def measure(archive: Archive, scratch: Path, *, verify: bool, full: bool) -> list[Figures]:
    if not commands.has_archive(archive):
        say(f"mailquery import: {archive.name} messages ...")
        measure_ours(archive)
    home = scratch / "home"
    shutil.copytree(commands.home_of(archive), home)
    database, environment = home / "archive.db", commands.environment(home)
    with _Others(database) as others:
        time.sleep(_IDLE)
    done = [others.figures("nothing", None, database.stat().st_size)]

    def during(
        what: str, command: Sequence[str | Path], made: Callable[[], Path], home: Path = home, *, writing: bool = True
    ) -> None:
        say(f"{what} ...")
        with _Others(database, writing=writing) as others:
            run = run_measured(command, environment | {"MAILQUERY_HOME": str(home)})
        done.append(others.figures(what, run, _size(made())))

    ours: list[str | Path] = [sys.executable, "-m", "mailquery"]
    backups = scratch / "backups"
    during("mailquery backup", [*ours, "backup", backups], lambda: backups)
    if shutil.which("sqlite3"):
        copy, vacuumed = scratch / "copy.db", scratch / "vacuumed.db"
        # It begins anew with every write of another process: beside one that writes often, it does not end.
        during("sqlite3 .backup, nobody writes", ["sqlite3", database, f".backup {copy}"], lambda: copy, writing=False)
        during("sqlite3 VACUUM INTO", ["sqlite3", database, f"VACUUM INTO '{vacuumed}'"], lambda: vacuumed)
        for path in (copy, vacuumed):
            path.unlink()
    tar = scratch / "home.tar"
    # It is no backup: what is written meanwhile can leave its copy torn.
    during("tar (torn where others write)", ["tar", "--warning=no-file-changed", "-cf", tar, home], lambda: tar)
    tar.unlink()
    (backup,) = backups.iterdir()
    during("mailquery verify BACKUP", [*ours, "verify", backup], lambda: backup)
    restored = scratch / "restored"
    during("mailquery restore", [*ours, "restore", backup], lambda: restored, restored)
    if verify:
        during("mailquery verify", [*ours, "verify"], lambda: restored, restored)
    if full:
        during("mailquery verify --full", [*ours, "verify", "--full"], lambda: restored, restored)
    return done


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else sum(each.stat().st_size for each in path.rglob("*.*"))


def show(archive: Archive, done: Sequence[Figures]) -> None:
    columns = ("meanwhile", "s", "peak MB", "MB", "read p50", "p95", "max ms", "write p50", "p95", "max ms", "log MB")
    rows = [
        (
            each.what,
            round(each.seconds, 1),
            round(each.peak / 1e6),
            round(each.bytes / 1e6),
            *(round(wait, 1) for waits in (each.reads, each.writes) for wait in (waits.p50, waits.p95, waits.longest)),
            round(each.log / 1e6, 1),
            f"{each.others:.0%}",
        )
        for each in done
    ]
    say(
        table(f"Backup, {archive.name} messages, with a reader and a writer beside it", (*columns, "others' CPU"), rows)
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/backup", description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000, help="size of the synthetic archive")
    parser.add_argument("--verify", action="store_true", help="measure also `verify`, which takes a minute or more")
    parser.add_argument("--full", action="store_true", help="measure also `verify --full`, which takes minutes")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE, or to standard output with -")
    chosen = parser.parse_args()
    archive = synthetic(Plan(chosen.messages))
    with tempfile.TemporaryDirectory(dir=bench_folder()) as scratch:
        done = measure(archive, Path(scratch), verify=chosen.verify, full=chosen.full)
    show(archive, done)
    if chosen.json:
        write_json({"machine": machine(), "backup": [asdict(each) for each in done]}, chosen.json)


if __name__ == "__main__":
    main()
