"""No answer is larger than its `max_chars`, whatever the senders wrote."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.archives import Archive, Mail, temporary_archive
from support.calling import Caller

QUOTES = '"\\' * 2_000
MANY = ", ".join(f'"{"Name" * 20} {number}" <{"a" * 60}{number}@{"b" * 60}.example>' for number in range(40))
HTML = "".join(f'<a href="https://{"x" * 400}.example/{number}">{"text " * 40}</a>' for number in range(80))


def hostile(number: int) -> Mail:
    return Mail(
        subject=f"words {number} {QUOTES}",
        sender=f'"{"Sender" * 100}" <{"s" * 200}@{"d" * 60}.example>',
        to=MANY,
        cc=MANY.replace("@", ".cc@"),
        date=f"Mon, 09 Mar 2026 10:{number:02}:00 +0000",
        message_id=f"{number}-{'i' * 700}@x",
        in_reply_to=f"{number - 1}-{'i' * 700}@x" if number else "",
        text=f"words {QUOTES} 예산안\n" * 20,
        html=f"<p>words</p>{HTML}",
        headers=(("Reply-To", MANY), ("List-Id", f"<{'l' * 900}.example>")),
        files=tuple((f"{'f' * 300}{each}.txt", "text/plain", QUOTES.encode()) for each in range(30)),
        account="account " + "n" * 200,
        mailboxes=tuple(f"Mailbox {'m' * 200} {each}" for each in range(30)),
    )


@pytest.fixture(scope="module")
async def hostile_archive(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Archive]:
    folder: Path = tmp_path_factory.mktemp("hostile")
    async with temporary_archive(folder, me=("@cc." + "b" * 60 + ".example",)) as archive:
        await archive.add(*(hostile(number) for number in range(25)))
        await archive.embed()
        yield archive


CALLS: dict[str, tuple[str, dict[str, object]]] = {
    "search": ("search_messages", {"query": "words", "limit": 100}),
    "search explained": ("search_messages", {"query": "words (from:sender OR -zebra OR larger:1)", "explain": True}),
    "all": ("search_messages", {"sort": "oldest"}),
    "similar": ("find_similar", {"id": "ID", "limit": 50}),
    "read": ("read_message", {"id": "ID"}),
    "read quoted": ("read_message", {"id": "ID", "include_quoted": True}),
    "read headers": ("read_message", {"id": "ID", "part": "headers"}),
    "read html": ("read_message", {"id": "ID", "part": "html"}),
    "read raw": ("read_message", {"id": "ID", "part": "raw", "offset": 500}),
    "thread": ("read_thread", {"id": "ID"}),
    "thread newest": ("read_thread", {"id": "ID", "order": "newest"}),
    "mailboxes": ("list_mailboxes", {}),
    "accounts": ("list_accounts", {}),
    "attachments": ("list_attachments", {"limit": 100}),
    "attachment": ("get_attachment", {"id": "ID-2"}),
    "by sender": ("mail_statistics", {"group_by": "sender", "limit": 500}),
    "by recipient": ("mail_statistics", {"group_by": "recipient", "limit": 500}),
    "by mailbox": ("mail_statistics", {"group_by": "mailbox", "limit": 500}),
    "by mailbox and recipient": ("mail_statistics", {"group_by": "mailbox", "then_by": "recipient", "then_limit": 100}),
    "by recipient and hour": ("mail_statistics", {"group_by": "recipient", "then_by": "hour", "limit": 500}),
    "response times": ("response_times", {"limit": 200, "slowest": 100, "lists": True}),
    "awaiting": ("awaiting_reply", {"limit": 100}),
    "people": ("find_people", {"text": "name"}),
}


@pytest.mark.parametrize("max_chars", [1_000, 5_000, 20_000])
@pytest.mark.parametrize("name", CALLS)
async def test_the_whole_reply_is_within_max_chars(hostile_archive: Archive, name: str, max_chars: int) -> None:
    tool, given = CALLS[name]
    stored = hostile(24).id
    arguments = {key: value.replace("ID", stored) if isinstance(value, str) else value for key, value in given.items()}
    caller = Caller(hostile_archive.services)
    reply = await caller.reply(tool, **arguments, max_chars=max_chars)
    size = len(reply.model_dump_json(by_alias=True, exclude_none=True))
    assert size <= max_chars
    assert reply.structured_content is not None
    shortened = "truncated" in reply.structured_content
    assert shortened or size < 20_000
    if max_chars == 20_000 and shortened:
        assert size > 10_000, "the answer leaves most of its room unused"


async def test_without_max_chars_the_default_holds(hostile_archive: Archive) -> None:
    caller = Caller(hostile_archive.services)
    assert await caller.size("search_messages", limit=100) <= 20_000
    assert await caller.size("read_thread", id=hostile(3).id) <= 20_000
