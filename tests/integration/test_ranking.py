"""What comes first: matches before what lacks words, which is marked and never counted."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from integration.archives import ALL, Archive
from integration.mailmaker import NOON, mail, placed
from mailquery.domain.queries import And, Not, Or, Participant, ParticipantField, Query, Words
from mailquery.domain.relevance import RANKED_WORDS, Demand
from mailquery.embedding.static import StaticEmbedder
from mailquery.query.parser import parse
from mailquery.repositories.prepared import PreparedMessage
from mailquery.repositories.records import QueryVector, SearchPage, Sort, Visibility
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.repositories.sqlite.ranking import NEAR
from mailquery.repositories.sqlite.search import SqliteSearch
from mailquery.repositories.sqlite.vectors.repository import SqliteVectors
from mailquery.services.embedding import EmbedMail

HOME, WORK = Visibility(frozenset({"home"})), Visibility(frozenset({"work"}))


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    async with await open_archive(tmp_path / "archive.db", readers=1) as database:
        yield Archive(database)


def words(*texts: str) -> Query:
    return And(tuple(Words(text) for text in texts))


async def fill(archive: Archive, *messages: PreparedMessage, account: str = "home") -> None:
    await archive.add(*((each, [placed(each, account=account)]) for each in messages))


def subjects(page: SearchPage) -> list[str]:
    return [row.subject for row in page.rows]


def lacking(page: SearchPage) -> dict[str, tuple[str, ...]]:
    return {row.subject: standing.missing for row, standing in zip(page.rows, page.standings, strict=True)}


async def ranked(archive: Archive, query: Query, visible: Visibility = ALL, limit: int = 100) -> SearchPage:
    return await archive.find(query, visible, sort=Sort.RELEVANCE, limit=limit)


async def test_what_lacks_words_says_which_and_is_not_counted(archive: Archive) -> None:
    await fill(
        archive,
        mail("all", "the red boat leaves the harbour"),
        mail("two", "a red boat"),
        mail("one", "a harbour"),
        mail("none", "nothing of it"),
    )
    page = await ranked(archive, words("red", "boat", "harbour"))
    assert lacking(page) == {"all": (), "two": ("harbour",), "one": ("red", "boat")}
    assert subjects(page)[0] == "all"
    assert (page.total.value, page.total.exact, page.near) == (1, True, 2)


async def test_the_word_as_it_was_typed_comes_before_its_other_forms(archive: Archive) -> None:
    filler = [mail(f"filler {number}", "nothing of it") for number in range(20)]
    await fill(
        archive,
        mail("other form", "please pay invoiced", date=NOON + timedelta(days=300)),
        *(mail(f"typed {number}", "please pay invoice") for number in range(4)),
        *filler,
    )
    page = await ranked(archive, Words("invoice"))
    assert subjects(page)[-1] == "other form"
    assert (page.total.value, page.near) == (5, 0)
    assert subjects(await ranked(archive, Words("invoice", quoted=True))) == subjects(page)[:-1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("2400", True),
        ("2,400.00", True),
        ("2400.00", True),
        ("2,400", True),
        ("2,400.50", False),
        ("01012345678", True),
        ("+82-10-1234-5678", True),
        ("010-1234-5678", True),
        ("1234-5678", True),
        ("INV-2024-001", True),
        ("inv2024001", True),
        ("https://www.shop.example/orders/77", True),
        ("http://shop.example/orders/77/", True),
        ("shop.example", True),
        ("ana@acme.io", True),
        ("77.2400", False),
    ],
)
async def test_numbers_and_addresses_are_found_in_the_forms_people_type(
    archive: Archive, query: str, found: bool
) -> None:
    text = "Invoice INV-2024-001: $2,400.00. Call +82-10-1234-5678, see https://shop.example/orders/77 or ana@acme.io."
    await fill(archive, mail("it", text))
    for sort in (Sort.NEWEST, Sort.RELEVANCE):
        assert bool((await archive.find(Words(query), sort=sort)).total.value) is found


@pytest.mark.parametrize(
    "text", ["010-1234-5678", "+82-10-1234-5678", "010 1234 5678", "+82 10 1234 5678", "01012345678"]
)
@pytest.mark.parametrize("query", ["+82 10 1234 5678", "010 1234 5678", "010-1234-5678", "01012345678"])
async def test_a_number_is_found_however_either_side_separates_it(archive: Archive, text: str, query: str) -> None:
    await fill(archive, mail("it", f"call {text} today"), mail("other", "call 010 9999 5678 today"))
    tree = parse(query, zone=ZoneInfo("UTC"), now=NOON).tree
    assert subjects(await archive.find(tree)) == ["it"]


async def test_phrases_do_not_reach_from_a_text_into_its_numbers(archive: Archive) -> None:
    await fill(archive, mail("it", "we paid 2,400.00 on monday"))
    assert (await archive.find(Words("monday 2400", quoted=True))).total.value == 0


async def test_what_is_required_holds_for_partial_matches_too(archive: Archive) -> None:
    await fill(
        archive,
        mail("hers", "red boat", from_=("Ana <ana@acme.io>",)),
        mail("his", "red boat harbour", from_=("Bo <bo@acme.io>",)),
        mail("draft", "red boat draft", from_=("Ana <ana@acme.io>",)),
        mail("apart", "boat that is red", from_=("Ana <ana@acme.io>",)),
    )
    query = And(
        (
            Words("harbour"),
            Words("leaves"),
            Words("red boat", quoted=True),
            Participant(ParticipantField.FROM, "ana"),
            Not(Words("draft")),
        )
    )
    page = await ranked(archive, query)
    assert (subjects(page), page.near) == ([], 0)  # nobody's red boat has a harbour or leaves
    query = And((*query.parts, Words("red")))
    assert lacking(await ranked(archive, query)) == {"hers": ("harbour", "leaves")}


async def test_alternatives_count_as_one_word(archive: Archive) -> None:
    await fill(archive, mail("a", "boat red"), mail("b", "ship red"), mail("c", "red"))
    page = await ranked(archive, And((Or((Words("boat"), Words("ship"))), Words("red"))))
    assert lacking(page) == {"a": (), "b": (), "c": ("boat/ship",)}


async def test_a_message_lacks_words_of_the_alternative_that_it_comes_nearest_to(archive: Archive) -> None:
    await fill(
        archive,
        mail("a", "cheap seats"),
        mail("b", "low fares"),
        mail("c", "seats to sell"),
        mail("d", "fares rise"),
        mail("e", "nothing of it"),
    )
    query = Or((And((Words("cheap"), Words("seats"))), And((Words("low"), Words("fares")))))
    page = await ranked(archive, query)
    assert lacking(page) == {"a": (), "b": (), "c": ("cheap",), "d": ("low",)}
    assert (page.total.value, page.near) == (2, 2)
    assert set(subjects(page)[:2]) == {"a", "b"}


async def test_of_a_long_query_the_first_words_rank_and_every_word_matches(archive: Archive) -> None:
    terms = [f"word{number}x" for number in range(RANKED_WORDS + 10)]
    await fill(
        archive,
        mail("all", " ".join(terms)),
        mail("all but the last", " ".join(terms[:-1])),
        mail("the last", terms[-1]),
        mail("half", " ".join(terms[:20])),
    )
    page = await ranked(archive, words(*terms))
    assert (subjects(page), page.total.value) == (["all", "all but the last", "half"], 1)
    assert lacking(page) == {
        "all": (),
        "all but the last": (terms[-1],),
        "half": tuple(terms[20:RANKED_WORDS]),
    }


async def test_partial_matches_are_those_that_the_caller_may_see(archive: Archive) -> None:
    await fill(archive, mail("home", "red boat"), account="home")
    await fill(archive, mail("work", "red harbour"), account="work")
    assert lacking(await ranked(archive, words("red", "boat", "harbour"), WORK)) == {"work": ("boat",)}
    assert lacking(await ranked(archive, words("red", "boat", "harbour"), HOME)) == {"home": ("harbour",)}
    assert subjects(await ranked(archive, words("red", "boat"), Visibility(frozenset()))) == []


async def test_pages_of_a_ranking_join_to_the_whole_while_mail_arrives(archive: Archive) -> None:
    await fill(archive, *(mail(f"all {n}", "red boat", date=NOON + timedelta(hours=n)) for n in range(7)))
    await fill(archive, *(mail(f"some {n}", "red", date=NOON + timedelta(hours=n)) for n in range(30)))
    whole = await ranked(archive, words("red", "boat"))
    assert (whole.total.value, whole.near) == (7, NEAR)
    assert len(whole.rows) == 7 + NEAR
    found: list[str] = []
    page = await ranked(archive, words("red", "boat"), limit=4)
    while True:
        found += subjects(page)
        if page.next is None:
            break
        await fill(archive, mail(f"new {len(found)}", "red boat", date=NOON + timedelta(days=len(found))))
        page = await archive.search.search(words("red", "boat"), ALL, sort=Sort.RELEVANCE, limit=4, start=page.next)
    assert found == subjects(whole)


async def test_orders_by_date_hold_matches_alone(archive: Archive) -> None:
    await fill(archive, mail("all", "red boat"), mail("some", "red"))
    for sort in (Sort.NEWEST, Sort.OLDEST):
        page = await archive.find(words("red", "boat"), sort=sort)
        assert (subjects(page), page.near, page.standings) == (["all"], 0, ())


async def test_a_word_that_no_message_has_is_taken_for_a_slip_of_the_finger(archive: Archive) -> None:
    await fill(archive, mail("one", "the harbour and the boats"), mail("two", "a harbour, a harbor"))
    for sort in Sort:
        page = await archive.find(words("harbuor", "boats"), sort=sort)
        assert page.did_you_mean == (("harbuor", "harbour"),)
    assert (await ranked(archive, words("harbour", "zzzzzz"))).did_you_mean == ()
    assert (await ranked(archive, Words("harbuor", quoted=True))).did_you_mean == ()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("встрича", "встреча"), ("συναντιση", "συναντηση"), ("회이록", "회의록"), ("harbuor,", "harbour")],
)
async def test_slips_are_noticed_in_every_alphabet(archive: Archive, typed: str, meant: str) -> None:
    await fill(archive, *(mail(f"{number}", "встреча συναντηση 회의록을 harbour") for number in range(2)))
    assert (await ranked(archive, Words(typed))).did_you_mean == ((typed, meant),)
    assert (await ranked(archive, Words(meant))).did_you_mean == ()


async def test_a_word_without_hits_is_pointed_out_where_others_have_some(archive: Archive) -> None:
    await fill(archive, mail("one", "harbour and boats"), mail("two", "harbour"))
    query = Or((Words("harbuor"), Words("boats")))
    for sort in Sort:
        page = await archive.find(query, sort=sort)
        assert (page.total.value, page.did_you_mean) == (1, (("harbuor", "harbour"),))
    partial = await ranked(archive, words("harbuor", "boats"))
    assert (partial.total.value, partial.near, partial.did_you_mean) == (0, 1, (("harbuor", "harbour"),))
    assert (await ranked(archive, And((Words("boats"), Not(Words("harbuor")))))).did_you_mean == ()


async def test_a_visible_word_is_suggested_however_many_hidden_ones_come_before_it(archive: Archive) -> None:
    hidden = " ".join(
        {f"harbo{letter}r" for letter in "abcdefghijklmnopqrst"} | {f"{c}harbor" for c in "abcdefgijklmnop"}
    )
    await fill(archive, *(mail(f"hidden {number}", hidden) for number in range(3)), account="work")
    await fill(archive, *(mail(f"{number}", "harbozr") for number in range(2)), account="home")
    assert (await ranked(archive, Words("harbor"), HOME)).did_you_mean == (("harbor", "harbozr"),)


async def test_no_word_of_hidden_mail_is_suggested(archive: Archive) -> None:
    await fill(archive, mail("one", "harbour"), mail("two", "harbour"), account="work")
    await fill(archive, mail("three", "boats"), account="home")
    assert (await ranked(archive, Words("harbuor"), HOME)).did_you_mean == ()
    assert (await ranked(archive, Words("harbuor"), WORK)).did_you_mean == (("harbuor", "harbour"),)


class Embedded:
    """An archive whose messages have the vectors of the model that comes with the package."""

    def __init__(self, archive: Archive) -> None:
        self.vectors = SqliteVectors(archive.database)
        self.embedder = StaticEmbedder()
        self.search = SqliteSearch(archive.database, vectors=self.vectors.index)

    async def embed(self) -> None:
        await EmbedMail(self.vectors, self.embedder)()

    async def find(self, query: Query, visible: Visibility = ALL) -> SearchPage:
        (vector,) = await self.embedder.embed([Demand.of(query).text])
        asked = QueryVector(self.embedder.name, vector)
        return await self.search.search(query, visible, sort=Sort.RELEVANCE, limit=20, vector=asked)


FLIGHT = mail(
    "Your booking is confirmed",
    "Dear passenger, your economy fare from Denver to Santa Monica beach airport is booked. The airline wishes you a "
    "pleasant flight along the ocean shore.",
)
OTHERS = [
    mail("Minutes", "The committee approved the budget of the school library and postponed the roof."),
    mail("Recipe", "Fry the onions in butter, add flour and stock, and stir until the soup thickens."),
    mail("Compiler bug", "The optimiser drops a store when the loop is unrolled; a backtrace is attached."),
    mail("Invoice", "Payment of the attached invoice for office chairs is due within thirty days."),
]


async def test_a_message_is_found_by_what_it_means(archive: Archive) -> None:
    await fill(archive, FLIGHT, *OTHERS)
    embedded = Embedded(archive)
    await embedded.embed()
    page = await embedded.find(words("cheap", "seats", "coast"))
    assert (page.rows[0].subject, page.total.value) == ("Your booking is confirmed", 0)
    assert page.standings[0].missing == ("cheap", "seats", "coast")
    assert page.standings[0].has_none
    assert page.standings[0].similarity is not None


async def test_meaning_keeps_to_what_is_required_and_to_what_the_caller_may_see(archive: Archive) -> None:
    await fill(archive, FLIGHT, account="work")
    await fill(archive, *OTHERS, account="home")
    embedded = Embedded(archive)
    await embedded.embed()
    assert "Your booking is confirmed" not in subjects(await embedded.find(words("cheap", "seats", "coast"), HOME))
    query = And((Words("cheap"), Words("seats"), Participant(ParticipantField.FROM, "nobody")))
    assert subjects(await embedded.find(query)) == []


async def test_a_ranking_is_made_anew_once_more_messages_have_vectors(archive: Archive) -> None:
    await fill(archive, FLIGHT, *OTHERS)
    embedded = Embedded(archive)
    assert subjects(await embedded.find(words("cheap", "seats", "coast"))) == []
    await embedded.embed()
    assert subjects(await embedded.find(words("cheap", "seats", "coast")))
