"""Access tokens that are signed JWTs (RFC 9068): this server is a resource server of OAuth 2.1."""

from collections.abc import Collection, Mapping
from typing import Any

import jwt

from mcpkit.security.authentication.claims import ClaimNames
from mcpkit.security.authentication.fetching import JsonFetcher
from mcpkit.security.authentication.interfaces import Authenticated, Rejected
from mcpkit.security.authentication.issuer import Issuer
from mcpkit.security.authentication.key_set import KeySet

# Signatures with a public key. With `none`, or an HMAC, whoever knows the public key could make tokens.
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}  # RFC 7518, RFC 8037
)
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})  # RFC 9068, section 2.1; many issuers write JWT or nothing
_NEEDED = ["exp", "iss", "aud"]


class JwtBearer:
    """`resource` is this server's identifier, which tokens must have as audience (RFC 8707). `skew` is in seconds."""

    def __init__(
        self,
        issuer: Issuer,
        keys: KeySet,
        fetcher: JsonFetcher,
        *,
        resource: str,
        algorithms: Collection[str],
        skew: float = 60.0,
        claims: ClaimNames | None = None,
    ) -> None:
        if not algorithms or not ALGORITHMS.issuperset(algorithms):
            raise ValueError(f"algorithms must be of {', '.join(sorted(ALGORITHMS))}")
        self._issuer = issuer
        self._keys = keys
        self._fetcher = fetcher
        self._resource = resource
        self._algorithms = frozenset(algorithms)
        self._skew = skew
        self._claims = claims or ClaimNames()

    def takes(self, token: str) -> bool:
        return token.startswith("eyJ") and token.count(".") == 2  # the Base64 of `{"`, as each header begins

    async def authenticate(self, token: str) -> Authenticated:
        algorithm, kid = self._header(token)
        keys = await self._keys.find(kid)
        for key in keys:
            try:
                claims = self._verified(token, algorithm, key)
            except jwt.InvalidSignatureError:
                continue  # where the header names no key, another may fit
            return self._claims.read(claims, self._issuer.identifier)
        raise Rejected("The access token is signed by no key of the issuer")

    async def close(self) -> None:
        await self._fetcher.close()

    def _header(self, token: str) -> tuple[str, str | None]:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise Rejected("The access token is malformed") from None
        algorithm, kind, kid = header.get("alg"), header.get("typ", "jwt"), header.get("kid")
        if algorithm not in self._algorithms:
            raise Rejected("The access token is signed in a way that this server does not accept")
        if not isinstance(kind, str) or kind.lower() not in _TYPES:
            raise Rejected("The token is no access token")
        if not isinstance(kid, str | None):
            raise Rejected("The access token is malformed")
        return algorithm, kid

    def _verified(self, token: str, algorithm: str, key: Mapping[str, Any]) -> dict[str, Any]:
        if key.get("alg", algorithm) != algorithm:
            raise jwt.InvalidSignatureError
        try:
            public = jwt.PyJWK.from_dict(dict(key), algorithm)
        except (jwt.PyJWTError, ValueError, TypeError):  # of another type than the algorithm needs
            raise jwt.InvalidSignatureError from None
        try:
            return jwt.decode(
                token,
                public,
                algorithms=[algorithm],
                audience=self._resource,
                issuer=self._issuer.identifier,
                leeway=self._skew,
                options={"require": _NEEDED, "enforce_minimum_key_length": True},
            )
        except jwt.InvalidSignatureError:
            raise
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise Rejected(_reason(error)) from None


def _reason(error: Exception) -> str:
    match error:
        case jwt.ExpiredSignatureError():
            return "The access token has expired"
        case jwt.ImmatureSignatureError():
            return "The access token is not valid yet"
        case jwt.InvalidAudienceError():
            return "The access token is not meant for this server"
        case jwt.InvalidIssuerError():
            return "The access token is of another issuer"
        case jwt.MissingRequiredClaimError():
            return "The access token lacks one of the claims exp, iss and aud"
        case _:
            return "The access token is malformed"
