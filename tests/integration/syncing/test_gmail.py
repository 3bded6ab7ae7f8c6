"""Gmail: one mailbox holds everything, and the others are labels on it. Nothing is fetched twice."""

from pathlib import Path

from integration.archives import ALL
from mailquery.domain.accounts import MailAccount, Security, Server
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from mailquery.domain.uids import UidSet
from mailquery.repositories.sqlite.directory import SqliteDirectory
from mailquery.sources.imap.limits import Limits
from mailquery.sources.remote import MailServer
from support.imap_client import imap
from support.imap_script import ScriptedMessage, gmail, scripted
from support.mail_accounts import (
    NAME,
    ParsedHere,
    Synchronised,
    account_anywhere,
    gone,
    letter,
    stored,
    synchronised,
)
from support.remote_mail import RemoteMail

EVERYTHING = "[Gmail]/Alle Nachrichten"
RAWS = [letter(number) for number in range(5)]
MESSAGES = (
    ScriptedMessage(1, RAWS[1], rb"\Seen", (rb'"\\Inbox"', b"Work", rb'"\\Important"'), thread=7),
    ScriptedMessage(2, RAWS[2], b"", (rb'"\\Sent"', b'"Work/2026"', b'"&vBvHQNO4ycDVaA-"'), thread=7),
    ScriptedMessage(3, RAWS[3], rb"\Seen \Flagged", (), thread=8),
    ScriptedMessage(4, RAWS[4], b"", (rb'"\\Inbox"',), thread=9),
)


def server_of(account: MailAccount) -> MailServer:
    return imap(account.server, limits=Limits())


def fetched_uids(commands: list[bytes]) -> list[int]:
    """Of the messages whose content was asked for."""
    asked = [command.split(b" ")[3] for command in commands if b"BODY.PEEK[]" in command]
    return sorted(uid for uids in asked for uid in UidSet.parse(uids.decode()))


async def test_each_message_is_fetched_once_and_lies_under_its_labels(tmp_path: Path) -> None:
    with scripted(gmail(MESSAGES)) as script:
        account = account_anywhere(server=Server("127.0.0.1", script.port, Security.NONE))
        async with synchronised(tmp_path, account, server_of, ParsedHere) as home:
            summary = await home.sync()
            found = await stored(home.database)
            mailboxes = await SqliteDirectory(home.database).mailboxes(ALL, NAME)
            again = await home.sync()
        assert fetched_uids(script.commands) == [1, 2, 3, 4]
    assert (summary.added, summary.placed, summary.failed) == (4, 4, ())
    assert (again.added, again.placed, again.flags, again.gone) == (0, 0, 0, 0)
    assert found[EVERYTHING] == {
        RAWS[1]: Flag.SEEN,
        RAWS[2]: Flag(0),
        RAWS[3]: Flag.SEEN | Flag.FLAGGED,
        RAWS[4]: Flag(0),
    }
    assert {name: set(raws) for name, raws in found.items() if name != EVERYTHING} == {
        "INBOX": {RAWS[1], RAWS[4]},
        "Work": {RAWS[1]},
        "Work/2026": {RAWS[2]},
        "[Gmail]/Wichtig": {RAWS[1]},
        "[Gmail]/Gesendet": {RAWS[2]},
        "받은편지함": {RAWS[2]},
    }
    roles = {each.name: each.role for each in mailboxes}
    assert (roles["INBOX"], roles["[Gmail]/Gesendet"]) == (MailboxRole.INBOX, MailboxRole.SENT)


async def test_without_all_mail_each_message_is_fetched_once_all_the_same(tmp_path: Path) -> None:
    with scripted(gmail(MESSAGES)) as script:
        account = account_anywhere(
            server=Server("127.0.0.1", script.port, Security.NONE), exclude=("\\All", "\\Important", "\\Flagged")
        )
        async with synchronised(tmp_path, account, server_of, ParsedHere) as home:
            await home.sync()
            found = await stored(home.database)
        assert fetched_uids(script.commands) == [1, 2, 4]
    assert {name: set(raws) for name, raws in found.items()} == {
        "INBOX": {RAWS[1], RAWS[4]},
        "Work": {RAWS[1]},
        "[Gmail]/Gesendet": {RAWS[2]},
    }


async def test_labels_that_are_left_out_are_no_mailboxes(tmp_path: Path) -> None:
    with scripted(gmail(MESSAGES)) as script:
        account = account_anywhere(
            server=Server("127.0.0.1", script.port, Security.NONE), exclude=("Work", "\\Important")
        )
        async with synchronised(tmp_path, account, server_of, ParsedHere) as home:
            await home.sync()
            assert set(await stored(home.database)) == {EVERYTHING, "INBOX", "[Gmail]/Gesendet", "받은편지함"}


class Labelled(RemoteMail):
    """Gmail in memory, whose mail changes."""

    def __init__(self) -> None:
        super().__init__(has_labels=True, gives_content_ids=True)
        self.box("All Mail", MailboxRole.ALL, contains_others=True)
        self.box("Trash", MailboxRole.TRASH)
        self.box("Work")


async def home_of(server: Labelled, home: Synchronised) -> dict[str, set[bytes]]:
    await home.sync()
    return {name: set(raws) for name, raws in (await stored(home.database)).items()}


async def test_changed_labels_arrive_and_what_is_thrown_away_is_not_fetched_again(tmp_path: Path) -> None:
    server = Labelled()
    async with synchronised(tmp_path, account_anywhere(), server.of, ParsedHere) as home:
        everything = server.boxes["All Mail"]
        first = server.put(RAWS[0], "All Mail", labels=("INBOX", "Work"))
        second = server.put(RAWS[1], "All Mail", labels=("INBOX",))
        assert await home_of(server, home) == {
            "All Mail": set(RAWS[:2]),
            "INBOX": set(RAWS[:2]),
            "Work": {RAWS[0]},
        }
        everything.label(first, "Work")
        server.move(second, "All Mail", "Trash")
        server.boxes["Trash"].label(1)

        assert await home_of(server, home) == {"All Mail": {RAWS[0]}, "Work": {RAWS[0]}, "Trash": {RAWS[1]}}
        assert await gone(home.database) == {}
        assert len(server.fetched) == 2
