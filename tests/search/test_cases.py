"""Every query of the case table finds exactly the messages that it means, in every backend and in the evaluator."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from integration.truth import Known, find_mates, holds
from mailquery.domain.identity import fingerprint
from mailquery.domain.mailboxes import Placement
from mailquery.domain.ourselves import Ourselves
from mailquery.query.parser import parse
from mailquery.repositories.prepared import NewPlacement
from mailquery.repositories.records import Sort, Visibility
from mailquery.services.preparing import prepare
from mailquery.sources.interfaces import SourceMessage
from search.backends import BACKENDS, Backend
from search.messages import LETTERS, NOW, ROLES, ZONE, Letter
from search.table import Case, read_cases

ALL = Visibility()
OURSELVES = Ourselves.named(["bo@home.example", "bo@work.example"])
CASES = read_cases()
NAMES = {letter.mail.message_id: letter.name for letter in LETTERS}


def known(letter: Letter) -> Known:
    raw = letter.mail.as_bytes()
    mark = fingerprint(raw)
    placements = [
        NewPlacement(mark, account, (Placement(mailbox, letter.flags, letter.name),))
        for account, mailbox in letter.places
    ]
    message = prepare(SourceMessage(raw, placements[0].placements, None), mark, NOW)
    return Known(message, placements, {place: role.value for place, role in ROLES.items()})


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def letters() -> list[Known]:
    prepared = [known(letter) for letter in LETTERS]
    find_mates(prepared)
    return prepared


@pytest.fixture(scope="module")
async def backends(
    tmp_path_factory: pytest.TempPathFactory, letters: list[Known], anyio_backend: str
) -> AsyncIterator[dict[str, Backend]]:
    async with AsyncExitStack() as stack:
        opened = {}
        for name, backend in BACKENDS.items():
            opened[name] = await stack.enter_async_context(backend(tmp_path_factory.mktemp(name)))
            await opened[name].store(letters)
        yield opened


def test_the_table_is_large_and_each_query_stands_in_it_once() -> None:
    queries = [case.query for case in CASES]
    assert len(queries) > 600
    assert {query for query in queries if queries.count(query) > 1} == set()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_evaluator_finds_what_a_query_means(letters: list[Known], case: Case) -> None:
    tree = parse(case.query, zone=ZONE, now=NOW, me=lambda: OURSELVES).tree
    found = {NAMES[entry.message.parsed.message_id] for entry in letters if holds(tree, entry)}
    assert found == case.expected, case.query


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_backend_finds_what_a_query_means(
    backends: dict[str, Backend], letters: list[Known], backend: str, case: Case
) -> None:
    tree = parse(case.query, zone=ZONE, now=NOW, me=lambda: OURSELVES).tree
    names = {entry.key: NAMES[entry.message.parsed.message_id] for entry in letters}
    for sort in Sort:
        found = [names[key] for key in await backends[backend].find(tree, ALL, sort)]
        assert sorted(found) == sorted(case.expected), f"{case.query} by {sort}"
