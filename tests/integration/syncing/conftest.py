"""A Dovecot for all these tests, with a user of its own for each."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from itertools import count
from pathlib import Path

import pytest

from support.dovecot import PASSWORD, Dovecot, Mail, running_dovecot
from support.mail_accounts import Synchronised, account_on, synchronised

_NUMBERS = count()


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


@pytest.fixture
def mail(dovecot: Dovecot) -> Mail:
    """Mailboxes of a user whom no other test has: an empty INBOX."""
    return dovecot.add_user(f"user{next(_NUMBERS)}@example.com", PASSWORD)


Home = Callable[..., AbstractAsyncContextManager[Synchronised]]


@pytest.fixture
def home_with(dovecot: Dovecot, mail: Mail, tmp_path: Path) -> Home:
    """The archive of an account that is changed as the arguments say."""
    return lambda **changed: synchronised(tmp_path, account_on(dovecot, username=mail.user, **changed))


@pytest.fixture
async def home(home_with: Home) -> AsyncIterator[Synchronised]:
    async with home_with() as found:
        yield found
