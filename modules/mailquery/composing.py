"""The services of an open archive, each with the repositories that it needs."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from mailquery.domain.relevance import Weights
from mailquery.extraction.interfaces import Extractor
from mailquery.repositories.sqlite.archive import Archive
from mailquery.repositories.sqlite.attachments.extractions import SqliteExtractions
from mailquery.repositories.sqlite.conversations import SqliteConversations
from mailquery.repositories.sqlite.directory import SqliteDirectory
from mailquery.repositories.sqlite.messages import SqliteMessages
from mailquery.repositories.sqlite.newest import SqliteNewest
from mailquery.repositories.sqlite.search import SqliteSearch
from mailquery.repositories.sqlite.vectors.repository import SqliteVectors
from mailquery.services.attachments.attachment_texts import ReadAttachment
from mailquery.services.attachments.contents import Contents
from mailquery.services.attachments.finding import GetAttachment, ListAttachments
from mailquery.services.awaiting import AwaitingReply
from mailquery.services.background.freshness import KeepFresh
from mailquery.services.background.refreshing import RefreshAccounts
from mailquery.services.background.sync_status import SyncStatus
from mailquery.services.directory import AccountNames, FindPeople, ListAccounts, ListMailboxes
from mailquery.services.fetching import FetchWhole
from mailquery.services.filters import FilterReader
from mailquery.services.inventory import Services
from mailquery.services.meaning import Meaning
from mailquery.services.newest import ReadMailbox
from mailquery.services.ourselves import FindOurselves
from mailquery.services.reading import ExportMessage, ReadMessage
from mailquery.services.response_times import ResponseTimes
from mailquery.services.searching import SearchMessages
from mailquery.services.signals import ReadSignals
from mailquery.services.similar import FindSimilar
from mailquery.services.statistics import MailStatistics
from mailquery.services.status import ArchiveStatus, ListProblems
from mailquery.services.threads import ReadThread
from mailquery.settings import Settings
from mcpkit.security.tokens import SignedTokens, load_or_create_key

if TYPE_CHECKING:
    from mcpkit.monitoring.health import Report


def compose_services(
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
    written: Callable[[], int | None],
) -> Services:
    weights = Weights(**settings.ranking.model_dump())
    search = SqliteSearch(database, weights=weights, vectors=vectors.index)
    messages = SqliteMessages(database)
    directory = SqliteDirectory(database)
    conversations = SqliteConversations(database)
    ourselves = FindOurselves(conversations, settings.me)
    signals = ReadSignals(settings.mail.trusted_authserv_ids)
    filters = FilterReader(directory, settings.zone, ourselves, written)
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
