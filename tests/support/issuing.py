"""An issuer whose answers a test writes: a real web server on the loopback interface, and real keys."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

Respond = Callable[["Request"], tuple[int, dict[str, str], bytes]]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def as_json(value: object, status: int = 200) -> Respond:
    return lambda _: (status, {"Content-Type": "application/json"}, json.dumps(value).encode())


def _nothing(request: Request) -> tuple[int, dict[str, str], bytes]:
    return 404, {}, b""


@dataclass
class Issuing:
    """`answers` are by path; what is not there is 404. `asked` are the requests so far."""

    url: str
    answers: dict[str, Respond] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)

    def count(self, path: str) -> int:
        return sum(request.path == path for request in self.asked)


@contextmanager
def issuing() -> Iterator[Issuing]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            request = Request(self.command, self.path, dict(self.headers), self.rfile.read(length))
            started.asked.append(request)
            respond: Respond = started.answers.get(self.path, _nothing)
            status, headers, body = respond(request)
            with suppress(ConnectionError):  # who asked has had enough
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 - the standard library's names

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the test says what it saw."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    started = Issuing(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield started
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Key:
    kid: str
    private: PrivateKeyTypes
    algorithm: str

    def jwk(self, **changed: object) -> dict[str, Any]:
        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        public = algorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "use": "sig", **changed}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        headers = {"kid": self.kid, "typ": "at+jwt", **header}
        return jwt.encode(claims, self.private, self.algorithm, headers)  # type: ignore[arg-type] # each kind it takes


def rsa_key(kid: str, bits: int = 2048, algorithm: str = "RS256") -> Key:
    return Key(kid, rsa.generate_private_key(65537, bits), algorithm)


def ec_key(kid: str) -> Key:
    return Key(kid, ec.generate_private_key(ec.SECP256R1()), "ES256")


def claims(issuer: str, audience: object, **changed: Any) -> dict[str, Any]:
    """Of an access token that is valid now; a claim that is None is left out."""
    now = int(time.time())
    whole = {
        "iss": issuer,
        "aud": audience,
        "sub": "ana",
        "client_id": "app",
        "scope": "mail:read other",
        "iat": now,
        "exp": now + 300,
        **changed,
    }
    return {name: value for name, value in whole.items() if value is not None}
