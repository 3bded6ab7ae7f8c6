"""An IMAP server and an account on it, where connections come from."""

from collections.abc import Awaitable
from typing import TypeVar

from anyio import CapacityLimiter, fail_after, to_thread

from mailquery.domain.accounts import Server
from mailquery.sources.credentials import Credential, CredentialSource
from mailquery.sources.imap.connection import ImapConnection
from mailquery.sources.imap.faults import timed_out
from mailquery.sources.imap.limits import Limits
from mailquery.sources.imap.login import log_in
from mailquery.sources.imap.reading import Reader
from mailquery.sources.imap.session import Session
from mailquery.sources.imap.wire import Traffic, Wire
from mailquery.sources.remote import Reason
from mcpkit.errors import ErrorCode, Fault

T = TypeVar("T")


class ImapServer:
    """Implements `sources.remote.MailServer`. A credential that the server refuses is asked for once more, and the
    other one tried: an access token may have been revoked, and a password changed in its store."""

    def __init__(
        self, server: Server, username: str, credentials: CredentialSource, limits: Limits | None = None
    ) -> None:
        self._server = server
        self._username = username
        self._credentials = credentials
        self._limits = limits or Limits()
        self._traffic = Traffic()

    @property
    def bytes_received(self) -> int:
        """What TLS adds is not counted."""
        return self._traffic.received

    async def connect(self) -> ImapConnection:
        """Raises Fault as `sources.remote` says, and what the source of the credential raises."""
        credential = await _given(self._credentials.current())
        try:
            return await self._connect(credential)
        except Fault as fault:
            if fault.code is not ErrorCode.LOGIN_FAILED:
                raise
            other = await _given(self._credentials.instead_of(credential))
            if other is None:
                raise
        return await self._connect(other)

    async def _connect(self, credential: Credential) -> ImapConnection:
        attempt = _Attempt()

        def work() -> ImapConnection:
            session = Session(self._server, self._limits, self._traffic, attempt.started)
            try:
                log_in(session, self._username, credential)
                session.refresh_capabilities()
                return ImapConnection(session, Reader(session, self._limits), self._limits)
            except BaseException:
                session.wire.shutdown()
                raise

        try:
            # Looking up a name can take longer than anything that bounds it from within.
            with fail_after(2 * self._limits.connect + self._limits.command):
                return await to_thread.run_sync(work, abandon_on_cancel=True, limiter=CapacityLimiter(1))
        except TimeoutError as error:
            attempt.abandon()
            raise timed_out(f"no connection to {self._server.host}") from error
        except BaseException:
            attempt.abandon()
            raise


async def _given(credential: Awaitable[T]) -> T:
    """A credential that cannot be had now, as while an authorization server is away, says nothing about the mail
    server, whatever the reason."""
    try:
        return await credential
    except Fault as fault:
        if fault.code is not ErrorCode.SOURCE_UNAVAILABLE:
            raise
        raise Fault(
            fault.code,
            fault.message,
            details={**fault.details, "reason": Reason.CREDENTIAL.value},
            retry_after=fault.retry_after,
            others=fault.others,
        ) from fault


class _Attempt:
    """A connection that is being made. One that nobody waits for any more is broken off."""

    def __init__(self) -> None:
        self._wire: Wire | None = None
        self._is_abandoned = False

    def started(self, wire: Wire) -> None:
        self._wire = wire
        if self._is_abandoned:
            wire.break_off()

    def abandon(self) -> None:
        self._is_abandoned = True
        if self._wire is not None:
            self._wire.break_off()
