"""What is gone from its server and hidden is in no answer, unless it is asked for; and every answer says so."""

import pytest

from mailquery.domain.accounts import WhenGone
from mailquery.domain.handles import parse_handle
from mailquery.domain.identity import fingerprint
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from mailquery.domain.uids import UidSet
from mailquery.repositories.synchronising import Arrival
from support.archives import Archive, Mail
from support.calling import Caller

KEPT = Mail(
    subject="Harbour plans",
    text="Boats leave the harbour at noon. Can you come?",
    message_id="1@acme.example",
    flags=Flag(0),
)
HIDDEN = Mail(
    subject="Harbour fees",
    sender="Zoe Ek <zoe@ek.example>",
    text="The harbour wants its fees, says the zoologist. Will you pay them?",
    date="Mon, 16 Mar 2026 10:00:00 +0900",
    message_id="2@ek.example",
    files=(("fees.pdf", "application/pdf", b"fees"),),
    flags=Flag(0),
)
ANSWER = Mail(
    subject="Re: Harbour plans",
    sender="Bo Kim <bo@home.example>",
    to="Ana Lima <ana@acme.example>",
    text="I shall be at the harbour.",
    date="Mon, 09 Mar 2026 19:00:00 +0900",
    message_id="3@home.example",
    in_reply_to="1@acme.example",
    mailboxes=("Sent",),
)


async def synchronise(archive: Archive, *mails: Mail, when_gone: WhenGone = WhenGone.HIDE) -> None:
    """The mails came from a server, which has them no more."""
    for name in {name for mail in mails for name in mail.mailboxes}:
        role = MailboxRole.SENT if name == "Sent" else MailboxRole.INBOX
        await archive.sync.begin("local", name, name, role, 1)
        arrivals = [
            Arrival(uid, fingerprint(mail.as_bytes()), mail.flags)
            for uid, mail in enumerate(mails, 1)
            if name in mail.mailboxes
        ]
        await archive.sync.add("local", name, arrivals, [], [])
        await archive.sync.settle("local", name, UidSet(), when_gone)


@pytest.fixture
async def hidden(archive: Archive) -> str:
    """The archive has one message that is hidden: its id."""
    await archive.add(KEPT)
    await archive.embed()
    _, key = parse_handle(HIDDEN.id) or ("", 0)
    assert key
    await archive.add_unplaced(HIDDEN)
    await synchronise(archive, HIDDEN)
    await archive.embed()
    return HIDDEN.id


async def subjects(caller: Caller, tool: str = "search_messages", **arguments: object) -> list[str]:
    return [row["subject"] for row in (await caller.tool(tool, **arguments))["rows"]]


async def test_it_is_found_by_those_alone_who_ask_for_it(caller: Caller, hidden: str) -> None:
    for query in ("", "harbour", "in:inbox", "is:unread", "-from:ana", "account:local", "fees OR boats", "has:pdf"):
        assert "Harbour fees" not in await subjects(caller, query=query), query
    assert await subjects(caller, query="harbour", sort="relevance") == ["Harbour plans"]
    assert await subjects(caller, query="is:gone") == ["Harbour fees"]
    assert await subjects(caller, query="-is:gone") == ["Harbour plans"]
    assert await subjects(caller, query="harbour in:inbox (is:gone OR -is:gone)", sort="newest") == [
        "Harbour fees",
        "Harbour plans",
    ]


async def test_an_answer_says_that_something_is_left_out(caller: Caller, hidden: str) -> None:
    nothing = await caller.tool("search_messages", query="fees")
    assert nothing["rows"] == []
    assert nothing["coverage"]["messages"] == 1
    (note,) = nothing["coverage"]["notes"]
    assert note.startswith("1 message that is gone from the mail server")
    asked = await caller.tool("search_messages", query="fees is:gone")
    assert asked["coverage"]["messages"] == 2
    assert "notes" not in asked["coverage"]


async def test_it_is_read_by_its_id_and_marked(caller: Caller, hidden: str) -> None:
    read = await caller.tool("read_message", id=hidden)
    assert read["subject"] == "Harbour fees"
    assert "gone" in read["flags"]
    (row,) = (await caller.tool("search_messages", query="is:gone"))["rows"]
    assert set(row["flags"]) == {"unread", "gone"}
    assert row["mailboxes"] == ["Inbox"]


