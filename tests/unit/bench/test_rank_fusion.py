"""The rankings that mailquery is compared with find what they are said to find."""

import pytest

from mailbench.known_items import Mail
from mailbench.plain_bm25 import PlainBM25
from mailbench.rank_fusion import RankFusion
from mailquery.embedding.static import StaticEmbedder

_MAILS = (
    Mail("cat@x", "Ana <ana@example.com>", "Vet", "The kitten was sick and the animal doctor gave it medicine.\n"),
    Mail("car@x", "Bo <bo@example.com>", "Garage", "The brakes of the car were repaired; the bill is enclosed.\n"),
    Mail("tax@x", "Ana <ana@example.com>", "Taxes", "The declaration of income is due in May.\n> the car bill\n"),
)


@pytest.fixture(scope="module")
async def fusion() -> RankFusion:
    made = RankFusion(PlainBM25(_MAILS), StaticEmbedder())
    await made.read(_MAILS)
    return made


async def test_fusion_finds_by_meaning_what_has_none_of_the_words(fusion: RankFusion) -> None:
    assert PlainBM25(_MAILS).find("ill feline veterinarian", 3) == []
    assert (await fusion.find("ill feline veterinarian", 3))[0] == "cat@x"


async def test_fusion_puts_first_what_has_all_of_the_words(fusion: RankFusion) -> None:
    assert (await fusion.find("car bill brakes", 3))[0] == "car@x"


async def test_fields_are_applied_before_anything_is_ranked(fusion: RankFusion) -> None:
    assert set(await fusion.find("from:ana motor vehicle repair", 3)) == {"cat@x", "tax@x"}
    assert PlainBM25(_MAILS).find("from:bo car", 3) == ["car@x"]


def test_plain_bm25_puts_all_words_before_any_word() -> None:
    assert PlainBM25(_MAILS).find("declaration car bill", 3) == ["tax@x", "car@x"]


def test_a_query_of_fields_alone_gives_what_they_let_through() -> None:
    assert set(PlainBM25(_MAILS).find("from:ana", 3)) == {"cat@x", "tax@x"}
