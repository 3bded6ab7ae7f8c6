import pytest

from mailquery.domain.handles import message_handle, thread_handle
from mailquery.repositories.records import Visibility
from mailquery.services import threads
from mailquery.services.threads import Order
from mcpkit.errors import ErrorCode, Fault
from support.archives import Archive, Mail

ALL = Visibility()
QUESTION = "Shall we take the boat on Friday at nine from the northern quay?"
ANSWER = "Yes, and I bring the tickets and the passports for all of us."


def conversation() -> list[Mail]:
    return [
        Mail(subject="Boat", message_id="1@x", date="Mon, 09 Mar 2026 10:00:00 +0000", text=QUESTION),
        Mail(
            subject="Re: Boat",
            sender="Bo Kim <bo@home.example>",
            to="Ana Lima <ana@acme.example>",
            message_id="2@x",
            in_reply_to="1@x",
            date="Mon, 09 Mar 2026 11:00:00 +0000",
            text=f"{ANSWER}\n\nOn Mon, 9 Mar 2026, Ana Lima wrote:\n> {QUESTION}\n",
        ),
        Mail(
            subject="Re: Boat",
            message_id="3@x",
            in_reply_to="2@x",
            date="Mon, 09 Mar 2026 12:00:00 +0000",
            text=f"Perfect.\n\nOn Mon, 9 Mar 2026, Bo Kim wrote:\n> {ANSWER}\n>\n> On Mon, Ana wrote:\n>> {QUESTION}\n",
        ),
    ]


async def test_each_thing_is_said_once(archive: Archive) -> None:
    stored = await archive.add(*conversation())
    view = await archive.services.read_thread(ALL, stored[1])
    assert [message_handle(message.row.key) for message in view.messages] == stored
    together = "\n".join(message.text for message in view.messages)
    assert together.count("northern quay") == 1
    assert together.count("passports") == 1
    assert view.messages[2].text == "Perfect."
    assert view.messages[2].quoted_left_out > 0


async def test_newest_first_is_the_same_the_other_way_round(archive: Archive) -> None:
    stored = await archive.add(*conversation())
    thread = thread_handle((await archive.services.read_thread(ALL, stored[0])).key)
    view = await archive.services.read_thread(ALL, thread, order=Order.NEWEST)
    assert [message_handle(message.row.key) for message in view.messages] == stored[::-1]
    assert view.messages[0].text == "Perfect."


async def test_participants_are_counted(archive: Archive) -> None:
    stored = await archive.add(*conversation())
    view = await archive.services.read_thread(ALL, stored[0])
    counted = {each.address.address: (each.sent, each.received) for each in view.participants}
    assert counted == {"ana@acme.example": (2, 1), "bo@home.example": (1, 2)}
    assert view.participants[0].address.name == "Ana Lima"


async def test_of_a_very_long_thread_the_older_messages_are_previews(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "MOST_BODIES", 2)
    stored = await archive.add(*conversation())
    view = await archive.services.read_thread(ALL, stored[0])
    assert [message.is_preview for message in view.messages] == [True, False, False]
    assert QUESTION in view.messages[0].text


async def test_unknown_and_malformed_ids(archive: Archive) -> None:
    await archive.add(Mail())
    for id, code in (
        (thread_handle(9), ErrorCode.NOT_FOUND),
        (message_handle(9), ErrorCode.NOT_FOUND),
        ("9", ErrorCode.INVALID_FORMAT),
    ):
        with pytest.raises(Fault) as refused:
            await archive.services.read_thread(ALL, id)
        assert refused.value.code is code
