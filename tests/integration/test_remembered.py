"""Answers from memory are those that would have been made."""

import gc
import itertools
import re
from collections.abc import AsyncIterator, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_types import CallToolResult

from mailquery.domain.accounts import AccountState, Login, MailAccount, Server
from mailquery.domain.policy import Policy
from mailquery.mcp.remembered import RememberedCalls
from mailquery.services.basis import is_timeless
from mailquery.services.filters import Filters
from mcpkit.errors import Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.stages.remembering import Asked, Remember
from mcpkit.resilience.cache import Cache
from support.archives import ZONE, Archive, Mail, temporary_archive
from support.calling import Caller

_MARK = re.compile(r"<</?([0-9a-f]{8})>>|in ([0-9a-f]{8}) marks")
_WORDS = ("invoice", "flight", "budget", "회의")
_NUMBERS = itertools.count()


def mail(word: str, **more: object) -> Mail:
    number = next(_NUMBERS)
    return Mail(
        subject=f"{word} {number}",
        text=f"About the {word}.",
        message_id=f"{number}@acme.example",
        **more,  # type: ignore[arg-type] # fields of it
    )


@dataclass
class Both:
    """One archive, asked with and without memory."""

    archive: Archive
    cache: Cache = field(default_factory=lambda: Cache("answers", entries=50, size=5_000_000))  # type: ignore[type-arg] # any

    def __post_init__(self) -> None:
        self.plain = Caller(self.archive.services)
        self.remembering = self.caller()

    def caller(self, user: str = "ana", accounts: frozenset[str] | None = None) -> Caller:
        stage = Remember(self.cache, RememberedCalls(self.archive.basis))
        return Caller(self.archive.services, user=user, accounts=accounts, remember=stage)

    async def same(self, tool: str, arguments: Mapping[str, object]) -> None:
        expected = await self.plain.reply(tool, **arguments)
        found = await self.remembering.reply(tool, **arguments)
        assert _without_marks(found) == _without_marks(expected)
        assert found.structured_content == expected.structured_content

    @property
    def hits(self) -> int:
        return self.cache.figures().hits


def _without_marks(reply: CallToolResult) -> list[str]:
    return [_MARK.sub("", block.model_dump_json()) for block in reply.content]


def _mark(text: str) -> str:
    found = _MARK.search(text)
    assert found is not None
    return found[1] or found[2]


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    async with temporary_archive(tmp_path) as archive:
        await archive.add(mail("invoice"), mail("flight"))
        yield Both(archive)


async def test_an_answer_from_memory_has_marks_of_its_own_and_all_else_the_same(both: Both) -> None:
    first = await both.remembering.text("search_messages", query="invoice")
    second = await both.remembering.text("search_messages", query="invoice")
    assert both.hits == 1
    assert _mark(first) != _mark(second)
    assert _MARK.sub("", first) == _MARK.sub("", second)


async def test_an_answer_from_memory_is_recorded_with_what_it_disclosed(both: Both) -> None:
    for _ in range(2):
        await both.remembering.tool("search_messages", query="invoice")
    first, second = both.remembering.audit.records
    assert both.hits == 1
    assert second.disclosed
    assert (second.decision, second.disclosed, second.characters) == ("allowed", first.disclosed, first.characters)


async def test_no_user_is_answered_with_what_another_one_was(both: Both) -> None:
    await both.archive.add(mail("invoice", account="work"))
    at_work, bo = both.caller("bo", frozenset({"work"})), both.caller("bo")
    every = await both.remembering.tool("search_messages", query="invoice")
    some = await at_work.tool("search_messages", query="invoice")
    assert (every["total"], some["total"]) == (2, 1)
    # What a user is given to hand back no other's call takes: not even of those who see the same.
    assert (await bo.tool("search_messages", query="", limit=1))["cursor"] != (
        await both.remembering.tool("search_messages", query="", limit=1)
    )["cursor"]
    assert both.hits == 0


async def test_what_finds_an_answer_is_nothing_that_the_garbage_collector_looks_at(both: Both) -> None:
    """Full collections over some thousand answers kept calls waiting for 30 ms."""
    await both.archive.add(mail("invoice", account="work"))
    keys: list[Hashable] = []
    kept = RememberedCalls(both.archive.basis)

    async def basis(call: Call) -> Asked | None:
        asked = await kept(call)
        assert asked is not None
        keys.append(asked.key)
        return asked

    caller = Caller(
        both.archive.services, user="ana", accounts=frozenset({"work"}), remember=Remember(both.cache, basis)
    )
    (found,) = (await caller.tool("search_messages", query="invoice", limit=5))["rows"]
    await caller.tool("read_message", id=found["id"])
    for _ in range(2):  # takes tuples of text and bytes off its lists, and tuples of such tuples
        gc.collect()
    assert len(keys) == 2
    assert not any(map(gc.is_tracked, keys))


