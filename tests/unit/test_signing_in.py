"""Which authorization server an account signs in with, who we are to it, and how a person's answer comes back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from mailquery.domain.accounts import Login, MailAccount, Server
from mailquery.settings import Settings
from mailquery.signing_in import BrowserLogin, Registration, SignIn
from mcpkit.config import load_settings
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.control import open_control
from mcpkit.security.oauth.asking import Endpoints
from mcpkit.security.oauth.token_store import TokenStore
from mcpkit.security.oauth.tokens import Tokens
from mcpkit.security.secrets.master_key import FileKeeper
from mcpkit.security.secrets.store import SecretStore
from support.issuing import Issuing, as_json, issuing

GOOGLE = {
    "MAILQUERY_OAUTH__GOOGLE__CLIENT_ID": "1.apps.googleusercontent.com",
    "MAILQUERY_OAUTH__GOOGLE__CLIENT_SECRET": "GOCSPX-planted",
}
MICROSOFT = {"MAILQUERY_OAUTH__MICROSOFT__CLIENT_ID": "0000"}
GIVEN = {"access_token": "access-1", "refresh_token": "refresh-1", "token_type": "Bearer", "expires_in": 3600}


def loaded(**variables: str) -> Settings:
    return load_settings(Settings, Path("/nonexistent"), dotenv=None, environ=variables).settings


@asynccontextmanager
async def signing_in(folder: Path, **variables: str) -> AsyncIterator[SignIn]:
    async with await open_control(folder / "control.db") as control:
        store = TokenStore(SecretStore(control, FileKeeper(folder / "master.key")), folder)
        yield SignIn(loaded(**variables).oauth, store, Endpoints())


def asked(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.mark.parametrize("provider", ["google", "microsoft", "", "https://login.example.com"])
async def test_without_a_client_id_it_is_said_how_to_get_one(tmp_path: Path, provider: str) -> None:
    async with signing_in(tmp_path) as sign_in:
        with pytest.raises(Fault, match=r"docs/oauth.md") as caught:
            await sign_in.registration(provider)
    assert caught.value.code is ErrorCode.CONFIGURATION
    assert f"MAILQUERY_OAUTH__{provider.upper() if provider.isalpha() else 'ISSUER'}__" in caught.value.message


async def test_google_is_asked_for_mail_offline_and_has_no_device_flow(tmp_path: Path) -> None:
    async with signing_in(tmp_path, **GOOGLE) as sign_in:
        registration = await sign_in.registration("google")
        assert "no access to mail by a code on another device" in registration.no_device
        assert registration.client.client_secret == "GOCSPX-planted"
        assert "GOCSPX" not in repr(registration)
        async with sign_in.by_browser(registration, "ana@gmail.com") as login:
            fields = asked(login.url)
    assert login.url.startswith("https://accounts.google.com/o/oauth2/v2/auth?")
    assert fields["scope"] == "https://mail.google.com/"
    assert (fields["access_type"], fields["prompt"], fields["login_hint"]) == ("offline", "consent", "ana@gmail.com")
    assert fields["redirect_uri"].startswith("http://127.0.0.1:")


async def test_microsoft_is_asked_in_the_tenant_and_sends_back_to_localhost(tmp_path: Path) -> None:
    tenant = {"MAILQUERY_OAUTH__MICROSOFT__TENANT": "acme.onmicrosoft.com"}
    async with signing_in(tmp_path, **MICROSOFT, **tenant) as sign_in:
        registration = await sign_in.registration("microsoft")
        async with sign_in.by_browser(registration, "ana@acme.example") as login:
            fields = asked(login.url)
    base = "https://login.microsoftonline.com/acme.onmicrosoft.com/oauth2/v2.0"
    assert login.url.startswith(f"{base}/authorize?")
    assert (registration.oauth.token_url, registration.oauth.device_url) == (f"{base}/token", f"{base}/devicecode")
    assert fields["scope"] == "https://outlook.office.com/IMAP.AccessAsUser.All offline_access"
    assert fields["redirect_uri"].startswith("http://localhost:")
    assert urlsplit(fields["redirect_uri"]).path == ""
    assert registration.no_device == ""


@pytest.fixture
def issuer() -> Iterator[Issuing]:
    with issuing() as started:
        started.answers |= {
            "/.well-known/oauth-authorization-server": as_json(
                {
                    "issuer": started.url,
                    "authorization_endpoint": f"{started.url}/authorize",
                    "token_endpoint": f"{started.url}/token",
                }
            ),
            "/token": as_json(GIVEN),
        }
        yield started


@asynccontextmanager
async def login_at(folder: Path, issuer: Issuing) -> AsyncIterator[tuple[SignIn, Registration, BrowserLogin]]:
    variables = {
        "MAILQUERY_OAUTH__ISSUER__URL": issuer.url,
        "MAILQUERY_OAUTH__ISSUER__CLIENT_ID": "app",
        "MAILQUERY_OAUTH__ISSUER__CLIENT_SECRET": "planted-secret",
    }
    async with signing_in(folder, **variables) as sign_in:
        registration = await sign_in.registration("")
        async with sign_in.by_browser(registration, "ana@example.com") as login:
            yield sign_in, registration, login


async def test_any_issuer_is_found_by_its_metadata(tmp_path: Path, issuer: Issuing) -> None:
    async with login_at(tmp_path, issuer) as (_, registration, login):
        assert registration.oauth.provider == issuer.url
        assert "no login by a code on a device" in registration.no_device
        fields = asked(login.url)
        assert (fields["scope"], fields["prompt"]) == ("mail offline_access", "consent")
        waiting = asyncio.create_task(login.finish())
        async with httpx2.AsyncClient() as browser:
            query = urlencode({"state": fields["state"], "code": "one-code"})
            await browser.get(f"{fields['redirect_uri']}?{query}")
        assert (await waiting).access_token == "access-1"


async def test_the_address_may_be_pasted_where_the_browser_is_elsewhere(tmp_path: Path, issuer: Issuing) -> None:
    said: list[str] = []
    async with login_at(tmp_path, issuer) as (_, _registration, login):
        fields = asked(login.url)
        good = f"{fields['redirect_uri']}?{urlencode({'state': fields['state'], 'code': 'one-code'})}\n"
        lines = ["", "one-code", f"{fields['redirect_uri']}?state=other&code=x", good]

        async def paste(wrong: str) -> str:
            said.append(wrong)
            return lines[len(said) - 1]

        tokens = await login.finish(paste)
    assert tokens.refresh_token == "refresh-1"
    assert said[0] == ""
    assert len(said) == 4
    assert all("not the address of this login" in wrong for wrong in said[1:])


async def test_the_browser_may_still_come_while_an_address_is_asked_for(tmp_path: Path, issuer: Issuing) -> None:
    async with login_at(tmp_path, issuer) as (_, _registration, login):
        fields = asked(login.url)
        asking = asyncio.Event()

        async def paste(wrong: str) -> str:
            asking.set()
            await asyncio.Event().wait()
            raise AssertionError("nobody pastes")

        waiting = asyncio.create_task(login.finish(paste))
        await asking.wait()
        async with httpx2.AsyncClient() as browser:
            await browser.get(f"{fields['redirect_uri']}?{urlencode({'state': fields['state'], 'code': 'one-code'})}")
        assert (await waiting).access_token == "access-1"


async def test_a_refusal_that_is_pasted_ends_the_login(tmp_path: Path, issuer: Issuing) -> None:
    async with login_at(tmp_path, issuer) as (_, _registration, login):
        fields = asked(login.url)

        async def paste(wrong: str) -> str:
            return f"{fields['redirect_uri']}?{urlencode({'state': fields['state'], 'error': 'access_denied'})}"

        with pytest.raises(Fault, match="refused"):
            await login.finish(paste)


async def test_a_stored_login_is_renewed_with_the_secret_that_was_sealed_with_it(
    tmp_path: Path, issuer: Issuing
) -> None:
    async with login_at(tmp_path, issuer) as (sign_in, registration, _):
        account = MailAccount(
            "work", "ana@example.com", Server("imap.example.com", 993), "ana", Login.OAUTH, oauth=registration.oauth
        )
        assert "planted-secret" not in repr(account)
        await sign_in.store.replace("work", Tokens("old", "refresh-0", 0.0, 1.0, "planted-secret"))
        assert await sign_in.access_tokens(account).current() == "access-1"
        kept = await sign_in.store.get("work")
    assert issuer.asked[-1].headers["Authorization"].startswith("Basic ")
    assert kept is not None
    assert (kept.refresh_token, kept.client_secret) == ("refresh-1", "planted-secret")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"MAILQUERY_OAUTH__ISSUER__URL": "https://login.example.com"}, "client_id"),
        ({"MAILQUERY_OAUTH__ISSUER__CLIENT_ID": "app"}, "url"),
        ({"MAILQUERY_OAUTH__ISSUER__URL": "http://login.example.com"}, "https"),
        ({"MAILQUERY_OAUTH__ISSUER__REDIRECT": "http://mail.example.com/cb"}, "redirect"),
        ({"MAILQUERY_OAUTH__MICROSOFT__TENANT": "a/../b"}, "tenant"),
        ({"MAILQUERY_OAUTH__GOOGLE__CLIENT": "x"}, "CLIENT_ID"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_meant_stop_the_start(variables: dict[str, str], said: str) -> None:
    with pytest.raises(Fault, match=said):
        loaded(**variables)
