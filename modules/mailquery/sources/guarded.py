"""A mail server that is tried again, and left alone where it does not answer."""

from mailquery.sources.remote import MailConnection, MailServer, Reason
from mcpkit.errors import ErrorCode, Fault
from mcpkit.resilience.breakers import Breaker, Verdict
from mcpkit.resilience.retrying import Backoff, Retrying

CONNECTING = Retrying(tries=3, seconds=60.0, backoff=Backoff(first=1.0, longest=15.0))

# The same again would give the same answer; or a command that asks for a password would ask for it again.
_LASTING = frozenset({Reason.CERTIFICATE, Reason.TLS, Reason.REFUSED, Reason.CREDENTIAL})
# The host was not asked.
_ELSEWHERE = frozenset({Reason.NAME, Reason.CREDENTIAL})


def may_heal(fault: Fault) -> bool:
    """Whether trying again may help, without anybody having done anything."""
    return fault.code is ErrorCode.SOURCE_UNAVAILABLE and fault.details.get("reason") not in _LASTING


def verdict(fault: Fault) -> Verdict:
    """What a fault says about the host. That it refuses a credential, or shows a certificate that is not trusted, says
    that it answers. A name that is not known was asked of another host, and a credential that is not to be had was
    asked for elsewhere, too."""
    if fault.code is ErrorCode.LOGIN_FAILED:
        return Verdict.ANSWERED
    if fault.code is not ErrorCode.SOURCE_UNAVAILABLE or fault.details.get("reason") in _ELSEWHERE:
        return Verdict.NOTHING
    return Verdict.FAILED if may_heal(fault) else Verdict.ANSWERED


class GuardedServer:
    """Connects by way of the host's circuit breaker, a few times where that may help.

    Beside what the server raises: SERVICE_UNAVAILABLE, with `retry_after`, while the host is left alone.
    """

    def __init__(self, server: MailServer, breaker: Breaker, retrying: Retrying = CONNECTING) -> None:
        self._server = server
        self._breaker = breaker
        self._retrying = retrying

    @property
    def bytes_received(self) -> int:
        return self._server.bytes_received

    async def connect(self) -> MailConnection:
        return await self._retrying(self._try, may_heal)

    async def _try(self) -> MailConnection:
        async with self._breaker.passing(verdict):
            return await self._server.connect()
