"""The store of vectors: what is nearest is found, exactly within what was looked at, and only what a caller may see."""

import sqlite3
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from integration.archives import ALL, Archive
from integration.embedded import MODEL, Filled
from integration.mailmaker import mail, placed
from mailquery.domain.handles import key_of_fingerprint
from mailquery.domain.queries import Everything, Is, Query, State, TextField, Words
from mailquery.repositories.records import Visibility
from mailquery.repositories.sqlite import listings
from mailquery.repositories.sqlite.vectors import nearest as nearest_module
from mailquery.repositories.sqlite.vectors.codes import BLOCK_CHUNKS
from mailquery.repositories.sqlite.vectors.repository import SqliteVectors
from mcpkit.errors import ErrorCode, Fault


@pytest.fixture
async def filled(archive: Archive) -> Filled:
    made = Filled(archive, 3_000)
    await made.store()
    return made


async def test_the_nearest_of_all_are_found_with_their_cosines(filled: Filled) -> None:
    hits = 0
    for question in filled.questions:
        found = await filled.nearest(question, Everything())
        assert [cosine for _, cosine in found] == sorted((cosine for _, cosine in found), reverse=True)
        for number, cosine in found:
            assert cosine == pytest.approx(float((filled.chunks[number] @ question).max()), abs=0.01)
        hits += len({number for number, _ in found} & set(filled.exact(question, list(range(3_000)))))
    assert hits >= 0.97 * 200


async def test_of_a_small_selection_every_vector_is_compared(filled: Filled) -> None:
    members = list(range(0, 3_000, 10))
    hits = 0
    for question in filled.questions:
        found = [number for number, _ in await filled.nearest(question, Words("rare", TextField.BODY))]
        assert set(found) <= set(members)
        hits += len(set(found) & set(filled.exact(question, members)))
    assert hits >= 0.97 * 200  # the rest is what int8 cannot tell apart


@pytest.mark.parametrize("listed", [20_000, 100], ids=["listed", "among the nearest"])
async def test_nothing_of_a_hidden_account_is_found(
    filled: Filled, monkeypatch: pytest.MonkeyPatch, listed: int
) -> None:
    monkeypatch.setattr(listings, "MOST_LISTED", listed)
    monkeypatch.setattr(nearest_module, "_AT_ONCE", 150)
    members = list(range(1, 3_000, 2))
    hits = 0
    for question in filled.questions:
        found = await filled.nearest(question, Everything(), Visibility(frozenset({"work"})))
        assert {number for number, _ in found} <= set(members)
        hits += len({number for number, _ in found} & set(filled.exact(question, members)))
    assert hits >= 0.97 * 200
    assert await filled.nearest(filled.questions[0], Everything(), Visibility(frozenset())) == []
    assert await filled.nearest(filled.questions[0], Is(State.STARRED)) == []


@pytest.mark.parametrize("query", [Words("message", TextField.SUBJECT), Is(State.READ)], ids=["match", "condition"])
async def test_a_large_selection_is_looked_for_among_the_nearest(
    filled: Filled, monkeypatch: pytest.MonkeyPatch, query: Query
) -> None:
    monkeypatch.setattr(listings, "MOST_LISTED", 100)
    everything = await filled.nearest(filled.questions[0], Everything())
    assert await filled.nearest(filled.questions[0], query) == everything


async def test_a_selection_is_as_it_was_written_last(filled: Filled) -> None:
    def star(connection: sqlite3.Connection, number: int) -> None:
        connection.execute("UPDATE messages SET flags = flags | 4 WHERE sequence = ?", (number + 1,))

    for number, starred in ((7, [7]), (2_000, [7, 2_000])):
        await filled.archive.database.write(partial(star, number=number))
        for _ in range(2):
            found = await filled.nearest(filled.questions[0], Is(State.STARRED))
            assert sorted(number for number, _ in found) == starred


async def test_what_is_added_later_is_found_without_opening_again(archive: Archive) -> None:
    filled = Filled(archive, 60)
    entries = [(each, [placed(each)]) for each in filled.mails]
    for end in (20, 21, 60):
        await archive.add(*entries[:end])
        await filled.embed(batch=7)
        for question in filled.questions[:5]:
            found = await filled.nearest(question, Everything(), limit=5)
            best = sorted((float((chunks @ question).max()) for chunks in filled.chunks[:end]), reverse=True)[:5]
            assert [cosine for _, cosine in found] == pytest.approx(best, abs=0.01)


