"""The access token of an account as its credential, and what is said when there is none any more."""

from typing import Any

import pytest

from mailquery.domain.accounts import AccountState
from mailquery.services.accounts.access_tokens import AccessTokenCredential
from mailquery.sources.credentials import Credential, CredentialKind
from mcpkit.errors import ErrorCode, Fault

NAME = "Ana's mail"
REFUSED = Fault(ErrorCode.LOGIN_FAILED, "It was revoked.", details={"reason": "token", "error": "x"}, others="AADSTS1")
DOWN = Fault(ErrorCode.SOURCE_UNAVAILABLE, "It is down.")


class Accounts:
    """Takes note of what an account is marked as, and fails where it is told to."""

    def __init__(self) -> None:
        self.marked: list[tuple[str, AccountState, str]] = []
        self.fails = False

    async def set_state(self, name: str, state: AccountState, reason: str = "") -> bool:
        if self.fails:
            raise Fault(ErrorCode.STORAGE_FULL, "no room")
        self.marked.append((name, state, reason))
        return True

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} is not needed for this")


class Scripted:
    def __init__(self, *tokens: str | Fault) -> None:
        self._left = list(tokens)
        self.rejected: list[str] = []

    async def current(self) -> str:
        token = self._left.pop(0)
        if isinstance(token, Fault):
            raise token
        return token

    async def instead_of(self, rejected: str) -> str:
        self.rejected.append(rejected)
        return await self.current()


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()


async def test_the_token_of_the_moment_is_the_credential_and_another_one_after_it_was_refused(
    accounts: Accounts,
) -> None:
    tokens = Scripted("one", "two")
    credential = AccessTokenCredential(NAME, tokens, accounts)
    first = await credential.current()
    assert first == Credential(CredentialKind.TOKEN, "one")
    assert await credential.instead_of(first) == Credential(CredentialKind.TOKEN, "two")
    assert (tokens.rejected, accounts.marked) == (["one"], [])


@pytest.mark.parametrize("before", [True, False], ids=["before the login", "after a rejection"])
async def test_a_login_that_is_over_marks_the_account_and_says_what_to_run(accounts: Accounts, before: bool) -> None:
    credential = AccessTokenCredential(NAME, Scripted(REFUSED), accounts)
    with pytest.raises(Fault) as caught:
        await (credential.current() if before else credential.instead_of(Credential(CredentialKind.TOKEN, "one")))
    ((name, state, reason),) = accounts.marked
    assert (name, state) == (NAME, AccountState.NEEDS_LOGIN)
    assert reason == caught.value.message
    assert "It was revoked." in reason
    assert reason.endswith("""Run: mailquery accounts login 'Ana'"'"'s mail'""")
    assert caught.value.code is ErrorCode.LOGIN_FAILED
    assert caught.value.details == {"reason": "token", "error": "x", "account": NAME}
    assert caught.value.others == "AADSTS1"


async def test_a_server_that_is_down_marks_nothing(accounts: Accounts) -> None:
    with pytest.raises(Fault, match="It is down"):
        await AccessTokenCredential(NAME, Scripted(DOWN), accounts).current()
    assert accounts.marked == []


async def test_the_login_is_told_of_even_where_the_mark_cannot_be_made(accounts: Accounts) -> None:
    accounts.fails = True
    with pytest.raises(Fault, match="needs a new login"):
        await AccessTokenCredential(NAME, Scripted(REFUSED), accounts).current()
