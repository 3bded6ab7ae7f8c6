"""What `mailquery doctor` looks at, in the order in which one thing needs the other."""

import os
import platform
import shutil
import sqlite3
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mailquery.application import Application
from mailquery.bootstrap import missing_archive
from mailquery.cli import extracting
from mailquery.cli.archive import EVERYTHING, check_begun, with_archive
from mailquery.cli.output.printing import file_size, local_time
from mailquery.cli.upkeep.sync_status import answers, in_words, question_in_words
from mailquery.domain.accounts import AccountState
from mailquery.domain.counts import plural
from mailquery.repositories.extracting import ExtractionProgress
from mailquery.services.status import OUTDATED_INDEX
from mailquery.settings import Settings, load_settings
from mcpkit.database.connections import connect
from mcpkit.database.writer_lock import WriterLock
from mcpkit.errors import ErrorCode, Fault
from mcpkit.monitoring.health import Outcome, Report, Result
from mcpkit.monitoring.health import Status as Health
from mcpkit.monitoring.machine import LITTLE_SPACE, NO_SPACE

OLDEST_SQLITE = (3, 37, 0)
_QUICK_SECONDS = 10.0
_STEPS_BETWEEN_LOOKS = 100_000


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Check:
    """`remedy` says what to do; it is empty where nothing is to be done."""

    name: str
    status: Status
    finding: str
    remedy: str = ""

    def as_shape(self) -> dict[str, object]:
        return {"name": self.name, "status": self.status.value, "finding": self.finding, "remedy": self.remedy}


def all_checks(*, full: bool) -> Iterator[Check]:
    """Every check. `full` reads the whole database; else its first part, for at most `_QUICK_SECONDS`.

    Stops where what follows could not work either.
    """
    yield check_python()
    yield check_sqlite()
    settings = load_settings()
    yield Check("settings", Status.OK, "understood; `mailquery config show` lists them")
    folder = check_folder(settings.home)
    yield folder
    if folder.status is Status.ERROR:
        return
    yield check_space(settings.home)
    if fault := _missing(settings):
        never = fault.code is ErrorCode.NOT_FOUND
        yield Check("database", Status.OK if never else Status.ERROR, fault.told_here)
        return
    yield check_files(settings.home)
    yield check_lock(settings)
    database = check_database(settings, full=full)
    yield database
    if database.status is not Status.ERROR:
        yield check_contents(settings)
        yield from check_attachments()
        yield check_recognition(settings)
        yield from check_accounts(settings)


def readiness() -> dict[str, object] | None:
    """What a server on this archive would say at `/ready`, and to the owner the rest; None where there never was an
    archive."""
    try:
        report = with_archive(lambda application: application.services.health())
    except Fault as fault:
        if fault.code is ErrorCode.NOT_FOUND:
            return None
        report = Report((Result("database", Outcome(Health.UNHEALTHY, fault.code.name, fault.told_here), 0.0),))
    shape = report.as_shape()
    shape["checks"] = {
        each.name: {**each.as_shape(), "detail": each.outcome.private or each.outcome.detail} for each in report.results
    }
    return shape


def _missing(settings: Settings) -> Fault | None:
    """Why there is no archive to look at: NOT_FOUND where there never was one."""
    try:
        check_begun(settings)
    except Fault as fault:
        return fault
    return missing_archive(settings)


def check_python() -> Check:
    return Check("python", Status.OK, f"{platform.python_version()} at {sys.executable}")


def check_sqlite() -> Check:
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        return Check("sqlite", Status.ERROR, version, f"Version {oldest} is needed: use a newer build of Python.")
    try:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.execute("CREATE VIRTUAL TABLE words USING fts5(text)")
    except sqlite3.Error:
        return Check("sqlite", Status.ERROR, f"{version} without FTS5", "Use a build of Python whose SQLite has FTS5.")
    return Check("sqlite", Status.OK, f"{version} with FTS5")


