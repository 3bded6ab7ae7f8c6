"""What is stored of consents, in a real database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcpkit.security.consent.store import ConsentStore, Decision, Way
from mcpkit.security.control import open_control

NOW = 1_000_000.0


def decision(resource: str = "work", *, granted: bool = True, until: float | None = None, **changes: str) -> Decision:
    fields = {"user": "ana", "capability": "read"} | changes
    return Decision(fields["user"], fields["capability"], resource, granted, NOW, until, "ana", Way.COMMAND, "because")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ConsentStore]:
    async with await open_control(tmp_path / "control.db") as control:
        yield ConsentStore(control)


async def known(store: ConsentStore, user: str = "ana", now: float = NOW) -> list[str]:
    return [each.resource for each in (await store.known(user, "client", '["read"]', now)).decisions]


async def test_decisions_come_back_newest_first_with_all_that_was_said(store: ConsentStore) -> None:
    assert await store.record([decision("work", until=NOW + 5), decision("home", granted=False)])
    newest, oldest = (await store.known("ana", "client", '["read"]', NOW)).decisions
    assert (newest.resource, newest.granted, newest.expires) == ("home", False, None)
    assert (oldest.resource, oldest.granted, oldest.expires) == ("work", True, NOW + 5)
    assert (oldest.decided_by, oldest.way, oldest.reason, oldest.decided) == ("ana", Way.COMMAND, "because", NOW)


async def test_nothing_of_another_user_or_capability_comes_back(store: ConsentStore) -> None:
    await store.record([decision(user="bo"), decision(capability="write")])
    assert await known(store) == []


async def test_a_decision_ends_at_its_time_and_when_it_is_revoked(store: ConsentStore) -> None:
    await store.record([decision("work", until=NOW + 5), decision("home")])
    assert await known(store, now=NOW + 4.9) == ["home", "work"]
    assert await known(store, now=NOW + 5) == ["home"]
    assert await store.revoke("ana", "read", "home", "root", "left", NOW + 6) == 1
    assert await known(store, now=NOW + 6) == []
    (ended, _) = await store.listed("ana", NOW + 6, everything=True)
    assert (ended.revoked, ended.revoked_by) == (NOW + 6, "root: left")


async def test_a_question_is_answered_once(store: ConsentStore) -> None:
    pair = [decision("work"), decision("home")]
    assert await store.record(pair, "question-1")
    assert not await store.record([decision("new"), decision("work")], "question-1")
    assert await known(store) == ["home", "work"], "of the second answer nothing is kept"
    assert await store.record([decision("new")], "question-2")


async def test_revoking_one_resource_denies_it_where_everything_is_granted(store: ConsentStore) -> None:
    await store.record([decision("*")])
    assert await store.revoke("ana", None, "work", "root", "", NOW + 1) == 1
    newest, oldest = (await store.known("ana", "client", '["read"]', NOW + 1)).decisions
    assert (newest.resource, newest.granted) == ("work", False)
    assert oldest.resource == "*"


async def test_revoking_ends_no_refusal_and_nothing_of_others(store: ConsentStore) -> None:
    await store.record([decision("work", granted=False), decision("work", user="bo")])
    assert await store.revoke("ana", None, None, "root", "", NOW + 1) == 0
    assert await known(store) == ["work"]
    assert await known(store, "bo") == ["work"]


async def test_an_exposure_is_written_only_when_it_tells_something_new(store: ConsentStore) -> None:
    async def last() -> float | None:
        return (await store.known("ana", "client", "[]", NOW)).exposed

    assert await last() is None
    await store.expose("ana", "client", NOW, 180)
    await store.expose("ana", "client", NOW + 179, 180)
    assert await last() == NOW
    await store.expose("ana", "client", NOW + 181, 180)
    assert await last() == NOW + 181
    await store.expose("ana", "other", NOW + 500, 180)
    assert await last() == NOW + 181


async def test_an_exposure_after_a_consent_is_written_at_once(store: ConsentStore) -> None:
    """Else the consent would count as given after it."""
    await store.expose("ana", "client", NOW - 1, 180)
    await store.record([decision()])
    await store.expose("ana", "client", NOW + 1, 180)
    assert (await store.known("ana", "client", "[]", NOW)).exposed == NOW + 1


async def test_what_ended_long_ago_is_forgotten(store: ConsentStore) -> None:
    year = 400 * 86_400
    await store.record([decision("old", until=NOW - year - 1), decision("recent", until=NOW - year + 1)])
    await store.record([decision("new")])
    assert [each.resource for each in await store.listed(None, NOW, everything=True)] == ["new", "recent"]


async def test_another_connection_sees_a_decision_at_once(tmp_path: Path, store: ConsentStore) -> None:
    async with await open_control(tmp_path / "control.db") as other:
        await ConsentStore(other).record([decision()])
    assert await known(store) == ["work"]
