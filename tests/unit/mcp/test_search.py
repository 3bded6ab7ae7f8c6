import pytest

from mailquery.domain.messages import Flag
from mcpkit.errors import ErrorCode, Fault
from support.archives import Archive, Mail
from support.calling import Caller


async def test_a_row_has_what_tells_a_message_apart(archive: Archive, caller: Caller) -> None:
    (stored,) = await archive.add(
        Mail(
            subject="Tickets",
            to="Bo <bo@home.example>, Cy <cy@home.example>, Di <di@home.example>",
            message_id="tickets@acme.example",
            text="The boat leaves on Friday.",
            files=(("plan.pdf", "application/pdf", b"%PDF"),),
            flags=Flag.FLAGGED,
        )
    )
    result = await caller.tool("search_messages", query="boat")
    (row,) = result["rows"]
    assert row["thread_id"].startswith("t")
    del row["thread_id"]
    assert row == {
        "id": stored,
        "uri": f"mail://message/{stored}",
        "message_id": "tickets@acme.example",
        "date": "2026-03-09T14:05+09:00",
        "from": "Ana Lima <ana@acme.example>",
        "to": ["Bo <bo@home.example>", "Cy <cy@home.example>"],
        "to_more": 1,
        "subject": "Tickets",
        "mailboxes": ["Inbox"],
        "flags": ["unread", "starred"],
        "attachments": ["plan.pdf"],
        "snippet": "The **boat** leaves on Friday.",
    }
    assert (result["total"], "at_least" in result, "truncated" in result) == (1, False, False)
    assert result["coverage"]["accounts"] == ["local"]
    assert "boat" in result["coverage"]["read_as"]
    text = await caller.text("search_messages", query="boat")
    assert (
        text.splitlines()[2]
        .partition(">>")[2]
        .startswith(f"{stored} 2026-03-09T14:05+09:00 Ana Lima <ana@acme.example> -> Bo")
    )
    assert "The **boat** leaves" in text


async def test_nothing_found_still_says_what_was_searched(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail())
    text = await caller.text("search_messages", query="zebra")
    assert "0 messages found" in text
    assert "accounts: local" in text


@pytest.mark.parametrize("max_chars", [1_000, 2_500, 6_000])
async def test_pages_cut_by_the_budget_join_to_the_whole(archive: Archive, caller: Caller, max_chars: int) -> None:
    stored = await archive.add(
        *(
            Mail(
                subject=f"Report {number} " + "long " * 30,
                date=f"Mon, 09 Mar 2026 10:{number:02}:00 +0000",
                text="words " * 100,
            )
            for number in range(12)
        )
    )
    seen: list[str] = []
    arguments: dict[str, object] = {"query": "words", "max_chars": max_chars, "limit": 5}
    while True:
        result = await caller.tool("search_messages", **arguments)
        seen += [row["id"] for row in result["rows"]]
        if "cursor" not in result:
            break
        assert result["rows"]
        assert result["truncated"]["omitted"] == len(stored) - len(seen)
        arguments["cursor"] = result["cursor"]
    assert seen == stored[::-1]


async def test_a_senders_text_is_one_clean_line(archive: Archive, caller: Caller) -> None:
    await archive.add(
        Mail(raw="From: =?utf-8?b?{}?= <a@b.example>\nSubject: one\u202e\u200btwo\n\nbody\u2066 text\n".encode())
    )
    result = await caller.tool("search_messages")
    (row,) = result["rows"]
    assert row["subject"] == "onetwo"
    assert "\u2066" not in row["snippet"]


async def test_arguments_are_checked(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail())
    for arguments in ({"limit": 0}, {"limit": "7"}, {"sort": "best"}, {"max_chars": 10}, {"folder": "x"}):
        with pytest.raises(Fault) as refused:
            await caller.reply("search_messages", **arguments)
        assert refused.value.code is ErrorCode.VALIDATION_ERROR
    assert (await caller.tool("search_messages", from_="ana"))["total"] == 1


async def test_the_audit_knows_which_messages_were_shown(archive: Archive, caller: Caller) -> None:
    stored = await archive.add(Mail(), Mail(text="two"))
    await caller.reply("search_messages")
    assert set(caller.audit.records[-1].disclosed) == set(stored)


async def test_only_the_callers_accounts_are_searched(archive: Archive) -> None:
    await archive.add(Mail(account="home"), Mail(text="two", account="work"))
    home = Caller(archive.services, accounts=frozenset({"home"}))
    assert (await home.tool("search_messages"))["total"] == 1


async def test_rows_that_lack_words_are_marked_and_not_counted(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail(subject="Boat", text="The red boat leaves."), Mail(subject="Car", text="A red car."))
    result = await caller.tool("search_messages", query="red boat")
    assert [(row["subject"], row.get("match"), row.get("missing")) for row in result["rows"]] == [
        ("Boat", None, None),
        ("Car", "partial", ["boat"]),
    ]
    assert (result["total"], result["near"], result["sort"]) == (1, 1, "relevance")
    text = await caller.text("search_messages", query="red boat")
    assert text.startswith("2 rows, best first: 1 message with every word, and 1 more that say what they lack\n")
    assert "\nPARTIAL MATCH, lacks boat | " in text


async def test_a_misspelt_word_is_pointed_out(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail(text="The harbour."), Mail(text="A harbour, again."))
    result = await caller.tool("search_messages", query="harbuor")
    assert (result["total"], result["did_you_mean"]) == (0, {"harbuor": "harbour"})
    assert 'no message has "harbuor"; perhaps "harbour"?' in await caller.text("search_messages", query="harbuor")


async def test_it_is_said_where_meaning_was_not_used(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail(text="The harbour."))
    assert (await caller.tool("search_messages", query="harbour"))["meaning_unused"]
    assert "meaning_unused" not in await caller.tool("search_messages", query="harbour", sort="newest")
    assert "meaning_unused" not in await caller.tool("search_messages", query="from:ana")
