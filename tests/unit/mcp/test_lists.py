import pytest

from mailquery.domain.accounts import AccountState, Login, MailAccount, Server
from mailquery.domain.messages import Flag
from mcpkit.errors import Fault
from support.archives import Archive, Mail
from support.calling import Caller


async def test_accounts(archive: Archive, caller: Caller) -> None:
    assert "empty" in await caller.text("list_accounts")
    await archive.add(Mail(flags=Flag(0)), Mail(text="two", date="Tue, 10 Mar 2026 10:00:00 +0000"))
    result = await caller.tool("list_accounts")
    (account,) = result["accounts"]
    assert account.pop("refreshed")
    assert account == {
        "name": "local",
        "mailboxes": 1,
        "messages": 2,
        "unread": 1,
        "oldest": "2026-03-09T05:05Z",
        "newest": "2026-03-10T10:00Z",
    }
    assert "local | 2 messages | 1 unread | 1 mailbox" in await caller.text("list_accounts")


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (AccountState.ACTIVE, None),
        (AccountState.PAUSED, "paused: The server said so."),
        (AccountState.NEEDS_LOGIN, "needs a login: The server said so."),
    ],
)
async def test_an_account_says_why_nothing_new_comes_from_its_server(
    archive: Archive, caller: Caller, state: AccountState, told: str | None
) -> None:
    await archive.add(Mail())
    server = MailAccount("local", "ana@acme.example", Server("imap.acme.example", 993), "ana", Login.PASSWORD)
    await archive.accounts.put(server)
    await archive.accounts.set_state("local", state, "The server\u202e said so." if told else "")
    (account,) = (await caller.tool("list_accounts"))["accounts"]
    assert account.get("stopped") == told
    assert told is None or told in await caller.text("list_accounts")


async def test_mailboxes(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail(mailboxes=("Inbox", "Work/2026")), Mail(text="other", account="second"))
    result = await caller.tool("list_mailboxes")
    assert {(mailbox["account"], mailbox["name"]) for mailbox in result["mailboxes"]} == {
        ("local", "Inbox"),
        ("local", "Work/2026"),
        ("second", "Inbox"),
    }
    assert (await caller.tool("list_mailboxes", account="second"))["total"] == 1
    assert "local: Work/2026 | 1 message" in await caller.text("list_mailboxes")


async def test_mailboxes_that_do_not_fit_are_counted(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail(mailboxes=tuple(f"Folder {number}" for number in range(60))))
    result = await caller.tool("list_mailboxes", max_chars=3_000)
    assert len(result["mailboxes"]) + result["truncated"]["omitted"] == result["total"] == 60


async def test_statistics(archive: Archive, caller: Caller) -> None:
    await archive.add(
        *(Mail(text=str(number), date=f"Mon, 0{2 + 7 * (number % 2)} Mar 2026 10:00:00 +0000") for number in range(4)),
        Mail(text="other", sender="eva@other.example", date="Wed, 01 Apr 2026 10:00:00 +0000"),
    )
    result = await caller.tool("mail_statistics", group_by="month")
    assert [(group["key"], group["messages"]) for group in result["groups"]] == [("2026-04", 1), ("2026-03", 4)]
    assert (result["messages"], result["group_count"], "remainder" in result) == (5, 2, False)
    short = await caller.tool("mail_statistics", group_by="sender", limit=1)
    assert short["groups"][0]["key"] == "ana@acme.example"
    assert short["remainder"] == {"groups": 1, "messages": 1}
    assert "not shown: 1 group with 1 message" in await caller.text("mail_statistics", group_by="sender", limit=1)
    assert (await caller.tool("mail_statistics", group_by="sender", query="from:eva"))["messages"] == 1


