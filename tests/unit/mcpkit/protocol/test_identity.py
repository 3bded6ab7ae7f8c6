"""Who calls is what the transport says, and where it says nothing, nobody."""

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.identity import AuthenticatedCaller, LocalUser
from mcpkit.security.identity import EVERYTHING, Principal


def call(**changed: object) -> Call:
    return Call("tool", "search", {"user": "ben", "principal": "ben"}, "1", "http", **changed)  # type: ignore[arg-type] # each is of its kind


async def test_the_caller_is_whom_the_transport_authenticated() -> None:
    ana = Principal("ana", frozenset({"read"}), "app", frozenset({"home"}))
    assert await AuthenticatedCaller().identify(call(authenticated=ana)) is ana


async def test_without_a_credential_nobody_calls() -> None:
    with pytest.raises(Fault) as refused:
        await AuthenticatedCaller().identify(call())
    assert refused.value.code is ErrorCode.UNAUTHORIZED


async def test_the_local_user_may_do_everything_as_themselves_alone() -> None:
    found = await LocalUser("ana").identify(call(client="desk 1"))
    assert found == Principal("ana", frozenset({EVERYTHING}), "desk 1", None)
    assert (await LocalUser().identify(call())).user
