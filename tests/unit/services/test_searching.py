from pathlib import Path

import pytest

from mailquery.domain.handles import message_handle
from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.messages import Flag
from mailquery.repositories.records import Sort, Visibility
from mailquery.services.filters import Filters
from mailquery.services.searching import Found
from mcpkit.errors import ErrorCode, Fault
from support.archives import Archive, Mail, temporary_archive

ALL = Visibility()


def ids(found: Found) -> list[str]:
    return [message_handle(hit.row.key) for hit in found.hits]


def numbered(count: int, **fields: object) -> list[Mail]:
    return [
        Mail(subject=f"Report {number}", date=f"Mon, 09 Mar 2026 10:{number:02}:00 +0000", text=f"Figures {number}.")
        for number in range(count)
    ]


async def test_newest_first_with_exact_total_and_coverage(archive: Archive) -> None:
    stored = await archive.add(*numbered(3))
    found = await archive.services.search_messages(ALL, Filters())
    assert ids(found) == stored[::-1]
    assert (found.total.value, found.total.exact, found.more) == (3, True, False)
    coverage = found.reading.coverage
    assert (coverage.accounts, coverage.mailboxes, coverage.messages) == (("local",), ("Inbox",), 3)
    assert coverage.refreshed is not None


async def test_structured_conditions_and_the_query_hold_together(archive: Archive) -> None:
    wanted, *_ = await archive.add(
        Mail(subject="Invoice March", sender="Eva <eva@mail.acme.example>", text="please pay", flags=Flag(0)),
        Mail(subject="Invoice March", sender="Eva <eva@mail.acme.example>", text="please pay later"),
        Mail(subject="Invoice April", sender="Eva <eva@mail.acme.example>", text="please pay", flags=Flag(0)),
        Mail(subject="Invoice March", sender="Al <al@other.example>", text="please pay", flags=Flag(0)),
    )
    filters = Filters(
        query="pay",
        account="LOCAL",
        mailbox="inbox",
        from_="@acme.example",
        to="bo kim",
        subject="march invoice",
        after="2026-03-09",
        before="2026-03-10",
        has_attachment=False,
        unread=True,
    )
    found = await archive.services.search_messages(ALL, filters)
    assert ids(found) == [wanted]


async def test_snippets_show_the_words_searched_for(archive: Archive) -> None:
    await archive.add(Mail(text="Nothing here. " * 50 + "The deposit is due on Friday. " + "Nothing more. " * 50))
    found = await archive.services.search_messages(ALL, Filters(query="deposit"))
    assert "**deposit**" in found.hits[0].snippet
    assert len(found.hits[0].snippet) <= 170


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("shown", [1, 2, 3])
async def test_a_cursor_continues_after_any_hit_and_is_not_moved_by_new_mail(
    archive: Archive, sort: Sort, shown: int
) -> None:
    await archive.add(*numbered(8))
    filters = Filters(query="figures")
    whole = ids(await archive.services.search_messages(ALL, filters, sort=sort, limit=100))
    page = await archive.services.search_messages(ALL, filters, sort=sort, limit=3)
    seen = ids(page)[:shown]
    await archive.add(Mail(subject="New", date="Tue, 10 Mar 2026 10:00:00 +0000", text="Figures, newest."))
    cursor: str | None = page.cursor_after(shown)
    while cursor:
        page = await archive.services.search_messages(ALL, filters, sort=sort, limit=3, cursor=cursor)
        assert page.given_before == len(seen)
        seen += ids(page)
        cursor = page.cursor_after(len(page.hits)) if page.more else None
    assert seen == whole


@pytest.mark.parametrize("query", ["", "from:ana", "figures"])
@pytest.mark.parametrize("shown", [1, 2, 3])
async def test_relevance_loses_nothing_where_dates_take_over(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, query: str, shown: int
) -> None:
    """Nothing but words has relevance, and of many matches only the newest are ranked."""
    for module in ("search", "ranking"):
        monkeypatch.setattr(f"mailquery.repositories.sqlite.{module}.RANKED", 4)
    stored = await archive.add(*numbered(12))
    seen: list[str] = []
    orders: list[Sort] = []
    cursor: str | None = None
    while True:
        page = await archive.services.search_messages(
            ALL, Filters(query=query), sort=Sort.RELEVANCE, limit=3, cursor=cursor
        )
        kept = ids(page)[:shown]  # as where an answer has no room for the others
        seen += kept
        orders.append(page.sort)
        if not page.more and len(kept) == len(page.hits):
            break
        cursor = page.cursor_after(len(kept))
    assert sorted(seen) == sorted(stored)
    assert (orders[0], orders[-1]) == (Sort.RELEVANCE if query == "figures" else Sort.NEWEST, Sort.NEWEST)


