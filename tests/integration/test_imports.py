"""What is stored is what was given, once, whatever happens on the way."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from integration.archives import ALL, Archive
from integration.mailmaker import NOON, mail, placed
from mailquery.domain.addresses import Address
from mailquery.domain.handles import key_of_fingerprint
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Attachment, Flag, Link, Problem, ProblemCode
from mailquery.domain.queries import DateBetween, Everything, Is, State, Words
from mailquery.repositories.compression import decompress
from mailquery.repositories.prepared import SourceProblem
from mailquery.repositories.records import Sort
from mailquery.repositories.sqlite.archive import open_archive
from mcpkit.errors import ErrorCode, Fault


async def test_a_message_comes_back_as_it_was_given(archive: Archive) -> None:
    message = mail(
        "Grüße 예산안",
        "Body with link",
        quoted="> earlier",
        message_id="a@acme.io",
        in_reply_to=("p@acme.io",),
        references=("o@acme.io", "p@acme.io"),
        from_=("Ann Lee <Ann@acme.io>", "Zoë <zoe@acme.io>"),
        sender=("desk@acme.io",),
        reply_to=("Reply <r@acme.io>",),
        to=("Bob <bob@example.org>", "Carol"),
        cc=("Dan <dan@example.org>",),
        bcc=("eve@example.org",),
        list_id="Dev <dev.acme.io>",
        attachments=(
            Attachment("2", "a.pdf", "application/pdf", 7),
            Attachment("3.1", "", "image/png", 8, inline=True, content_id="cid@x"),
        ),
        links=(Link("https://acme.io/x", "here"),),
        problems=(Problem(ProblemCode.BAD_DATE, "no date"),),
        utc_offset=32_400,
    )
    await archive.add((message, [placed(message, "INBOX", "Label/One", flags=Flag.FLAGGED)]))
    key = key_of_fingerprint(message.fingerprint)
    stored = await archive.messages.get(key, ALL)
    assert stored is not None
    parsed = message.parsed
    row = stored.row
    assert (row.key, row.message_id, row.subject, row.date) == (key, "a@acme.io", parsed.subject, NOON)
    assert (row.utc_offset, row.size, row.preview) == (32_400, message.raw_size, message.preview)
    assert (row.from_, row.to) == (parsed.from_, parsed.to + parsed.cc)
    assert (row.mailboxes, row.flags, row.attachments) == (("INBOX", "Label/One"), Flag.FLAGGED, parsed.attachments)
    assert (stored.sender, stored.reply_to, stored.to) == (parsed.sender, parsed.reply_to, parsed.to)
    assert (stored.cc, stored.bcc, stored.accounts) == (parsed.cc, parsed.bcc, ("home",))
    assert (stored.in_reply_to, stored.references) == (parsed.in_reply_to, parsed.references)
    assert (stored.list_id, stored.body, stored.links) == (parsed.list_id, parsed.body, parsed.links)
    assert (stored.problems, stored.date_source) == (parsed.problems, parsed.date_source)
    assert await archive.messages.raw(key, ALL) == decompress(message.raw)
    assert await archive.search.body_texts([row.row]) == {row.row: parsed.body.text}
    page = await archive.search.search(Everything(), ALL, sort=Sort.NEWEST, limit=1, texts=True)
    assert page.texts == {row.row: parsed.body.text}
    assert await archive.messages.get(key + 1, ALL) is None
    assert await archive.messages.raw(key + 1, ALL) is None


async def test_importing_again_adds_nothing_and_changes_no_id(archive: Archive) -> None:
    messages = [mail(f"n{n}", message_id=f"{n}@x", references=("0@x",)) for n in range(20)]
    entries = [(message, [placed(message)]) for message in messages]
    assert await archive.add(*entries, *entries[:3]) == 20
    before = await archive.find_all()
    assert await archive.add(*entries[::-1]) == 0
    after = await archive.find_all()
    assert after.rows == before.rows
    assert await archive.imports.known([m.fingerprint for m in messages] + [b"?" * 16]) == {
        m.fingerprint for m in messages
    }
    (box,) = await archive.directory.mailboxes(ALL)
    assert box.messages == 20
    assert (await archive.directory.version(ALL)).messages == 20


async def test_one_message_in_two_mailboxes_is_one(archive: Archive) -> None:
    message = mail("shared")
    await archive.add((message, [placed(message, "INBOX", flags=Flag(0))]))
    await archive.add((message, [placed(message, "Archive", flags=Flag.ANSWERED)]))
    (row,) = (await archive.find_all()).rows
    assert row.mailboxes == ("Archive", "INBOX")
    assert row.flags == Flag.ANSWERED
    (account,) = await archive.directory.accounts(ALL)
    assert (account.messages, account.mailboxes, account.unread) == (1, 2, 1)


async def test_two_messages_that_share_a_message_id_stay_two(archive: Archive) -> None:
    one, two = mail("one", message_id="same@x"), mail("two", message_id="same@x")
    await archive.add((one, [placed(one)]), (two, [placed(two)]))
    rows = (await archive.find_all()).rows
    assert {row.subject for row in rows} == {"one", "two"}
    assert len({row.key for row in rows}) == 2


async def test_flags_are_brought_up_to_date(archive: Archive) -> None:
    message = mail("read me")
    await archive.add((message, [placed(message, flags=Flag(0))]))
    assert await archive.rows(Is(State.UNREAD))
    await archive.add((message, [placed(message, flags=Flag.SEEN | Flag.FLAGGED)]))
    assert not await archive.rows(Is(State.UNREAD))
    assert await archive.rows(Is(State.STARRED))
    await archive.add((message, [placed(message, flags=None)]))
    (row,) = (await archive.find_all()).rows
    assert row.flags == Flag.SEEN


async def test_keys_that_collide_stay_apart(archive: Archive) -> None:
    one = replace(mail("one"), fingerprint=b"\xff" * 8 + b"a" * 8)
    two = replace(mail("two"), fingerprint=b"\xff" * 8 + b"b" * 8)
    await archive.add((one, [placed(one)]))
    await archive.add((two, [placed(two)]), (one, [placed(one)]))
    keys = {row.subject: row.key for row in (await archive.find_all()).rows}
    assert keys == {"one": (1 << 60) - 1, "two": 0}


async def test_messages_of_one_second_get_ids_without_walking_over_each_other(archive: Archive) -> None:
    entries = [(m, [placed(m)]) for m in (mail(f"n{n}", date=NOON + timedelta(seconds=n % 3)) for n in range(3000))]
    for start in range(0, 3000, 1000):
        await archive.add(*entries[start : start + 1000], finish=False)
    crowds = await archive.database.read(lambda c: c.execute("SELECT first, last FROM crowded_ids").fetchall())
    second = int(NOON.timestamp())
    assert crowds == [(second, second + 2999)] or (len(crowds) == 1 and crowds[0][1] >= second + 2960)
    page = await archive.find(DateBetween(NOON + timedelta(seconds=1), NOON + timedelta(seconds=2)), limit=5000)
    assert page.total.value == len(page.rows) == 1000
    late = mail("late", date=NOON + timedelta(seconds=1500))
    await archive.add((late, [placed(late)]))
    found = await archive.find(DateBetween(NOON + timedelta(seconds=1500), None))
    assert [row.subject for row in found.rows] == ["late"]


@pytest.mark.parametrize("year", [1, 1969, 1970, 9999])
async def test_any_date_can_be_stored(archive: Archive, year: int) -> None:
    date = datetime(year, 1, 1, tzinfo=UTC)
    message = mail("old", date=date)
    await archive.add((message, [placed(message)]))
    (row,) = (await archive.find(DateBetween(date, None))).rows
    assert row.date == date


async def test_text_that_is_no_unicode_does_not_stop_an_import(archive: Archive) -> None:
    good, bad = mail("good"), mail("bad \udcff subject \0 zero", "body", to=("N\udc80 <n@x.org>",))
    assert await archive.add((good, [placed(good)]), (bad, [placed(bad)])) == 2
    assert {row.subject for row in (await archive.find_all()).rows} == {"good", "bad ? subject \0 zero"}
    assert len(await archive.rows(Words("subject"))) == 1


async def test_problems_are_listed_once_with_their_message(archive: Archive) -> None:
    message = mail("torn", problems=(Problem(ProblemCode.BAD_MIME, "no boundary"),), locator="/m#5")
    found = [
        SourceProblem("/m#5", Problem(ProblemCode.BAD_MIME, "no boundary"), message.fingerprint),
        SourceProblem("/m#9", Problem(ProblemCode.NOT_MAIL, "no header")),
    ]
    for _ in range(2):
        async with archive.imports.writing():
            await archive.imports.add([message], [placed(message)], found)
    problems, total = await archive.directory.problems(10)
    assert total == 2
    assert [(p.locator, p.problem.code, p.key is not None) for p in problems] == [
        ("/m#9", ProblemCode.NOT_MAIL, False),
        ("/m#5", ProblemCode.BAD_MIME, True),
    ]
    assert (await archive.directory.problems(1, 1))[0] == problems[1:]


async def test_a_placement_of_nothing_is_refused_and_nothing_of_its_batch_is_stored(archive: Archive) -> None:
    message, stranger = mail("known"), mail("stranger")
    async with archive.imports.writing():
        with pytest.raises(ValueError, match="placement"):
            await archive.imports.add([message], [placed(message), placed(stranger)], [])
        assert await archive.imports.known([message.fingerprint]) == set()
        assert await archive.imports.add([message], [placed(message)], []) == 1
    assert (await archive.find_all()).rows[0].from_ == (Address("Ann Lee", "ann@acme.io"),)


async def test_roles_counts_and_the_time_of_reading_are_kept(archive: Archive) -> None:
    async with archive.imports.writing():
        await archive.imports.set_role("home", "Sent Items", MailboxRole.SENT)
    message = mail("sent by me", date=NOON)
    earlier = mail("before", date=NOON - timedelta(days=3))
    await archive.add((message, [placed(message, "Sent Items")]), (earlier, [placed(earlier, flags=Flag(0))]))
    inbox, sent = await archive.directory.mailboxes(ALL, "home")
    assert (sent.name, sent.role, sent.messages, sent.unread, sent.newest) == (
        "Sent Items", MailboxRole.SENT, 1, 0, NOON,
    )  # fmt: skip
    assert (inbox.unread, inbox.role) == (1, MailboxRole.NONE)
    assert sent.refreshed is not None
    (account,) = await archive.directory.accounts(ALL)
    assert (account.oldest, account.newest, account.messages) == (earlier.parsed.date, NOON, 2)
    assert [row.subject for row in (await archive.find(Is(State.SENT))).rows] == ["sent by me"]
    assert await archive.directory.mailboxes(ALL, "nobody") == ()


async def test_adding_needs_the_writers_lock(archive: Archive) -> None:
    with pytest.raises(RuntimeError):
        await archive.imports.add([], [], [])


WRITER = """
import asyncio, os, sys
from pathlib import Path
from integration.mailmaker import mail, placed
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.imports import SqliteImports

