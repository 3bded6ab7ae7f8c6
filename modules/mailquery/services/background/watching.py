"""Waiting for a mail server to announce new mail."""

import time
from collections.abc import Awaitable, Callable

from mailquery.domain.mailboxes import MailboxRole
from mailquery.sources.remote import MailServer

# What says earlier than this part of the time that nothing happened has not waited.
_WAITED = 0.5


class WatchInbox:
    """Holds a connection of its own to one account's INBOX (IDLE, RFC 2177), and asks anew every `seconds`."""

    def __init__(
        self,
        server: MailServer,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._seconds = seconds
        self._clock = clock

    async def __call__(self, watching: Callable[[], None], news: Callable[[], Awaitable[None]]) -> None:
        """Calls `watching` once it is connected, and awaits `news` at each change of the mailbox, before it waits for
        the next. Returns where there is no INBOX, or where the server cannot announce anything; raises what the
        connection raises."""
        connection = await self._server.connect()
        try:
            mailboxes = await connection.mailboxes()
            inbox = next((each for each in mailboxes if each.role is MailboxRole.INBOX and each.selectable), None)
            if inbox is None:
                return
            await connection.open(inbox.key)
            watching()
            while True:
                began = self._clock()
                if await connection.wait(self._seconds):
                    await news()
                elif self._clock() - began < self._seconds * _WAITED:
                    return
        finally:
            await connection.close()
