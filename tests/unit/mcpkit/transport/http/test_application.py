"""Which addresses only this machine reaches, and that the others need a door."""

import pytest

from mcpkit.errors import ErrorCode, Fault
from mcpkit.transport.http.application import check_unguarded, endpoint_url, is_loopback


@pytest.mark.parametrize(
    ("host", "only_here"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("10.0.0.7", False),
        ("::ffff:127.0.0.1", False),
        ("fe80::1%eth0", False),
        ("127.0.0.1.evil.example", False),
        ("not a name", False),
        ("mail.example.org", False),
    ],
)
def test_who_can_reach_an_address(host: str, only_here: bool) -> None:
    assert is_loopback(host) is only_here


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.7", "mail.example.org"])
def test_without_authentication_no_other_machine_may_reach_the_server(host: str) -> None:
    with pytest.raises(Fault, match="Do this") as refused:
        check_unguarded(host, "Do this.")
    assert refused.value.code is ErrorCode.CONFIGURATION
    check_unguarded("127.0.0.1")


def test_the_url_of_an_endpoint() -> None:
    assert endpoint_url("127.0.0.1", 80) == "http://127.0.0.1:80/mcp"
    assert endpoint_url("::1", 8765) == "http://[::1]:8765/mcp"
