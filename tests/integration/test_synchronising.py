"""What is on a server is in the archive, and what the server gave up is treated as it was told to be."""

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from integration.archives import ALL, Archive
from integration.mailmaker import NOON, mail, placed
from mailquery.domain.accounts import WhenGone
from mailquery.domain.handles import key_of_fingerprint
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag, Problem, ProblemCode
from mailquery.domain.queries import Words
from mailquery.domain.uids import UidSet
from mailquery.repositories.prepared import PreparedMessage, SourceProblem
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.synchronising import SqliteSync
from mailquery.repositories.synchronising import Arrival, KnownMailbox, Missing
from mcpkit.errors import ErrorCode, Fault

HOME = "home"
LETTERS = [mail(f"Letter {n}", f"word{n} text", date=NOON + timedelta(days=n)) for n in range(8)]


def arrival(uid: int, message: PreparedMessage, flags: Flag = Flag.SEEN, *labels: str) -> Arrival:
    return Arrival(uid, message.fingerprint, flags, labels=labels)


class Sync:
    """A synchronisation of one account, in fewer words."""

    def __init__(self, archive: Archive, account: str = HOME) -> None:
        self.repository = SqliteSync(archive.database)
        self.account = account

    async def begin(self, mailbox: str = "INBOX", validity: int = 1) -> UidSet:
        return await self.repository.begin(self.account, mailbox, mailbox.lower(), MailboxRole.NONE, validity)

    async def add(self, mailbox: str, *arrivals: Arrival, messages: Sequence[PreparedMessage] = LETTERS) -> int:
        return await self.repository.add(self.account, mailbox, arrivals, messages, [])

    async def settle(self, mailbox: str, *uids: int, when_gone: WhenGone = WhenGone.HIDE) -> int:
        return await self.repository.settle(self.account, mailbox, UidSet.of(uids), when_gone)


@pytest.fixture
def sync(archive: Archive) -> Sync:
    return Sync(archive)


