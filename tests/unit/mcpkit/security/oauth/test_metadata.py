"""What an issuer says of itself, and what is believed of it."""

from typing import Any

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.oauth.asking import Endpoints
from mcpkit.security.oauth.clients import AuthorizationServer
from mcpkit.security.oauth.metadata import discover
from support.issuing import Issuing, as_json

OAUTH, OPENID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"


def metadata(url: str, **changed: Any) -> dict[str, Any]:
    whole = {
        "issuer": url,
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": f"{url}/token",
        "code_challenge_methods_supported": ["plain", "S256"],
        "authorization_response_iss_parameter_supported": True,
        **changed,
    }
    return {name: value for name, value in whole.items() if value is not None}


@pytest.mark.parametrize("where", [OAUTH, OPENID])
async def test_endpoints_are_found_at_either_address(issuer: Issuing, endpoints: Endpoints, where: str) -> None:
    url = issuer.url
    issuer.answers[where] = as_json(metadata(url, device_authorization_endpoint=f"{url}/device"))
    assert await discover(url, endpoints) == AuthorizationServer(
        url, f"{url}/authorize", f"{url}/token", f"{url}/device", names_itself=True
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://login.example.com"},
        {"issuer": None},
        {"token_endpoint": "http://login.example.com/token"},
        {"token_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://login.example.com/\x1b]0;title\x07"},
        {"device_authorization_endpoint": 7},
        {"code_challenge_methods_supported": ["plain"]},
    ],
    ids=str,
)
async def test_metadata_that_must_not_be_used_are_refused(
    issuer: Issuing, endpoints: Endpoints, changed: dict[str, Any]
) -> None:
    issuer.answers[OAUTH] = as_json(metadata(issuer.url, **changed))
    with pytest.raises(Fault) as caught:
        await discover(issuer.url, endpoints)
    assert caught.value.code is ErrorCode.SOURCE_UNAVAILABLE


async def test_an_issuer_without_metadata_is_told_as_such(issuer: Issuing, endpoints: Endpoints) -> None:
    issuer.answers[OAUTH] = lambda _: (200, {}, b"<html>Welcome")
    with pytest.raises(Fault, match="no metadata"):
        await discover(issuer.url, endpoints)
    with pytest.raises(Fault) as caught:
        await discover("http://login.example.com", endpoints)
    assert caught.value.code is ErrorCode.CONFIGURATION
