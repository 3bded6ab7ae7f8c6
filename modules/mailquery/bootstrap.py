"""The composition root: opens an archive, and puts together what is to be done with it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from mailquery.background import Hosts, MadeLater
from mailquery.callers import open_audit
from mailquery.domain.policy import Judge
from mailquery.extraction.later import ExtractorLater
from mailquery.mcp.allowed import AllowedTools
from mailquery.meaning import chosen_meaning
from mailquery.parsing.reading import header_lines
from mailquery.repositories.account_locks import AccountLocks
from mailquery.repositories.board_file import BoardFile
from mailquery.repositories.sqlite.accounts import SqliteAccounts
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.attachments.extractions import SqliteExtractions
from mailquery.repositories.sqlite.changes import ArchiveVersion
from mailquery.repositories.sqlite.directory import SqliteDirectory
from mailquery.repositories.sqlite.imports import SqliteImports
from mailquery.repositories.sqlite.messages import SqliteMessages
from mailquery.repositories.sqlite.policies import SqlitePolicies
from mailquery.repositories.sqlite.synchronising import SqliteSync
from mailquery.repositories.sqlite.upkeep.rebuilding import SqliteRebuilding
from mailquery.repositories.sqlite.vectors.repository import SqliteVectors
from mailquery.repositories.sqlite.writing import Writer
from mailquery.services.accounts.server_accounts import ServerAccounts
from mailquery.services.background.freshness import KeepFresh
from mailquery.services.background.refreshing import RefreshAccounts
from mailquery.services.background.sync_runs import SyncRuns
from mailquery.services.background.sync_status import SyncStatus
from mailquery.services.basis import AnswerBasis
from mailquery.services.fetching import FetchWhole
from mailquery.settings import Settings
from mcpkit.database.place import put_back
from mcpkit.errors import ErrorCode, Fault
from mcpkit.resilience.cache import Cache
from mcpkit.security.control import open_control

if TYPE_CHECKING:
    from mailquery.sources.remote import MailConnection
    from mcpkit.monitoring.health import Health, Report
from mailquery.application import Application
from mailquery.composing import compose_services
from mailquery.reading_attachments import jailed_extractor, recogniser_of

_STALE_SECONDS = 900.0  # after which an account is stale at the earliest


def missing_archive(settings: Settings, *, was_there: bool = False) -> Fault | None:
    """Why no server is to begin an empty archive: there was one, as the records beside its place tell, or whoever asks
    (`was_there`). None where the archive is there, or none ever was."""
    path = settings.archive_path
    records = settings.control_path
    if path.exists() or not (was_there or records.exists()):
        return None
    remedy = put_back(path)
    return Fault(
        ErrorCode.SERVICE_UNAVAILABLE,
        f"{path.name} is not there, and it was: "
        f"{'this server had it open' if was_there else f'{records.name} is there'}. "
        f"{remedy} To begin anew without it, use `mailquery import`.",
        details={"remedy": remedy},
        place=path,
    )


@asynccontextmanager
async def open_application(settings: Settings) -> AsyncIterator[Application]:
    """Opens the archive in `settings.home`, creating it where there is none, and closes it at the end.

    Raises Fault STORAGE_TOO_NEW, STORAGE_DAMAGED, STORAGE_FULL, SERVICE_UNAVAILABLE, CONFIGURATION.
    """
    allowed = AllowedTools(settings.policy.allowed_tools)
    database = await open_archive(
        settings.archive_path,
        readers=settings.archive.readers,
        read_timeout=settings.archive.read_seconds,
        judge=Judge(settings.policy.policy(settings.zone), header_lines),
    )
    async with database, await open_control(settings.control_path) as control:
        vectors, meaning = SqliteVectors(database), chosen_meaning(settings.meaning)
        policies, writer = SqlitePolicies(database), Writer(database)
        await policies.adopt_if_empty()
        accounts, sync = SqliteAccounts(database), SqliteSync(database, writer)
        hosts, board, locks = (
            Hosts(settings.sync.breaker),
            BoardFile(settings.home),
            AccountLocks(settings.home / "locks"),
        )
        runs = SyncRuns(MadeLater(lambda: application.sync_account))
        shown = ServerAccounts(accounts, lambda: database.judge.policy)

        async def connect(account: str) -> "MailConnection":
            return await application.connect(account)

        health: Health | None = None

        async def report() -> "Report":
            nonlocal health
            if health is None:
                health = await asyncio.to_thread(_health, application)  # which imports it
            return await health()

        largest = settings.sync.fetched_bytes
        recogniser = await asyncio.to_thread(recogniser_of, settings) if settings.extraction.ocr.enabled else None
        texts = SqliteExtractions(database, complete=recogniser is not None)
        extractor = ExtractorLater(partial(jailed_extractor, settings, recogniser))
        refresh_accounts = RefreshAccounts(shown, runs)
        sync_status = SyncStatus(accounts, SqliteDirectory(database), runs, board, shown, locks.is_held, hosts.standing)
        fresh = KeepFresh(refresh_accounts, sync_status, settings.sync.fresh_seconds, _stale_seconds(settings))
        version = ArchiveVersion(settings.archive_path)
        services = compose_services(
            settings,
            database,
            vectors,
            meaning,
            texts,
            extractor,
            fetch=FetchWhole(sync, SqliteMessages(database), connect, largest=largest),
            refresh_accounts=refresh_accounts,
            sync_status=sync_status,
            fresh=fresh,
            health=report,
            written=version,
        )
        audit = open_audit(settings, control)
        application = Application(
            settings,
            services,
            archive=database,
            writer=writer,
            imports=SqliteImports(database, writer),
            accounts=accounts,
            sync=sync,
            runs=runs,
            hosts=hosts,
            board=board,
            locks=locks,
            rebuilding=SqliteRebuilding(database),
            vectors=vectors,
            meaning=meaning,
            texts=texts,
            extractor=extractor,
            control=control,
            audit=audit,
            policies=policies,
            allowed=allowed,
            basis=AnswerBasis(version, lambda: database.judge.policy.fingerprint, settings.zone, shown, fresh),
            answers=Cache("answers", entries=settings.cache.entries, size=settings.cache.bytes),
        )
        try:
            yield application
        finally:
            version.close()
            await runs.close()
            await application.services.read_attachment.close()
            await extractor.close()
            await audit.close()


def _health(application: Application) -> "Health":
    from mailquery.repositories.sqlite.condition import SqliteCondition
    from mailquery.services.health import mail_checks
    from mcpkit.monitoring.health import Check, Health
    from mcpkit.monitoring.machine import disk_check, memory_check

    def stopped() -> Sequence[str]:
        resting = application.meaning.background.stopped
        return [*application.ended, *(["embedding"] if resting and "embedding" not in application.ended else [])]

    settings, archive = application.settings, application.archive
    condition, directory = SqliteCondition(archive, application.control), SqliteDirectory(archive)
    checks = mail_checks(
        condition,
        directory,
        application.services.sync_status,
        _stale_seconds(settings),
        stopped,
        records_are_needed=settings.audit.on_failure == "stop",
    )
    return Health((*checks, Check("disk", disk_check(settings.home)), Check("memory", memory_check)))


def _stale_seconds(settings: Settings) -> float:
    """An account is looked at every interval, so that after three of them something keeps it back."""
    return max(_STALE_SECONDS, 3 * settings.sync.interval_seconds)
