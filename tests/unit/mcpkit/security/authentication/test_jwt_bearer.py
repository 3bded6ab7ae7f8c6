"""Which signed tokens are taken, and that no other is."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mcpkit.security.authentication.claims import ClaimNames
from mcpkit.security.authentication.fetching import JsonFetcher
from mcpkit.security.authentication.interfaces import Authenticated, Rejected
from mcpkit.security.authentication.issuer import Issuer
from mcpkit.security.authentication.jwt_bearer import JwtBearer
from mcpkit.security.authentication.key_set import KeySet
from support.issuing import Issuing, as_json, claims, ec_key, rsa_key

RESOURCE = "https://mail.example.com/mcp"
FIRST, SECOND, CURVE, SMALL = rsa_key("first"), rsa_key("second"), ec_key("curve"), rsa_key("small", 1024)
UNPUBLISHED = rsa_key("first")  # of the same name as one that is

Made = Callable[[dict[str, Any]], str]


@pytest.fixture
async def bearer(issuer: Issuing) -> AsyncIterator[JwtBearer]:
    published = [FIRST.jwk(), SECOND.jwk(), CURVE.jwk(), SMALL.jwk(), {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"}]
    issuer.answers["/jwks"] = as_json({"keys": published})
    made = strategy(issuer)
    yield made
    await made.close()


def strategy(issuer: Issuing, **options: Any) -> JwtBearer:
    fetcher = JsonFetcher()

    async def jwks() -> str:
        return f"{issuer.url}/jwks"

    chosen = {"resource": RESOURCE, "algorithms": ["RS256", "PS256", "ES256"], "skew": 60.0, **options}
    return JwtBearer(Issuer(issuer.url, fetcher), KeySet(jwks, fetcher), fetcher, **chosen)


@pytest.mark.parametrize("key", [FIRST, SECOND, CURVE], ids=lambda key: key.kid)
@pytest.mark.parametrize("audience", [RESOURCE, ["https://other.example", RESOURCE]])
async def test_a_valid_token_says_whose_it_is(bearer: JwtBearer, issuer: Issuing, key: Any, audience: object) -> None:
    said = claims(issuer.url, audience)
    found = await bearer.authenticate(key.sign(said))
    scopes = frozenset({"mail:read", "other"})
    assert found == Authenticated("ana", scopes, "app", issuer.url, accounts=None, expires=float(said["exp"]))


async def test_a_token_that_names_no_key_is_tried_with_each(bearer: JwtBearer, issuer: Issuing) -> None:
    token = jwt.encode(claims(issuer.url, RESOURCE), SECOND.private, "RS256")  # type: ignore[arg-type] # it is RSA's
    assert (await bearer.authenticate(token)).user == "ana"


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(said: dict[str, Any]) -> str:
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(said)}."


def hmac_with_public_key(said: dict[str, Any]) -> str:
    """What a library that lets the token choose would verify (RFC 8725, section 2.1)."""
    public = FIRST.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{part({'alg': 'HS256', 'kid': 'first'})}.{part(said)}"
    mac = hmac.digest(public, signed.encode(), hashlib.sha256)
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def changed_after_signing(said: dict[str, Any]) -> str:
    header, _, signature = FIRST.sign(said).split(".")
    return f"{header}.{part({**said, 'sub': 'ben'})}.{signature}"


def without_signature(said: dict[str, Any]) -> str:
    return FIRST.sign(said).rpartition(".")[0] + "."


FORGERIES: dict[str, Made] = {
    "alg none": unsigned,
    "alg None": lambda said: f"{part({'alg': 'None'})}.{part(said)}.",
    "hmac with the public key": hmac_with_public_key,
    "hmac with a published symmetric key": lambda said: jwt.encode(said, b"secret" * 6, "HS256", {"kid": "secret"}),
    "changed": changed_after_signing,
    "signature cut off": without_signature,
    "another key of the same name": UNPUBLISHED.sign,
    "unknown key": rsa_key("third").sign,
    "its own key in the header": lambda said: UNPUBLISHED.sign(said, kid="none", jwk=UNPUBLISHED.jwk()),
    "its own key set in the header": lambda said: UNPUBLISHED.sign(said, kid="none", jku="http://127.0.0.1:9/jwks"),
    "key of another type": lambda said: CURVE.sign(said, kid="first"),
    "key too small": SMALL.sign,
    "algorithm that is not allowed": lambda said: jwt.encode(said, FIRST.private, "RS512", {"kid": "first"}),  # type: ignore[arg-type] # it is RSA's
    "unknown critical header": lambda said: FIRST.sign(said, crit=["urn:x"], **{"urn:x": True}),
    "detached payload": lambda said: FIRST.sign(said, b64=False, crit=["b64"]),
    "an identity's token": lambda said: FIRST.sign(said, typ="id_token+jwt"),
    "a logout's token": lambda said: FIRST.sign(said, typ="logout+jwt"),
    "type that is no text": lambda said: FIRST.sign(said, typ=["at+jwt"]),
    "key name that is no text": lambda said: f"{part({'alg': 'RS256', 'kid': {'a': 1}})}.{part(said)}.c2ln",
    "payload that is no object": lambda said: jwt.PyJWS().encode(b"[1]", FIRST.private, "RS256", {"kid": "first"}),  # type: ignore[arg-type] # it is RSA's
    "header that is no JSON": lambda said: f"eyJ.{part(said)}.c2ln",
}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")  # which is what is tried
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_a_forged_token_is_rejected(bearer: JwtBearer, issuer: Issuing, forge: Made) -> None:
    with pytest.raises(Rejected) as caught:
        await bearer.authenticate(forge(claims(issuer.url, RESOURCE)))
    assert '"' not in caught.value.reason
    assert caught.value.reason.isascii()
    assert issuer.count("/jwks") <= 1
    assert {request.path for request in issuer.asked} <= {"/jwks"}


NOW = int(time.time())


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"exp": NOW - 120}, "has expired"),
        ({"exp": None}, "lacks one of the claims"),
        ({"exp": "soon"}, "malformed"),
        ({"exp": 10**300}, "malformed"),
        ({"exp": 10**400}, "malformed"),
        ({"nbf": NOW + 86_400}, "not valid yet"),
        ({"iat": NOW + 86_400}, "not valid yet"),
        ({"aud": None}, "lacks one of the claims"),
        ({"aud": "https://mail.example.com"}, "not meant for this server"),
        ({"aud": []}, "lacks one of the claims"),
        ({"aud": "app"}, "not meant for this server"),
        ({"iss": None}, "lacks one of the claims"),
        ({"iss": "https://evil.example"}, "of another issuer"),
        ({"sub": None}, "names no user"),
        ({"sub": ""}, "names no user"),
        ({"sub": 7}, "malformed"),
        ({"sub": "ana\u200b"}, "names no user"),
        ({"sub": "a" * 201}, "names no user"),
        ({"cnf": {"jkt": "0ZcOCORZNYy"}}, "bound to a key"),
    ],
)
async def test_a_signed_token_with_other_claims_is_rejected(
    bearer: JwtBearer, issuer: Issuing, changed: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Rejected, match=reason):
        await bearer.authenticate(FIRST.sign({**claims(issuer.url, RESOURCE, **changed)}))


async def test_the_issuer_is_compared_to_the_letter(bearer: JwtBearer, issuer: Issuing) -> None:
    with pytest.raises(Rejected, match="another issuer"):
        await bearer.authenticate(FIRST.sign(claims(f"{issuer.url}/", RESOURCE)))


@pytest.mark.parametrize(("ago", "taken"), [(30, True), (90, False)])
async def test_clocks_may_differ_by_the_skew(bearer: JwtBearer, issuer: Issuing, ago: int, taken: bool) -> None:
    token = FIRST.sign(claims(issuer.url, RESOURCE, exp=int(time.time()) - ago))
    if taken:
        assert (await bearer.authenticate(token)).user == "ana"
    else:
        with pytest.raises(Rejected):
            await bearer.authenticate(token)


async def test_a_published_key_serves_for_what_it_was_published_for(issuer: Issuing) -> None:
    for_encryption, for_pss = rsa_key("encrypting"), rsa_key("pss")
    published = [for_encryption.jwk(use="enc"), for_pss.jwk(alg="PS256")]
    issuer.answers["/jwks"] = as_json({"keys": published})
    bearer = strategy(issuer)
    for key in (for_encryption, for_pss):
        with pytest.raises(Rejected, match="no key of the issuer"):
            await bearer.authenticate(key.sign(claims(issuer.url, RESOURCE)))
    await bearer.close()


async def test_other_claims_can_hold_the_user_and_what_they_may(issuer: Issuing) -> None:
    issuer.answers["/jwks"] = as_json({"keys": [FIRST.jwk()]})
    names = ClaimNames(user="preferred_username", scopes="scp", client="appid", accounts="mail_accounts")
    bearer = strategy(issuer, claims=names)
    said = {"preferred_username": "ben", "scp": ["mail:read", 7], "appid": "desk", "mail_accounts": ["work"]}
    found = await bearer.authenticate(FIRST.sign(claims(issuer.url, RESOURCE, **said)))
    assert (found.user, found.scopes, found.client) == ("ben", frozenset({"mail:read"}), "desk")
    assert found.accounts == frozenset({"work"})
    del said["mail_accounts"]
    assert (await bearer.authenticate(FIRST.sign(claims(issuer.url, RESOURCE, **said)))).accounts == frozenset()
    await bearer.close()


@pytest.mark.parametrize("algorithms", [[], ["none"], ["HS256"], ["RS256", "HS512"]])
async def test_no_algorithm_without_a_public_key_can_be_allowed(issuer: Issuing, algorithms: list[str]) -> None:
    with pytest.raises(ValueError, match="algorithms"):
        strategy(issuer, algorithms=algorithms)
