"""Synchronisations that are cut anywhere: the next one goes on, and in the end the archive has what the server has."""

import asyncio
import random
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailquery.domain.messages import Flag
from mailquery.repositories.sqlite.synchronising import SqliteSync
from mailquery.services.synchronising import SyncOptions
from mailquery.sources.remote import Reason
from mcpkit.errors import ErrorCode, Fault
from support.mail_accounts import (
    NAME,
    ParsedHere,
    Synchronised,
    account_anywhere,
    keys,
    letter,
    stored,
    synchronised,
)
from support.remote_mail import RemoteMail, unavailable

BOXES = ("INBOX", "Work", "받은 메일")
FLAGS = (Flag(0), Flag.SEEN, Flag.SEEN | Flag.FLAGGED, Flag.ANSWERED)


class Cut:
    """Ends a synchronisation at one call: of the server or of the repository, before it or after it."""

    def __init__(self, call: int, way: str) -> None:
        self.left = call
        self.way = way
        self.task: asyncio.Task[object] | None = None

    def step(self, _: str = "") -> None:
        self.left -= 1
        if self.left != 0:
            return
        if self.way == "cancelled":
            assert self.task is not None
            self.task.cancel()
        elif self.way == "disk full":
            raise Fault(ErrorCode.STORAGE_FULL, "The disk is full.")
        else:
            raise unavailable(Reason.BROKEN_OFF)


class CutRepository:
    """The repository, which fails at one call: before it, or after it was done."""

    def __init__(self, repository: SqliteSync, cut: Cut, *, afterwards: bool) -> None:
        self._repository = repository
        self._cut = cut
        self._afterwards = afterwards

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._repository, name)

        async def call(*arguments: object, **named: object) -> object:
            if not self._afterwards:
                self._cut.step()
            answer = await method(*arguments, **named)
            if self._afterwards:
                self._cut.step()
            return answer

        return call


class Change:
    """What happens on the server between two synchronisations, at random."""

    def __init__(self, server: RemoteMail, seed: int) -> None:
        self._server = server
        self._random = random.Random(seed)
        self._number = seed % 5 * 20

    def happen(self, times: int) -> None:
        for _ in range(times):
            self._random.choice(
                (
                    self._arrive,
                    self._arrive,
                    self._flag,
                    self._move,
                    self._copy,
                    self._expunge,
                    self._renumber,
                    self._rename,
                )
            )()

    def _some(self) -> tuple[str, int] | None:
        there = [(name, uid) for name, box in self._server.boxes.items() for uid in box.messages]
        return self._random.choice(there) if there else None

    def _arrive(self) -> None:
        for _ in range(self._random.randint(1, 8)):
            self._number += 1
            self._server.put(letter(self._number), self._random.choice(BOXES), self._random.choice(FLAGS))

    def _flag(self) -> None:
        if found := self._some():
            self._server.boxes[found[0]].flag(found[1], self._random.choice(FLAGS))

    def _move(self) -> None:
        if found := self._some():
            self._server.move(found[1], found[0], self._random.choice(BOXES))

    def _copy(self) -> None:
        if found := self._some():
            self._server.copy(found[1], found[0], self._random.choice(BOXES))

    def _expunge(self) -> None:
        if found := self._some():
            self._server.boxes[found[0]].expunge(found[1])

    def _renumber(self) -> None:
        self._server.boxes[self._random.choice(list(self._server.boxes))].renumber()

    def _rename(self) -> None:
        if "Work" in self._server.boxes and "Done" not in self._server.boxes:
            self._server.rename("Work", "Done")


step = st.tuples(
    st.integers(0, 2**32),  # what happens on the server
    st.integers(1, 60),  # the call at which it ends
    st.sampled_from(("broken off", "cancelled", "disk full")),
    st.sampled_from(("server", "before", "after")),
)


async def run(folder: Path, steps: list[tuple[int, int, str, str]], *, counts_changes: bool) -> None:
    server = RemoteMail(counts_changes=counts_changes)
    async with synchronised(folder, account_anywhere(), server.of, ParsedHere) as home:
        home.options = SyncOptions(connections=2, batch_bytes=500)
        whole = home.repository
        ids: dict[bytes, int] = {}
        for seed, call, way, where in steps:
            Change(server, seed).happen(6)
            await cut_off(home, server, whole, Cut(call, way), where)
            now = await keys(home.database)
            assert {raw: now[raw] for raw in ids} == ids, "a message has another id, or is lost"
            ids = now
        server.before = lambda call: None
        home.repository = whole
        await in_the_end(home)
        assert await stored(home.database) == server.content()
        assert server.open_connections == 0


async def cut_off(home: Synchronised, server: RemoteMail, whole: SqliteSync, cut: Cut, where: str) -> None:
    if where == "server":
        server.before, home.repository = cut.step, whole
    else:
        server.before = lambda call: None
        home.repository = CutRepository(whole, cut, afterwards=where == "after")  # type: ignore[assignment]
    cut.task = asyncio.create_task(home.sync())
    with suppress(Fault, asyncio.CancelledError):
        await cut.task


async def in_the_end(home: Synchronised) -> None:
    """Until nothing is asked any more, and nothing is left to do."""
    for _ in range(3):
        summary = await home.sync()
        assert summary.failed == ()
        for question in summary.questions:
            await home.service.answer(NAME, question.mailbox, accepted=True)
    again = await home.sync()
    assert (again.placed, again.flags, again.gone, again.moved, again.questions) == (0, 0, 0, 0, ())


@pytest.mark.parametrize("counts_changes", [True, False])
def test_the_archive_is_what_the_server_is_wherever_it_was_cut(counts_changes: bool) -> None:
    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
    @given(st.lists(step, min_size=1, max_size=4))
    def check(steps: list[tuple[int, int, str, str]]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(run(Path(folder), steps, counts_changes=counts_changes))

    check()
