"""Where most of a mailbox is gone, the archive asks before it follows."""

import pytest

from mailquery.domain.messages import Flag
from mcpkit.errors import ErrorCode, Fault
from support.mail_accounts import (
    LETTERS,
    NAME,
    Synchronised,
    gone,
    keys,
    stored,
)
from support.remote_mail import RemoteMail


async def test_a_mailbox_of_which_most_is_missing_is_asked_about(server: RemoteMail, home: Synchronised) -> None:
    uids = [server.put(raw) for raw in LETTERS[:30]]
    await home.sync()
    server.boxes["INBOX"].expunge(*uids[:16])
    server.put(LETTERS[35])

    summary = await home.sync()

    (question,) = summary.questions
    assert (question.mailbox, question.missing, question.messages) == ("INBOX", 16, 30)
    assert (summary.gone, summary.added) == (0, 1)
    assert set((await stored(home.database))["INBOX"]) == {*LETTERS[:30], LETTERS[35]}
    assert await gone(home.database) == {}


async def test_the_archive_follows_once_when_deletions_are_accepted(server: RemoteMail, home: Synchronised) -> None:
    uids = [server.put(raw) for raw in LETTERS[:30]]
    await home.sync()
    server.boxes["INBOX"].expunge(*uids[:16])
    await home.sync()

    await home.service.answer(NAME, "INBOX", accepted=True)
    summary = await home.sync()

    assert (summary.gone, summary.questions) == (16, ())
    assert set((await stored(home.database))["INBOX"]) == set(LETTERS[16:30])
    server.boxes["INBOX"].expunge(*uids[16:29])
    assert len((await home.sync()).questions) == 1


async def test_what_is_kept_stays_visible_and_is_marked(server: RemoteMail, home: Synchronised) -> None:
    uids = [server.put(raw) for raw in LETTERS[:30]]
    await home.sync()
    server.boxes["INBOX"].expunge(*uids[:16])
    await home.sync()

    await home.service.answer(NAME, "INBOX", accepted=False)
    summary = await home.sync()

    assert summary.questions == ()
    left = await gone(home.database)
    assert set(left) == set(LETTERS[:16])
    assert not any(flags & Flag.HIDDEN for flags in left.values())
    assert (await home.sync()).questions == ()


async def test_there_is_nothing_to_answer_where_nothing_was_asked(server: RemoteMail, home: Synchronised) -> None:
    server.put(LETTERS[0])
    await home.sync()
    with pytest.raises(Fault) as caught:
        await home.service.answer(NAME, "INBOX", accepted=True)
    assert caught.value.code is ErrorCode.NOT_FOUND


async def test_a_question_is_forgotten_when_the_mail_is_back(server: RemoteMail, home: Synchronised) -> None:
    for raw in LETTERS[:30]:
        server.put(raw)
    await home.sync()
    box = server.boxes["INBOX"]
    before = dict(box.messages)
    box.expunge(*list(before)[:20])
    assert len((await home.sync()).questions) == 1
    box.messages = before
    box.modseq += 1

    assert (await home.sync()).questions == ()
    assert set((await stored(home.database))["INBOX"]) == set(LETTERS[:30])


@pytest.mark.parametrize(("had", "missing", "asks"), [(30, 15, False), (30, 16, True), (12, 9, False), (12, 10, True)])
async def test_the_archive_asks_from_ten_messages_and_more_than_half_on(
    server: RemoteMail, home: Synchronised, had: int, missing: int, asks: bool
) -> None:
    uids = [server.put(raw) for raw in LETTERS[:had]]
    await home.sync()
    server.boxes["INBOX"].expunge(*uids[:missing])

    summary = await home.sync()

    assert len(summary.questions) == asks
    assert summary.gone == (0 if asks else missing)


async def test_what_moved_is_not_missing(server: RemoteMail, home: Synchronised) -> None:
    uids = [server.put(raw) for raw in LETTERS[:30]]
    await home.sync()
    for uid in uids[:28]:
        server.move(uid, "INBOX", "Archive")

    summary = await home.sync()

    assert (summary.questions, summary.moved, summary.gone) == ((), 28, 0)
    assert set((await stored(home.database))["Archive"]) == set(LETTERS[:28])


async def test_mail_in_two_mailboxes_that_vanishes_from_both_is_asked_about(
    server: RemoteMail, home: Synchronised
) -> None:
    uids = [server.put(raw) for raw in LETTERS[:30]]
    for uid in uids:
        server.copy(uid, "INBOX", "Copies")
    await home.sync()
    for name in ("INBOX", "Copies"):
        server.boxes[name].expunge(*list(server.boxes[name].messages))

    summary = await home.sync()

    assert summary.gone == 0
    assert len(summary.questions) >= 1
    assert {raw for found in (await stored(home.database)).values() for raw in found} == set(LETTERS[:30])


async def test_many_small_mailboxes_that_empty_at_once_are_asked_about(server: RemoteMail, home: Synchronised) -> None:
    for number, raw in enumerate(LETTERS):
        server.put(raw, f"Box {number // 5}")
    await home.sync()
    for name, box in server.boxes.items():
        if name != "INBOX":
            box.expunge(*list(box.messages))

    summary = await home.sync()

    assert (summary.gone, len(summary.questions)) == (0, 8)
    assert await gone(home.database) == {}


async def test_mailboxes_that_are_not_listed_any_more_are_asked_about(server: RemoteMail, home: Synchronised) -> None:
    for raw in LETTERS[:20]:
        server.put(raw, "Work")
    await home.sync()
    del server.boxes["Work"]

    summary = await home.sync()
    assert (summary.gone, [each.mailbox for each in summary.questions]) == (0, ["Work"])
    await home.service.answer(NAME, "Work", accepted=True)
    assert (await home.sync()).gone == 20
    assert await stored(home.database) == {}


async def test_a_mailbox_that_is_empty_of_a_sudden_is_asked_about_whatever_its_uidnext_is(
    server: RemoteMail, home: Synchronised
) -> None:
    for raw in LETTERS[:20]:
        server.put(raw)
    await home.sync()
    ids = await keys(home.database)
    box = server.boxes["INBOX"]
    box.expunge(*range(1, 21))
    box.uid_next = 1

    for _ in range(2):  # it is asked about until somebody has answered
        summary = await home.sync()
        assert (summary.added, summary.gone, len(summary.questions)) == (0, 0, 1)
        assert await gone(home.database) == {}
    box.uid_next = 1
    server.put(LETTERS[3])
    assert (await home.sync()).added == 0
    assert await keys(home.database) == ids
    assert await gone(home.database) == {}
