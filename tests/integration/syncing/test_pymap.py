"""A server of another house than Dovecot: pymap, which does not say what changed."""

import imaplib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mailquery.domain.accounts import MailAccount, Security, Server
from mailquery.domain.messages import Flag
from mailquery.sources.imap.limits import Limits
from mailquery.sources.remote import MailServer
from support.imap_client import Fixed, imap
from support.mail_accounts import ParsedHere, Synchronised, account_anywhere, gone, letter, stored, synchronised
from support.pymap import PASSWORD, USER, running_pymap

LETTERS = [letter(number) for number in range(6)]


@pytest.fixture
def client() -> Iterator[imaplib.IMAP4]:
    """Somebody else who changes the mail."""
    with running_pymap() as port:
        client = imaplib.IMAP4("127.0.0.1", port)
        client.login(USER, PASSWORD)
        yield client
        client.logout()


@pytest.fixture
async def home(client: imaplib.IMAP4, tmp_path: Path) -> AsyncIterator[Synchronised]:
    def server_of(account: MailAccount) -> MailServer:
        return imap(account.server, user=USER, credentials=Fixed(PASSWORD), limits=Limits())

    account = account_anywhere(server=Server("127.0.0.1", client.port, Security.NONE))
    async with synchronised(tmp_path, account, server_of, ParsedHere) as found:
        yield found


def content(client: imaplib.IMAP4) -> dict[str, dict[bytes, set[bytes]]]:
    """What the server has: by mailbox, the messages with their flags."""
    found: dict[str, dict[bytes, set[bytes]]] = {}
    for listed in client.list()[1]:
        assert isinstance(listed, bytes)
        name = listed.rsplit(b" ", 1)[1].decode().strip('"')
        client.select(name, readonly=True)
        fetched = client.fetch("1:*", "(FLAGS BODY.PEEK[])")[1]
        for part in fetched:
            if isinstance(part, tuple):
                flags = set(imaplib.ParseFlags(part[0])) - {rb"\Recent"}
                found.setdefault(name, {})[part[1]] = flags
    return found


_FLAGS = {
    Flag.SEEN: rb"\Seen",
    Flag.FLAGGED: rb"\Flagged",
    Flag.ANSWERED: rb"\Answered",
    Flag.DRAFT: rb"\Draft",
    Flag.DELETED: rb"\Deleted",
}


async def archived(home: Synchronised) -> dict[str, dict[bytes, set[bytes]]]:
    return {
        name: {raw: {text for flag, text in _FLAGS.items() if flags & flag} for raw, flags in messages.items()}
        for name, messages in (await stored(home.database)).items()
    }


async def test_everything_and_then_what_changes_is_brought_in(client: imaplib.IMAP4, home: Synchronised) -> None:
    before = content(client)

    await home.sync()

    assert await archived(home) == before
    assert content(client) == before, "the server is as it was"

    client.create("Plans")
    for number, raw in enumerate(LETTERS):
        client.append("Plans" if number % 2 else "INBOX", r"(\Seen)" if number < 3 else "", None, raw)
    client.select("INBOX")
    client.store("1", "+FLAGS", r"(\Flagged)")
    client.copy("2", "Plans")
    client.store("2", "+FLAGS", r"(\Deleted)")
    client.expunge()
    client.close()
    summary = await home.sync()

    assert (summary.failed, summary.gone) == ((), 0)
    assert summary.flags >= 1
    assert await archived(home) == content(client)
    assert await gone(home.database) == {}

    again = await home.sync()
    assert (again.placed, again.flags, again.moved, again.gone) == (0, 0, 0, 0)


async def test_a_deleted_mailbox_is_gone(client: imaplib.IMAP4, home: Synchronised) -> None:
    client.create("Plans")
    client.append("Plans", "", None, LETTERS[0])
    await home.sync()
    client.delete("Plans")

    summary = await home.sync()

    assert summary.gone == 1
    assert set(await gone(home.database)) == {LETTERS[0]}
    assert await archived(home) == content(client)
