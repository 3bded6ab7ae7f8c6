"""An authorization server whose answers a test writes, and the client that asks it."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from mcpkit.security.oauth.asking import Answer, Endpoints
from mcpkit.security.oauth.clients import AuthorizationServer, Client
from support.issuing import Issuing, issuing


@pytest.fixture
def issuer() -> Iterator[Issuing]:
    with issuing() as started:
        yield started


@pytest.fixture
def endpoints() -> Endpoints:
    return Endpoints(timeout=30.0, max_bytes=4000)


@pytest.fixture
def client(issuer: Issuing) -> Client:
    return client_of(issuer.url)


def client_of(url: str, **changed: Any) -> Client:
    names_itself = changed.pop("names_itself", False)
    server = AuthorizationServer(url, f"{url}/authorize", f"{url}/token", f"{url}/device", names_itself=names_itself)
    return Client(**{"server": server, "client_id": "app", "scopes": ("mail", "offline_access"), **changed})


def answer(value: dict[str, Any], status: int = 200) -> Answer:
    return Answer(status, json.dumps(value), value)


def form(issuer: Issuing) -> dict[str, str]:
    """The fields that were sent last."""
    return {name: values[0] for name, values in parse_qs(issuer.asked[-1].body.decode()).items()}


GIVEN: dict[str, Any] = {
    "access_token": "access-1",
    "refresh_token": "refresh-1",
    "token_type": "Bearer",
    "expires_in": 3600,
}


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()
