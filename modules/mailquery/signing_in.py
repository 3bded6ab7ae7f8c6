"""How a person signs in to their mail with its provider, as it is set, and where the tokens are kept."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from mailquery.domain.accounts import MailAccount, OAuthClient
from mailquery.domain.oauth_providers import GOOGLE, PROVIDERS, OAuthProvider
from mailquery.repositories.synchronising import AccountRepository
from mailquery.services.accounts.access_tokens import AccessTokenCredential
from mailquery.settings.oauth import OAuth
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.oauth.asking import Endpoints
from mcpkit.security.oauth.clients import AuthorizationServer, Client
from mcpkit.security.oauth.code_flow import CodeFlow, ForeignAnswer, query_of
from mcpkit.security.oauth.device_flow import DeviceFlow
from mcpkit.security.oauth.loopback import Loopback, listening
from mcpkit.security.oauth.metadata import discover
from mcpkit.security.oauth.renewing import AccessTokens
from mcpkit.security.oauth.token_store import TokenStore
from mcpkit.security.oauth.tokens import Tokens

_PRODUCT = "mailquery"
Paste = Callable[[str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Registration:
    """`no_device` says why there is no device flow, where there is none."""

    title: str
    client: Client
    oauth: OAuthClient  # what an account keeps of it
    no_device: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    oauth: OAuthClient
    tokens: Tokens = field(repr=False)


class BrowserLogin:
    """A login that is under way at `url`."""

    def __init__(self, flow: CodeFlow, loopback: Loopback, endpoints: Endpoints) -> None:
        self.url = flow.url
        self._flow = flow
        self._loopback = loopback
        self._endpoints = endpoints

    async def finish(self, paste: Paste | None = None) -> Tokens:
        """Waits for the browser to come back. Where it may be on another machine, `paste` asks the person for the
        address that it could not open: with an empty text first, then with what was wrong with the last one.

        Raises:
            Fault: LOGIN_FAILED, TIMEOUT, SOURCE_UNAVAILABLE, CONFIGURATION.
        """
        coming = [asyncio.create_task(self._loopback.answer(self._flow.code_of))]
        if paste is not None:
            coming.append(asyncio.create_task(self._pasted(paste)))
        try:
            done, _ = await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED)
            code = done.pop().result()
        finally:
            for task in coming:
                task.cancel()
            await asyncio.gather(*coming, return_exceptions=True)
        return await self._flow.redeem(code, self._endpoints)

    async def _pasted(self, paste: Paste) -> str:
        wrong = ""
        while True:
            pasted = await paste(wrong)
            try:
                return self._flow.code_of(query_of(pasted))
            except ForeignAnswer:
                wrong = (
                    "That is not the address of this login. Copy all of the address that the browser was sent to last: "
                    f"it begins with {self._loopback.redirect_uri}?"
                )


class AccountTokens:
    """The tokens of accounts, as credentials (`services.accounts.credentials.AccountTokens`)."""

    def __init__(self, sign_in: "SignIn", accounts: AccountRepository) -> None:
        self._sign_in = sign_in
        self._accounts = accounts

    def of(self, account: MailAccount) -> AccessTokenCredential:
        return AccessTokenCredential(account.name, self._sign_in.access_tokens(account), self._accounts)

    async def forget(self, account: MailAccount) -> None:
        await self._sign_in.store.delete(account.name)


class SignIn:
    def __init__(self, chosen: OAuth, store: TokenStore, endpoints: Endpoints | None = None) -> None:
        self._chosen = chosen
        self._endpoints = endpoints or Endpoints()
        self.store = store

    async def registration(self, provider: str) -> Registration:
        """Who we are to `provider`: google, microsoft, or the URL of the issuer of the settings, for which empty
        stands.

        Raises:
            Fault: CONFIGURATION, where no client id is set for it; SOURCE_UNAVAILABLE, where an issuer's metadata are
                not to be had.
        """
        known = PROVIDERS.get(provider)
        return self._known(known) if known is not None else await self._by_metadata(provider)

    @asynccontextmanager
    async def by_browser(self, registration: Registration, address: str) -> AsyncIterator[BrowserLogin]:
        """`address` is whose mail it is about, which the login page is told."""
        client = registration.client
        parameters = {**client.parameters, **({"login_hint": address} if address else {})}
        async with listening(client.redirect, _PRODUCT) as loopback:
            flow = CodeFlow(replace(client, parameters=parameters), loopback.redirect_uri)
            yield BrowserLogin(flow, loopback, self._endpoints)

    def by_device(self, registration: Registration) -> DeviceFlow:
        return DeviceFlow(registration.client, self._endpoints)

    def access_tokens(self, account: MailAccount) -> AccessTokens:
        """Those of an account that signs in by OAuth."""
        assert account.oauth is not None
        return AccessTokens(account.name, _kept_client(account.oauth), self.store, self._endpoints)

    def _known(self, provider: OAuthProvider) -> Registration:
        if provider.name == GOOGLE:
            chosen = self._chosen.google
            client_id, tenant = chosen.client_id, ""
            secret = chosen.client_secret.get_secret_value() if chosen.client_secret else ""
        else:
            client_id, tenant, secret = self._chosen.microsoft.client_id, self._chosen.microsoft.tenant, ""
        if not client_id:
            raise _unregistered(provider.title, f"MAILQUERY_OAUTH__{provider.name.upper()}__CLIENT_ID")
        server = AuthorizationServer(
            provider.issuer,
            provider.authorization_url.replace("{tenant}", tenant),
            provider.token_url.replace("{tenant}", tenant),
            provider.device_url.replace("{tenant}", tenant),
        )
        client = Client(
            server,
            client_id,
            provider.scopes,
            client_secret=secret,
            secret_in_body=True,
            redirect=provider.redirect,
            parameters=dict(provider.parameters),
        )
        return Registration(provider.title, client, _as_kept(provider.name, client), provider.no_device)

    async def _by_metadata(self, url: str) -> Registration:
        chosen = self._chosen.issuer
        if not chosen.url or (url and url != chosen.url):
            raise _unregistered(
                url or "this provider", "MAILQUERY_OAUTH__ISSUER__URL and MAILQUERY_OAUTH__ISSUER__CLIENT_ID"
            )
        server = await discover(chosen.url, self._endpoints)
        client = Client(
            server,
            chosen.client_id,
            chosen.scopes,
            client_secret=chosen.client_secret.get_secret_value() if chosen.client_secret else "",
            redirect=chosen.redirect,
            # OpenID Connect Core, section 11: without it some give no refresh token.
            parameters={"prompt": "consent"} if "offline_access" in chosen.scopes else {},
        )
        no_device = "" if server.device_authorization_endpoint else f"{chosen.url} has no login by a code on a device."
        return Registration(chosen.url, client, _as_kept(chosen.url, client), no_device)


def _unregistered(title: str, variable: str) -> Fault:
    return Fault(
        ErrorCode.CONFIGURATION,
        f"To sign in with {title} mailquery must be registered there, by you or your organisation: it has no client id "
        f"of its own. Make one as docs/oauth.md says, and set {variable}.",
    )


def _as_kept(provider: str, client: Client) -> OAuthClient:
    server = client.server
    return OAuthClient(
        provider,
        client.client_id,
        server.authorization_endpoint,
        server.token_endpoint,
        server.device_authorization_endpoint,
        client.scopes,
    )


def _kept_client(oauth: OAuthClient) -> Client:
    """For renewing, which needs no more."""
    server = AuthorizationServer(oauth.provider, oauth.authorization_url, oauth.token_url, oauth.device_url)
    return Client(server, oauth.client_id, oauth.scopes, secret_in_body=oauth.provider in PROVIDERS)
