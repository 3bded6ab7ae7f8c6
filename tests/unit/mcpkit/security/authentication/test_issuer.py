"""Where an authorization server's metadata are, and whose they must be."""

from collections.abc import AsyncIterator

import pytest

from mcpkit.errors import Fault
from mcpkit.security.authentication.fetching import JsonFetcher
from mcpkit.security.authentication.issuer import Issuer, well_known_urls
from support.issuing import Issuing, as_json
from unit.mcpkit.security.authentication.conftest import Clock


@pytest.fixture
async def fetcher() -> AsyncIterator[JsonFetcher]:
    made = JsonFetcher()
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("issuer", "urls"),
    [
        (
            "https://a.example",
            (
                "https://a.example/.well-known/oauth-authorization-server",
                "https://a.example/.well-known/openid-configuration",
            ),
        ),
        (
            "https://a.example/realms/x/",
            (
                "https://a.example/.well-known/oauth-authorization-server/realms/x",
                "https://a.example/realms/x/.well-known/openid-configuration",
            ),
        ),
    ],
)
def test_where_metadata_are(issuer: str, urls: tuple[str, str]) -> None:
    assert well_known_urls(issuer) == urls


@pytest.mark.parametrize("path", ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"])
async def test_either_place_will_do_and_is_asked_once_in_a_while(
    issuer: Issuing, fetcher: JsonFetcher, clock: Clock, path: str
) -> None:
    issuer.answers[path] = as_json({"issuer": issuer.url, "jwks_uri": f"{issuer.url}/jwks"})
    found = Issuer(issuer.url, fetcher, clock)
    for _ in range(3):
        assert await found.endpoint("jwks_uri") == f"{issuer.url}/jwks"
    assert issuer.count(path) == 1
    clock.now += 3601
    await found.endpoint("jwks_uri")
    assert issuer.count(path) == 2


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example", "jwks_uri": "https://evil.example/jwks"},
        {"jwks_uri": "https://evil.example/jwks"},
    ],
)
async def test_metadata_of_another_issuer_are_not_used(
    issuer: Issuing, fetcher: JsonFetcher, metadata: dict[str, str]
) -> None:
    issuer.answers["/.well-known/openid-configuration"] = as_json(metadata)
    with pytest.raises(Fault):
        await Issuer(issuer.url, fetcher).endpoint("jwks_uri")


@pytest.mark.parametrize("url", [None, 7, "", "http://keys.example/jwks", "file:///etc/passwd"])
async def test_an_endpoint_that_is_no_safe_url_is_not_used(issuer: Issuing, fetcher: JsonFetcher, url: object) -> None:
    issuer.answers["/.well-known/openid-configuration"] = as_json({"issuer": issuer.url, "jwks_uri": url})
    with pytest.raises(Fault):
        await Issuer(issuer.url, fetcher).endpoint("jwks_uri")
