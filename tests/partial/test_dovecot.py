"""A large message on a real Dovecot: in part first, and whole when its attachment is asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailquery.domain.handles import key_of_fingerprint, message_handle
from mailquery.domain.identity import fingerprint
from mailquery.domain.mailboxes import MailboxRole, Placement
from mailquery.domain.messages import Flag
from mailquery.domain.uids import UidSet
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.messages import SqliteMessages
from mailquery.repositories.sqlite.synchronising import SqliteSync
from mailquery.repositories.synchronising import Arrival
from mailquery.services.attachments.finding import GetAttachment
from mailquery.services.fetching import FetchWhole
from mailquery.services.preparing import prepare
from mailquery.services.reading import ExportMessage
from mailquery.sources.interfaces import SourceMessage
from mailquery.sources.remote import MailConnection
from mcpkit.errors import ErrorCode, Fault
from partial.servers import CONTENT, WHOLE, WHY, store_in_part
from support.archives import NOW
from support.dovecot import PASSWORD, USER, Dovecot, running_dovecot
from support.imap_client import connected, imap, plain

ALL = Visibility()


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with running_dovecot() as dovecot:
        yield dovecot


async def test_an_attachment_is_fetched_and_nothing_changes_on_the_server(server: Dovecot, tmp_path: Path) -> None:
    mail = server.add_user(USER, PASSWORD)
    whole = WHOLE.as_bytes().replace(b"\n", b"\r\n")
    mail.deliver([whole])
    before = mail.everything()

    async def connect(account: str) -> MailConnection:
        assert account == "home"
        return await imap(plain(server.port)).connect()

    async with connected(imap(plain(server.port))) as connection:
        state = await connection.open("INBOX")
        (remote,) = await connection.describe(UidSet.of([1]))
        part = await connection.fetch_text(1)
    assert part is not None
    assert len(part) < 2_000
    async with await open_archive(tmp_path / "mail.db", readers=1) as database:
        sync, messages = SqliteSync(database), SqliteMessages(database)
        source = SourceMessage(part, (Placement("INBOX", Flag(0), ""),), remote.received, problems=(WHY,))
        message = prepare(source, fingerprint(part), NOW)
        (attachment,) = message.parsed.attachments
        assert abs(attachment.size - len(CONTENT)) <= 60
        await sync.begin("home", "INBOX", "INBOX", MailboxRole.INBOX, state.uid_validity)
        await sync.add("home", "INBOX", [Arrival(1, message.fingerprint, Flag(0), partial=True)], [message], [])
        fetch = FetchWhole(sync, messages, connect)
        id = message_handle(key_of_fingerprint(message.fingerprint))
        assert (await GetAttachment(messages, fetch=fetch)(ALL, f"{id}-2")).data == CONTENT
        assert await ExportMessage(messages, fetch=fetch)(ALL, id) == whole
    assert mail.everything() == before


async def test_a_server_that_is_down_is_named_as_the_reason(tmp_path: Path) -> None:
    async def connect(account: str) -> MailConnection:
        return await imap(plain(1)).connect()  # nothing listens there

    async with await open_archive(tmp_path / "mail.db", readers=1) as database:
        sync, messages = SqliteSync(database), SqliteMessages(database)
        message = await store_in_part(sync)
        id = message_handle(key_of_fingerprint(message.fingerprint))
        with pytest.raises(Fault, match="on its mail server only") as caught:
            await GetAttachment(messages, fetch=FetchWhole(sync, messages, connect))(ALL, f"{id}-2")
        assert caught.value.code is ErrorCode.SOURCE_UNAVAILABLE
        assert caught.value.details["reason"] == "connect"