async def test_a_group_is_divided_again_and_each_part_of_the_rest_is_stated(archive: Archive, caller: Caller) -> None:
    await archive.add(
        *(Mail(text=f"{month}", date=f"Mon, 02 {month} 2026 10:00:00 +0000") for month in ("Jan", "Feb", "Mar")),
        *(Mail(text=f"eva {number}", sender="eva@x.example", flags=Flag(0)) for number in range(5)),
    )
    result = await caller.tool("mail_statistics", group_by="sender", then_by="month", then_limit=2)
    eva, ana = result["groups"]
    assert (eva["key"], [(part["key"], part["messages"]) for part in eva["parts"]]) == (
        "eva@x.example",
        [("2026-03", 5)],
    )
    assert "remainder" not in eva
    assert [part["key"] for part in ana["parts"]] == ["2026-03", "2026-02"]
    assert ana["remainder"] == {"groups": 1, "messages": 1}
    assert (result["then_by"], result["unread"], result["first"], result["last"]) == (
        "month",
        5,
        "2026-01-02",
        "2026-03-09",
    )
    text = await caller.text("mail_statistics", group_by="sender", then_by="month", then_limit=2)
    assert "\n  2026-02 | 1 message" in text
    assert "\n  not shown: 1 group with 1 message" in text
    with pytest.raises(Fault) as refused:
        await caller.tool("mail_statistics", group_by="sender", then_by="sender")
    assert refused.value.details["argument"] == "then_by"


async def test_groups_come_before_their_parts_where_room_is_short(archive: Archive, caller: Caller) -> None:
    await archive.add(
        *(
            Mail(text=f"{sender} {day}", sender=f"s{sender}@x.example", date=f"{day:02} Mar 2026 10:00:00 +0000")
            for sender in range(8)
            for day in range(1, 11)
        )
    )
    result = await caller.tool("mail_statistics", group_by="sender", then_by="day", max_chars=6_000)
    assert len(result["groups"]) == 8
    shown_parts = [len(group.get("parts", ())) for group in result["groups"]]
    assert max(shown_parts) - min(shown_parts) <= 1
    assert result["truncated"]["returned"] == sum(shown_parts)
    assert result["truncated"]["omitted"] == 80 - sum(shown_parts)
    for group, parts in zip(result["groups"], shown_parts, strict=True):
        assert group["remainder"] == {"groups": 10 - parts, "messages": 10 - parts}


async def test_every_hour_of_the_day_is_given(archive: Archive, caller: Caller) -> None:
    await archive.add(*(Mail(text=f"{n}", date=f"Mon, 02 Mar 2026 {n:02}:10:00 +0000") for n in range(24)))
    result = await caller.tool("mail_statistics", group_by="hour")
    assert [group["key"] for group in result["groups"]] == [f"{hour:02}" for hour in range(24)]
    assert len((await caller.tool("mail_statistics", group_by="hour", limit=3))["groups"]) == 3


async def test_periods_and_their_days_are_in_the_users_time_zone(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail(date="Tue, 31 Mar 2026 15:30:00 +0000"))  # half past midnight in Seoul
    result = await caller.tool("mail_statistics", group_by="day")
    (group,) = result["groups"]
    assert (group["key"], group["first"], group["last"]) == ("2026-04-01", "2026-04-01", "2026-04-01")
    assert result["time_zone"] == "Asia/Seoul"
    assert "Days of Asia/Seoul." in await caller.text("mail_statistics", group_by="day")


async def test_mailboxes_of_one_name_are_counted_for_each_account(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail(text="1"), Mail(text="2"), Mail(text="3", account="second"))
    result = await caller.tool("mail_statistics", group_by="mailbox")
    groups = [(group["account"], group["key"], group["messages"]) for group in result["groups"]]
    assert groups == [("local", "Inbox", 2), ("second", "Inbox", 1)]
    assert "second: Inbox | 1 message" in await caller.text("mail_statistics", group_by="mailbox")
    listed = (await caller.tool("list_mailboxes"))["mailboxes"]
    assert [(each["account"], each["name"], each["messages"]) for each in listed] == groups


async def test_messages_without_a_sender_are_counted_as_such(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail(raw=b"Subject: nobody wrote this\n\nx\n"), Mail())
    result = await caller.tool("mail_statistics", group_by="sender")
    assert {group["key"]: group["messages"] for group in result["groups"]} == {"(none)": 1, "ana@acme.example": 1}


async def test_people(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail(), Mail(text="two", sender="Ana <ana@acme.example>"))
    result = await caller.tool("find_people", text="acme")
    (person,) = result["people"]
    assert set(person.pop("names")) == {"Ana Lima", "Ana"}
    assert person == {
        "address": "ana@acme.example",
        "sent": 2,
        "received": 0,
        "first": "2026-03-09",
        "last": "2026-03-09",
    }
