"""Archives made in a test: real messages, prepared as an import does it, in a real SQLite file."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

from mailquery.domain.handles import key_of_fingerprint, message_handle
from mailquery.domain.identity import fingerprint
from mailquery.domain.mailboxes import MailboxRole, Placement
from mailquery.domain.messages import Flag
from mailquery.domain.policy import NO_POLICY, Judge, Policy
from mailquery.embedding.static import StaticEmbedder
from mailquery.extraction.interfaces import Extractor, Limits
from mailquery.extraction.jailed import JailedExtractor
from mailquery.extraction.later import ExtractorLater
from mailquery.extraction.recognising import Recogniser
from mailquery.parsing.reading import header_lines
from mailquery.repositories.board_file import BoardFile
from mailquery.repositories.prepared import NewPlacement, SourceProblem
from mailquery.repositories.sqlite.accounts import SqliteAccounts
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.attachments.extractions import SqliteExtractions
from mailquery.repositories.sqlite.changes import ArchiveVersion
from mailquery.repositories.sqlite.condition import SqliteCondition
from mailquery.repositories.sqlite.conversations import SqliteConversations
from mailquery.repositories.sqlite.directory import SqliteDirectory
from mailquery.repositories.sqlite.imports import SqliteImports
from mailquery.repositories.sqlite.messages import SqliteMessages
from mailquery.repositories.sqlite.newest import SqliteNewest
from mailquery.repositories.sqlite.policies import SqlitePolicies
from mailquery.repositories.sqlite.search import SqliteSearch
from mailquery.repositories.sqlite.synchronising import SqliteSync
from mailquery.repositories.sqlite.vectors.repository import SqliteVectors
from mailquery.services.accounts.server_accounts import ServerAccounts
from mailquery.services.attachments.attachment_texts import ReadAttachment
from mailquery.services.attachments.contents import Contents
from mailquery.services.attachments.extracting import ExtractAttachments
from mailquery.services.attachments.finding import GetAttachment, ListAttachments
from mailquery.services.awaiting import AwaitingReply
from mailquery.services.background.freshness import KeepFresh
from mailquery.services.background.refreshing import RefreshAccounts
from mailquery.services.background.sync_runs import Synchronise, SyncRuns
from mailquery.services.background.sync_status import SyncStatus
from mailquery.services.basis import AnswerBasis
from mailquery.services.directory import AccountNames, FindPeople, ListAccounts, ListMailboxes
from mailquery.services.embedding import EmbedMail
from mailquery.services.filters import FilterReader
from mailquery.services.health import mail_checks
from mailquery.services.inventory import Services
from mailquery.services.meaning import Meaning
from mailquery.services.newest import ReadMailbox
from mailquery.services.ourselves import FindOurselves
from mailquery.services.policing import ApplyPolicy
from mailquery.services.preparing import prepare
from mailquery.services.reading import ExportMessage, ReadMessage
from mailquery.services.response_times import ResponseTimes
from mailquery.services.searching import SearchMessages
from mailquery.services.signals import ReadSignals
from mailquery.services.similar import FindSimilar
from mailquery.services.statistics import MailStatistics
from mailquery.services.status import ArchiveStatus, ListProblems
from mailquery.services.threads import ReadThread
from mailquery.sources.interfaces import SourceMessage
from mcpkit.monitoring.health import Health
from mcpkit.security.tokens import SignedTokens
from support.syncing import Script

_EMBEDDER = StaticEmbedder()  # its files are read once for all tests of a process
_UNUSED = Meaning(None, "Search by meaning is switched off.")
NOW = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Seoul")
# The standard library folds a field of very long words with an empty line in it.
_UNFOLDED = policy.default.clone(max_line_length=0)


@dataclass(frozen=True)
class Mail:
    """A message to be stored, and where it lies. `raw` wins over the fields."""

    subject: str = "Hello"
    sender: str = "Ana Lima <ana@acme.example>"
    to: str = "Bo Kim <bo@home.example>"
    cc: str = ""
    date: str = "Mon, 09 Mar 2026 14:05:00 +0900"
    text: str = "Hello Bo."
    html: str = ""
    message_id: str = ""
    in_reply_to: str = ""
    files: tuple[tuple[str, str, bytes], ...] = ()  # name, MIME type, content
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes = b""
    account: str = "local"
    mailboxes: tuple[str, ...] = ("Inbox",)
    flags: Flag = Flag.SEEN

    def as_bytes(self) -> bytes:
        if self.raw:
            return self.raw
        message = EmailMessage()
        message["Subject"] = self.subject
        message["From"] = self.sender
        message["To"] = self.to
        if self.cc:
            message["Cc"] = self.cc
        message["Date"] = self.date
        if self.message_id:
            message["Message-ID"] = f"<{self.message_id}>"
        if self.in_reply_to:
            message["In-Reply-To"] = f"<{self.in_reply_to}>"
            message["References"] = f"<{self.in_reply_to}>"
        for name, value in self.headers:
            message[name] = value
        message.set_content(self.text)
        if self.html:
            message.add_alternative(self.html, subtype="html")
        for name, content_type, content in self.files:
            maintype, _, subtype = content_type.partition("/")
            message.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
        for number, part in enumerate(message.walk()):
            if part.is_multipart():
                part.set_boundary(f"boundary-{number}")  # else a random one, and another id each time
        return message.as_bytes(policy=_UNFOLDED)

    @property
    def id(self) -> str:
        return message_handle(key_of_fingerprint(fingerprint(self.as_bytes())))


@dataclass
class Archive:
    services: Services
    imports: SqliteImports
    embed: EmbedMail
    policies: SqlitePolicies
    accounts: SqliteAccounts
    sync: SqliteSync
    extract: ExtractAttachments
    extractor: Extractor
    basis: AnswerBasis
    roles: dict[str, MailboxRole] = field(default_factory=dict)

    async def apply_policy(self, policy: Policy) -> None:
        self.policies.replace(policy)
        await ApplyPolicy(self.policies, batch=3)()

    async def add(self, *mails: Mail, problems: Sequence[SourceProblem] = (), finished: bool = True) -> list[str]:
        """Stores the messages in one batch and gives their ids."""
        prepared, placements = [], []
        for number, mail in enumerate(mails):
            raw = mail.as_bytes()
            where = tuple(Placement(name, mail.flags, f"test#{number}") for name in mail.mailboxes)
            source = SourceMessage(raw=raw, placements=where, source_date=None)
            mark = fingerprint(raw)
            prepared.append(prepare(source, mark, NOW))
            placements.append(NewPlacement(mark, mail.account, where))
        async with self.imports.writing():
            await self.imports.add(prepared, placements, problems)
            if finished:
                for account in {mail.account for mail in mails}:
                    names = {name for mail in mails if mail.account == account for name in mail.mailboxes}
                    await self.imports.finished(account, sorted(names))
        return [mail.id for mail in mails]

    async def add_unplaced(self, *mails: Mail) -> None:
        """Stores messages that lie nowhere yet."""
        prepared = [
            prepare(SourceMessage(raw=raw, placements=(), source_date=None), fingerprint(raw), NOW)
            for raw in (mail.as_bytes() for mail in mails)
        ]
        async with self.imports.writing():
            await self.imports.add(prepared, [], [])


@asynccontextmanager
async def temporary_archive(
    folder: Path,
    *,
    largest_attachment: int = 1_000_000,
    meaning: Meaning | None = None,
    me: Sequence[str] = (),
    policy: Policy = NO_POLICY,
    trusted_servers: Sequence[str] = (),
    synchronise: Synchronise | None = None,
    fresh_seconds: float = 5.0,
    recogniser: Recogniser | None = None,
) -> AsyncIterator[Archive]:
    """`policy` is that of this process: in force where the archive is empty, or once `apply_policy` was called.
    `synchronise` stands in the place of what reads mail servers."""
    database = await open_archive(folder / "mail.db", readers=1, judge=Judge(policy, header_lines))
    try:
        policies, contents = SqlitePolicies(database), Contents(lambda: database.judge.policy)
        await policies.adopt_if_empty()
        search, messages = SqliteSearch(database), SqliteMessages(database)
        directory, imports = SqliteDirectory(database), SqliteImports(database)
        tokens = SignedTokens(b"k" * 32)
        vectors, meaning = SqliteVectors(database), meaning or Meaning(_EMBEDDER)
        texts = SqliteExtractions(database, complete=recogniser is not None)
        extractor = ExtractorLater(lambda: JailedExtractor(1, Limits(pictures=5), recogniser))

        conversations = SqliteConversations(database)
        ourselves = FindOurselves(conversations, me)
        signals = ReadSignals(trusted_servers)
        version = ArchiveVersion(folder / "mail.db")
        filters = FilterReader(directory, ZONE, ourselves, version)

        accounts, runs = SqliteAccounts(database), SyncRuns(synchronise or Script())
        shown = ServerAccounts(accounts, lambda: database.judge.policy)

        get_attachment = GetAttachment(messages, largest_attachment, contents)
        read_attachment = ReadAttachment(
            messages, get_attachment, extractor, texts, contents, complete=recogniser is not None
        )
        refresh = RefreshAccounts(shown, runs)
        status = SyncStatus(
            accounts, directory, runs, BoardFile(folder), shown, lambda name: False, lambda account: None
        )
        fresh = KeepFresh(refresh, status, seconds=fresh_seconds, stale_after=900)

        def clock() -> datetime:
            return NOW

        yield Archive(
            Services(
                search_messages=SearchMessages(search, filters, tokens, _UNUSED, clock, fresh, texts),
                read_message=ReadMessage(messages, signals, contents),
                read_thread=ReadThread(messages, signals, contents),
                list_accounts=ListAccounts(directory),
                account_names=AccountNames(directory),
                list_mailboxes=ListMailboxes(directory),
                list_attachments=ListAttachments(search, filters, tokens, clock, contents),
                get_attachment=get_attachment,
                read_attachment=read_attachment,
                mail_statistics=MailStatistics(search, filters, clock),
                response_times=ResponseTimes(conversations, filters, ourselves, clock),
                awaiting_reply=AwaitingReply(conversations, messages, filters, ourselves, tokens, 3, clock),
                find_people=FindPeople(directory),
                export_message=ExportMessage(messages, contents),
                list_problems=ListProblems(directory),
                archive_status=ArchiveStatus(directory, vectors, meaning, texts, extractor),
                find_similar=FindSimilar(messages, vectors, filters, meaning, clock),
                read_mailbox=ReadMailbox(SqliteNewest(database), search),
                refresh_accounts=refresh,
                sync_status=status,
                health=Health(mail_checks(SqliteCondition(database, database), directory, status, 900)),
            ),
            imports,
            EmbedMail(vectors, _EMBEDDER),
            policies,
            accounts,
            SqliteSync(database),
            ExtractAttachments(texts, extractor),
            extractor,
            AnswerBasis(version, lambda: database.judge.policy.fingerprint, ZONE, shown, fresh),
        )
        await read_attachment.close()
        version.close()
        await extractor.close()
        await runs.close()
    finally:
        await database.close()