async def test_a_cursor_is_refused_with_other_arguments_or_when_changed(archive: Archive) -> None:
    await archive.add(*numbered(3))
    search = archive.services.search_messages
    cursor = (await search(ALL, Filters(), limit=1)).cursor_after(1)
    for filters, sort, changed in (
        (Filters(query="figures"), Sort.NEWEST, cursor),
        (Filters(), Sort.OLDEST, cursor),
        (Filters(), Sort.NEWEST, cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")),
        (Filters(), Sort.NEWEST, "x"),
    ):
        with pytest.raises(Fault) as refused:
            await search(ALL, filters, sort=sort, limit=1, cursor=changed)
        assert refused.value.code is ErrorCode.INVALID_FORMAT
        assert refused.value.details == {"argument": "cursor"}
    with pytest.raises(Fault):
        await search(Visibility(frozenset({"local"})), Filters(), limit=1, cursor=cursor)
    with pytest.raises(Fault):
        await archive.services.list_attachments(ALL, Filters(), cursor=cursor)


async def test_a_cursor_is_refused_to_another_user_who_may_see_the_same(tmp_path: Path) -> None:
    ana, ben = Visibility(user="ana"), Visibility(user="ben")
    async with temporary_archive(tmp_path, me=("ana@acme.example",)) as archive:
        await archive.add(*numbered(3))
        search, attachments = archive.services.search_messages, archive.services.list_attachments
        awaiting = archive.services.awaiting_reply
        found = (await search(ana, Filters(), limit=1)).cursor_after(1)
        files = (await attachments(ana, Filters(), limit=1)).cursor_after(1)
        threads = (await awaiting(ana, Filters())).cursor_after(0)

        async def go_on(user: Visibility) -> None:
            await search(user, Filters(), limit=1, cursor=found)
            await attachments(user, Filters(), limit=1, cursor=files)
            await awaiting(user, Filters(), cursor=threads)

        await go_on(ana)
        for user in (ben, ALL):
            for call in (
                search(user, Filters(), limit=1, cursor=found),
                attachments(user, Filters(), limit=1, cursor=files),
                awaiting(user, Filters(), cursor=threads),
            ):
                with pytest.raises(Fault) as refused:
                    await call
                assert refused.value.details == {"argument": "cursor"}


async def test_an_unknown_name_is_an_error_that_names_the_nearest(archive: Archive) -> None:
    await archive.add(Mail(mailboxes=("Projects/Harbour",)), Mail(text="other", account="work"))
    for filters, argument, nearest in (
        (Filters(account="wrok"), "account", "work"),
        (Filters(mailbox="Harbor"), "mailbox", "Projects/Harbour"),
        (Filters(query="in:harbor"), "query", "Projects/Harbour"),
        (Filters(query="in:nowhere OR in:harbor"), "query", "Projects/Harbour"),
    ):
        with pytest.raises(Fault) as refused:
            await archive.services.search_messages(ALL, filters)
        assert refused.value.code is ErrorCode.VALIDATION_ERROR
        assert refused.value.details["argument"] == argument
        assert nearest in refused.value.others
    with pytest.raises(Fault) as refused:
        await archive.services.search_messages(ALL, Filters(account="work", mailbox="harbour"))
    assert refused.value.details["argument"] == "mailbox"


async def test_a_name_that_can_be_done_without_is_a_note(archive: Archive) -> None:
    await archive.add(Mail())
    found = await archive.services.search_messages(ALL, Filters(query="-in:lists hello"))
    assert found.total.value == 1
    assert any("lists" in note for note in found.reading.notes)


async def test_a_mailbox_is_found_by_its_role(archive: Archive) -> None:
    await archive.add(Mail(mailboxes=("보낸편지함",)), Mail(text="other"))
    await archive.imports.set_role("local", "보낸편지함", MailboxRole.SENT)
    found = await archive.services.search_messages(ALL, Filters(mailbox="sent"))
    assert found.total.value == 1
    assert found.reading.coverage.mailboxes == ("보낸편지함",)


async def test_a_mailbox_that_was_just_added_is_known(archive: Archive) -> None:
    await archive.add(Mail())
    await archive.services.search_messages(ALL, Filters())
    await archive.add(Mail(mailboxes=("Inbox", "Travel")), finished=False)  # the same message once more
    found = await archive.services.search_messages(ALL, Filters(mailbox="travel"))
    assert found.total.value == 1


@pytest.mark.parametrize(
    ("filters", "code", "argument"),
    [
        (Filters(query="(open"), ErrorCode.QUERY_SYNTAX, None),
        (Filters(after="15.03.2026"), ErrorCode.INVALID_FORMAT, "after"),
        (Filters(before="soon"), ErrorCode.INVALID_FORMAT, "before"),
        (Filters(after="2026-03-10", before="2026-03-10"), ErrorCode.VALIDATION_ERROR, "after"),
        (Filters(from_="  "), ErrorCode.INVALID_FORMAT, "from"),
        (Filters(from_="("), ErrorCode.INVALID_FORMAT, "from"),
        (Filters(subject="!?"), ErrorCode.INVALID_FORMAT, "subject"),
    ],
)
async def test_a_condition_that_is_not_understood_is_an_error(
    archive: Archive, filters: Filters, code: ErrorCode, argument: str | None
) -> None:
    await archive.add(Mail())
    with pytest.raises(Fault) as refused:
        await archive.services.search_messages(ALL, filters)
    assert refused.value.code is code
    assert argument is None or refused.value.details["argument"] == argument


@pytest.mark.parametrize("limit", [0, -1, 101])
async def test_a_limit_out_of_range_is_refused(archive: Archive, limit: int) -> None:
    with pytest.raises(Fault) as refused:
        await archive.services.search_messages(ALL, Filters(), limit=limit)
    assert refused.value.details == {"argument": "limit", "minimum": 1, "maximum": 100}


async def test_an_empty_archive_says_so(archive: Archive) -> None:
    found = await archive.services.search_messages(ALL, Filters(query="anything"))
    assert found.total.value == 0
    assert any("empty" in note for note in found.reading.notes)


async def test_what_is_not_visible_does_not_exist(archive: Archive) -> None:
    await archive.add(Mail(account="home"), Mail(text="secret", account="work"))
    home = Visibility(frozenset({"home"}))
    found = await archive.services.search_messages(home, Filters())
    assert found.total.value == 1
    assert found.reading.coverage.accounts == ("home",)
    assert found.reading.coverage.messages == 1
    with pytest.raises(Fault) as refused:
        await archive.services.search_messages(home, Filters(account="work"))
    assert "work" not in refused.value.message


async def test_days_begin_at_the_users_midnight(archive: Archive) -> None:
    late, early = await archive.add(
        Mail(subject="late", date="Sun, 08 Mar 2026 14:59:00 +0000"),  # 23:59 in Seoul
        Mail(subject="early", date="Sun, 08 Mar 2026 15:00:00 +0000"),  # midnight in Seoul
    )
    search = archive.services.search_messages
    assert ids(await search(ALL, Filters(after="2026-03-09"))) == [early]
    assert ids(await search(ALL, Filters(before="2026-03-09"))) == [late]


async def test_me_is_each_of_the_owners_addresses_and_nobody_elses(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path, me=["ana@acme.example", "@ana.example"]) as archive:
        mine, also_mine, to_me, _ = await archive.add(
            Mail(subject="1", sender="Ana <ANA@acme.example>"),
            Mail(subject="2", sender="hello@mail.ana.example"),
            Mail(subject="3", sender="bo@acme.example", to="Whoever <ana@acme.example>"),
            Mail(subject="4", sender="dana@acme.example", to="me@acme.example"),
        )
        assert set(ids(await archive.services.search_messages(ALL, Filters("from:me")))) == {mine, also_mine}
        assert ids(await archive.services.search_messages(ALL, Filters(to="me"))) == [to_me]
        found = await archive.services.search_messages(ALL, Filters("-with:me"))
        assert [hit.row.subject for hit in found.hits] == ["4"]


async def test_me_is_who_sends_the_sent_mail_where_nothing_is_set(archive: Archive) -> None:
    sent, _ = await archive.add(
        Mail(subject="1", sender="ana@acme.example", mailboxes=("Sent",)), Mail(subject="2", sender="bo@acme.example")
    )
    async with archive.imports.writing():
        await archive.imports.set_role("local", "Sent", MailboxRole.SENT)
    assert ids(await archive.services.search_messages(ALL, Filters("from:me"))) == [sent]


async def test_me_is_an_error_that_says_how_to_set_it_where_nobody_knows(archive: Archive) -> None:
    await archive.add(Mail(text="remind me: now"))
    with pytest.raises(Fault, match="MAILQUERY_ME=") as caught:
        await archive.services.search_messages(ALL, Filters("from:me"))
    assert caught.value.code is ErrorCode.CONFIGURATION
    assert (await archive.services.search_messages(ALL, Filters("subject:hello remind me"))).total.value == 1


async def test_of_a_long_query_it_is_said_how_many_words_rank(archive: Archive) -> None:
    terms = " ".join(f"word{number}x" for number in range(40))
    await archive.add(Mail(text=terms))
    found = await archive.services.search_messages(ALL, Filters(terms))
    assert found.total.value == 1
    assert "relevance goes by the first 32 of 40" in " ".join(found.reading.notes)
