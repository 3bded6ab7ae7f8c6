"""All use cases that read, as the tools, the resources and the command line take them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailquery.services.attachments.attachment_texts import ReadAttachment
from mailquery.services.attachments.finding import GetAttachment, ListAttachments
from mailquery.services.awaiting import AwaitingReply
from mailquery.services.background.refreshing import RefreshAccounts
from mailquery.services.background.sync_status import SyncStatus
from mailquery.services.directory import AccountNames, FindPeople, ListAccounts, ListMailboxes
from mailquery.services.newest import ReadMailbox
from mailquery.services.reading import ExportMessage, ReadMessage
from mailquery.services.response_times import ResponseTimes
from mailquery.services.searching import SearchMessages
from mailquery.services.similar import FindSimilar
from mailquery.services.statistics import MailStatistics
from mailquery.services.status import ArchiveStatus, ListProblems
from mailquery.services.threads import ReadThread

if TYPE_CHECKING:
    from mcpkit.monitoring.health import Report


@dataclass(frozen=True, slots=True)
class Services:
    search_messages: SearchMessages
    read_message: ReadMessage
    read_thread: ReadThread
    list_accounts: ListAccounts
    account_names: AccountNames
    list_mailboxes: ListMailboxes
    list_attachments: ListAttachments
    get_attachment: GetAttachment
    read_attachment: ReadAttachment
    mail_statistics: MailStatistics
    response_times: ResponseTimes
    awaiting_reply: AwaitingReply
    find_people: FindPeople
    export_message: ExportMessage
    list_problems: ListProblems
    archive_status: ArchiveStatus
    find_similar: FindSimilar
    read_mailbox: ReadMailbox
    refresh_accounts: RefreshAccounts
    sync_status: SyncStatus
    health: Callable[[], Awaitable["Report"]]
