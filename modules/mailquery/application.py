"""What can be done with an open archive, by whatever serves people: the command line, or a server."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mailquery.background import Hosts, keep_synchronised, keep_these
from mailquery.callers import consent_rules, key_keeper
from mailquery.domain.accounts import AccountState, MailAccount
from mailquery.extraction.later import ExtractorLater
from mailquery.mcp.allowed import AllowedTools
from mailquery.repositories.account_locks import AccountLocks
from mailquery.repositories.board_file import BoardFile
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.accounts import SqliteAccounts
from mailquery.repositories.sqlite.archive import Archive
from mailquery.repositories.sqlite.attachments.extractions import SqliteExtractions
from mailquery.repositories.sqlite.directory import SqliteDirectory
from mailquery.repositories.sqlite.imports import SqliteImports
from mailquery.repositories.sqlite.policies import SqlitePolicies
from mailquery.repositories.sqlite.synchronising import SqliteSync
from mailquery.repositories.sqlite.upkeep.rebuilding import SqliteRebuilding
from mailquery.repositories.sqlite.vectors.repository import SqliteVectors
from mailquery.repositories.sqlite.writing import Writer
from mailquery.services.background.sync_runs import Synchronise, SyncRuns
from mailquery.services.basis import AnswerBasis
from mailquery.services.inventory import Services
from mailquery.services.meaning import Meaning
from mailquery.services.policing import ApplyPolicy
from mailquery.settings import Settings, environment
from mcpkit.database.sqlite import Database
from mcpkit.errors import ErrorCode, Fault
from mcpkit.resilience.cache import Cache
from mcpkit.security.audit.store import ChainedAudit
from mcpkit.security.consent.consents import Consents
from mcpkit.security.consent.store import ConsentStore
from mcpkit.security.identity import login_name
from mcpkit.security.secrets.key_files import load_private_key

if TYPE_CHECKING:
    from mailquery.mail_accounts import MailAccounts
    from mailquery.services.accounts.removing import RemoveAccountMail
    from mailquery.services.attachments.extracting import ExtractAttachments, KeepExtracted
    from mailquery.services.embedding import EmbedMail
    from mailquery.services.figures import CountArchive
    from mailquery.services.importing import ImportMail
    from mailquery.services.synchronising import ServerOf, SyncAccount
    from mailquery.services.upkeep.rebuilding import RebuildIndex
    from mailquery.services.upkeep.verifying import VerifyArchive
    from mailquery.signing_in import SignIn
    from mailquery.sources.discovery.finding import FindServers
    from mailquery.sources.remote import MailConnection, MailServer
    from mcpkit.protocol.parameters import ParameterResolver
    from mcpkit.protocol.stages.drafts import Draft
    from mcpkit.security.authentication.api_keys import ApiKeys
    from mcpkit.security.authentication.key_store import KeyStore
    from mcpkit.security.secrets.store import SecretStore
from mailquery.reading_attachments import extraction_workers

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
    extractor: ExtractorLater
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
        from mcpkit.security.secrets.store import SecretStore

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
        from mailquery.services.synchronising import SyncAccount, SyncOptions

        chosen = self.settings.sync
        options = SyncOptions(chosen.connections, chosen.batch_bytes, self._parsers, chosen.longest_seconds)
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

    @property
    def _parsers(self) -> int:
        """How many processes parse messages."""
        from mailquery.services.parser_pool import default_workers

        return self.settings.importing.workers or default_workers()

    def import_mail_into(self, imports: SqliteImports) -> "ImportMail":
        from mailquery.services.importing import ImportMail

        return ImportMail(imports, workers=self._parsers)

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
        from mailquery.services.accounts.removing import RemoveAccountMail

        return RemoveAccountMail(SqliteRemoval(self.archive, self.writer))

    @property
    def rebuild_index(self) -> "RebuildIndex":
        from mailquery.services.upkeep.rebuilding import RebuildIndex

        return RebuildIndex(self.rebuilding, workers=self._parsers)

    @property
    def verify_archive(self) -> "VerifyArchive":
        """Raises Fault CONFIGURATION where the audit's key cannot be used."""
        from mailquery.repositories.sqlite.upkeep.callers_verifying import SqliteCallersVerification
        from mailquery.repositories.sqlite.upkeep.verifying import SqliteVerification
        from mailquery.services.upkeep.verifying import VerifyArchive

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
        from mailquery.services.attachments.extracting import ExtractAttachments

        return ExtractAttachments(self.texts, self.extractor, workers=extraction_workers(self.settings))

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

        return ParameterResolver(StoredParameters(self.control), environment(), Settings.prefix)