async def test_blocks_are_filled_one_after_the_other(archive: Archive) -> None:
    filled = Filled(archive, 2_500)  # 5,000 chunks: more than a block
    await filled.store()

    def blocks(connection):  # type: ignore[no-untyped-def]
        return connection.execute("SELECT chunks, length(sequences), length(codes) FROM vector_blocks").fetchall()

    total = sum(map(len, filled.chunks))
    sizes = await archive.database.read(blocks)
    assert [chunks for chunks, _, _ in sizes] == [BLOCK_CHUNKS, total - BLOCK_CHUNKS]
    assert all((sequences, codes) == (4 * chunks, 16 * chunks) for chunks, sequences, codes in sizes)
    progress = await filled.vectors.progress()
    assert (progress.model, progress.messages, progress.total, progress.chunks) == (MODEL, 2_500, 2_500, total)


async def test_another_model_begins_anew_and_what_was_is_not_found_any_more(filled: Filled) -> None:
    assert await filled.nearest(filled.questions[0], Everything(), model="other/1") == []
    filled.chunks = filled.chunks[::-1]
    pending = await filled.vectors.pending("other/1", 100)
    assert [each.sequence for each in pending] == list(range(1, 101))
    await filled.vectors.add("other/1", [(each.sequence, filled.chunks[each.sequence - 1]) for each in pending])
    found = await filled.nearest(filled.questions[0], Everything(), model="other/1")
    assert {number for number, _ in found} <= set(range(100))
    assert found[0][0] == filled.exact(filled.questions[0], list(range(100)), 1)[0]
    assert await filled.nearest(filled.questions[0], Everything()) == []
    assert await filled.nearest(filled.questions[0], Words("rare"), model="other/1") != []
    await filled.embed("other/1")
    assert (await filled.vectors.progress()).messages == 3_000
    found = await filled.nearest(filled.questions[0], Words("rare"), model="other/1")
    assert found[0][0] == filled.exact(filled.questions[0], list(range(0, 3_000, 10)), 1)[0]


async def test_a_batch_that_another_process_has_added_is_not_added_again(filled: Filled, tmp_path: Path) -> None:
    before = await filled.vectors.progress()
    assert not await filled.vectors.add(MODEL, [(1, filled.chunks[0])])
    assert await filled.vectors.progress() == before


async def test_other_dimensions_of_the_same_model_are_refused(archive: Archive) -> None:
    filled = Filled(archive, 4)
    await archive.add(*((each, [placed(each)]) for each in filled.mails))
    await filled.vectors.add(MODEL, [(1, filled.chunks[0])])
    with pytest.raises(Fault, match="gave vectors of 8 dimensions") as caught:
        await filled.vectors.add(MODEL, [(2, np.ones((1, 8), np.float32))])
    assert caught.value.code is ErrorCode.CONFIGURATION
    assert (await filled.vectors.progress()).messages == 1


async def test_messages_without_text_count_as_embedded_and_are_never_found(archive: Archive) -> None:
    filled = Filled(archive, 3)
    filled.chunks[0] = filled.chunks[0][:0]
    await filled.store()
    assert (await filled.vectors.progress()).messages == 3
    assert sorted(number for number, _ in await filled.nearest(filled.questions[0], Everything())) == [1, 2]
    similar = await filled.vectors.similar(
        key_of_fingerprint(filled.mails[0].fingerprint), MODEL, Everything(), ALL, limit=5
    )
    assert similar == ()


async def test_similar_messages_do_not_contain_the_message_nor_what_is_hidden(filled: Filled) -> None:
    key = key_of_fingerprint(filled.mails[11].fingerprint)
    found = await filled.vectors.similar(key, MODEL, Everything(), ALL, limit=10)
    assert found is not None
    assert len(found) == 10
    assert key not in {each.row.key for each in found}
    work = {key_of_fingerprint(each.fingerprint) for each in filled.mails[1::2]}
    seen = await filled.vectors.similar(key, MODEL, Everything(), Visibility(frozenset({"work"})), limit=10)
    assert seen
    assert {each.row.key for each in seen} <= work
    assert await filled.vectors.similar(key, MODEL, Everything(), Visibility(frozenset({"home"})), limit=10) is None


async def test_only_one_process_embeds_at_a_time_and_an_import_goes_on_meanwhile(archive: Archive) -> None:
    first, second = SqliteVectors(archive.database), SqliteVectors(archive.database)
    async with first.embedding():
        with pytest.raises(Fault) as caught:
            async with second.embedding():
                pass
        assert caught.value.code is ErrorCode.CONFLICT
        message = mail("While embedding")
        assert await archive.add((message, [placed(message)])) == 1
    async with second.embedding():
        pass