async def main():
    database = await open_archive(Path(sys.argv[1]))
    imports = SqliteImports(database)
    async with imports.writing():
        for batch in range(100_000):
            messages = [mail(f"n{batch * 10 + n}", "text " * 200, message_id=f"{batch * 10 + n}@x") for n in range(10)]
            await imports.add(messages, [placed(m) for m in messages], [])
            print(batch, flush=True)

asyncio.run(main())
"""


def start_writer(path: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        env={"PYTHONPATH": ":".join(sys.path), "PATH": ""},
        stdout=subprocess.PIPE,
        text=True,
    )


async def test_a_writer_that_is_killed_leaves_whole_batches_and_nothing_to_repair(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    for _ in range(3):
        with start_writer(path) as writer:
            assert writer.stdout is not None
            for _ in range(4):
                confirmed = int(writer.stdout.readline())
            writer.kill()
        async with await open_archive(path) as database:
            archive = Archive(database)
            total = (await archive.find_all()).total.value
            assert total % 10 == 0
            assert total >= (confirmed + 1) * 10
            check = await database.maintain(lambda c: c.execute("PRAGMA integrity_check").fetchall())
            assert check == [("ok",)]
            await database.write(lambda c: c.execute("INSERT INTO search (search) VALUES ('integrity-check')"))
            fresh = mail("after the fall")
            await archive.add((fresh, [placed(fresh)]))
            assert len(await archive.rows(Words("after the fall"))) == 1
        path.unlink()


async def test_a_second_writer_is_told_who_writes_and_readers_go_on(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    with start_writer(path) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        async with await open_archive(path) as database:
            archive = Archive(database)
            with pytest.raises(Fault) as caught:
                async with archive.imports.writing():
                    pass
            assert caught.value.code is ErrorCode.CONFLICT
            assert str(writer.pid) in caught.value.message
            assert len((await archive.find(Words("text"))).rows) >= 10
            writer.kill()
            writer.wait()
            async with archive.imports.writing():
                pass
