"""The composition root: the only place where concrete classes meet."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from mailquery.background import Hosts, MadeLater, keep_synchronised, keep_these
from mailquery.callers import consent_rules, key_keeper, open_audit
from mailquery.domain.accounts import AccountState, MailAccount
from mailquery.domain.policy import Judge
from mailquery.domain.relevance import Weights
from mailquery.extraction.interfaces import Extractor
from mailquery.extraction.later import ExtractorLater
from mailquery.mcp.allowed import AllowedTools
from mailquery.meaning import chosen_meaning
from mailquery.parsing.reading import header_lines
from mailquery.repositories.account_locks import AccountLocks
from mailquery.repositories.board_file import BoardFile
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.accounts import SqliteAccounts
from mailquery.repositories.sqlite.archive import Archive, open_archive
from mailquery.repositories.sqlite.changes import ArchiveVersion
from mailquery.repositories.sqlite.conversations import SqliteConversations
from mailquery.repositories.sqlite.correspondents import SqliteCorrespondents
from mailquery.repositories.sqlite.directory import SqliteDirectory
from mailquery.repositories.sqlite.extractions import SqliteExtractions
from mailquery.repositories.sqlite.imports import SqliteImports
from mailquery.repositories.sqlite.messages import SqliteMessages
from mailquery.repositories.sqlite.newest import SqliteNewest
from mailquery.repositories.sqlite.policies import SqlitePolicies
from mailquery.repositories.sqlite.rebuilding import SqliteRebuilding
from mailquery.repositories.sqlite.search import SqliteSearch
from mailquery.repositories.sqlite.synchronising import SqliteSync
from mailquery.repositories.sqlite.vectors import SqliteVectors
from mailquery.repositories.sqlite.writing import Writer
from mailquery.services.attachment_texts import ReadAttachment
from mailquery.services.attachments import GetAttachment, ListAttachments
from mailquery.services.awaiting import AwaitingReply
from mailquery.services.basis import AnswerBasis
from mailquery.services.contents import Contents
from mailquery.services.directory import AccountNames, FindPeople, ListAccounts, ListMailboxes
from mailquery.services.fetching import FetchWhole
from mailquery.services.filters import FilterReader
from mailquery.services.freshness import KeepFresh
from mailquery.services.inventory import Services
from mailquery.services.meaning import Meaning
from mailquery.services.newest import ReadMailbox
from mailquery.services.ourselves import FindOurselves
from mailquery.services.policing import ApplyPolicy
from mailquery.services.reading import ExportMessage, ReadMessage
from mailquery.services.refreshing import RefreshAccounts
from mailquery.services.response_times import ResponseTimes
from mailquery.services.searching import SearchMessages
from mailquery.services.server_accounts import ServerAccounts
from mailquery.services.signals import ReadSignals
from mailquery.services.similar import FindSimilar
from mailquery.services.statistics import MailStatistics
from mailquery.services.status import ArchiveStatus, ListProblems
from mailquery.services.sync_runs import Synchronise, SyncRuns
from mailquery.services.sync_status import SyncStatus
from mailquery.services.threads import ReadThread
from mailquery.settings import Settings
from mcpkit.database.sqlite import Database
from mcpkit.errors import ErrorCode, Fault
from mcpkit.resilience.cache import Cache
from mcpkit.security.audit.store import ChainedAudit
from mcpkit.security.consent import Consents
from mcpkit.security.consent_store import ConsentStore
from mcpkit.security.control import open_control
from mcpkit.security.identity import login_name
from mcpkit.security.key_files import load_private_key
from mcpkit.security.tokens import SignedTokens, load_or_create_key

if TYPE_CHECKING:
    from mailquery.extraction.recognising import Recogniser
    from mailquery.mail_accounts import MailAccounts
    from mailquery.services.embedding import EmbedMail
    from mailquery.services.extracting import ExtractAttachments, KeepExtracted
    from mailquery.services.figures import CountArchive
    from mailquery.services.importing import ImportMail
    from mailquery.services.rebuilding import RebuildIndex
    from mailquery.services.removing import RemoveAccountMail
    from mailquery.services.synchronising import ServerOf, SyncAccount
    from mailquery.services.verifying import VerifyArchive
    from mailquery.signing_in import SignIn
    from mailquery.sources.discovery.finding import FindServers
    from mailquery.sources.remote import MailConnection, MailServer
    from mcpkit.monitoring.health import Health, Report
    from mcpkit.protocol.parameters import ParameterResolver
    from mcpkit.protocol.stages.drafts import Draft
    from mcpkit.security.authentication.api_keys import ApiKeys
    from mcpkit.security.authentication.key_store import KeyStore
    from mcpkit.security.secrets import SecretStore

logger = logging.getLogger(__name__)

_MANY_CORES = 4
_STALE_SECONDS = 900.0  # after which an account is stale at the earliest
_KEY_PREFIX = "mq"  # by which an API key of this product is known


@dataclass(frozen=True, slots=True)
class Application:
    """An open archive and what can be done with it. What only some of the commands need is imported when it is asked
    for: a server over STDIO is started for every conversation."""

    settings: Settings
    services: Services
    archive: Archive
    writer: Writer  # of all that write messages in this process
    imports: SqliteImports
    accounts: SqliteAccounts
    sync: SqliteSync
    runs: SyncRuns
    hosts: Hosts
    board: BoardFile
    locks: AccountLocks
    rebuilding: SqliteRebuilding
    vectors: SqliteVectors
    meaning: Meaning
    texts: SqliteExtractions  # of attachments
    extractor: Extractor
    control: Database  # what is kept about callers (`mcpkit.security.control`)
    policies: SqlitePolicies
    allowed: AllowedTools
    audit: ChainedAudit
    basis: AnswerBasis
    answers: "Cache[Hashable, Draft]"
    beside: "list[KeepExtracted]" = field(default_factory=list)  # what reads attachments, where that goes on
    ended: list[str] = field(default_factory=list)  # what went on beside a server, and failed

    @property
    def caches(self) -> "tuple[Cache[Any, Any], ...]":
        return (self.answers,)

    @property
    def secrets(self) -> "SecretStore":
        """Credentials at rest."""
        from mcpkit.security.secrets import SecretStore

        return SecretStore(self.control, key_keeper(self.settings))

    @property
    def mail_accounts(self) -> "MailAccounts":
        """Accounts on mail servers, and what can be done with them."""
        from mailquery.mail_accounts import mail_accounts
        from mailquery.signing_in import AccountTokens

        async def names() -> Sequence[str]:
            return await self.services.account_names(Visibility())

        tokens = AccountTokens(self.sign_in, self.accounts)
        return mail_accounts(
            self.accounts,
            self.secrets,
            self.settings.sync.timeouts,
            names,
            self._remove_mail,
            tokens,
            self.locks.hold,
        )

    async def connect(self, name: str) -> "MailConnection":
        """To the server of the account of this name, by way of its host's breaker. Raises Fault NOT_FOUND where there
        is none, SOURCE_UNAVAILABLE where it is paused, and what the server raises."""
        account = await self.accounts.get(name)
        if account is None:
            raise Fault(ErrorCode.NOT_FOUND, f"The account {name!r} is on no mail server, or not any more.")
        if account.state is AccountState.PAUSED:
            message = f"The account {name!r} is paused: `mailquery accounts resume {name}` ends that."
            raise Fault(ErrorCode.SOURCE_UNAVAILABLE, message)
        return await self.mail_servers(account).connect()

    @property
    def mail_servers(self) -> "ServerOf":
        """Where the mail of an account is read, by way of its host's circuit breaker."""
        from mailquery.mail_accounts import imap_server

        credentials, chosen = self.mail_accounts.credentials, self.settings.sync

        def server_of(account: MailAccount) -> "MailServer":
            source = credentials.of(account)
            server = imap_server(account, source, chosen.timeouts, largest=chosen.fetched_bytes)
            return self.hosts.guarded(account, server)

        return server_of

    @property
    def sync_account(self) -> "SyncAccount":
        """One synchronisation, unless one is under way. `runs` joins that."""
        from mailquery.services.parser_pool import default_workers
        from mailquery.services.synchronising import SyncAccount, SyncOptions

        chosen = self.settings.sync
        workers = self.settings.importing.workers or default_workers()
        options = SyncOptions(chosen.connections, chosen.batch_bytes, workers, chosen.longest_seconds)
        return SyncAccount(self.accounts, self.sync, self.mail_servers, self.locks, options)

    async def keep_synchronised(self) -> None:
        """Goes on until it is cancelled, or until an error of the program ends it."""
        await keep_synchronised(
            self.accounts, self.runs, self.hosts, self.board, lambda: self.mail_servers, self.settings.sync
        )

    async def keep_these(self, accounts: Sequence[MailAccount], synchronise: Synchronise) -> None:
        """Keeps some accounts in step by `synchronise`. Goes on until it is cancelled."""
        standings = [(each, await self.accounts.standing(each.name)) for each in accounts]
        await keep_these(standings, SyncRuns(synchronise), self.mail_servers, self.settings.sync)

    @property
    def find_servers(self) -> "FindServers":
        from mailquery.mail_accounts import find_servers

        return find_servers(self.settings.discovery)

    async def _remove_mail(self, account: str, progress: Callable[[int, int], None] | None) -> int:
        show = None if progress is None else lambda done: progress(done.messages, done.total)
        return (await self.remove_account_mail(account, show)).removed

    @property
    def sign_in(self) -> "SignIn":
        """How people sign in to their mail, and where the tokens are kept."""
        from mailquery.signing_in import SignIn
        from mcpkit.security.oauth.token_store import TokenStore

        return SignIn(self.settings.oauth, TokenStore(self.secrets, self.settings.home))

    @property
    def consent_store(self) -> ConsentStore:
        return ConsentStore(self.control)

    @property
    def consents(self) -> Consents:
        return Consents(self.consent_store, consent_rules(self.settings))

    def import_mail_into(self, imports: SqliteImports) -> "ImportMail":
        from mailquery.services.importing import ImportMail
        from mailquery.services.parser_pool import default_workers

        return ImportMail(imports, workers=self.settings.importing.workers or default_workers())

    @property
    def import_mail(self) -> "ImportMail":
        return self.import_mail_into(self.imports)

    @property
    def mending_imports(self) -> SqliteImports:
        """An import through these also stores what is damaged in the archive."""
        return SqliteImports(self.archive, self.writer, mend=True)

    @property
    def remove_account_mail(self) -> "RemoveAccountMail":
        from mailquery.repositories.sqlite.account_removal import SqliteRemoval
        from mailquery.services.removing import RemoveAccountMail

        return RemoveAccountMail(SqliteRemoval(self.archive, self.writer))

    @property
    def rebuild_index(self) -> "RebuildIndex":
        from mailquery.services.parser_pool import default_workers
        from mailquery.services.rebuilding import RebuildIndex

        return RebuildIndex(self.rebuilding, workers=self.settings.importing.workers or default_workers())

    @property
    def verify_archive(self) -> "VerifyArchive":
        """Raises Fault CONFIGURATION where the audit's key cannot be used."""
        from mailquery.repositories.sqlite.callers_verifying import SqliteCallersVerification
        from mailquery.repositories.sqlite.verifying import SqliteVerification
        from mailquery.services.verifying import VerifyArchive

        key = load_private_key(self.settings.audit_key_path)
        callers = SqliteCallersVerification(self.control, self.secrets, key)
        return VerifyArchive(SqliteVerification(self.archive), callers)

    @property
    def embed_mail(self) -> "EmbedMail":
        """Raises Fault CONFIGURATION where search by meaning is not available."""
        from mailquery.services.embedding import EmbedMail

        return EmbedMail(self.vectors, self.meaning.needed())

    @property
    def apply_policy(self) -> ApplyPolicy:
        return ApplyPolicy(self.policies)

    @property
    def extract_attachments(self) -> "ExtractAttachments":
        from mailquery.services.extracting import ExtractAttachments

        return ExtractAttachments(self.texts, self.extractor, workers=_extraction_workers(self.settings))

    @property
    def key_store(self) -> "KeyStore":
        from mcpkit.security.authentication.key_store import KeyStore

        return KeyStore(self.control)

    @property
    def api_keys(self) -> "ApiKeys":
        from mcpkit.security.authentication.api_keys import ApiKeys

        return ApiKeys(self.key_store, _KEY_PREFIX)

    @property
    def local_user(self) -> str:
        """Whoever runs this process."""
        return self.settings.user or login_name()

    @property
    def parameters(self) -> "ParameterResolver":
        """What can be set beforehand of the tools' arguments. Raises Fault CONFIGURATION."""
        from mailquery.mcp.catalogue import catalogue

        resolver = self.resolver()
        catalogue(self.services, resolver)
        return resolver

    @property
    def count_archive(self) -> "CountArchive":
        from mailquery.repositories.sqlite.condition import SqliteCondition
        from mailquery.services.figures import CountArchive

        condition, directory = SqliteCondition(self.archive, self.control), SqliteDirectory(self.archive)
        return CountArchive(condition, directory, self.texts, self.vectors, self.meaning, self.services.sync_status)

    def resolver(self) -> "ParameterResolver":
        from mcpkit.protocol.parameters import ParameterResolver, StoredParameters

        return ParameterResolver(StoredParameters(self.control), os.environ, Settings.prefix)


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
        recogniser = await asyncio.to_thread(_recogniser, settings) if settings.extraction.ocr.enabled else None
        texts = SqliteExtractions(database, complete=recogniser is not None)
        extractor = ExtractorLater(partial(_jailed_extractor, settings, recogniser))
        refresh_accounts = RefreshAccounts(shown, runs)
        sync_status = SyncStatus(accounts, SqliteDirectory(database), runs, board, shown, locks.is_held, hosts.standing)
        fresh = KeepFresh(refresh_accounts, sync_status, settings.sync.fresh_seconds, _stale_seconds(settings))
        version = ArchiveVersion(settings.archive_path)
        services = _services(
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


def _extraction_workers(settings: Settings) -> int:
    return settings.extraction.workers or (2 if (os.cpu_count() or 1) >= _MANY_CORES else 1)


def _recogniser(settings: Settings) -> "Recogniser | None":
    """What recognises letters in pictures; None where that cannot be had here, which is said."""
    from mailquery.extraction.tesseract import Tesseract, find_tesseract

    chosen = settings.extraction.ocr
    installed = find_tesseract(chosen.program)
    languages = installed.of(chosen.languages) if installed is not None else ()
    if installed is None or not languages:
        logger.warning("letters in pictures are not recognised; `mailquery doctor` says what that needs")
        return None
    return Tesseract(installed, languages)


def _jailed_extractor(settings: Settings, recogniser: "Recogniser | None") -> Extractor:
    from mailquery.extraction.interfaces import Limits
    from mailquery.extraction.jailed import JailedExtractor

    ocr = settings.extraction.ocr
    limits = Limits(**settings.extraction.limits.model_dump(), pictures=ocr.pictures)
    return JailedExtractor(_extraction_workers(settings), limits, recogniser, ocr.seconds)


def _services(
    settings: Settings,
    database: Archive,
    vectors: SqliteVectors,
    meaning: Meaning,
    texts: SqliteExtractions,
    extractor: Extractor,
    *,
    fetch: FetchWhole,
    refresh_accounts: RefreshAccounts,
    sync_status: SyncStatus,
    fresh: KeepFresh,
    health: "Callable[[], Awaitable[Report]]",
) -> Services:
    weights = Weights(**settings.ranking.model_dump())
    search = SqliteSearch(database, weights=weights, vectors=vectors.index)
    messages = SqliteMessages(database)
    directory = SqliteDirectory(database)
    conversations = SqliteConversations(database)
    ourselves = FindOurselves(conversations, settings.me)
    signals = ReadSignals(messages, SqliteCorrespondents(database), settings.mail.trusted_authserv_ids)
    filters = FilterReader(directory, settings.zone, ourselves)
    contents = Contents(lambda: database.judge.policy)
    tokens = SignedTokens(load_or_create_key(settings.home))
    get_attachment = GetAttachment(messages, settings.answers.attachment_bytes, contents, fetch)
    return Services(
        search_messages=SearchMessages(search, filters, tokens, meaning, fresh=fresh, texts=texts),
        read_message=ReadMessage(messages, signals, contents),
        read_thread=ReadThread(messages, signals, contents),
        list_accounts=ListAccounts(directory),
        account_names=AccountNames(directory),
        list_mailboxes=ListMailboxes(directory),
        list_attachments=ListAttachments(search, filters, tokens, contents=contents),
        get_attachment=get_attachment,
        read_attachment=ReadAttachment(
            messages, get_attachment, extractor, texts, contents, complete=texts.looks_into_pictures
        ),
        mail_statistics=MailStatistics(search, filters),
        response_times=ResponseTimes(conversations, filters, ourselves),
        awaiting_reply=AwaitingReply(conversations, messages, filters, ourselves, tokens, settings.awaiting.days),
        find_people=FindPeople(directory),
        export_message=ExportMessage(messages, contents, fetch),
        list_problems=ListProblems(directory),
        archive_status=ArchiveStatus(directory, vectors, meaning, texts, extractor),
        find_similar=FindSimilar(messages, vectors, filters, meaning),
        read_mailbox=ReadMailbox(SqliteNewest(database), search),
        refresh_accounts=refresh_accounts,
        sync_status=sync_status,
        health=health,
    )
