"""What another server may answer, and what it may not."""

import gzip
import json
import time
from collections.abc import AsyncIterator

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.authentication.fetching import JsonFetcher
from mcpkit.security.authentication.urls import check_url
from support.issuing import Issuing, Request, Respond, as_json


@pytest.fixture
async def fetcher() -> AsyncIterator[JsonFetcher]:
    made = JsonFetcher(timeout=1.0, max_bytes=1000)
    yield made
    await made.close()


async def test_an_object_is_given_and_nothing_is_none(fetcher: JsonFetcher, issuer: Issuing) -> None:
    issuer.answers["/a"] = as_json({"b": 1})
    assert await fetcher.get(f"{issuer.url}/a") == {"b": 1}
    assert await fetcher.get(f"{issuer.url}/missing") is None


def slowly(request: Request) -> tuple[int, dict[str, str], bytes]:
    time.sleep(2)
    return 200, {}, b"{}"


BAD: dict[str, Respond] = {
    "redirect": lambda _: (302, {"Location": "/good"}, b""),
    "error": as_json({}, status=500),
    "no JSON": lambda _: (200, {}, b"<html>"),
    "no object": as_json([1]),
    "deep": lambda _: (200, {}, b"[" * 900),
    "too large": as_json({"a": "x" * 2000}),
    "compressed": lambda _: (200, {"Content-Encoding": "gzip"}, gzip.compress(json.dumps({"a": "x" * 5000}).encode())),
    "slow": slowly,
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
async def test_every_other_answer_is_a_fault_that_says_to_try_again(
    fetcher: JsonFetcher, issuer: Issuing, answer: Respond, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.answers |= {"/a?secret=swordfish": answer, "/good": as_json({"b": 1})}
    with pytest.raises(Fault) as caught:
        await fetcher.get(f"{issuer.url}/a?secret=swordfish")
    assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE
    assert caught.value.retry_after
    assert issuer.count("/good") == 0
    (said,) = [record.getMessage() for record in caplog.records if record.name.startswith("mcpkit")]
    assert "http://127.0.0.1/a" in said
    assert "swordfish" not in said


async def test_a_server_that_is_not_there_is_a_fault(fetcher: JsonFetcher) -> None:
    with pytest.raises(Fault):
        await fetcher.get("http://127.0.0.1:9/jwks")


@pytest.mark.parametrize(
    "url",
    [
        "https://login.example.com",
        "https://x.example/a?b=1",
        "http://127.0.0.1:8/",
        "http://localhost/a",
        "http://[::1]:5",
    ],
)
def test_urls_that_a_secret_may_be_sent_to(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "login.example.com",
        "http://login.example.com",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "https://user:secret@login.example.com",
        "https://login.example.com/#a",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "https://",
        "http://10.0.0.1/",
        "https://login.example.com/\x1b[2J",
        "https://login.example.com/\u202egpj",
        "https://login.example.com/a b",
    ],
)
async def test_other_urls_are_never_asked(fetcher: JsonFetcher, url: str) -> None:
    with pytest.raises(ValueError, match="must"):
        check_url(url)
    with pytest.raises(Fault):
        await fetcher.get(url)
