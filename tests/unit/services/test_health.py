from collections.abc import Sequence

import pytest

from mailquery.domain.accounts import AccountState
from mailquery.repositories.background import HostStanding
from mailquery.services.background.sync_status import SyncFigures
from mailquery.services.health import of_sources
from mcpkit.monitoring.health import Status

ACTIVE, PAUSED, NEEDS_LOGIN = AccountState.ACTIVE, AccountState.PAUSED, AccountState.NEEDS_LOGIN


def figures(
    active: int = 1, login: int = 0, failing: int = 0, oldest: float | None = 5.0, hosts: Sequence[str] = ()
) -> SyncFigures:
    states = {ACTIVE: active, NEEDS_LOGIN: login}
    return SyncFigures(states, failing, 0, oldest, tuple(HostStanding(host, "open", 5) for host in hosts))


@pytest.mark.parametrize(
    ("found", "detail"),
    [
        (figures(failing=1, active=3), "of 3 accounts, 1 failed the last time"),
        (figures(login=2), "of 3 accounts, 2 need a login"),
        (figures(login=1, active=0), "of 1 account, 1 needs a login"),
        (figures(hosts=["mail.acme.example"]), "of 1 account, 1 mail server is left alone for now"),
        (figures(oldest=7_300.0), "of 1 account, the stalest was in step 2 hours ago"),
        (figures(oldest=90_000.0), "of 1 account, the stalest was in step 1 day ago"),
    ],
)
def test_what_keeps_mail_from_coming_in_degrades_and_is_counted(found: SyncFigures, detail: str) -> None:
    outcome = of_sources(found, stale_after=900)
    assert (outcome.status, outcome.detail) == (Status.DEGRADED, detail)


def test_hosts_are_for_the_owner() -> None:
    outcome = of_sources(figures(hosts=["imap.other.example", "mail.acme.example"]), stale_after=900)
    assert "example" not in outcome.detail
    assert "imap.other.example (open), mail.acme.example (open)" in outcome.private


@pytest.mark.parametrize(
    ("found", "detail"),
    [
        (figures(active=2), "2 accounts in step"),
        (figures(oldest=None), "1 account, none in step yet"),
        (SyncFigures({}, 0, 0, None), "no account on a mail server"),
        (SyncFigures({PAUSED: 1}, 0, 0, None), "1 account, 1 paused"),
        (SyncFigures({ACTIVE: 2, PAUSED: 1}, 0, 0, 5.0), "3 accounts in step, 1 paused"),
    ],
)
def test_what_is_well(found: SyncFigures, detail: str) -> None:
    outcome = of_sources(found, stale_after=900)
    assert (outcome.status, outcome.detail) == (Status.HEALTHY, detail)