async def test_its_thread_has_it_and_marks_it(archive: Archive, caller: Caller) -> None:
    await archive.add(KEPT)
    await archive.add_unplaced(ANSWER)
    await synchronise(archive, ANSWER)
    thread = await caller.tool("read_thread", id=KEPT.id)
    assert ["gone" in (message.get("flags") or ()) for message in thread["messages"]] == [False, True]


async def test_it_is_not_counted(caller: Caller, hidden: str) -> None:
    (account,) = (await caller.tool("list_accounts"))["accounts"]
    (box,) = (await caller.tool("list_mailboxes"))["mailboxes"]
    assert (account["messages"], account["unread"], box["messages"], box["unread"]) == (1, 1, 1, 1)
    for group in ("sender", "mailbox", "month", "attachment_type"):
        assert (await caller.tool("mail_statistics", group_by=group))["messages"] == 1, group
    assert (await caller.tool("mail_statistics", group_by="sender", query="is:gone"))["messages"] == 1


async def test_neither_its_people_nor_its_files_are_listed(caller: Caller, hidden: str) -> None:
    assert (await caller.tool("find_people", text="zoe"))["people"] == []
    assert len((await caller.tool("find_people", text="ana"))["people"]) == 1
    assert (await caller.tool("list_attachments"))["rows"] == []
    assert len((await caller.tool("list_attachments", query="is:gone"))["rows"]) == 1


async def test_nothing_is_similar_to_it_nor_suggested_for_it(archive: Archive, caller: Caller, hidden: str) -> None:
    assert await subjects(caller, "find_similar", id=KEPT.id) == []
    assert await subjects(caller, "find_similar", id=hidden) == ["Harbour plans"]
    assert await subjects(caller, "find_similar", id=KEPT.id, query="is:gone") == ["Harbour fees"]
    await archive.add(Mail(subject="Zoo", text="A zoologyst."), Mail(subject="Zoo again", text="A zoologyst too."))
    found = await caller.tool("search_messages", query="zoologizt")
    assert "zoologist" not in str(found.get("did_you_mean"))


async def test_a_hidden_question_waits_for_nobody_and_a_hidden_answer_is_one(archive: Archive, caller: Caller) -> None:
    await archive.add(KEPT, Mail(subject="Other", sender="Bo Kim <bo@home.example>", mailboxes=("Sent",)))
    async with archive.imports.writing():
        await archive.imports.set_role("local", "Sent", MailboxRole.SENT)
    await archive.add_unplaced(HIDDEN, ANSWER)
    await synchronise(archive, HIDDEN, ANSWER, when_gone=WhenGone.HIDE)
    # One was answered, whatever became of the answer; the other one is hidden.
    assert (await caller.tool("awaiting_reply", direction="us"))["threads"] == []
    asked = await caller.tool("awaiting_reply", direction="us", query="is:gone")
    assert [thread["subject"] for thread in asked["threads"]] == ["Harbour fees"]


async def test_what_is_kept_is_found_and_marked(archive: Archive, caller: Caller) -> None:
    await archive.add_unplaced(HIDDEN)
    await synchronise(archive, HIDDEN, when_gone=WhenGone.KEEP)
    (row,) = (await caller.tool("search_messages", query="fees"))["rows"]
    assert "gone" in row["flags"]
    assert await subjects(caller, query="fees -is:gone") == []


async def test_a_message_hidden_in_one_account_is_found_in_another(archive: Archive, caller: Caller) -> None:
    await archive.add_unplaced(HIDDEN)
    await synchronise(archive, HIDDEN)
    await archive.add(Mail(**{**HIDDEN.__dict__, "account": "work", "mailboxes": ("Projects",)}))
    (row,) = (await caller.tool("search_messages", query="fees"))["rows"]
    assert row["mailboxes"] == ["Projects"]
    assert "gone" not in row["flags"]
    assert await subjects(caller, query="account:local") == []
    local = Caller(archive.services, accounts=frozenset({"local"}))
    assert await subjects(local, query="fees") == []
    assert await subjects(local, query="fees is:gone") == ["Harbour fees"]
    work = Caller(archive.services, accounts=frozenset({"work"}))
    assert await subjects(work, query="fees") == ["Harbour fees"]
    assert await subjects(work, query="fees is:gone") == []


async def test_an_explanation_says_that_hidden_messages_are_looked_up(caller: Caller, hidden: str) -> None:
    explained = await caller.tool("search_messages", query="in:inbox harbour", explain=True)
    assert "hidden" in str(explained["explanation"])