async def lying(archive: Archive, message: PreparedMessage) -> dict[str, Flag]:
    """Where the message lies, as `account/mailbox`."""

    def read(connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
        return connection.execute(
            "SELECT a.name, b.name, p.flags FROM messages m JOIN placements p ON p.message = m.id"
            " JOIN mailboxes b ON b.id = p.mailbox JOIN accounts a ON a.id = b.account WHERE m.fingerprint = ?",
            (message.fingerprint,),
        ).fetchall()

    return {f"{account}/{mailbox}": Flag(flags) for account, mailbox, flags in await archive.database.read(read)}


async def flags_of(archive: Archive, message: PreparedMessage) -> Flag:
    def read(connection: sqlite3.Connection) -> int:
        found: tuple[int] = connection.execute(
            "SELECT flags FROM messages WHERE fingerprint = ?", (message.fingerprint,)
        ).fetchone()
        return found[0]

    return Flag(await archive.database.read(read))


async def counts(archive: Archive) -> dict[str, tuple[int, int]]:
    """Messages and unread ones by mailbox."""
    return {box.name: (box.messages, box.unread) for box in await archive.directory.mailboxes(ALL)}


async def test_what_arrives_is_found_and_known_by_its_uid(archive: Archive, sync: Sync) -> None:
    assert await sync.begin() == UidSet()
    assert await sync.add("INBOX", arrival(3, LETTERS[0]), arrival(4, LETTERS[1], Flag(0)), arrival(9, LETTERS[2])) == 3
    assert await sync.begin() == UidSet.parse("3:4,9")
    assert await sync.repository.flags(HOME, "INBOX", UidSet.parse("4:100")) == {4: Flag(0), 9: Flag.SEEN}
    assert (await archive.find(Words("word1"))).total.value == 1
    assert await counts(archive) == {"INBOX": (3, 1)}


async def test_a_uid_that_is_known_is_left_as_it_is(archive: Archive, sync: Sync) -> None:
    await sync.begin()
    await sync.add("INBOX", arrival(3, LETTERS[0]))
    assert await sync.add("INBOX", arrival(3, LETTERS[1], Flag.FLAGGED), arrival(4, LETTERS[0])) == 0
    assert await sync.repository.known([LETTERS[0].fingerprint, LETTERS[1].fingerprint]) == {LETTERS[0].fingerprint}
    assert await sync.begin() == UidSet.parse("3:4")
    assert await lying(archive, LETTERS[0]) == {"home/INBOX": Flag.SEEN}
    assert await counts(archive) == {"INBOX": (1, 0)}


async def test_two_uids_of_one_message_have_the_flags_of_both(archive: Archive, sync: Sync) -> None:
    await sync.begin()
    await sync.add("INBOX", arrival(1, LETTERS[0], Flag.SEEN), arrival(2, LETTERS[0], Flag.FLAGGED))
    await sync.add("INBOX", arrival(3, LETTERS[0], Flag.ANSWERED))
    assert await lying(archive, LETTERS[0]) == {"home/INBOX": Flag.SEEN | Flag.FLAGGED | Flag.ANSWERED}
    assert await sync.settle("INBOX", 2) == 0
    assert await lying(archive, LETTERS[0]) == {"home/INBOX": Flag.FLAGGED}
    assert await flags_of(archive, LETTERS[0]) == Flag.FLAGGED
    assert await counts(archive) == {"INBOX": (1, 1)}


async def test_a_message_that_moved_has_its_id_and_one_place(archive: Archive, sync: Sync) -> None:
    await sync.begin()
    await sync.add("INBOX", arrival(1, LETTERS[0]))
    before = (await archive.find_all()).rows
    await sync.begin("Archive")
    await sync.add("Archive", arrival(7, LETTERS[0]), messages=[])
    assert (await archive.find_all()).rows[0].mailboxes == ("Archive", "INBOX")
    assert await sync.settle("INBOX") == 0
    (row,) = (await archive.find_all()).rows
    assert (row.key, row.mailboxes) == (before[0].key, ("Archive",))
    assert await counts(archive) == {"Archive": (1, 0), "INBOX": (0, 0)}


@pytest.mark.parametrize(("when_gone", "marks"), [(WhenGone.KEEP, Flag.GONE), (WhenGone.HIDE, Flag.GONE | Flag.HIDDEN)])
async def test_what_is_gone_is_marked_as_it_was_told(
    archive: Archive, sync: Sync, when_gone: WhenGone, marks: Flag
) -> None:
    await sync.begin()
    await sync.add("INBOX", arrival(1, LETTERS[0], Flag(0)), arrival(2, LETTERS[1]))
    assert await sync.settle("INBOX", 2, when_gone=when_gone) == 1
    assert await lying(archive, LETTERS[0]) == {"home/INBOX": marks}
    assert await flags_of(archive, LETTERS[0]) == marks
    assert await sync.begin() == UidSet.of([2])
    kept = when_gone is WhenGone.KEEP
    assert await counts(archive) == {"INBOX": (2, 1) if kept else (1, 0)}
    assert await sync.settle("INBOX", 2, when_gone=when_gone) == 0
    await sync.add("INBOX", arrival(3, LETTERS[0], Flag.FLAGGED))
    assert await lying(archive, LETTERS[0]) == {"home/INBOX": Flag.FLAGGED}
    assert await flags_of(archive, LETTERS[0]) == Flag.FLAGGED
    assert await counts(archive) == {"INBOX": (2, 1)}


async def test_what_is_gone_of_one_account_and_lies_in_another_is_not_gone(archive: Archive, sync: Sync) -> None:
    other = Sync(archive, "work")
    for each in (sync, other):
        await each.begin()
        await each.add("INBOX", arrival(1, LETTERS[0]))
    assert await sync.settle("INBOX") == 1
    assert await lying(archive, LETTERS[0]) == {
        "home/INBOX": Flag.SEEN | Flag.GONE | Flag.HIDDEN,
        "work/INBOX": Flag.SEEN,
    }
    assert await flags_of(archive, LETTERS[0]) == Flag.SEEN
    assert await other.settle("INBOX", when_gone=WhenGone.KEEP) == 1
    assert await flags_of(archive, LETTERS[0]) == Flag.SEEN | Flag.GONE


async def test_a_message_that_is_back_in_another_mailbox_is_no_longer_gone(archive: Archive, sync: Sync) -> None:
    await sync.begin()
    await sync.add("INBOX", arrival(1, LETTERS[0]))
    await sync.settle("INBOX")
    await sync.begin("Archive")
    await sync.add("Archive", arrival(1, LETTERS[0]))
    assert await lying(archive, LETTERS[0]) == {"home/Archive": Flag.SEEN}
    assert await counts(archive) == {"Archive": (1, 0), "INBOX": (0, 0)}


async def test_what_a_file_brought_is_never_given_up(archive: Archive, sync: Sync) -> None:
    await archive.add((LETTERS[0], [placed(LETTERS[0], "INBOX", flags=Flag.FLAGGED)]))
    await sync.begin()
    assert await sync.add("INBOX", arrival(1, LETTERS[0]), arrival(2, LETTERS[1])) == 1
    assert await lying(archive, LETTERS[0]) == {"home/INBOX": Flag.SEEN}
    await archive.add((LETTERS[0], [placed(LETTERS[0], "INBOX", flags=Flag.ANSWERED)]))
    assert await lying(archive, LETTERS[0]) == {"home/INBOX": Flag.SEEN}  # the server knows better
    await archive.add((LETTERS[1], [placed(LETTERS[1], "INBOX", flags=Flag.ANSWERED)]))
    assert await sync.settle("INBOX") == 0
    assert await lying(archive, LETTERS[0]) == {"home/INBOX": Flag.SEEN}
    assert await lying(archive, LETTERS[1]) == {"home/INBOX": Flag.SEEN}


async def test_a_file_brings_back_what_was_gone(archive: Archive, sync: Sync) -> None:
    await sync.begin()
    await sync.add("INBOX", arrival(1, LETTERS[0]), arrival(2, LETTERS[1]))
    await sync.settle("INBOX")
    await archive.add((LETTERS[0], [placed(LETTERS[0], "INBOX")]), (LETTERS[1], [placed(LETTERS[1], account="files")]))
    assert await lying(archive, LETTERS[0]) == {"home/INBOX": Flag.SEEN}
    assert await flags_of(archive, LETTERS[1]) == Flag.SEEN
    assert (await archive.find_all()).total.value == 2


async def test_labels_are_places_and_go_with_their_uid(archive: Archive, sync: Sync) -> None:
    await sync.begin("All")
    await sync.add("All", arrival(1, LETTERS[0], Flag.SEEN, "INBOX", "Work"), arrival(2, LETTERS[1], Flag(0), "INBOX"))
    assert await counts(archive) == {"All": (2, 1), "INBOX": (2, 1), "Work": (1, 0)}
    changes = [arrival(1, LETTERS[0], Flag.FLAGGED, "Work", "Later"), arrival(2, LETTERS[1], Flag(0), "INBOX")]
    assert await sync.repository.set_flags(HOME, "All", changes) == 1
    assert await lying(archive, LETTERS[0]) == dict.fromkeys(("home/All", "home/Work", "home/Later"), Flag.FLAGGED)
    assert await counts(archive) == {"All": (2, 2), "INBOX": (1, 1), "Work": (1, 1), "Later": (1, 1)}
    await sync.begin("Trash")
    await sync.add("Trash", arrival(1, LETTERS[0]))
    assert await sync.settle("All", 2) == 0
    assert await lying(archive, LETTERS[0]) == {"home/Trash": Flag.SEEN}


async def test_flags_follow_the_server(archive: Archive, sync: Sync) -> None:
    await sync.begin()
    await sync.add("INBOX", arrival(1, LETTERS[0]), arrival(2, LETTERS[1]), arrival(3, LETTERS[2]))
    changes = [arrival(1, LETTERS[0], Flag(0)), arrival(2, LETTERS[1]), arrival(8, LETTERS[3], Flag.FLAGGED)]
    assert await sync.repository.set_flags(HOME, "INBOX", changes) == 1
    assert await sync.repository.set_flags(HOME, "INBOX", changes) == 0
    assert await counts(archive) == {"INBOX": (3, 1)}
    assert await flags_of(archive, LETTERS[0]) == Flag(0)


async def test_another_uidvalidity_doubles_and_loses_nothing(archive: Archive, sync: Sync) -> None:
    await sync.begin()
    await sync.add("INBOX", *(arrival(n + 1, LETTERS[n], Flag.FLAGGED) for n in range(4)))
    assert await sync.begin("INBOX", 2) == UidSet()
    assert await counts(archive) == {"INBOX": (4, 4)}
    await sync.add("INBOX", arrival(1, LETTERS[2]), arrival(2, LETTERS[0]), arrival(3, LETTERS[4]))
    assert await sync.begin("INBOX", 2) == UidSet.parse("1:3")  # as after an interruption
    assert await sync.repository.missing(HOME, "INBOX", UidSet.parse("1:3")) == Missing(5, 2, 2)
    assert await lying(archive, LETTERS[0]) == {"home/INBOX": Flag.SEEN}
    assert await lying(archive, LETTERS[1]) == {"home/INBOX": Flag.FLAGGED}
    assert await sync.settle("INBOX", 1, 2, 3) == 2
    assert await counts(archive) == {"INBOX": (3, 0)}
    assert await flags_of(archive, LETTERS[1]) == Flag.FLAGGED | Flag.GONE | Flag.HIDDEN


async def test_missing_tells_what_would_be_given_up(archive: Archive, sync: Sync) -> None:
    await sync.begin()
    await sync.begin("Archive")
    await archive.add((LETTERS[4], [placed(LETTERS[4], "Files")]))
    await sync.add("INBOX", *(arrival(n + 1, LETTERS[n]) for n in range(5)), arrival(9, LETTERS[0]))
    await sync.add("Archive", arrival(1, LETTERS[1]))
    present = UidSet.parse("3,9,12")
    # 1 has another UID here, 2 lies in the archive, 5 came by a file too; 4 alone lies nowhere else.
    assert await sync.repository.missing(HOME, "INBOX", present) == Missing(6, 4, 1)
    assert await sync.repository.settle(HOME, "INBOX", present, WhenGone.HIDE) == 1
    assert await sync.repository.missing(HOME, "INBOX", present) == Missing(2, 0, 0)


async def test_a_question_about_deletions_waits_for_its_answer(archive: Archive, sync: Sync) -> None:
    repository = sync.repository
    await sync.begin()
    await sync.add("INBOX", *(arrival(n + 1, LETTERS[n]) for n in range(4)))
    assert not await repository.answer(HOME, "INBOX", accepted=True)
    await repository.ask(HOME, "INBOX", 3, 4)
    assert not await repository.accepted(HOME, "INBOX")
    assert await repository.answer(HOME, "INBOX", accepted=False)
    assert await repository.accepted(HOME, "INBOX")
    assert await sync.settle("INBOX", 4) == 3
    assert not await repository.accepted(HOME, "INBOX")
    assert await flags_of(archive, LETTERS[0]) == Flag.SEEN | Flag.GONE
    assert (await archive.find_all()).total.value == 4
    await repository.ask(HOME, "INBOX", 1, 1)
    await repository.answer(HOME, "INBOX", accepted=True)
    await sync.settle("INBOX")
    assert await flags_of(archive, LETTERS[3]) == Flag.SEEN | Flag.GONE | Flag.HIDDEN


async def test_a_mailbox_that_is_dropped_takes_its_places_along(archive: Archive, sync: Sync) -> None:
    await sync.begin()
    await sync.begin("Old")
    await sync.add("INBOX", arrival(1, LETTERS[0]))
    await sync.add("Old", arrival(1, LETTERS[0]), arrival(2, LETTERS[1]))
    assert await sync.repository.drop(HOME, "Old", WhenGone.KEEP) == 1
    assert await counts(archive) == {"INBOX": (1, 0), "Old": (1, 0)}
    assert [box.name for box in await sync.repository.mailboxes(HOME)] == ["INBOX"]
    await sync.begin("Empty")
    assert await sync.repository.drop(HOME, "Empty", WhenGone.KEEP) == 0
    assert await counts(archive) == {"INBOX": (1, 0), "Old": (1, 0)}
    with pytest.raises(Fault) as caught:
        await sync.add("Empty", arrival(1, LETTERS[0]))
    assert caught.value.code is ErrorCode.NOT_FOUND


async def test_how_far_a_mailbox_is_known_is_kept_until_its_uidvalidity_changes(archive: Archive, sync: Sync) -> None:
    await sync.begin()
    known = KnownMailbox("INBOX", "inbox", 1, uid_next=10, messages=3, highest_modseq=77, complete=True)
    await sync.repository.finish(HOME, known)
    assert await sync.repository.mailboxes(HOME) == (known,)
    await sync.repository.begin(HOME, "INBOX", "Inbox", MailboxRole.INBOX, 1)
    assert await sync.repository.mailboxes(HOME) == (replace(known, key="Inbox"),)
    (box,) = await archive.directory.mailboxes(ALL)
    assert box.refreshed is not None
    assert box.role is MailboxRole.INBOX
    await sync.begin("INBOX", 2)
    assert await sync.repository.mailboxes(HOME) == (KnownMailbox("INBOX", "inbox", 2, 0, 0, 0, complete=False),)


async def test_contents_are_known_by_what_the_server_calls_them(archive: Archive, sync: Sync) -> None:
    await sync.begin()
    arrivals = [replace(arrival(n + 1, LETTERS[n]), content_id=f"M{n}", partial=n == 1) for n in range(2)]
    await sync.add("INBOX", *arrivals, replace(arrival(3, LETTERS[2]), content_id=""))
    found = await sync.repository.by_content(HOME, ["M0", "M1", "M2", ""])
    assert found == {"M0": LETTERS[0].fingerprint}
    assert await sync.repository.by_content("work", ["M0"]) == {}


async def test_the_newest_and_the_oldest_are_those_that_are_left(archive: Archive, sync: Sync) -> None:
    await sync.begin()
    same = [mail(f"Twin {n}", date=NOON + timedelta(days=2)) for n in range(3)]
    everything = [*LETTERS[:4], *same]
    await sync.add("INBOX", *(arrival(n + 1, message) for n, message in enumerate(everything)), messages=everything)
    await sync.settle("INBOX", 2, 3, 5, 6, 7)
    (account,) = await archive.directory.accounts(ALL)
    (box,) = await archive.directory.mailboxes(ALL)
    assert (account.messages, account.oldest, account.newest) == (5, NOON + timedelta(days=1), NOON + timedelta(days=2))
    assert (box.messages, box.newest) == (5, NOON + timedelta(days=2))
    await sync.settle("INBOX")
    (account,) = await archive.directory.accounts(ALL)
    (box,) = await archive.directory.mailboxes(ALL)
    assert (account.messages, account.oldest, account.newest) == (0, None, None)
    assert (box.messages, box.newest) == (0, None)


async def test_a_message_of_surrogates_is_stored_all_the_same(archive: Archive, sync: Sync) -> None:
    await sync.begin()
    odd = mail("Odd \ud800 subject", raw=b"odd")
    assert await sync.add("INBOX", arrival(1, odd), messages=[odd]) == 1


async def test_nothing_is_stored_where_a_message_is_missing(archive: Archive, sync: Sync) -> None:
    await sync.begin()
    with pytest.raises(ValueError, match="neither stored"):
        await sync.add("INBOX", arrival(1, LETTERS[0]), arrival(2, LETTERS[1]), messages=[LETTERS[0]])
    assert await sync.begin() == UidSet()
    assert (await archive.find_all()).total.value == 0
    # What the writer had learned of the transaction that was undone is forgotten with it.
    assert await sync.add("INBOX", arrival(1, LETTERS[0]), arrival(2, LETTERS[1])) == 2
    assert (await archive.find(Words("ann"))).total.value == 2


async def test_problems_are_recorded_with_their_message(archive: Archive, sync: Sync) -> None:
    await sync.begin()
    problem = SourceProblem("home/INBOX;UID=1", Problem(ProblemCode.NOT_FETCHED, "2"), LETTERS[0].fingerprint)
    await sync.repository.add(HOME, "INBOX", [arrival(1, LETTERS[0])], LETTERS, [problem])
    (recorded,), _ = await archive.directory.problems(9)
    assert (recorded.key, recorded.problem) == (key_of_fingerprint(LETTERS[0].fingerprint), problem.problem)


async def test_synchronisations_and_an_import_write_by_turns(archive: Archive) -> None:
    one, other = Sync(archive), Sync(archive, "work")
    senders = [f"P{n} <p{n}@x{n % 7}.example>" for n in range(90)]
    more = [mail(f"Mail {n}", from_=(who,), date=NOON + timedelta(hours=n)) for n, who in enumerate(senders)]
    await one.begin()
    await other.begin()

    async def synchronise(sync: Sync, messages: Sequence[PreparedMessage]) -> None:
        for uid, message in enumerate(messages, 1):
            await sync.add("INBOX", arrival(uid, message), messages=[message])

    async def bring_in(messages: Sequence[PreparedMessage]) -> None:
        async with archive.imports.writing():
            for message in messages:
                await archive.imports.add([message], [placed(message, "Files", account="files")], [])

    await asyncio.gather(synchronise(one, more[:50]), synchronise(other, more[30:80]), bring_in(more[20:]))
    assert (await archive.find_all()).total.value == 90
    assert {name: count for name, (count, _) in (await counts(archive)).items()} == {"INBOX": 50, "Files": 70}
    for n in range(90):
        assert (await archive.find(Words(f"p{n}"))).total.value == 1, n


async def test_a_write_waits_for_another_process_and_then_says_so(archive: Archive, tmp_path: Path) -> None:
    path = archive.database.path
    async with await open_archive(path, readers=1) as second:
        hasty, patient = SqliteSync(second, patience=0.1), SqliteSync(second)
        await hasty.begin(HOME, "INBOX", "inbox", MailboxRole.INBOX, 1)
        async with archive.imports.writing():
            with pytest.raises(Fault) as caught:
                await hasty.add(HOME, "INBOX", [arrival(1, LETTERS[0])], LETTERS, [])
            assert caught.value.code is ErrorCode.CONFLICT
            waiting = asyncio.create_task(patient.add(HOME, "INBOX", [arrival(1, LETTERS[0])], LETTERS, []))
            await archive.imports.add([LETTERS[1]], [placed(LETTERS[1])], [])
            assert not waiting.done()
        assert await waiting == 1
    assert (await archive.find_all()).total.value == 2
