from support.archives import Archive, Mail
from support.calling import Caller

NEWEST = "The newest answer in full. " * 60


def thread(count: int, text: str = "Words of an older message. " * 60) -> list[Mail]:
    return [
        Mail(
            subject="Boat" if number == 0 else "Re: Boat",
            message_id=f"{number}@x",
            in_reply_to=f"{number - 1}@x" if number else "",
            date=f"Mon, 09 Mar 2026 10:{number:02}:00 +0000",
            text=NEWEST if number == count - 1 else f"Number {number}. {text}",
        )
        for number in range(count)
    ]


async def test_a_thread_that_fits_is_whole(archive: Archive, caller: Caller) -> None:
    stored = await archive.add(*thread(3))
    result = await caller.tool("read_thread", id=stored[1])
    assert [message["id"] for message in result["messages"]] == stored
    assert result["subject"] == "Boat"
    assert result["message_count"] == 3
    assert result["participants"][0] == {"who": "Ana Lima <ana@acme.example>", "sent": 3, "received": 0}
    assert "truncated" not in result
    reverse = await caller.tool("read_thread", id=result["id"], order="newest")
    assert [message["id"] for message in reverse["messages"]] == stored[::-1]


async def test_the_newest_stays_whole_and_older_ones_become_previews(archive: Archive, caller: Caller) -> None:
    stored = await archive.add(*thread(4))
    result = await caller.tool("read_thread", id=stored[0], max_chars=8_000)
    assert [message["id"] for message in result["messages"]] == stored
    newest = result["messages"][-1]
    assert newest["body"].strip() == NEWEST.strip()
    assert "left_out" not in newest
    assert all(message["left_out"] > 0 and len(message["body"]) >= 200 for message in result["messages"][:2])
    assert result["truncated"]["omitted"] == sum(message.get("left_out", 0) for message in result["messages"])


async def test_when_room_is_short_the_oldest_are_left_out_and_it_is_said(archive: Archive, caller: Caller) -> None:
    stored = await archive.add(*thread(30))
    result = await caller.tool("read_thread", id=stored[0], max_chars=8_000)
    shown = [message["id"] for message in result["messages"]]
    assert shown == stored[-len(shown) :]
    assert len(shown) < 30
    assert result["truncated"]["omitted"] == 30 - len(shown)
    rest = await caller.tool("search_messages", query=f"thread:{result['id']}", sort="oldest", limit=100)
    assert [row["id"] for row in rest["rows"]][: 30 - len(shown)][:5] == stored[:5]


async def test_in_the_smallest_answer_the_newest_has_its_sender_and_its_beginning(
    archive: Archive, caller: Caller
) -> None:
    stored = await archive.add(*thread(4))
    result = await caller.tool("read_thread", id=stored[0], max_chars=1_000)
    (newest,) = result["messages"]
    assert (newest["id"], newest["from"]) == (stored[-1], "Ana Lima <ana@acme.example>")
    assert NEWEST.startswith(newest["body"])
    assert result["truncated"]["unit"] == "older messages"
    assert result["truncated"]["omitted"] == 3
