"""The tools for how fast mail is answered and what waits for an answer."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from mcpkit.errors import ErrorCode, Fault
from support.archives import Archive, Mail, temporary_archive
from support.calling import Caller

BO, ANA, EVA = "Bo Kim <bo@home.example>", "Ana Lima <ana@acme.example>", "Eva <eva@x.example>"


@pytest.fixture
async def ours(tmp_path: Path) -> AsyncIterator[Archive]:
    async with temporary_archive(tmp_path / "ours", me=("bo@home.example",)) as opened:
        yield opened


def said(number: int, sender: str, to: str, hour: int, *, after: int = 0, text: str = "Fine.", **more: object) -> Mail:
    """Message `number` at an hour of March 2026, in answer to message `after`."""
    return Mail(
        subject=f"Re: Subject {after or number}",
        sender=sender,
        to=to,
        date=f"{1 + hour // 24:02} Mar 2026 {hour % 24:02}:00:00 +0000",
        text=text,
        message_id=f"{number}@x",
        in_reply_to=f"{after}@x" if after else "",
        **more,  # type: ignore[arg-type]
    )


async def test_each_side_is_timed_and_every_figure_has_its_messages(ours: Archive) -> None:
    caller = Caller(ours.services)
    ids = await ours.add(
        said(1, ANA, BO, 0), said(2, BO, ANA, 1, after=1), said(3, ANA, BO, 6, after=2),
        said(4, EVA, BO, 10), said(5, BO, EVA, 40, after=4),
        said(6, ANA, BO, 50), said(7, BO, ANA, 53, after=6),
    )  # fmt: skip
    result = await caller.tool("response_times")
    ana, eva = result["people"]
    assert (ana["address"], eva["address"]) == ("ana@acme.example", "eva@x.example")
    first = {"seconds": 3_600, "question": ids[0], "answer": ids[1]}
    second = {"seconds": 3 * 3_600, "question": ids[5], "answer": ids[6]}
    assert ana["we_answer"] == {
        "answers": 2, "median": first, "p90": second, "fastest": first, "slowest": [second, first],
    }  # fmt: skip
    assert ana["they_answer"]["median"] == {"seconds": 5 * 3_600, "question": ids[1], "answer": ids[2]}
    assert "they_answer" not in eva
    assert (result["we_answer"]["answers"], result["we_answer"]["median"]["seconds"]) == (3, 3 * 3_600)
    assert result["ours"] == ["bo@home.example"]
    assert "median 1 h (" in await caller.text("response_times")
    assert set(caller.audit.records[-1].disclosed) == set(ids)

    short = await caller.tool("response_times", limit=1, slowest=1)
    assert short["remainder"] == {"people": 1, "answers": 1}
    only = await caller.tool("response_times", from_="eva")
    assert [person["address"] for person in only["people"]] == ["eva@x.example"]


async def test_of_too_much_mail_the_newest_is_timed_and_the_answer_says_since_when(
    ours: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailquery.services.response_times._MOST_READ", 2)
    caller = Caller(ours.services)
    ids = await ours.add(
        said(1, ANA, BO, 0), said(2, BO, ANA, 1, after=1), said(3, EVA, BO, 5), said(4, BO, EVA, 8, after=3),
        said(5, ANA, EVA, 9),
    )  # fmt: skip
    result = await caller.tool("response_times")
    assert [person["address"] for person in result["people"]] == ["eva@x.example"]
    assert result["we_answer"]["median"] == {"seconds": 3 * 3_600, "question": ids[2], "answer": ids[3]}
    assert result["back_to"].startswith("2026-03-01T05:00Z")
    assert "counted back to 2026-03-01T05:00Z" in await caller.text("response_times")
    assert "back_to" not in await caller.tool("response_times", from_="ana")


async def test_lists_programs_and_drafts_spoil_no_figure(ours: Archive) -> None:
    caller = Caller(ours.services)
    await ours.add(
        said(1, BO, ANA, 0),
        said(2, ANA, BO, 0, after=1, text="away", headers=(("X", "1"),)),
        said(3, "no-reply@shop.example", BO, 1), said(4, BO, "no-reply@shop.example", 2, after=3),
        said(5, EVA, BO, 3, headers=(("List-Id", "<l.x.example>"),)), said(6, BO, EVA, 4, after=5),
        said(7, EVA, BO, 5), said(8, BO, EVA, 6, after=7, flags=Flag.DRAFT),
    )  # fmt: skip
    result = await caller.tool("response_times")
    assert [person["address"] for person in result["people"]] == ["ana@acme.example"]
    assert result["left_out"] == 2
    assert "mailing lists" in result["left_out_why"]
    with_lists = await caller.tool("response_times", lists=True)
    assert {person["address"] for person in with_lists["people"]} == {"ana@acme.example", "eva@x.example"}


async def test_what_asks_us_and_what_of_ours_has_no_answer_waits(ours: Archive) -> None:
    caller = Caller(ours.services)
    ids = await ours.add(
        said(1, ANA, BO, 0, text="Can you send the offer?\n\n> Did you get mine?\n"),
        said(2, ANA, BO, 1, text="Thanks, got it.\n\n> Can you send the offer?\n"),
        said(3, EVA, ANA, 2, text="Shall we?", cc=BO),
        said(4, BO, EVA, 3, text="The figures are below."),
        said(5, EVA, BO, 4, text="Will you come?"), said(6, BO, EVA, 5, after=5, text="Yes. When does it start?"),
        said(7, EVA, BO, 6, text="Will you?", headers=(("List-Unsubscribe", "<mailto:l@x>"),)),
        said(8, "noreply@shop.example", BO, 7, text="Did you like it?"),
        said(9, EVA, BO, 8, text="Will you?", mailboxes=("Trash",)),
        said(10, EVA, BO, 9, text="Will you?", mailboxes=("Junk",)),
    )  # fmt: skip
    async with ours.imports.writing():
        await ours.imports.set_role("local", "Trash", MailboxRole.TRASH)
        await ours.imports.set_role("local", "Junk", MailboxRole.JUNK)
    result = await caller.tool("awaiting_reply")
    assert [(each["id"], each["waits_for"], each.get("asks")) for each in result["threads"]] == [
        (ids[5], "them", "When does it start?"),
        (ids[3], "them", None),
        (ids[0], "us", "Can you send the offer?"),
    ]
    assert result["threads"][2]["who"] == ["Ana Lima <ana@acme.example>"]
    assert result["threads"][2]["days"] == 31
    assert "cursor" not in result
    us = await caller.tool("awaiting_reply", direction="us")
    assert [each["id"] for each in us["threads"]] == [ids[0]]
    assert (await caller.tool("awaiting_reply", direction="them", days=40))["threads"] == []
    found = await caller.tool("awaiting_reply", from_="ana")
    assert [each["id"] for each in found["threads"]] == [ids[0]]
    assert "Can you send the offer?" in await caller.text("awaiting_reply")


async def test_an_automatic_answer_ends_no_waiting(ours: Archive) -> None:
    caller = Caller(ours.services)
    (asked, _) = await ours.add(
        said(1, BO, ANA, 0, text="Could you look?"),
        Mail(subject="Automatic reply: Subject", in_reply_to="1@x", date="02 Mar 2026 10:00:00 +0000"),
    )
    result = await caller.tool("awaiting_reply")
    assert [each["id"] for each in result["threads"]] == [asked]


async def test_pages_of_what_waits_follow_each_other(ours: Archive) -> None:
    caller = Caller(ours.services)
    ids = await ours.add(*(said(n, ANA, BO, n, text=f"Question {n}?") for n in range(1, 8)))
    given: list[str] = []
    cursor: dict[str, object] = {}
    for _ in range(10):
        result = await caller.tool("awaiting_reply", limit=3, **cursor)
        given += [each["id"] for each in result["threads"]]
        if "cursor" not in result:
            break
        assert result["truncated"]["omitted"] >= 1
        cursor = {"cursor": result["cursor"]}
    assert given == list(reversed(ids))


async def test_whose_mail_it_is_is_told_by_the_sent_mail(archive: Archive, caller: Caller) -> None:
    question, answer = said(1, ANA, BO, 0), said(2, BO, ANA, 1, after=1, mailboxes=("Sent",))
    for tool in ("response_times", "awaiting_reply"):
        with pytest.raises(Fault) as refused:
            await caller.tool(tool)
        assert refused.value.code is ErrorCode.CONFIGURATION
        assert "MAILQUERY_ME" in str(refused.value)
    await archive.add(question, answer)
    async with archive.imports.writing():
        await archive.imports.set_role("local", "Sent", MailboxRole.SENT)
    result = await caller.tool("response_times")
    assert (result["ours"], result["we_answer"]["answers"]) == (["bo@home.example"], 1)


async def test_what_a_caller_may_not_see_answers_nothing(ours: Archive) -> None:
    asked = said(1, ANA, BO, 0, text="Can you?")
    await ours.add(asked, said(2, BO, ANA, 1, after=1, account="work"))
    everything = Caller(ours.services)
    some = Caller(ours.services, accounts=frozenset({"local"}))
    assert (await everything.tool("response_times"))["person_count"] == 1
    assert (await some.tool("response_times"))["person_count"] == 0
    assert (await everything.tool("awaiting_reply", direction="us"))["threads"] == []
    assert [each["id"] for each in (await some.tool("awaiting_reply", direction="us"))["threads"]] == [asked.id]
