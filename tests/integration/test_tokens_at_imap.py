"""Tokens of a real authorization server at a real IMAP server: they let in, end, are renewed, and are taken back."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from mailquery.domain.accounts import AccountState, Login, MailAccount, Security, Server
from mailquery.repositories.sqlite.accounts import SqliteAccounts
from mailquery.repositories.sqlite.archive import open_archive
from mailquery.settings.oauth import Issuer, OAuth
from mailquery.signing_in import AccountTokens, SignIn
from mailquery.sources.imap.server import ImapServer
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.control import open_control
from mcpkit.security.oauth.device_flow import DeviceFlow
from mcpkit.security.oauth.token_store import TokenStore
from mcpkit.security.oauth.tokens import Tokens
from mcpkit.security.secrets.master_key import FileKeeper
from mcpkit.security.secrets.store import SecretStore
from support.authorization_server import MAIL, MAIL_BRIEF, AuthorizationServer, enter_code, running, sign_in
from support.dovecot import USER, Dovecot
from support.oauth_mail import mail_with_tokens_of


@pytest.fixture(scope="module")
def server() -> Iterator[AuthorizationServer]:
    with running() as started:
        yield started


@pytest.fixture(scope="module", params=["plain xoauth2", "plain oauthbearer"])
def dovecot(request: pytest.FixtureRequest, server: AuthorizationServer) -> Iterator[Dovecot]:
    with mail_with_tokens_of(server, mechanisms=request.param) as started:
        started.mail().deliver(b"Subject: a letter\r\n\r\nHello.\r\n")
        yield started


@dataclass
class Mailbox:
    """An account that signs in by OAuth, as the product keeps it."""

    account: MailAccount
    sign_in: SignIn
    tokens: AccountTokens
    accounts: SqliteAccounts

    async def kept(self) -> Tokens:
        kept = await self.sign_in.store.get(self.account.name)
        assert kept is not None
        return kept

    async def ended(self, server: AuthorizationServer) -> Tokens:
        """Those that are kept, once the access token has ended for both sides."""
        kept = await self.kept()
        while not kept.is_over(time.time()) or (await server.introspect(kept.access_token))["active"]:
            await asyncio.sleep(0.1)
        return kept

    async def keep(self, tokens: Tokens) -> None:
        await self.sign_in.store.replace(self.account.name, tokens)

    async def log_in(self) -> int:
        """How many mailboxes there are."""
        source = self.tokens.of(self.account)
        connection = await ImapServer(self.account.server, self.account.username, source).connect()
        try:
            return len(await connection.mailboxes())
        finally:
            await connection.close()

    async def state(self) -> AccountState:
        account = await self.accounts.get(self.account.name)
        assert account is not None
        return account.state


@asynccontextmanager
async def mailbox(
    folder: Path, server: AuthorizationServer, dovecot: Dovecot, client: str = MAIL, user: str = USER
) -> AsyncIterator[Mailbox]:
    chosen = OAuth(issuer=Issuer(url=server.issuer, client_id=client, scopes=("openid", "mail", "offline_access")))
    async with (
        await open_control(folder / "control.db") as control,
        await open_archive(folder / "archive.db") as archive,
    ):
        signing = SignIn(chosen, TokenStore(SecretStore(control, FileKeeper(folder / "master.key")), folder))
        registration = await signing.registration("")
        account = MailAccount(
            "work",
            USER,
            Server("127.0.0.1", dovecot.port, Security.NONE),
            user,
            Login.OAUTH,
            oauth=registration.oauth,
        )
        accounts = SqliteAccounts(archive)
        await accounts.put(account)
        opened = Mailbox(account, signing, AccountTokens(signing, accounts), accounts)
        await opened.keep(await by_browser(signing))
        yield opened


async def by_browser(signing: SignIn) -> Tokens:
    registration = await signing.registration("")
    async with signing.by_browser(registration, USER) as login, httpx2.AsyncClient() as browser:
        waiting = asyncio.create_task(login.finish())
        (back,) = parse_qs(urlsplit(login.url).query)["redirect_uri"]
        await browser.get(await sign_in(login.url, USER, back))
        return await waiting


async def test_the_token_of_a_browser_lets_in(tmp_path: Path, server: AuthorizationServer, dovecot: Dovecot) -> None:
    async with mailbox(tmp_path, server, dovecot) as opened:
        assert await opened.log_in() >= 1
        assert await opened.state() is AccountState.ACTIVE


async def test_the_token_of_a_code_on_another_device_lets_in(
    tmp_path: Path, server: AuthorizationServer, dovecot: Dovecot
) -> None:
    async with mailbox(tmp_path, server, dovecot) as opened:
        registration = await opened.sign_in.registration("")
        flow: DeviceFlow = opened.sign_in.by_device(registration)
        flow._sleep = lambda _: asyncio.sleep(0.02)
        code = await flow.begin()
        await enter_code(code.verification_uri, code.user_code, USER)
        await opened.keep(await flow.wait(code))
        assert await opened.log_in() >= 1


async def test_a_token_that_has_ended_is_renewed_before_it_is_shown(
    tmp_path: Path, server: AuthorizationServer, dovecot: Dovecot
) -> None:
    async with mailbox(tmp_path, server, dovecot, MAIL_BRIEF) as opened:
        before = await opened.ended(server)
        assert await opened.log_in() >= 1
        after = await opened.kept()
        assert before.access_token != after.access_token
        assert before.refresh_token != after.refresh_token


async def test_a_token_that_the_mail_server_refuses_is_renewed_once_and_the_login_goes_on(
    tmp_path: Path, server: AuthorizationServer, dovecot: Dovecot
) -> None:
    async with mailbox(tmp_path, server, dovecot, MAIL_BRIEF) as opened:
        before = await opened.ended(server)
        await opened.keep(replace(before, expires=None))  # as from a server that does not say when
        assert await opened.log_in() >= 1
        assert (await opened.kept()).access_token != before.access_token
        assert await opened.state() is AccountState.ACTIVE


async def test_a_login_that_was_taken_back_needs_another_and_then_goes_on(
    tmp_path: Path, server: AuthorizationServer, dovecot: Dovecot
) -> None:
    async with mailbox(tmp_path, server, dovecot) as opened:
        await server.revoke((await opened.kept()).refresh_token, MAIL)
        with pytest.raises(Fault, match="mailquery accounts login work") as caught:
            await opened.log_in()
        assert (caught.value.code, caught.value.details["reason"]) == (ErrorCode.LOGIN_FAILED, "token")
        marked = await opened.accounts.get("work")
        assert marked is not None
        assert (marked.state, marked.state_reason) == (AccountState.NEEDS_LOGIN, caught.value.message)
        await opened.keep(await by_browser(opened.sign_in))
        assert await opened.log_in() >= 1


async def test_the_token_of_one_person_does_not_open_the_mail_of_another(
    tmp_path: Path, server: AuthorizationServer, dovecot: Dovecot
) -> None:
    async with mailbox(tmp_path, server, dovecot, user="ben@example.com") as opened:
        with pytest.raises(Fault) as caught:
            await opened.log_in()
        assert (caught.value.code, caught.value.details["reason"]) == (ErrorCode.LOGIN_FAILED, "token")
        assert (await opened.kept()).access_token not in str(caught.value.as_dict())


async def test_many_connections_at_once_renew_a_refused_token_once(
    tmp_path: Path, server: AuthorizationServer, dovecot: Dovecot
) -> None:
    async with mailbox(tmp_path, server, dovecot, MAIL_BRIEF) as opened:
        await opened.keep(replace(await opened.ended(server), expires=None))
        assert min(await asyncio.gather(*(opened.log_in() for _ in range(4)))) >= 1
        assert await opened.log_in() >= 1  # the refresh token was spent once, or this would fail
        assert await opened.state() is AccountState.ACTIVE
