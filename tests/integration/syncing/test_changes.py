"""What changes on a real Dovecot is in the archive after the next synchronisation, and nothing else is."""

import pytest

from integration.archives import ALL
from integration.syncing.conftest import Home
from mailquery.domain.accounts import WhenGone
from mailquery.domain.messages import Flag
from mailquery.repositories.sqlite.directory import SqliteDirectory
from mailquery.repositories.sqlite.imports import SqliteImports
from mailquery.services.importing import ImportMail
from support.dovecot import Dovecot, Mail
from support.mail_accounts import NAME, Synchronised, gone, keys, letter, stored

LETTERS = [letter(number) for number in range(40)]


async def test_nothing_new_is_known_without_opening_a_mailbox(dovecot: Dovecot, mail: Mail, home: Synchronised) -> None:
    for number in range(5):
        mail.deliver(LETTERS[number], f"Folder {number}")
    await home.sync()

    summary = await home.sync()

    assert (summary.mailboxes, summary.unchanged, summary.added, summary.flags) == (6, 6, 0, 0)
    assert summary.bytes_received < 3_000


async def test_new_mail_arrives(mail: Mail, home: Synchronised) -> None:
    mail.deliver(LETTERS[:20])
    await home.sync()
    mail.deliver(LETTERS[20:25], flags="F")

    summary = await home.sync()

    assert (summary.added, summary.placed, summary.flags, summary.gone) == (5, 5, 0, 0)
    assert (await stored(home.database))["INBOX"] == {
        **dict.fromkeys(LETTERS[:20], Flag(0)),
        **dict.fromkeys(LETTERS[20:25], Flag.FLAGGED),
    }


async def test_changed_flags_arrive(mail: Mail, home: Synchronised) -> None:
    mail.deliver(LETTERS[:10], flags="S")
    await home.sync()
    mail.flag("uid 1:3", "\\Flagged", "$Forwarded")
    mail.unflag("uid 2", "\\Seen")

    summary = await home.sync()

    assert summary.flags == 3
    found = (await stored(home.database))["INBOX"]
    marked = Flag.SEEN | Flag.FLAGGED | Flag.FORWARDED
    assert [found[LETTERS[n]] for n in range(4)] == [marked, marked & ~Flag.SEEN, marked, Flag.SEEN]
    assert (await home.sync()).flags == 0


async def test_a_message_that_moves_is_never_gone_and_keeps_its_id(mail: Mail, home: Synchronised) -> None:
    mail.create("Archive")
    mail.deliver(LETTERS[:20])
    await home.sync()
    ids = await keys(home.database)
    mail.move("uid 5:20", "Archive")

    summary = await home.sync()

    assert (summary.added, summary.placed, summary.moved, summary.gone, summary.questions) == (0, 16, 16, 0, ())
    found = await stored(home.database)
    assert set(found["INBOX"]) == set(LETTERS[:4])
    assert set(found["Archive"]) == set(LETTERS[4:20])
    assert await gone(home.database) == {}
    assert await keys(home.database) == ids


async def test_a_copy_is_one_message_in_two_mailboxes(mail: Mail, home: Synchronised) -> None:
    mail.create("Copies")
    mail.deliver(LETTERS[:3])
    mail.copy("uid 2", "Copies")

    summary = await home.sync()

    assert (summary.added, summary.placed) == (3, 4)
    found = await stored(home.database)
    assert set(found["Copies"]) == {LETTERS[1]}
    assert set(found["INBOX"]) == set(LETTERS[:3])


@pytest.mark.parametrize("when_gone", list(WhenGone))
async def test_deleted_mail_is_treated_as_the_account_says(mail: Mail, home_with: Home, when_gone: WhenGone) -> None:
    mail.deliver(LETTERS[:10])
    async with home_with(when_gone=when_gone) as home:
        await home.sync()
        mail.expunge("uid 3:5")

        summary = await home.sync()

        assert (summary.gone, summary.moved, summary.questions) == (3, 0, ())
        assert set((await stored(home.database))["INBOX"]) == {*LETTERS[:2], *LETTERS[5:10]}
        left = await gone(home.database)
        if when_gone is WhenGone.REMOVE:
            assert left == {}
            assert len(await keys(home.database)) == 7
        else:
            assert set(left) == set(LETTERS[2:5])
            hidden = Flag.HIDDEN if when_gone is WhenGone.HIDE else Flag(0)
            assert all(flags & Flag.HIDDEN == hidden for flags in left.values())


