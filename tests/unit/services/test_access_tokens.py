"""The access token of an account: asked for again once, and what is said when there is none any more."""

from dataclasses import replace
from typing import Any

import pytest

from mailquery.domain.accounts import AccountState, Login, MailAccount, OAuthClient, Server
from mailquery.services.access_tokens import AccessTokens
from mcpkit.errors import ErrorCode, Fault

OAUTH = OAuthClient("google", "app", "https://a.example", "https://t.example")
ACCOUNT = MailAccount(
    "Ana's mail", "ana@example.com", Server("imap.example.com", 993), "ana@example.com", Login.OAUTH, oauth=OAUTH
)
REFUSED = Fault(ErrorCode.LOGIN_FAILED, "It was revoked.", details={"reason": "token", "error": "x"}, others="AADSTS1")
REJECTED = Fault(ErrorCode.LOGIN_FAILED, "The server refuses the token.", details={"reason": "token"})


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

    async def close(self) -> None:
        self._left.clear()


@pytest.fixture
def accounts() -> Accounts:
    return Accounts()


class MailServer:
    """Takes `good` alone, and says `otherwise` to others."""

    def __init__(self, good: str, otherwise: Fault = REJECTED) -> None:
        self.tried: list[str] = []
        self._good = good
        self._otherwise = otherwise

    async def log_in(self, token: str) -> str:
        self.tried.append(token)
        if token != self._good:
            raise self._otherwise
        return "in"


async def test_a_token_that_the_mail_server_takes_is_used_as_it_is(accounts: Accounts) -> None:
    tokens, server = Scripted("one"), MailServer("one")
    assert await AccessTokens(accounts, lambda _: tokens).use(ACCOUNT, server.log_in) == "in"
    assert (server.tried, tokens.rejected, accounts.marked) == (["one"], [], [])


async def test_another_token_is_tried_once_after_a_rejection(accounts: Accounts) -> None:
    tokens, server = Scripted("one", "two"), MailServer("two")
    assert await AccessTokens(accounts, lambda _: tokens).use(ACCOUNT, server.log_in) == "in"
    assert (server.tried, tokens.rejected) == (["one", "two"], ["one"])
    tokens, server = Scripted("one", "two", "three"), MailServer("three")
    with pytest.raises(Fault, match="refuses the token"):
        await AccessTokens(accounts, lambda _: tokens).use(ACCOUNT, server.log_in)
    assert server.tried == ["one", "two"]
    assert accounts.marked == []  # nothing says that a new login would help


@pytest.mark.parametrize(
    "fault",
    [
        Fault(ErrorCode.SOURCE_UNAVAILABLE, "It is down.", details={"reason": "timeout"}),
        Fault(ErrorCode.LOGIN_FAILED, "IMAP is off.", details={"reason": "imap_disabled"}),
    ],
    ids=lambda fault: fault.message,
)
async def test_another_failure_is_no_reason_for_another_token(accounts: Accounts, fault: Fault) -> None:
    tokens, server = Scripted("one", "two"), MailServer("two", fault)
    with pytest.raises(Fault, match=fault.message):
        await AccessTokens(accounts, lambda _: tokens).use(ACCOUNT, server.log_in)
    assert tokens.rejected == []


@pytest.mark.parametrize("script", [(REFUSED,), ("one", REFUSED)], ids=["before", "after a rejection"])
async def test_a_login_that_is_over_marks_the_account_and_says_what_to_run(
    accounts: Accounts, script: tuple[str | Fault, ...]
) -> None:
    tokens, server = Scripted(*script), MailServer("none")
    with pytest.raises(Fault) as caught:
        await AccessTokens(accounts, lambda _: tokens).use(ACCOUNT, server.log_in)
    ((name, state, reason),) = accounts.marked
    assert (name, state) == (ACCOUNT.name, AccountState.NEEDS_LOGIN)
    assert reason == caught.value.message
    assert "It was revoked." in reason
    assert reason.endswith("""Run: mailquery accounts login 'Ana'"'"'s mail'""")
    assert caught.value.code is ErrorCode.LOGIN_FAILED
    assert caught.value.details["reason"] == "token"
    assert caught.value.others == "AADSTS1"


async def test_a_server_that_is_down_marks_nothing(accounts: Accounts) -> None:
    down = Fault(ErrorCode.SOURCE_UNAVAILABLE, "It is down.")
    with pytest.raises(Fault, match="It is down"):
        await AccessTokens(accounts, lambda _: Scripted(down)).current(ACCOUNT)
    assert accounts.marked == []


async def test_the_login_is_told_of_even_where_the_mark_cannot_be_made(accounts: Accounts) -> None:
    accounts.fails = True
    with pytest.raises(Fault, match="needs a new login"):
        await AccessTokens(accounts, lambda _: Scripted(REFUSED)).current(ACCOUNT)


async def test_one_keeper_of_tokens_serves_an_account_until_it_signs_in_with_another_client(accounts: Accounts) -> None:
    made: list[MailAccount] = []

    def tokens_of(account: MailAccount) -> Scripted:
        made.append(account)
        return Scripted("one", "two")

    access = AccessTokens(accounts, tokens_of)
    assert [await access.current(ACCOUNT), await access.current(replace(ACCOUNT, state=AccountState.PAUSED))] == [
        "one",
        "two",
    ]
    assert await access.current(replace(ACCOUNT, oauth=replace(OAUTH, client_id="other"))) == "one"
    assert len(made) == 2
    await access.close()
