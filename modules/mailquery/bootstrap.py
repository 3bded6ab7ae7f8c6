"""The composition root: the only place where concrete classes meet."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.conversations import SqliteConversations
from mailquery.repositories.sqlite.directory import SqliteDirectory
from mailquery.repositories.sqlite.imports import SqliteImports
from mailquery.repositories.sqlite.messages import SqliteMessages
from mailquery.repositories.sqlite.search import SqliteSearch
from mailquery.services.attachments import GetAttachment, ListAttachments
from mailquery.services.awaiting import AwaitingReply
from mailquery.services.directory import FindPeople, ListAccounts, ListMailboxes
from mailquery.services.filters import FilterReader
from mailquery.services.inventory import Services
from mailquery.services.ourselves import FindOurselves
from mailquery.services.reading import ExportMessage, ReadMessage
from mailquery.services.response_times import ResponseTimes
from mailquery.services.searching import SearchMessages
from mailquery.services.statistics import MailStatistics
from mailquery.services.status import ArchiveStatus, ListProblems
from mailquery.services.threads import ReadThread
from mailquery.settings import Settings
from mcpkit.database.sqlite import Database
from mcpkit.security.tokens import SignedTokens, load_or_create_key

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

    from mailquery.services.importing import ImportMail


@dataclass(frozen=True, slots=True)
class Application:
    """An open archive and what can be done with it. What only some of the commands need is imported when it is asked
    for: a server over STDIO is started for every conversation."""

    settings: Settings
    services: Services
    imports: SqliteImports

    @property
    def import_mail(self) -> "ImportMail":
        from mailquery.services.importing import ImportMail, default_workers

        return ImportMail(self.imports, workers=self.settings.importing.workers or default_workers())

    def server(self) -> "Server[Any]":
        """The MCP server, for any transport."""
        from mailquery.mcp.catalogue import catalogue
        from mcpkit.protocol.pipeline import build_pipeline
        from mcpkit.protocol.server import build_server
        from mcpkit.security.audit import LogAudit
        from mcpkit.security.identity import LocalUser

        pipeline = build_pipeline(LocalUser(self.settings.user), LogAudit(), max_chars=self.settings.answers.max_chars)
        return build_server(catalogue(self.services), pipeline)

    async def health(self) -> Mapping[str, object]:
        """For `/health`, which anybody may ask: that the archive answers, and nothing of what is in it."""
        await self.services.archive_status(Visibility(frozenset()))
        return {"archive": "ok"}


@asynccontextmanager
async def open_application(settings: Settings) -> AsyncIterator[Application]:
    """Opens the archive in `settings.home`, creating it where there is none, and closes it at the end.

    Raises Fault STORAGE_TOO_NEW, STORAGE_DAMAGED, STORAGE_FULL, SERVICE_UNAVAILABLE, CONFIGURATION.
    """
    database = await open_archive(
        settings.archive_path, readers=settings.archive.readers, read_timeout=settings.archive.read_seconds
    )
    async with database:
        yield Application(settings, _services(settings, database), SqliteImports(database))


def _services(settings: Settings, database: Database) -> Services:
    search = SqliteSearch(database)
    messages = SqliteMessages(database)
    directory = SqliteDirectory(database)
    conversations = SqliteConversations(database)
    ourselves = FindOurselves(conversations, settings.me)
    filters = FilterReader(directory, settings.zone)
    tokens = SignedTokens(load_or_create_key(settings.home))
    return Services(
        search_messages=SearchMessages(search, filters, tokens),
        read_message=ReadMessage(messages),
        read_thread=ReadThread(messages),
        list_accounts=ListAccounts(directory),
        list_mailboxes=ListMailboxes(directory),
        list_attachments=ListAttachments(search, filters, tokens),
        get_attachment=GetAttachment(messages, settings.answers.attachment_bytes),
        mail_statistics=MailStatistics(search, filters),
        response_times=ResponseTimes(conversations, filters, ourselves),
        awaiting_reply=AwaitingReply(conversations, messages, filters, ourselves, tokens, settings.awaiting.days),
        find_people=FindPeople(directory),
        export_message=ExportMessage(messages),
        list_problems=ListProblems(directory),
        archive_status=ArchiveStatus(directory),
    )