async def test_calls_that_come_at_once_are_each_recorded_and_no_user_gets_what_is_made_for_another(both: Both) -> None:
    await both.archive.add(mail("invoice", account="work"))
    stage = Remember(both.cache, RememberedCalls(both.archive.basis))

    def of(user: str, accounts: frozenset[str] | None) -> Caller:
        return Caller(both.archive.services, user=user, accounts=accounts, remember=stage)

    callers = [of("ana", None), of("ana", None), of("bo", frozenset({"work"})), of("bo", frozenset({"work"}))]
    totals: dict[int, object] = {}

    async def ask(place: int) -> None:
        totals[place] = (await callers[place].tool("search_messages", query="invoice"))["total"]

    async with anyio.create_task_group() as tasks:
        for place in range(len(callers)):
            tasks.start_soon(ask, place)
    assert [totals[place] for place in range(len(callers))] == [2, 2, 1, 1]
    figures = both.cache.figures()
    assert (figures.misses, figures.shared) == (2, 2)
    first, second, third, fourth = (caller.audit.records[0] for caller in callers)
    assert len(first.disclosed) == 2
    assert (first.disclosed, third.disclosed) == (second.disclosed, fourth.disclosed)
    assert third.disclosed != first.disclosed


async def test_a_policy_in_force_leaves_nothing_of_what_was_answered_before(both: Both) -> None:
    (withheld,) = await both.archive.add(mail("invoice", mailboxes=("Private",)))
    await both.remembering.tool("read_message", id=withheld)
    await both.archive.apply_policy(Policy(mailboxes=("Private",)))
    found = await both.remembering.tool("search_messages", query="invoice")
    assert withheld not in [row["id"] for row in found["rows"]]
    with pytest.raises(Fault, match="no message"):
        await both.remembering.tool("read_message", id=withheld)


@pytest.mark.parametrize(
    ("arguments", "is_kept"),
    [
        ({"query": "invoice"}, True),
        ({"query": "invoice", "after": "2026-03-01"}, True),
        ({"query": "invoice newer_than:7d"}, False),
        ({"query": "invoice", "after": "yesterday"}, False),
        ({"query": "invoice", "explain": True}, False),
    ],
)
async def test_what_depends_on_the_time_is_not_kept(both: Both, arguments: Mapping[str, object], is_kept: bool) -> None:
    for _ in range(2):
        await both.remembering.tool("search_messages", **arguments)
    assert both.hits == int(is_kept)


async def test_codes_that_were_shown_are_not_kept(both: Both) -> None:
    (id,) = await both.archive.add(mail("invoice"))
    for _ in range(2):
        await both.remembering.tool("read_message", id=id, include_secrets=True)
    assert both.cache.figures().entries == 0


async def test_how_fresh_an_account_is_is_told_as_it_is_now(both: Both) -> None:
    server = Server("mail.acme.example", 993)
    await both.archive.accounts.put(MailAccount("local", "ana@acme.example", server, "ana", Login.PASSWORD))
    before = await both.remembering.tool("search_messages", query="invoice")
    await both.archive.accounts.set_state("local", AccountState.PAUSED, "You paused it.")
    after = await both.remembering.tool("search_messages", query="invoice")
    standings = [found["coverage"]["freshness"][0]["standing"] for found in (before, after)]
    assert standings == ["never", "paused"]


_CALLS = st.one_of(
    st.tuples(st.just("search_messages"), st.fixed_dictionaries({"query": st.sampled_from(("", *_WORDS))})),
    st.tuples(st.just("read_message"), st.fixed_dictionaries({"id": st.just("newest")})),
    st.tuples(st.just("read_thread"), st.fixed_dictionaries({"id": st.just("newest")})),
    st.tuples(st.just("mail_statistics"), st.fixed_dictionaries({"group_by": st.sampled_from(("sender", "month"))})),
)
_WRITES = st.tuples(st.just("write"), st.sampled_from(("add", "another mailbox", "problem", "policy", "embed")))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(_CALLS, _CALLS, _WRITES), min_size=4, max_size=14))
async def test_whatever_is_written_between_calls_their_answers_know_it(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, object]]
) -> None:
    async with temporary_archive(tmp_path_factory.mktemp("archive")) as archive:
        newest = mail("invoice")
        (last,) = await archive.add(newest)
        both = Both(archive)
        for name, what in steps:
            match what:
                case "add":
                    newest = mail(_WORDS[next(_NUMBERS) % len(_WORDS)])
                    (last,) = await archive.add(newest)
                case "another mailbox":
                    await archive.add(Mail(**{**vars(newest), "mailboxes": ("Inbox", f"Box {next(_NUMBERS)}")}))
                case "policy":
                    await archive.apply_policy(Policy(senders=(f"nobody{next(_NUMBERS)}@acme.example",)))
                case "embed":
                    await archive.embed()
                case "problem":
                    await archive.add(mail("budget"), finished=False)
                case dict():
                    arguments = {**what, "id": last} if "id" in what else what
                    for _ in range(2):
                        await both.same(name, arguments)


@pytest.mark.parametrize(
    ("filters", "timeless"),
    [
        (Filters(), True),
        (Filters("from:kim budget OR -draft", after="2026-03", before="2026-04-15"), True),
        (Filters("from:me", mailbox="inbox", from_="@acme.example"), True),
        (Filters("on:today"), False),
        (Filters("older_than:2y"), False),
        (Filters("budget (after:7d OR is:unread)"), False),
        (Filters(before="monday"), False),
        (Filters("from:("), False),
    ],
)
def test_conditions_that_mean_another_time_at_another_time_are_told_apart(filters: Filters, timeless: bool) -> None:
    assert is_timeless(filters, ZONE) is timeless
