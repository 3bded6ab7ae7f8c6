from collections.abc import Iterator
from pathlib import Path

import pytest

from support.certificates import Authority
from support.dns_server import DnsServer, running_dns
from support.web_server import Web, running_web


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with running_dns() as server:
        yield server


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def web(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """Every host that a certificate of the test names, and no other in the world."""
    hosts = (
        "autoconfig.example.com",
        "example.com",
        "database.test",
        "hoster.test",
        "autoconfig.xn--bcher-kva.example",
    )
    with running_web(authority.issue(*hosts)) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
        monkeypatch.setenv("HTTPS_PROXY", server.proxy)
        monkeypatch.delenv("NO_PROXY", raising=False)
        yield server
