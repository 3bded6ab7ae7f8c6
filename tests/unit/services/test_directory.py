import pytest

from mailquery.domain.messages import Flag, Problem, ProblemCode
from mailquery.repositories.groups import GroupBy
from mailquery.repositories.prepared import SourceProblem
from mailquery.repositories.records import Visibility
from mailquery.services.filters import Filters
from mcpkit.errors import ErrorCode, Fault
from support.archives import Archive, Mail

ALL = Visibility()


async def test_accounts_and_mailboxes_have_counts(archive: Archive) -> None:
    await archive.add(
        Mail(mailboxes=("Inbox", "Work"), flags=Flag(0)), Mail(text="two"), Mail(text="three", account="other")
    )
    accounts = {account.name: account for account in await archive.services.list_accounts(ALL)}
    assert (accounts["local"].messages, accounts["local"].unread, accounts["local"].mailboxes) == (2, 1, 2)
    mailboxes = await archive.services.list_mailboxes(ALL, "LOCAL")
    assert {mailbox.name: mailbox.messages for mailbox in mailboxes} == {"Inbox": 2, "Work": 1}
    assert len(await archive.services.list_mailboxes(ALL)) == 3
    with pytest.raises(Fault) as refused:
        await archive.services.list_mailboxes(ALL, "locale")
    assert "`local`" in refused.value.others


async def test_people_are_found_by_name_and_address(archive: Archive) -> None:
    await archive.add(Mail(), Mail(text="again"), Mail(text="third", sender="김하나 <hana@corp.example>"))
    found = await archive.services.find_people(ALL, "ana")
    assert [(person.address, person.sent) for person in found.people] == [
        ("ana@acme.example", 2),
        ("hana@corp.example", 1),
    ]
    assert [person.address for person in (await archive.services.find_people(ALL, "하나")).people] == [
        "hana@corp.example"
    ]
    with pytest.raises(Fault) as refused:
        await archive.services.find_people(ALL, " ")
    assert refused.value.details["argument"] == "text"


async def test_statistics_are_exact_and_state_the_remainder(archive: Archive) -> None:
    mails = [
        Mail(text=f"{sender} {number}", sender=f"{sender}@x.example")
        for sender, count in (("a", 4), ("b", 2), ("c", 1))
        for number in range(count)
    ]
    await archive.add(*mails)
    counted = await archive.services.mail_statistics(ALL, Filters(), group_by=GroupBy.SENDER, limit=1)
    assert [(group.key, group.messages) for group in counted.groups] == [("a@x.example", 4)]
    assert (counted.found.messages, counted.found.group_count, counted.left_over(1)) == (7, 3, 3)
    assert counted.found.bytes == sum(len(mail.as_bytes()) for mail in mails)
    by_mailbox = await archive.services.mail_statistics(ALL, Filters(), group_by=GroupBy.MAILBOX)
    assert (by_mailbox.left_over(0), by_mailbox.left_over(1)) == (7, 0)


async def test_what_is_left_over_is_not_told_where_messages_stand_in_several_groups(archive: Archive) -> None:
    await archive.add(
        Mail(text="1", sender="a@x.example, b@x.example"),
        Mail(text="2", sender="a@x.example"),
        Mail(text="3", mailboxes=("Inbox", "Work"), to="c@x.example, d@x.example"),
    )
    for group_by in (GroupBy.SENDER, GroupBy.MAILBOX, GroupBy.RECIPIENT):
        counted = await archive.services.mail_statistics(ALL, Filters(), group_by=group_by)
        assert counted.left_over(1) is None
    counted = await archive.services.mail_statistics(ALL, Filters(), group_by=GroupBy.DOMAIN)
    assert counted.left_over(0) == 3


async def test_problems_and_status(archive: Archive) -> None:
    place = SourceProblem("box.mbox#77", Problem(ProblemCode.UNREADABLE, "no permission"))
    await archive.add(Mail(), problems=(place,))
    page = await archive.services.list_problems(ALL)
    assert (page.total, page.problems[0].locator) == (1, "box.mbox#77")
    status = await archive.services.archive_status(ALL)
    assert (status.version.messages, status.problems, len(status.accounts)) == (1, 1, 1)


async def test_problems_are_not_for_those_who_see_some_accounts_only(archive: Archive) -> None:
    some = Visibility(frozenset({"local"}))
    with pytest.raises(Fault) as refused:
        await archive.services.list_problems(some)
    assert refused.value.code is ErrorCode.FORBIDDEN
    assert (await archive.services.archive_status(some)).problems is None
