"""The address that the browser is sent back to: whom it answers, what, and how often."""

import asyncio
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx2
import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.oauth import loopback as module
from mcpkit.security.oauth.code_flow import ForeignAnswer
from mcpkit.security.oauth.loopback import Loopback, listening

REDIRECT = "http://127.0.0.1/callback"


def accept(query: str) -> str:
    match query:
        case "state=ours&code=one":
            return "one"
        case "state=ours&error=access_denied":
            raise Fault(ErrorCode.LOGIN_FAILED, "No.")
    raise ForeignAnswer


def never(query: str) -> str:
    raise AssertionError("nothing of this may be looked at")


async def raw(loopback: Loopback, sent: bytes) -> bytes:
    parts = urlsplit(loopback.redirect_uri)
    reader, writer = await asyncio.open_connection("127.0.0.1", parts.port)
    writer.write(sent)
    received = await reader.read()
    writer.close()
    return received


def request(loopback: Loopback, target: str, **changed: str) -> bytes:
    host = changed.get("host", urlsplit(loopback.redirect_uri).netloc)
    return f"{changed.get('method', 'GET')} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


async def test_the_answer_is_taken_and_the_browser_told_to_close_the_page() -> None:
    async with listening(REDIRECT, "Mail <program>") as loopback, httpx2.AsyncClient() as browser:
        waiting = asyncio.create_task(loopback.answer(accept))
        page = await browser.get(f"{loopback.redirect_uri}?state=ours&code=one")
        assert await waiting == "one"
        late = await browser.get(f"{loopback.redirect_uri}?state=ours&code=one")
        uri = loopback.redirect_uri
    assert page.status_code == 200
    assert "Mail &lt;program&gt;" in page.text
    assert "one" not in page.text.split("<body>")[1].replace("gone", "")
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert late.status_code == 410
    with pytest.raises(OSError, match=r"refused|Connect"):  # it is closed
        await asyncio.open_connection("127.0.0.1", urlsplit(uri).port)


async def test_a_refusal_ends_the_login_too() -> None:
    async with listening(REDIRECT, "Test") as loopback, httpx2.AsyncClient() as browser:
        waiting = asyncio.create_task(loopback.answer(accept))
        page = await browser.get(f"{loopback.redirect_uri}?state=ours&error=access_denied")
        assert "Not signed in" in page.text
        with pytest.raises(Fault, match=r"No\."):
            await waiting


async def test_the_answer_to_another_login_is_turned_away_and_the_right_one_awaited() -> None:
    async with listening(REDIRECT, "Test") as loopback, httpx2.AsyncClient() as browser:
        waiting = asyncio.create_task(loopback.answer(accept))
        for query in ("state=theirs&code=one", "", "state=ours&code=two"):
            assert (await browser.get(f"{loopback.redirect_uri}?{query}")).status_code == 400
        assert not waiting.done()
        await browser.get(f"{loopback.redirect_uri}?state=ours&code=one")
        assert await waiting == "one"


ANSWER = "/callback?state=ours&code=one"
OTHERS: dict[str, tuple[Callable[[Loopback], bytes], bytes]] = {
    "another path": (lambda at: request(at, "/favicon.ico"), b"404"),
    "a path below": (lambda at: request(at, "/callback/x?state=ours&code=one"), b"404"),
    "the path in another form": (lambda at: request(at, "//callback?state=ours&code=one"), b"404"),
    "a whole address": (lambda at: request(at, f"http://evil.example{ANSWER}"), b"404"),
    "another name": (lambda at: request(at, ANSWER, host="evil.example"), b"421"),
    "another port": (lambda at: request(at, ANSWER, host="127.0.0.1:1"), b"421"),
    "a name that was rebound": (lambda at: request(at, ANSWER, host="localhost"), b"421"),
    "two names": (lambda at: request(at, ANSWER, host=f"{urlsplit(at.redirect_uri).netloc}\r\nHost: x"), b"421"),
    "no name": (lambda at: f"GET {ANSWER} HTTP/1.0\r\n\r\n".encode(), b"421"),
    "another method": (lambda at: request(at, ANSWER, method="POST"), b"405"),
    "a head": (lambda at: request(at, ANSWER, method="HEAD"), b"405"),
    "no request": (lambda _: b"\x16\x03\x01\x02\x00 hello\r\n\r\n", b"400"),
    "a head without an end": (lambda _: b"GET / HTTP/1.1\r\n" + b"A: " + b"x" * 40_000, b"400"),
}


@pytest.mark.parametrize(("sent", "status"), OTHERS.values(), ids=OTHERS)
async def test_everything_else_is_refused(sent: Callable[[Loopback], bytes], status: bytes) -> None:
    async with listening(REDIRECT, "Test") as loopback:
        waiting = asyncio.create_task(loopback.answer(never))
        received = await raw(loopback, sent(loopback))
        assert received.startswith(b"HTTP/1.1 " + status)
        assert not waiting.done()
        waiting.cancel()


async def test_who_says_nothing_does_not_keep_the_answer_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HEAD_SECONDS", 0.2)
    async with listening(REDIRECT, "Test") as loopback, httpx2.AsyncClient() as browser:
        port = urlsplit(loopback.redirect_uri).port
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(40)]
        waiting = asyncio.create_task(loopback.answer(accept))
        await browser.get(f"{loopback.redirect_uri}?state=ours&code=one")
        assert await waiting == "one"
        for reader, writer in silent:
            assert await reader.read() == b""
            writer.close()


async def test_a_login_that_nobody_does_ends() -> None:
    async with listening(REDIRECT, "Test") as loopback:
        with pytest.raises(Fault, match="Nobody signed in") as caught:
            await loopback.answer(never, 0.05)
    assert caught.value.code is ErrorCode.TIMEOUT


async def test_each_login_has_a_port_of_its_own_and_the_registered_path() -> None:
    async with listening("http://127.0.0.1/", "Test") as first, listening("http://localhost", "Test") as second:
        ports = [urlsplit(each.redirect_uri).port for each in (first, second)]
        assert first.redirect_uri == f"http://127.0.0.1:{ports[0]}/"
        assert second.redirect_uri == f"http://localhost:{ports[1]}"
        assert ports[0] != ports[1]


async def test_the_name_localhost_is_listened_to_at_all_of_its_addresses() -> None:
    async with listening("http://localhost", "Test") as loopback:
        waiting = asyncio.create_task(loopback.answer(accept))
        port = urlsplit(loopback.redirect_uri).port
        for address in ("127.0.0.1", "::1") if has_ipv6() else ("127.0.0.1",):
            reader, writer = await asyncio.open_connection(address, port)
            writer.write(request(loopback, "/?state=theirs"))
            assert (await reader.read()).startswith(b"HTTP/1.1 400")
            writer.close()
        waiting.cancel()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize("redirect", ["https://127.0.0.1/", "http://0.0.0.0/", "http://mail.example.com/", "app:/cb"])
async def test_only_this_machine_is_listened_for(redirect: str) -> None:
    with pytest.raises(Fault) as caught:
        async with listening(redirect, "Test"):
            pass
    assert caught.value.code is ErrorCode.CONFIGURATION
