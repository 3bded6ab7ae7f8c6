"""Mail is read from pymap, which has OBJECTID and lacks much that Dovecot has."""

from collections.abc import Iterator

import pytest

from mailquery.domain.mailboxes import MailboxRole
from support.imap_client import Fixed, connected, imap, plain
from support.pymap import PASSWORD, USER, running_pymap


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running_pymap() as port:
        yield port


async def test_everything_is_read(port: int) -> None:
    async with connected(imap(plain(port), user=USER, credentials=Fixed(PASSWORD))) as connection:
        assert not connection.counts_changes
        mailboxes = {mailbox.name: mailbox for mailbox in await connection.mailboxes()}
        assert mailboxes["INBOX"].role is MailboxRole.INBOX
        assert mailboxes["Sent"].role is MailboxRole.SENT
        states = await connection.states([mailbox.key for mailbox in mailboxes.values() if mailbox.selectable])
        assert states["INBOX"].messages == 4
        assert states["INBOX"].highest_modseq == 0
        state = await connection.open("INBOX")
        assert state.messages == 4
        uids = await connection.uids()
        assert len(uids) == 4
        described = await connection.describe(uids)
        assert len({message.content_id for message in described}) == 4
        assert all(message.content_id for message in described)
        contents = await connection.fetch(uids)
        assert {message.uid: message.size for message in described} == {
            uid: len(content) for uid, content in contents.items()
        }
        for uid in uids:
            assert await connection.fetch_text(uid)
        assert {change.uid: change.flags for change in await connection.flags(uids)} == {
            message.uid: message.flags for message in described
        }
        assert not await connection.wait(0.2)
