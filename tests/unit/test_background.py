"""Accounts on one host share its circuit breaker."""

import pytest

from mailquery.background import Hosts
from mailquery.domain.accounts import Login, MailAccount, Server
from mailquery.settings.synchronising import SyncBreaker
from mailquery.sources.remote import MailConnection, Reason
from mcpkit.errors import ErrorCode, Fault


class Away:
    bytes_received = 0

    def __init__(self) -> None:
        self.attempts = 0

    async def connect(self) -> MailConnection:
        self.attempts += 1
        # Asks for so long a pause that it is not tried again at once.
        details = {"reason": Reason.BUSY.value}
        raise Fault(ErrorCode.SOURCE_UNAVAILABLE, "It is busy.", details=details, retry_after=3_600.0)


def account(name: str, host: str = "mail.acme.example", port: int = 993) -> MailAccount:
    return MailAccount(name, f"{name}@acme.example", Server(host, port), name, Login.PASSWORD)


async def test_what_one_account_finds_out_the_others_need_not() -> None:
    hosts = Hosts(SyncBreaker(failures=1))
    first, second, elsewhere = Away(), Away(), Away()
    with pytest.raises(Fault, match="busy"):
        await hosts.guarded(account("ana"), first).connect()
    with pytest.raises(Fault, match=r"mail\.acme\.example failed once"):
        await hosts.guarded(account("ben"), second).connect()
    with pytest.raises(Fault, match="busy"):
        await hosts.guarded(account("cai", "imap.other.example"), elsewhere).connect()
    assert (first.attempts, second.attempts, elsewhere.attempts) == (1, 0, 1)
    standing = hosts.standing(account("ben"))
    assert standing is not None
    assert (standing.host, standing.state, standing.failures) == ("mail.acme.example", "open", 1)
    assert standing.next_try is not None
    assert [each.name for each in hosts.standings()] == ["imap.other.example", "mail.acme.example"]


async def test_servers_at_other_ports_are_other_servers() -> None:
    hosts = Hosts(SyncBreaker(failures=1))
    assert hosts.standing(account("ana")) is None
    with pytest.raises(Fault, match="busy"):
        await hosts.guarded(account("ana", port=10_143), Away()).connect()
    standing = hosts.standing(account("ana", port=10_143))
    assert standing is not None
    assert (standing.host, standing.state) == ("mail.acme.example:10143", "open")
    usual = hosts.standing(account("ana", port=143))
    assert usual is not None
    assert (usual.host, usual.state) == ("mail.acme.example", "closed")
