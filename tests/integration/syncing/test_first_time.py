"""The first synchronisation of an account, from a real Dovecot."""

import pytest

from integration.archives import ALL
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from mailquery.domain.queries import Words
from mailquery.repositories.records import Sort
from mailquery.repositories.sqlite.directory import SqliteDirectory
from mailquery.repositories.sqlite.search import SqliteSearch
from mailquery.repositories.synchronising import Outcome
from mailquery.services.synchronising import SyncProgress
from support.dovecot import Mail
from support.mail_accounts import NAME, Synchronised, letter, stored

LETTERS = [letter(number) for number in range(400)]


async def test_everything_is_brought_in_byte_for_byte_with_its_flags_and_mailboxes(
    mail: Mail, home: Synchronised
) -> None:
    mail.deliver(LETTERS[:3])
    mail.deliver(LETTERS[3], flags="S")
    mail.deliver(LETTERS[4], flags="FRS")
    mail.deliver(LETTERS[5:7], "Sent", flags="S")
    mail.deliver(LETTERS[7], "프로젝트/2026년")
    mail.deliver(LETTERS[8], "Work/R&D ~ \u00e9t\u00e9", flags="D")
    mail.create("Empty")

    summary = await home.sync()

    assert await stored(home.database) == {
        "INBOX": {
            **dict.fromkeys(LETTERS[:3], Flag(0)),
            LETTERS[3]: Flag.SEEN,
            LETTERS[4]: Flag.SEEN | Flag.FLAGGED | Flag.ANSWERED,
        },
        "Sent": dict.fromkeys(LETTERS[5:7], Flag.SEEN),
        "프로젝트/2026년": {LETTERS[7]: Flag(0)},
        "Work/R&D ~ \u00e9t\u00e9": {LETTERS[8]: Flag.DRAFT},
    }
    assert (summary.added, summary.placed, summary.mailboxes, summary.failed) == (9, 9, 5, ())
    assert summary.bytes_received > sum(map(len, LETTERS[:9]))
    mailboxes = {each.name: each for each in await SqliteDirectory(home.database).mailboxes(ALL, NAME)}
    assert {name: each.role for name, each in mailboxes.items() if each.role} == {
        "INBOX": MailboxRole.INBOX,
        "Sent": MailboxRole.SENT,
    }
    assert "Empty" in mailboxes
    assert all(each.refreshed for each in mailboxes.values())
    standing = await home.accounts.standing(NAME)
    assert (standing.outcome, standing.messages, standing.pending, standing.mailboxes) == (Outcome.DONE, 9, 0, 5)


async def test_the_newest_messages_of_the_inbox_can_be_found_first(mail: Mail, home: Synchronised) -> None:
    mail.deliver(LETTERS[:300])
    mail.deliver(LETTERS[300:], "Archive")
    reports: list[SyncProgress] = []

    await home.sync(reports.append)

    first = reports[0]
    assert (first.mailbox, first.stored) == ("INBOX", 100)
    assert [report.stored for report in reports] == sorted(report.stored for report in reports)
    last = reports[-1]
    assert (last.stored, last.wanted, last.added) == (400, 400, 400)


async def test_what_was_written_first_is_the_newest_and_searchable_while_the_rest_is_fetched(
    mail: Mail, home: Synchronised
) -> None:
    mail.deliver(LETTERS)
    search = SqliteSearch(home.database)

    class Enough(Exception):
        pass

    def stop(progress: SyncProgress) -> None:
        raise Enough

    with pytest.raises(Enough):
        await home.sync(stop)

    newest = await search.search(Words("word399"), ALL, sort=Sort.NEWEST, limit=10)
    oldest = await search.search(Words("word0"), ALL, sort=Sort.NEWEST, limit=10)
    assert (newest.total.value, oldest.total.value) == (1, 0)
    assert (await home.accounts.standing(NAME)).pending == len(LETTERS) - 100


async def test_the_server_is_as_it_was(mail: Mail, home: Synchronised) -> None:
    mail.deliver(LETTERS[:50])
    mail.deliver(LETTERS[50:60], "Sent", flags="FS")
    mail.deliver(b"From: a@b.example\r\nSubject: large\r\n\r\n" + b"x" * 200_000, "Large")
    before = mail.everything()

    await home.sync()
    await home.sync()

    assert mail.everything() == before
