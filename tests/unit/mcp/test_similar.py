"""Finding messages that are about the same as one."""

from pathlib import Path

import pytest

from mailquery.services.meaning import Meaning
from mcpkit.errors import ErrorCode, Fault
from support.archives import Archive, Mail, temporary_archive
from support.calling import Caller

FLIGHT = Mail(
    subject="Booking confirmed", text="Your flight to Lisbon leaves on Friday morning. Boarding pass attached."
)
SEATS = Mail(subject="Your seats", text="Airline tickets and boarding times for the trip to Portugal.", account="work")
SOUP = Mail(subject="Recipe", text="Onions, carrots, butter and a pot of good stock make the soup.")
BILL = Mail(subject="Invoice 12", text="The invoice for plumbing is due; please pay the outstanding amount.")


@pytest.fixture
async def flight(archive: Archive) -> str:
    ids = await archive.add(FLIGHT, SEATS, SOUP, BILL)
    await archive.embed()
    return ids[0]


async def refusal(caller: Caller, id: str) -> ErrorCode:
    with pytest.raises(Fault) as caught:
        await caller.tool("find_similar", id=id)
    return caught.value.code


async def test_the_nearest_in_meaning_come_first_without_the_message_itself(caller: Caller, flight: str) -> None:
    found = await caller.tool("find_similar", id=flight)
    assert found["rows"][0]["subject"] == "Your seats"
    assert len(found["rows"]) == 3
    assert flight not in {row["id"] for row in found["rows"]}
    similarities = [row["similarity"] for row in found["rows"]]
    assert similarities == sorted(similarities, reverse=True)
    assert all(0 <= each <= 1 for each in similarities)
    assert "not_embedded" not in found


async def test_rows_have_the_shape_of_search_rows(caller: Caller, flight: str) -> None:
    (row,) = (await caller.tool("find_similar", id=flight, limit=1))["rows"]
    (searched,) = (await caller.tool("search_messages", query="portugal"))["rows"]
    assert {name: value for name, value in row.items() if name not in ("similarity", "snippet")} == {
        name: value for name, value in searched.items() if name != "snippet"
    }
    assert row["snippet"].startswith("Airline tickets")


async def test_a_query_narrows_it(caller: Caller, flight: str) -> None:
    found = await caller.tool("find_similar", id=flight, query="-account:work -soup")
    assert [row["subject"] for row in found["rows"]] == ["Invoice 12"]


async def test_a_hidden_account_is_neither_found_nor_a_starting_point(archive: Archive, flight: str) -> None:
    local = Caller(archive.services, accounts=frozenset({"local"}))
    assert "Your seats" not in {row["subject"] for row in (await local.tool("find_similar", id=flight))["rows"]}
    work = Caller(archive.services, accounts=frozenset({"work"}))
    assert await refusal(work, flight) == ErrorCode.NOT_FOUND


async def test_an_unknown_id_is_not_found(caller: Caller, flight: str) -> None:
    assert await refusal(caller, "m000000000000") == ErrorCode.NOT_FOUND
    assert await refusal(caller, "t000000000000") == ErrorCode.INVALID_FORMAT


async def test_a_message_that_is_not_embedded_yet_is_said_to_be(archive: Archive, caller: Caller, flight: str) -> None:
    (later,) = await archive.add(Mail(subject="Later"))
    assert await refusal(caller, later) == ErrorCode.CONFLICT
    assert (await caller.tool("find_similar", id=flight))["not_embedded"] == 1


async def test_without_a_model_the_reason_is_given(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path, meaning=Meaning(None, "Install it first.")) as archive:
        (id,) = await archive.add(FLIGHT)
        with pytest.raises(Fault, match=r"Install it first\.") as caught:
            await Caller(archive.services).tool("find_similar", id=id)
        assert caught.value.code is ErrorCode.CONFIGURATION
