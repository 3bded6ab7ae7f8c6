"""A mail server that a test makes lie, fail and change, and the archive of an account there."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.mail_accounts import (
    ParsedHere,
    Synchronised,
    account_anywhere,
    synchronised,
)
from support.remote_mail import RemoteMail


@pytest.fixture
def server() -> RemoteMail:
    return RemoteMail()


@pytest.fixture
async def home(server: RemoteMail, tmp_path: Path) -> AsyncIterator[Synchronised]:
    async with synchronised(tmp_path, account_anywhere(), server.of, ParsedHere) as found:
        yield found