def check_folder(home: Path) -> Check:
    try:
        mode = stat.S_IMODE(home.stat().st_mode)
    except FileNotFoundError:
        return Check("folder", Status.OK, f"{home} is made by the first import")
    except OSError as error:
        return Check("folder", Status.ERROR, f"{home}: {error.strerror}", "Set MAILQUERY_HOME to a folder of yours.")
    if not home.is_dir():
        return Check("folder", Status.ERROR, f"{home} is no folder", "Set MAILQUERY_HOME to a folder of yours.")
    if os.statvfs(home).f_flag & os.ST_RDONLY:
        remedy = "Mount it for writing: what is asked of an archive is recorded in it."
        return Check("folder", Status.ERROR, f"{home} is on a file system that is mounted read-only", remedy)
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        return Check("folder", Status.ERROR, f"{home} may not be read and written", f"Run: chmod u+rwx '{home}'")
    if mode & 0o077:
        return Check("folder", Status.WARNING, f"{home} is open to others ({mode:o})", f"Run: chmod 700 '{home}'")
    return Check("folder", Status.OK, str(home))


def check_space(home: Path) -> Check:
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    finding = f"{file_size(free)} free"
    if free < NO_SPACE:
        return Check("disk", Status.ERROR, finding, "Free some space: nothing more can be imported.")
    if free < LITTLE_SPACE:
        return Check("disk", Status.WARNING, finding, "Free some space before a large import.")
    return Check("disk", Status.OK, finding)


def check_files(home: Path) -> Check:
    readable = [file for file in home.iterdir() if file.is_file() and file.stat().st_mode & 0o077]
    if readable:
        names = ", ".join(file.name for file in readable)
        return Check("files", Status.WARNING, f"open to others: {names}", f"Run: chmod go= '{home}'/*")
    return Check("files", Status.OK, "readable by their owner alone")


def check_lock(settings: Settings) -> Check:
    lock = WriterLock(settings.archive_path.with_name(settings.archive_path.name + ".lock"))
    try:
        lock.acquire()
    except Fault as fault:
        if fault.code is not ErrorCode.CONFLICT:
            return Check("writer", Status.ERROR, fault.told_here)
        return Check("writer", Status.WARNING, fault.told_here, "Searching works meanwhile; another import must wait.")
    lock.release()
    return Check("writer", Status.OK, "nobody is writing")


def check_database(settings: Settings, *, full: bool) -> Check:
    path = settings.archive_path
    try:
        # Opening it as the product does applies pending migrations and refuses a newer or foreign database.
        with_archive(_nothing)
        verdict = _quick_check(path, None if full else time.monotonic() + _QUICK_SECONDS)
    except Fault as fault:
        return Check("database", Status.ERROR, fault.told_here)
    except sqlite3.Error as error:
        verdict = str(error)
    size = file_size(path.stat().st_size)
    if verdict is None:
        return Check(
            "database", Status.OK, f"{size}; no damage found in {_QUICK_SECONDS:.0f} s, the rest was not read (--full)"
        )
    if verdict != "ok":
        remedy = (
            "`mailquery verify` says what is damaged. Put back a backup (`mailquery restore BACKUP --replace`), or "
            "move the archive's folder away and import again."
        )
        return Check("database", Status.ERROR, f"{path} is damaged: {verdict}", remedy)
    return Check("database", Status.OK, f"{size}, sound")


async def _nothing(application: Application) -> None:
    """Opening was all."""


def _quick_check(path: Path, deadline: float | None) -> str | None:
    """ "ok", the first damage found, or None where time was up before anything was found."""

    def out_of_time() -> bool:
        return deadline is not None and time.monotonic() > deadline

    with closing(connect(path, read_only=True)) as connection:
        connection.set_progress_handler(out_of_time, _STEPS_BETWEEN_LOOKS)
        try:
            verdict: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                return None
            raise
    return verdict


