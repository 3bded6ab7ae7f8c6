"""Several connections to one server, and the jobs that they share."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol, TypeVar

from mailquery.services.synchronising.mailbox import Mailbox
from mailquery.sources.remote import MailboxState, MailConnection, MailServer
from mcpkit.errors import ErrorCode, Fault
from mcpkit.resilience.retrying import Backoff

T = TypeVar("T")

# Connections that break, before the synchronisation ends: in a row, without any job done between them, and altogether.
BREAKS_IN_A_ROW = 12
BREAKS = 200
WORTH_A_CONNECTION = 200  # messages for each further connection: a login takes as long as some of them

LONGEST_PAUSE = 60.0  # seconds: who is asked to wait longer is done for this time

_AFTER_A_BREAK = Backoff(first=0.1, longest=5.0)


class MailboxChanged(Exception):
    """The mailbox is not the one any more that was looked at."""


@dataclass(slots=True)
class Line:
    """A connection, and which mailbox is open on it."""

    connection: MailConnection
    opened: str | None = None

    async def look(self, mailbox: Mailbox) -> MailboxState:
        """Opens the mailbox, also where it is open. Raises MailboxChanged where it is gone."""
        self.opened = None
        try:
            state = await self.connection.open(mailbox.key)
        except Fault as fault:
            if fault.code is not ErrorCode.NOT_FOUND:
                raise
            raise MailboxChanged("it is not there any more") from fault
        self.opened = mailbox.key
        return state

    async def open(self, mailbox: Mailbox) -> None:
        """Opens the mailbox, unless it is. Raises MailboxChanged where its UIDs are not those that were looked at."""
        if self.opened == mailbox.key:
            return
        state = await self.look(mailbox)
        if mailbox.state is None or state.uid_validity != mailbox.state.uid_validity:
            raise MailboxChanged("its UIDVALIDITY changed while it was read")


class Job(Protocol):
    """Something to do on a connection. Those with the lowest `order` come first; `weight` is in messages."""

    mailbox: Mailbox
    order: tuple[int, ...]

    @property
    def weight(self) -> int: ...

    async def __call__(self, line: Line) -> None:
        """Raises Fault SOURCE_UNAVAILABLE where the connection broke, and MailboxChanged."""
        ...

    def again(self, fault: Fault) -> "Sequence[Job]":
        """What is to be done after the connection broke in it: maybe nothing."""
        ...


class Crew:
    """At most `limit` connections. What one of them raises ends them all, but for broken connections: they are made
    anew, a bounded number of times."""

    def __init__(
        self, server: MailServer, limit: int, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._server = server
        self._limit = limit
        self._sleep = sleep
        self._jobs: list[tuple[tuple[int, ...], int, Job]] = []
        self._numbers = count()
        self._idle: list[Line] = []
        self._group: asyncio.TaskGroup | None = None
        self._workers = 0
        self._breaks = 0
        self._breaks_in_a_row = 0

    def add(self, *jobs: Job) -> None:
        """May be called by a job."""
        for job in jobs:
            heapq.heappush(self._jobs, (job.order, next(self._numbers), job))
        self._hire()

    async def ask(self, question: Callable[[MailConnection], Awaitable[T]]) -> T:
        """Asks on any connection; once more, on a new one, where it broke. Raises Fault."""
        line = await self._line()
        try:
            return await self._ask(line, question)
        except Fault as fault:
            if fault.code is not ErrorCode.SOURCE_UNAVAILABLE:
                raise
        return await self._ask(await self._line(), question)

    async def _ask(self, line: Line, question: Callable[[MailConnection], Awaitable[T]]) -> T:
        try:
            answer = await question(line.connection)
        except BaseException:
            await line.connection.close()
            raise
        self._idle.append(line)
        return answer

    async def work(self) -> None:
        """Until no job is left. Raises the Fault of the first that fails."""
        try:
            async with asyncio.TaskGroup() as self._group:
                self._hire()
        except BaseExceptionGroup as failed:
            raise _first(failed) from None
        finally:
            self._group = None

    async def close(self) -> None:
        self._jobs.clear()
        lines, self._idle = self._idle, []
        await asyncio.gather(*(line.connection.close() for line in lines))

    def _hire(self) -> None:
        if self._group is None:
            return
        waiting = sum(job.weight for _, _, job in self._jobs[: 2 * self._limit])
        while self._workers < min(self._limit, len(self._jobs)) and waiting > self._workers * WORTH_A_CONNECTION:
            self._workers += 1
            self._group.create_task(self._work())
        if self._jobs and not self._workers:
            self._workers += 1
            self._group.create_task(self._work())

    async def _work(self) -> None:
        line: Line | None = None
        try:
            while self._jobs:
                if line is None:
                    line = await self._line_or_none()
                    if line is None:
                        return
                    continue  # others may have done the job meanwhile
                job = self._next(line.opened)
                try:
                    await self._do(job, line)
                except Fault as fault:
                    await line.connection.close()
                    line = None
                    await self._broke(job, fault)
        except BaseException:
            if line is not None:
                await line.connection.close()
            raise
        finally:
            self._workers -= 1
        if line is not None:
            self._idle.append(line)

    async def _do(self, job: Job, line: Line) -> None:
        """Raises Fault SOURCE_UNAVAILABLE where the connection broke; what else fails ends it all."""
        try:
            await job(line)
        except MailboxChanged as changed:
            job.mailbox.fail(f"{job.mailbox.name} was left as it is: {changed}.")
        self._breaks_in_a_row = 0

    async def _broke(self, job: Job, fault: Fault) -> None:
        if fault.code is not ErrorCode.SOURCE_UNAVAILABLE:
            raise fault
        self._breaks += 1
        self._breaks_in_a_row += 1
        if self._breaks_in_a_row > BREAKS_IN_A_ROW or self._breaks > BREAKS:
            raise fault
        if fault.retry_after is not None and fault.retry_after > LONGEST_PAUSE:
            # The next synchronisation comes after it. Meanwhile nothing is held that others wait for.
            raise fault
        self.add(*job.again(fault))
        await self._sleep(_AFTER_A_BREAK.after(self._breaks_in_a_row, fault.retry_after))

    def _next(self, opened: str | None) -> Job:
        """The first; of several that are as urgent, one for the mailbox that is open."""
        urgency = self._jobs[0][0][0]
        for place in range(min(len(self._jobs), 2 * self._limit)):
            order, _, job = self._jobs[place]
            if order[0] == urgency and job.mailbox.key == opened:
                self._jobs[place] = self._jobs[-1]
                self._jobs.pop()
                heapq.heapify(self._jobs)
                return job
        return heapq.heappop(self._jobs)[2]

    async def _line_or_none(self) -> Line | None:
        """None where the server takes no further connection, and others go on."""
        try:
            return await self._line()
        except Fault:
            if self._workers == 1:
                raise
            self._limit = min(self._limit, self._workers - 1)
            return None

    async def _line(self) -> Line:
        if self._idle:
            return self._idle.pop()
        return Line(await self._server.connect())


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
