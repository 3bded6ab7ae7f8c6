"""Who may come in over HTTP, as it is set: the strategies of authentication, and what each user may see."""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from mailquery.mcp.arguments import ADMIN, SCOPES
from mailquery.settings.access import Auth
from mcpkit.errors import ErrorCode
from mcpkit.protocol.declarations import Catalogue
from mcpkit.security.audit import AuditSink
from mcpkit.security.authentication.accounts import AccountAccess
from mcpkit.security.authentication.api_keys import ApiKeys
from mcpkit.security.authentication.authentication import Authentication
from mcpkit.security.authentication.claims import ClaimNames
from mcpkit.security.authentication.fetching import JsonFetcher
from mcpkit.security.authentication.interfaces import Authenticator
from mcpkit.security.authentication.introspection import Introspection
from mcpkit.security.authentication.issuer import Issuer
from mcpkit.security.authentication.jwt_bearer import JwtBearer
from mcpkit.security.authentication.key_set import KeySet
from mcpkit.transport.http.door.authentication import Guard, ProtectedResource

logger = logging.getLogger(__name__)

REMEDY = (
    "Use --host 127.0.0.1, or switch authentication on: API keys by MAILQUERY_AUTH__STRATEGIES=api-keys and "
    "`mailquery keys create --user NAME`; tokens of an OAuth authorization server by MAILQUERY_AUTH__STRATEGIES=jwt, "
    "MAILQUERY_AUTH__ISSUER and MAILQUERY_AUTH__RESOURCE. MAILQUERY_AUTH__USERS says who may see which accounts."
)


@asynccontextmanager
async def open_guard(
    auth: Auth,
    keys: ApiKeys,
    offered: Catalogue,
    accounts: Sequence[str],
    address: str,
    audit: AuditSink,
    count: Callable[[str, ErrorCode], None] | None = None,
) -> AsyncIterator[Guard]:
    """`accounts` are those of the archive; `address` is the URL of the endpoint, for tokens to be meant for where the
    settings name no other. `count` is as for `Guard`."""
    access = AccountAccess(auth.users)
    for name in sorted(access.named().difference(accounts)):
        # Written wrongly it would hide an account without a word.
        logger.warning("auth.users names an account that is not in the archive (yet): %s", name)
    resource = auth.resource or address
    authentication = Authentication(_strategies(auth, keys, resource), access, SCOPES)
    scopes = [scope for scope in dict.fromkeys(tool.permission for tool in offered.tools) if scope != ADMIN]
    described = ProtectedResource(resource, offered.title, [auth.issuer], scopes) if auth.uses_oauth else None
    guard = Guard(authentication, scopes, described, audit, count=count)
    try:
        yield guard
    finally:
        await guard.close()


def _strategies(auth: Auth, keys: ApiKeys, resource: str) -> list[Authenticator]:
    """In the order in which they look at a token: the one that takes any comes last."""
    fetcher = JsonFetcher()
    issuer = Issuer(auth.issuer, fetcher)
    claims = ClaimNames(auth.user_claim, auth.scope_claim, auth.client_claim, auth.accounts_claim)
    strategies: list[Authenticator] = []
    if "api-keys" in auth.strategies:
        strategies.append(keys)
    if "jwt" in auth.strategies:
        strategies.append(_jwt(auth, issuer, fetcher, claims, resource))
    if "introspection" in auth.strategies:
        strategies.append(_introspection(auth, issuer, fetcher, claims, resource))
    return strategies


def _jwt(auth: Auth, issuer: Issuer, fetcher: JsonFetcher, claims: ClaimNames, resource: str) -> JwtBearer:
    async def jwks_url() -> str:
        return auth.jwks_url or await issuer.endpoint("jwks_uri")

    return JwtBearer(
        issuer,
        KeySet(jwks_url, fetcher),
        fetcher,
        resource=resource,
        algorithms=auth.algorithms,
        skew=auth.clock_skew_seconds,
        claims=claims,
    )


def _introspection(
    auth: Auth, issuer: Issuer, fetcher: JsonFetcher, claims: ClaimNames, resource: str
) -> Introspection:
    asked = auth.introspection
    assert asked.client_secret is not None, "the settings say so"
    return Introspection(
        issuer,
        fetcher,
        resource=resource,
        client=(asked.client_id, asked.client_secret.get_secret_value()),
        url=asked.url,
        cache=asked.cache_seconds,
        skew=auth.clock_skew_seconds,
        claims=claims,
    )
