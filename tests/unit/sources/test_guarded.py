"""A server is connected to again where that may help, and left alone where it does not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from mailquery.sources.guarded import GuardedServer, may_heal, verdict
from mailquery.sources.remote import MailConnection, Reason
from mcpkit.errors import ErrorCode, Fault
from mcpkit.resilience.breakers import Breaker, BreakerRule, State, Verdict
from mcpkit.resilience.retrying import Backoff, Retrying

CONNECTION = cast(MailConnection, object())


def fault(reason: Reason, code: ErrorCode = ErrorCode.SOURCE_UNAVAILABLE) -> Fault:
    return Fault(code, f"It failed: {reason.value}.", details={"reason": reason.value})


class Scripted:
    """Fails with each of `faults`, then connects."""

    bytes_received = 42

    def __init__(self, *faults: Fault) -> None:
        self.faults = list(faults)
        self.attempts = 0

    async def connect(self) -> MailConnection:
        self.attempts += 1
        if self.faults:
            raise self.faults.pop(0)
        return CONNECTION


class AtOnce(Retrying):
    """Without waiting."""

    async def __call__(
        self, work: Callable[[], Awaitable[Any]], may_retry: Callable[[Fault], bool], **options: Any
    ) -> Any:
        return await super().__call__(work, may_retry, sleep=lambda seconds: asyncio.sleep(0))


def guarded(server: Scripted, failures: int = 5) -> tuple[GuardedServer, Breaker]:
    breaker = Breaker("mail.acme.example", BreakerRule(failures=failures))
    return GuardedServer(server, breaker, AtOnce(3, 60.0, Backoff(1.0, 15.0))), breaker


async def test_connects_after_a_passing_failure() -> None:
    server = Scripted(fault(Reason.TIMEOUT), fault(Reason.BUSY))
    connecting, breaker = guarded(server)
    assert await connecting.connect() is CONNECTION
    assert server.attempts == 3
    assert breaker.standing.failures == 0
    assert connecting.bytes_received == 42


async def test_gives_up_after_a_few_tries() -> None:
    server = Scripted(*[fault(Reason.CONNECT) for _ in range(9)])
    connecting, breaker = guarded(server)
    with pytest.raises(Fault, match="connect"):
        await connecting.connect()
    assert server.attempts == 3
    assert (breaker.standing.state, breaker.standing.failures) == (State.CLOSED, 3)


async def test_a_host_that_does_not_answer_is_left_alone() -> None:
    server = Scripted(*[fault(Reason.TIMEOUT) for _ in range(9)])
    connecting, breaker = guarded(server)
    for _ in range(2):
        with pytest.raises(Fault):
            await connecting.connect()
    assert breaker.standing.state is State.OPEN
    assert server.attempts == 5
    with pytest.raises(Fault, match="left alone") as raised:
        await connecting.connect()
    assert raised.value.code is ErrorCode.SERVICE_UNAVAILABLE
    assert raised.value.retry_after is not None
    assert server.attempts == 5


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        (fault(Reason.LOGIN, ErrorCode.LOGIN_FAILED), Verdict.ANSWERED),
        (fault(Reason.TOKEN, ErrorCode.LOGIN_FAILED), Verdict.ANSWERED),
        (fault(Reason.CERTIFICATE), Verdict.ANSWERED),
        (fault(Reason.TLS), Verdict.ANSWERED),
        (fault(Reason.CREDENTIAL), Verdict.NOTHING),
        (Fault(ErrorCode.CONFIGURATION, "The password command cannot be run."), Verdict.NOTHING),
    ],
    ids=lambda value: value.message if isinstance(value, Fault) else "",
)
async def test_what_does_not_heal_is_not_tried_again_and_opens_nothing(refusal: Fault, says: Verdict) -> None:
    server = Scripted(*[refusal for _ in range(9)])
    connecting, breaker = guarded(server, failures=1)
    for _ in range(3):
        with pytest.raises(Fault):
            await connecting.connect()
    assert server.attempts == 3
    assert breaker.standing.state is State.CLOSED
    assert verdict(refusal) is says


async def test_without_a_network_no_host_is_blamed() -> None:
    server = Scripted(*[fault(Reason.NAME) for _ in range(9)])
    connecting, breaker = guarded(server, failures=1)
    with pytest.raises(Fault):
        await connecting.connect()
    assert server.attempts == 3
    assert breaker.standing.state is State.CLOSED


def test_every_reason_is_judged() -> None:
    lasting = {reason for reason in Reason if not may_heal(fault(reason))}
    assert lasting == {Reason.CERTIFICATE, Reason.TLS, Reason.REFUSED, Reason.CREDENTIAL}
