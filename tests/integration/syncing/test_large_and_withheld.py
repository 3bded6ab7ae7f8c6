"""Messages that are too large to be fetched whole, and mail that the operator withholds."""

from pathlib import Path

from integration.archives import ALL
from integration.syncing.conftest import Home
from mailquery.domain.policy import Judge, Policy
from mailquery.domain.queries import Words
from mailquery.parsing.reading import header_lines
from mailquery.repositories.records import Sort
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.directory import SqliteDirectory
from mailquery.repositories.sqlite.imports import SqliteImports
from mailquery.repositories.sqlite.policies import SqlitePolicies
from mailquery.repositories.sqlite.search import SqliteSearch
from mailquery.services.importing import ImportMail
from support.dovecot import Dovecot, Mail
from support.mail_accounts import NAME, Synchronised, account_on, keys, letter, stored

LARGEST = 50_000
LARGE = (
    b"From: Bea <bea@example.org>\r\nTo: ana@example.com\r\nSubject: Plans\r\nMessage-ID: <plans@example.org>\r\n"
    b"Date: Mon, 9 Mar 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nThe badgers are in the attachment.\r\n"
    b'--b\r\nContent-Type: application/pdf; name="plan.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    + b"QUJD" * 18 * 2_000
    + b"\r\n--b--\r\n"
)


async def found(home: Synchronised, word: str) -> int:
    page = await SqliteSearch(home.database).search(Words(word), ALL, sort=Sort.NEWEST, limit=10)
    return page.total.value


async def test_of_a_large_message_header_and_text_are_fetched_and_that_is_told(mail: Mail, home_with: Home) -> None:
    mail.deliver(LARGE)
    mail.deliver(letter(1))
    async with home_with(largest=LARGEST) as home:
        summary = await home.sync()

        assert (summary.added, summary.partial, summary.failed) == (2, 1, ())
        assert summary.bytes_received < LARGEST
        assert await found(home, "badgers") == 1
        problems, _ = await SqliteDirectory(home.database).problems(10)
        (problem,) = [each for each in problems if each.problem.code.value == "not_fetched"]
        assert problem.locator.startswith("imap://127.0.0.1/INBOX;UIDVALIDITY=")
        assert problem.locator.endswith("/;UID=1")
        again = await home.sync()
        assert (again.unchanged, again.bytes_received < 3_000) == (again.mailboxes, True)


async def test_a_large_message_that_was_imported_is_the_same(mail: Mail, home_with: Home) -> None:
    mail.deliver(LARGE)
    async with home_with(largest=LARGEST) as home:
        file = home.folder / "plans.eml"
        file.write_bytes(LARGE)
        await ImportMail(SqliteImports(home.database), workers=1)([file])
        ids = await keys(home.database)

        summary = await home.sync()

        assert (summary.added, summary.placed, summary.partial) == (0, 1, 0)
        assert await keys(home.database) == ids
        assert set((await stored(home.database))["INBOX"]) == {LARGE}


async def test_what_is_withheld_is_brought_in_and_stays_withheld(dovecot: Dovecot, mail: Mail, tmp_path: Path) -> None:
    mail.deliver(letter(1))
    mail.deliver(letter(2), "Private/계획")
    judge = Judge(Policy(mailboxes=("Private",)), header_lines)
    async with await open_archive(tmp_path / "archive.db", judge=judge) as database:
        await SqlitePolicies(database).adopt_if_empty()
        home = Synchronised(database, tmp_path, account_on(dovecot, username=mail.user))
        await home.accounts.put(home.account)
        await home.sync()

        assert (await found(home, "word1"), await found(home, "word2")) == (1, 0)
        assert len(await keys(database)) == 2

        mail.move("uid 1", "Private/계획")
        await home.sync()
        assert await found(home, "word1") == 0
        names = {each.name for each in await SqliteDirectory(database).mailboxes(ALL, NAME)}
        assert "Private/계획" not in names
