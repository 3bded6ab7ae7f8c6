"""Where an issuer has its endpoints, as it says itself (RFC 8414, OpenID Connect Discovery 1.0)."""

from typing import Any

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.authentication.issuer import well_known_urls
from mcpkit.security.authentication.urls import check_url
from mcpkit.security.oauth.asking import Endpoints
from mcpkit.security.oauth.clients import AuthorizationServer
from mcpkit.security.oauth.refusals import broken


async def discover(issuer: str, endpoints: Endpoints) -> AuthorizationServer:
    """
    Raises:
        Fault: SOURCE_UNAVAILABLE, where it cannot be asked or says what cannot be used; CONFIGURATION, where `issuer`
            is no URL that may be asked.
    """
    for url in well_known_urls(issuer):
        answer = await _found(url, endpoints)
        if answer is None:
            continue
        # RFC 8414, section 3.3: else another could pass for this issuer.
        if answer.get("issuer") != issuer:
            raise broken(issuer, "its metadata are those of another issuer, or of another spelling of its address")
        return _read(issuer, answer)
    raise broken(issuer, "it has no metadata (RFC 8414)")


async def _found(url: str, endpoints: Endpoints) -> dict[str, Any] | None:
    try:
        answer = await endpoints.get(url)
    except Fault as fault:
        # A page for people stands there where there are no metadata: the other address is tried.
        if fault.code is ErrorCode.SOURCE_UNAVAILABLE and fault.details.get("reason") == "protocol":
            return None
        raise
    return answer.object if answer.status == 200 else None


def _read(issuer: str, said: dict[str, Any]) -> AuthorizationServer:
    methods = said.get("code_challenge_methods_supported")
    if isinstance(methods, list) and "S256" not in methods:
        raise broken(issuer, "it does not know PKCE with S256 (RFC 7636)")
    return AuthorizationServer(
        issuer,
        _url(issuer, said, "authorization_endpoint"),
        _url(issuer, said, "token_endpoint"),
        _url(issuer, said, "device_authorization_endpoint", needed=False),
        names_itself=said.get("authorization_response_iss_parameter_supported") is True,
    )


def _url(issuer: str, said: dict[str, Any], name: str, *, needed: bool = True) -> str:
    url = said.get(name)
    if url is None and not needed:
        return ""
    try:
        return check_url(url if isinstance(url, str) else "")
    except ValueError:
        raise broken(issuer, f"its metadata have no {name} that may be used") from None