async def test_a_message_that_comes_back_is_the_same(mail: Mail, home: Synchronised) -> None:
    mail.deliver(LETTERS[:3])
    await home.sync()
    ids = await keys(home.database)
    mail.expunge("uid 2")
    await home.sync()
    mail.deliver(LETTERS[1])

    summary = await home.sync()

    assert (summary.added, summary.placed) == (0, 1)
    assert await gone(home.database) == {}
    assert await keys(home.database) == ids


async def test_mailboxes_are_created_renamed_and_deleted(mail: Mail, home: Synchronised) -> None:
    mail.deliver(LETTERS[:20], "계획")
    mail.deliver(LETTERS[20:25], "Short-lived")
    await home.sync()
    ids = await keys(home.database)
    mail.rename("계획", "Plans/2026")
    mail.delete("Short-lived")
    mail.deliver(LETTERS[30], "New")

    summary = await home.sync()

    assert (summary.added, summary.gone, summary.moved, summary.questions) == (1, 5, 20, ())
    assert {name: set(found) for name, found in (await stored(home.database)).items()} == {
        "Plans/2026": set(LETTERS[:20]),
        "New": {LETTERS[30]},
    }
    now = await keys(home.database)
    assert {raw: now[raw] for raw in ids} == ids
    names = {each.name for each in await SqliteDirectory(home.database).mailboxes(ALL, NAME) if each.messages}
    assert names == {"Plans/2026", "New"}


async def test_other_uids_are_mapped_by_content(mail: Mail, home: Synchronised) -> None:
    mail.deliver(LETTERS[:30], flags="S")
    await home.sync()
    ids = await keys(home.database)
    mail.expunge("uid 1:2")
    mail.new_uid_validity("INBOX", 4_000_000_000)
    mail.flag("uid 5", "\\Flagged")

    summary = await home.sync()

    assert (summary.added, summary.placed, summary.gone, summary.questions) == (0, 28, 2, ())
    found = (await stored(home.database))["INBOX"]
    assert set(found) == set(LETTERS[2:30])
    assert found[LETTERS[4]] == Flag.SEEN | Flag.FLAGGED
    assert await keys(home.database) == ids
    again = await home.sync()
    assert (again.unchanged, again.placed) == (again.mailboxes, 0)


async def test_a_mailbox_that_was_made_anew_with_the_same_mail_keeps_the_ids(mail: Mail, home: Synchronised) -> None:
    mail.deliver(LETTERS[:12], "Lists")
    await home.sync()
    ids = await keys(home.database)
    mail.delete("Lists")
    mail.new_uid_validity("INBOX", 77)
    mail.deliver(LETTERS[2:12], "Lists")

    summary = await home.sync()

    assert (summary.added, summary.gone) == (0, 2)
    assert set((await stored(home.database))["Lists"]) == set(LETTERS[2:12])
    assert await keys(home.database) == ids


async def test_mail_that_was_imported_is_recognised(mail: Mail, home: Synchronised) -> None:
    box = home.folder / "old.mbox"
    unix = [raw.replace(b"\r\n", b"\n") for raw in LETTERS[:10]]
    box.write_bytes(b"".join(b"From bea Mon Mar  9 12:00:00 2026\n" + raw + b"\n" for raw in unix))
    await ImportMail(SqliteImports(home.database), workers=1)([box])
    ids = await keys(home.database)
    mail.deliver(LETTERS[:15])

    summary = await home.sync()

    assert (summary.added, summary.placed) == (5, 15)
    now = await keys(home.database)
    assert len(now) == 15
    assert {raw: now[raw] for raw in ids} == ids


async def test_only_chosen_mailboxes_are_synchronised(mail: Mail, home_with: Home) -> None:
    for number, name in enumerate(("INBOX", "Work/2025", "Work/2026", "Trash", "Private")):
        mail.deliver(LETTERS[number], name)
    async with home_with(include=("INBOX", "Work"), exclude=("*/2025",)) as home:
        await home.sync()
        assert set(await stored(home.database)) == {"INBOX", "Work/2026"}


async def test_a_mailbox_that_is_not_wanted_any_more_stays_as_it_was(mail: Mail, home_with: Home) -> None:
    mail.deliver(LETTERS[:3], "Work")
    async with home_with() as home:
        await home.sync()
    mail.expunge("uid 1", mailbox="Work")
    async with home_with(exclude=("Work",)) as home:
        summary = await home.sync()
        assert summary.gone == 0
        assert set((await stored(home.database))["Work"]) == set(LETTERS[:3])
