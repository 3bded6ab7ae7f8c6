"""Any query on any archive: every backend finds what the evaluator says, whoever asks."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integration.truth import Known, find_mates, holds, seen
from mailquery.domain.handles import thread_handle
from mailquery.domain.queries import InThread, Query
from mailquery.repositories.records import Visibility
from search.backends import BACKENDS
from search.strategies import ARCHIVES, EVERY, QUESTIONS, SIMPLE, InThreadOf, about, with_parts

ALL = Visibility()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def expected(query: Query, visible: Visibility, known: list[Known]) -> set[int]:
    return {entry.key for entry in seen(known, visible.accounts) if holds(query, entry)}


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=60, derandomize=True, deadline=None)
@given(known=ARCHIVES, questions=QUESTIONS, offset=st.integers(0, EVERY - 1))
async def test_any_query_on_any_archive_finds_what_it_means(
    backend: str, known: list[Known], questions: list[tuple[Query | InThreadOf, Visibility]], offset: int
) -> None:
    find_mates(known)
    with TemporaryDirectory() as folder:
        async with BACKENDS[backend](Path(folder)) as opened:
            await opened.store(known)
            asked = [(query, visible) for tree, visible in questions for query in with_parts(about(tree, known))]
            for query in SIMPLE[offset::EVERY]:
                asked += [
                    (query, Visibility(accounts)) for accounts in (None, frozenset({"home"}), frozenset({"work"}))
                ]
            for query, visible in asked:
                assert set(await opened.find(query, visible)) == expected(query, visible, known), query
            for entry in known:
                mates = await opened.find(InThread(thread_handle(entry.thread)), ALL)
                assert set(mates) == entry.mates
