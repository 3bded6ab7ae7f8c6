"""What a user may see is what both the operator and the credential allow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpkit.security.authentication.accounts import AccountAccess, narrowed
from mcpkit.security.authentication.authentication import Authentication
from mcpkit.security.authentication.interfaces import Authenticated, Rejected
from mcpkit.security.identity import EVERYTHING

ACCOUNTS = st.none() | st.frozensets(st.sampled_from(["home", "work", "club"]))


@pytest.mark.parametrize(
    ("user", "accounts"),
    [
        ("ana", frozenset({"home", "work"})),
        ("ben", None),
        ("eve", frozenset()),
        ("somebody", frozenset()),
        ("*", frozenset()),
        ("Ana", frozenset()),
    ],
)
def test_who_is_not_named_sees_nothing(user: str, accounts: frozenset[str] | None) -> None:
    access = AccountAccess({"ana": ["home", "work"], "ben": ["*", "home"], "eve": []})
    assert access.of(user) == accounts
    assert access.named() == {"home", "work"}


def test_the_user_called_star_is_everybody_who_is_not_named() -> None:
    access = AccountAccess({"ana": ["home"], "*": ["club"]})
    assert access.of("ana") == frozenset({"home"})
    assert access.of("somebody") == frozenset({"club"})


@given(ACCOUNTS, ACCOUNTS, st.sampled_from(["home", "work", "club", "new"]))
def test_narrowing_never_widens(allowed: frozenset[str] | None, by: frozenset[str] | None, account: str) -> None:
    both = narrowed(allowed, by)
    seen = both is None or account in both
    assert seen == ((allowed is None or account in allowed) and (by is None or account in by))


class Certain:
    """A strategy that takes what begins with its mark."""

    def __init__(self, mark: str, found: Authenticated) -> None:
        self._mark = mark
        self._found = found
        self.closed = False

    def takes(self, token: str) -> bool:
        return token.startswith(self._mark)

    async def authenticate(self, token: str) -> Authenticated:
        return self._found

    async def close(self) -> None:
        self.closed = True


async def test_the_first_strategy_that_takes_a_token_decides() -> None:
    first = Certain("a", Authenticated("ana", frozenset({"read", EVERYTHING, "other"}), "c", "i", frozenset({"home"})))
    second = Certain("", Authenticated("ben", frozenset({"read"}), "c", "i", expires=5.0))
    authentication = Authentication([first, second], AccountAccess({"ana": ["*"], "ben": ["work"]}), ["read", "write"])
    ana, ben = await authentication("abc"), await authentication("bcd")
    assert (ana.principal.user, ana.principal.accounts) == ("ana", frozenset({"home"}))
    assert (ben.principal.user, ben.principal.accounts, ben.expires) == ("ben", frozenset({"work"}), 5.0)
    assert ana.principal.scopes == {"read"}  # `*` in a token is no scope, and neither is what this server has not
    assert not ana.principal.may("write")
    await authentication.close()
    assert first.closed
    assert second.closed


@pytest.mark.parametrize("token", ["", "a b", "a\n", "ü", "=", "a=b", "x" * 8193, "a\x00"])
async def test_what_is_no_token_reaches_no_strategy(token: str) -> None:
    anything = Certain("", Authenticated("ana", frozenset(), "", ""))
    with pytest.raises(Rejected, match="malformed"):
        await Authentication([anything], AccountAccess({}), ["read"])(token)


async def test_a_token_that_no_strategy_takes_is_rejected() -> None:
    with pytest.raises(Rejected, match="no kind"):
        await Authentication([], AccountAccess({}), ["read"])("abc")
