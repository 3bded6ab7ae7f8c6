import pytest

from mailquery.mail_accounts import imap_limits
from mailquery.settings.synchronising import SyncTimeouts
from mailquery.sources.imap.limits import Limits

GIGABYTE = 1024**3


def test_a_connection_takes_usual_messages_where_no_larger_ones_are_wanted() -> None:
    limits = imap_limits(SyncTimeouts(connect=3.0, read=4.0, command=5.0, idle=6.0), 0)
    assert limits == Limits(connect=3.0, read=4.0, command=5.0, idle=6.0)


@pytest.mark.parametrize("largest", [70 * 1024**2, 100_000_000, GIGABYTE])
def test_a_connection_takes_the_largest_message_that_is_wanted(largest: int) -> None:
    limits = imap_limits(SyncTimeouts(), largest)
    assert largest < limits.message < 2 * largest
    assert limits.batch >= limits.message
