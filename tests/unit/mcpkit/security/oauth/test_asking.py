"""What an authorization server may answer, and what it may not."""

import gzip
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.oauth.asking import Endpoints
from mcpkit.security.oauth.clients import Client
from support.issuing import Issuing, Request, Respond, as_json
from unit.mcpkit.security.oauth.conftest import client_of


async def test_a_form_is_sent_and_an_object_comes_back(issuer: Issuing, endpoints: Endpoints, client: Client) -> None:
    issuer.answers["/token"] = as_json({"error": "invalid_grant"}, status=400)
    got = await endpoints.post(f"{issuer.url}/token", "a=1&b=2", client)
    assert (got.status, got.object) == (400, {"error": "invalid_grant"})
    (sent,) = issuer.asked
    assert (sent.method, sent.body, sent.headers["Content-Type"]) == (
        "POST",
        b"a=1&b=2",
        "application/x-www-form-urlencoded",
    )
    assert "Authorization" not in sent.headers


async def test_a_client_with_a_secret_authenticates_as_it_is_registered(issuer: Issuing, endpoints: Endpoints) -> None:
    issuer.answers["/token"] = as_json({})
    await endpoints.post(f"{issuer.url}/token", "", client_of(issuer.url, client_secret="s p+"))
    assert issuer.asked[-1].headers["Authorization"] == "Basic YXBwOnMrcCUyQg=="  # app:s+p%2B
    await endpoints.post(f"{issuer.url}/token", "", client_of(issuer.url, client_secret="s", secret_in_body=True))
    assert "Authorization" not in issuer.asked[-1].headers


BAD: dict[str, tuple[Respond, str, str]] = {
    "redirect": (lambda _: (307, {"Location": "/good"}, b""), "protocol", "elsewhere"),
    "HTML": (lambda _: (200, {}, b"<html><title>Sign in to the hotel's network</title>"), "protocol", "no JSON"),
    "no object": (as_json(["access_token"]), "protocol", "no JSON object"),
    "deep": (lambda _: (200, {}, b"[" * 3900), "protocol", "no JSON"),
    "no text": (lambda _: (200, {}, b'{"a": "\xff\xfe"}'), "protocol", "no JSON"),
    "too large": (as_json({"access_token": "x" * 5000}), "protocol", "longer than 4000 bytes"),
    "compressed": (
        lambda _: (200, {"Content-Encoding": "gzip"}, gzip.compress(json.dumps({"a": "x" * 50_000}).encode())),
        "protocol",
        "no JSON",
    ),
    "an error of its own": (as_json({"error": "server_error"}, status=503), "busy", "status 503"),
}


@pytest.mark.parametrize(("respond", "reason", "words"), BAD.values(), ids=BAD)
async def test_every_other_answer_is_a_fault_without_what_was_sent(
    issuer: Issuing,
    endpoints: Endpoints,
    client: Client,
    respond: Respond,
    reason: str,
    words: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    issuer.answers |= {"/token": respond, "/good": as_json({"access_token": "stolen"})}
    with pytest.raises(Fault) as caught:
        await endpoints.post(f"{issuer.url}/token", "refresh_token=swordfish", client)
    assert caught.value.code is ErrorCode.SOURCE_UNAVAILABLE
    assert caught.value.details["reason"] == reason
    assert words in caught.value.message
    assert issuer.count("/good") == 0
    assert "swordfish" not in caplog.text + str(caught.value.as_dict())


async def test_an_answer_that_does_not_come_in_time_is_not_waited_for(issuer: Issuing, client: Client) -> None:
    over = threading.Event()

    def never(request: Request) -> tuple[int, dict[str, str], bytes]:
        over.wait(60)
        return 200, {}, b"{}"

    issuer.answers["/token"] = never
    try:
        with pytest.raises(Fault, match="does not answer in time") as caught:
            await Endpoints(timeout=0.5).post(f"{issuer.url}/token", "", client)
    finally:
        over.set()
    assert caught.value.details["reason"] == "timeout"


async def test_a_pause_that_the_server_asks_for_is_told_within_reason(
    issuer: Issuing, endpoints: Endpoints, client: Client
) -> None:
    for asked, told in (("30", 30.0), ("99999999", 3600.0), ("Fri, 01 Jan 2027 00:00:00 GMT", None)):
        issuer.answers["/token"] = lambda _, asked=asked: (429, {"Retry-After": asked}, b"{}")  # type: ignore[misc]
        with pytest.raises(Fault) as caught:
            await endpoints.post(f"{issuer.url}/token", "", client)
        assert caught.value.retry_after == told


@pytest.mark.parametrize(
    ("url", "reason"), [("http://127.0.0.1:9/token", "connect"), ("https://nowhere.invalid/token", "name")]
)
async def test_what_cannot_be_reached_is_said_in_words(
    endpoints: Endpoints, client: Client, url: str, reason: str
) -> None:
    with pytest.raises(Fault) as caught:
        await endpoints.post(url, "", client)
    assert (caught.value.code, caught.value.details["reason"]) == (ErrorCode.SOURCE_UNAVAILABLE, reason)


@pytest.mark.parametrize("url", ["http://login.example.com/token", "ftp://127.0.0.1/", "https://u:p@x.example/", ""])
async def test_nothing_is_sent_without_encryption_to_another_machine(
    endpoints: Endpoints, client: Client, url: str
) -> None:
    with pytest.raises(Fault) as caught:
        await endpoints.post(url, "", client)
    assert caught.value.code is ErrorCode.CONFIGURATION


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    tmp_path: Path, endpoints: Endpoints, client: Client
) -> None:
    with self_signed(tmp_path) as (url, trusted):
        with pytest.raises(Fault) as caught:
            await endpoints.post(url, "refresh_token=swordfish", client)
        assert caught.value.details["reason"] == "certificate"
        assert (await Endpoints(tls=trusted).post(url, "", client)).object == {"tls": True}


@contextmanager
def self_signed(folder: Path) -> Iterator[tuple[str, ssl.SSLContext]]:
    """The URL of a server for the name localhost, and what trusts it."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"tls": true}')

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    class Server(HTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Who does not trust the certificate breaks off."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"https://localhost:{server.server_address[1]}/token", ssl.create_default_context(cafile=file)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