def check_contents(settings: Settings) -> Check:
    try:
        status = with_archive(lambda application: application.services.archive_status(EVERYTHING), settings)
    except Fault as fault:
        return Check("mail", Status.ERROR, fault.told_here)
    if not status.version.messages:
        return Check("mail", Status.OK, "no messages yet", "Import mail: mailquery import PATH...")
    newest = f", newest {local_time(status.version.newest, settings.zone)}" if status.version.newest else ""
    messages, accounts = plural(status.version.messages, "message"), plural(len(status.accounts), "account")
    finding = f"{messages} in {accounts}{newest}"
    if status.problems:
        finding += f"; {plural(status.problems, 'problem')} on record (`mailquery problems`)"
    if status.outdated_index:
        return Check("mail", Status.WARNING, finding, OUTDATED_INDEX)
    return Check("mail", Status.OK, finding)


def check_attachments() -> Iterator[Check]:
    """How far they were read, and what keeps a hostile one in its place."""

    async def look(application: Application) -> tuple[ExtractionProgress, Sequence[tuple[str, bool]]]:
        return await application.texts.progress(), await application.extractor.holding()

    try:
        found, holding = with_archive(look)
    except Fault as fault:
        yield Check("attachments", Status.ERROR, fault.told_here)
        return
    except OSError as error:
        yield Check("attachments", Status.ERROR, f"no process can be started to read them in: {error.strerror}")
        return
    remedy = "A running server reads them; `mailquery extract` does it at once." if found.done < found.total else ""
    yield Check("attachments", Status.OK, extracting.in_words(found), remedy)
    missing = [name for name, holds in holding if not holds]
    held = ", ".join(name for name, holds in holding if holds)
    if missing:
        finding = f"attachments are read in processes of their own; not to be had here: {', '.join(missing)}"
        yield Check("jail", Status.WARNING, finding, f"These hold: {held}.")
    else:
        yield Check("jail", Status.OK, f"attachments are read in processes of their own: {held}")


def check_recognition(settings: Settings) -> Check:
    """Whether letters in pictures are recognised, and whether they could be."""
    from mailquery.extraction.tesseract import find_tesseract, recognises

    chosen = settings.extraction.ocr
    installed = find_tesseract(chosen.program)
    if not chosen.enabled:
        had = f"{installed.program} could" if installed is not None else "it needs the program tesseract"
        return Check("ocr", Status.OK, f"letters in pictures are not recognised; {had} (extraction.ocr.enabled)")
    if installed is None:
        remedy = "Install it (Debian: tesseract-ocr and tesseract-ocr-kor), or name it in extraction.ocr.program."
        return Check("ocr", Status.WARNING, f"letters in pictures are not recognised: no {chosen.program}", remedy)
    languages = installed.of(chosen.languages)
    missing = [each for each in chosen.languages if each not in languages]
    remedy = f"Install what it knows of {', '.join(missing)} (Debian: tesseract-ocr-{missing[0]})." if missing else ""
    if not languages:
        return Check("ocr", Status.WARNING, f"{installed.program} has none of the languages", remedy)
    if not recognises(installed, languages):
        return Check(
            "ocr",
            Status.WARNING,
            f"{installed.program} fails where it may read nothing but its own files",
            "Install it as a package of the system, so that its libraries are where those of the system are.",
        )
    finding = f"letters in pictures are recognised by {installed.program}: {', '.join(languages)}"
    return Check("ocr", Status.WARNING if missing else Status.OK, finding, remedy)


def check_accounts(settings: Settings) -> Iterator[Check]:
    """One for each account on a mail server."""
    try:
        found = with_archive(lambda application: application.services.sync_status(EVERYTHING), settings)
    except Fault as fault:
        yield Check("accounts", Status.ERROR, fault.told_here)
        return
    for account in found.accounts:
        name, finding = f"account {account.account}", in_words(account, settings.zone)
        if account.state is AccountState.NEEDS_LOGIN:
            yield Check(name, Status.WARNING, finding, f"Give it a new one: mailquery accounts login {account.account}")
        elif not account.is_well:
            # What the archive lacks, such as room on the disk, its own checks tell, and no server could.
            is_ours = account.error_code.startswith("STORAGE")
            remedy = "" if is_ours else f"See what is wrong: mailquery accounts test {account.account}"
            yield Check(name, Status.WARNING, finding, remedy)
        else:
            yield Check(name, Status.OK, finding)
        for question in account.questions:
            yield Check(name, Status.WARNING, question_in_words(question), answers(account.account, question))
