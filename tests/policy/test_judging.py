"""When a policy is judged, and what is shown until then."""

import asyncio
from pathlib import Path

import pytest

from mailquery.domain.mailboxes import MailboxRole
from mailquery.domain.policy import NO_POLICY, HeaderRule, HeaderTest, Policy
from mailquery.repositories.records import Visibility
from mailquery.services.filters import Filters
from mailquery.services.policing import ApplyPolicy, KeepJudged
from mcpkit.errors import ErrorCode, Fault
from support.archives import Archive, Mail, temporary_archive
from support.calling import Caller

ALL = Visibility()
NO_ANA = Policy(senders=("ana@acme.example",))
FROM_ZOE = Mail(sender="Zoe <zoe@park.example>", text="Zoe writes about badgers.")


async def shown(archive: Archive) -> list[str]:
    found = await Caller(archive.services).tool("search_messages")
    return [row["id"] for row in found["rows"]]


async def test_nothing_is_read_under_another_policy(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path, policy=NO_ANA) as archive:
        await archive.add(Mail(), FROM_ZOE)
    for policy in (NO_POLICY, Policy(senders=("bo@home.example",))):
        async with temporary_archive(tmp_path, policy=policy) as other:
            for read in (
                lambda: other.services.search_messages(ALL, Filters()),
                lambda: other.services.export_message(ALL, FROM_ZOE.id),
                lambda: other.services.archive_status(ALL),
                lambda: other.services.list_problems(ALL),
            ):
                with pytest.raises(Fault, match="mailquery policy apply") as caught:
                    await read()
                assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE
    async with temporary_archive(tmp_path, policy=NO_ANA) as archive:
        assert await shown(archive) == [FROM_ZOE.id]


async def test_what_another_policy_imports_is_withheld_until_it_was_judged(tmp_path: Path) -> None:
    later = Mail(sender="Zoe <zoe@park.example>", text="Later.", date="Tue, 10 Mar 2026 14:05:00 +0900")
    moved = Mail(**{**FROM_ZOE.__dict__, "mailboxes": ("Elsewhere",)})
    async with temporary_archive(tmp_path, policy=NO_ANA) as archive:
        await archive.add(FROM_ZOE)
    async with temporary_archive(tmp_path) as other:
        await other.add(later, moved, Mail())
    async with temporary_archive(tmp_path, policy=NO_ANA) as archive:
        assert await shown(archive) == []
        assert [box.name for box in await archive.services.list_mailboxes(ALL)] == ["Inbox"]
        assert (await archive.policies.standing()).waiting == 3
        (note,) = (await archive.services.search_messages(ALL, Filters())).reading.notes
        assert "policy is being applied" in note
        await archive.apply_policy(NO_ANA)
        assert await shown(archive) == [later.id, FROM_ZOE.id]
        assert [box.name for box in await archive.services.list_mailboxes(ALL)] == ["Elsewhere", "Inbox"]


async def test_what_was_imported_before_without_change_stays_shown(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path, policy=NO_ANA) as archive:
        await archive.add(FROM_ZOE)
    async with temporary_archive(tmp_path) as other:
        await other.add(FROM_ZOE)
    async with temporary_archive(tmp_path, policy=NO_ANA) as archive:
        assert await shown(archive) == [FROM_ZOE.id]


async def test_judging_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    mails = [Mail(sender=f"N{n} <n{n}@park.example>", text=f"number {n}") for n in range(7)]
    async with temporary_archive(tmp_path) as archive:
        await archive.add(*mails, Mail())
        archive.policies.replace(NO_ANA)
        await archive.policies.adopt()
        assert await shown(archive) == []
        assert await archive.policies.judge_next(3) == 3
        assert len(await shown(archive)) == 3
    async with temporary_archive(tmp_path, policy=NO_ANA) as archive:
        assert (await archive.policies.standing()).waiting == 5
        standing = await ApplyPolicy(archive.policies, batch=2)()
        assert (standing.waiting, standing.withheld) == (0, 1)
        assert set(await shown(archive)) == {mail.id for mail in mails}


class FullAtFirst(ApplyPolicy):
    full = True

    async def judge(self) -> int:
        if self.full:
            self.full = False
            raise Fault(ErrorCode.STORAGE_FULL, "There is no room left.")
        return await super().judge()


async def test_judging_beside_a_server_goes_on_when_a_full_disk_has_room_again(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path) as archive:
        await archive.add(Mail(), FROM_ZOE)
        archive.policies.replace(NO_ANA)
        await archive.policies.adopt()
        task = asyncio.create_task(KeepJudged(FullAtFirst(archive.policies), between_looks=0.01)())
        async with asyncio.timeout(20):
            while await shown(archive) != [FROM_ZOE.id]:
                await asyncio.sleep(0.01)
        task.cancel()


async def test_a_process_that_was_overtaken_judges_nothing(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path) as archive, temporary_archive(tmp_path) as other:
        await archive.add(Mail(), FROM_ZOE)
        archive.policies.replace(NO_ANA)
        await archive.policies.adopt()
        other.policies.replace(Policy(domains=("example",)))
        await other.policies.adopt()
        assert await archive.policies.judge_next(10) == 0
        await other.apply_policy(other.policies.policy)
        assert await shown(other) == []
        assert (await other.policies.standing()).withheld == 2


async def test_a_label_that_comes_later_withholds_the_message(tmp_path: Path) -> None:
    labelled = Mail(**{**FROM_ZOE.__dict__, "mailboxes": ("Private",)})
    async with temporary_archive(tmp_path, policy=Policy(mailboxes=("private",))) as archive:
        await archive.add(FROM_ZOE, Mail())
        assert len(await shown(archive)) == 2
        await archive.add(labelled)
        assert await shown(archive) == [Mail().id]
        assert [box.name for box in await archive.services.list_mailboxes(ALL)] == ["Inbox"]


async def test_a_remembered_ranking_shows_nothing_that_was_withheld_since(tmp_path: Path) -> None:
    mails = [Mail(text=f"badgers number {n}", sender=f"N{n} <n{n}@park.example>", subject="badgers") for n in range(6)]
    async with temporary_archive(tmp_path, policy=Policy(mailboxes=("private",))) as archive:
        await archive.add(*mails)
        caller = Caller(archive.services)
        first = await caller.tool("search_messages", query="badgers", limit=2)
        for mail in mails:
            await archive.add(Mail(**{**mail.__dict__, "mailboxes": ("Private",)}))
        second = await caller.tool("search_messages", query="badgers", limit=2, cursor=first["cursor"])
        assert second["rows"] == []


async def test_a_mailbox_is_judged_anew_when_its_role_is_known(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path, policy=Policy(mailboxes=("trash",))) as archive:
        await archive.add(Mail(mailboxes=("Papierkorb",)), FROM_ZOE)
        assert len(await shown(archive)) == 2
        async with archive.imports.writing():
            await archive.imports.set_role("local", "Papierkorb", MailboxRole.TRASH)
        assert await shown(archive) == [FROM_ZOE.id]
        async with archive.imports.writing():
            await archive.imports.set_role("local", "Papierkorb", MailboxRole.ARCHIVE)
        assert await shown(archive) == [FROM_ZOE.id]
        await archive.apply_policy(archive.policies.policy)
        assert len(await shown(archive)) == 2


async def test_a_policy_that_is_taken_away_shows_everything(tmp_path: Path) -> None:
    async with temporary_archive(tmp_path, policy=NO_ANA) as archive:
        await archive.add(Mail(), FROM_ZOE)
        assert await shown(archive) == [FROM_ZOE.id]
        await archive.apply_policy(NO_POLICY)
        assert len(await shown(archive)) == 2


async def test_the_header_is_read_as_the_sender_wrote_it(tmp_path: Path) -> None:
    rule = HeaderRule("X-Class", HeaderTest.CONTAINS, "geheim")
    folded = b"X-Padding: " + b"x" * 300_000 + b"\r\nx-cLASS:\r\n =?utf-8?q?streng_GEHEIM?=\r\n"
    raw = b"From: z@park.example\r\n" + folded + b"Subject: hello\r\n\r\nText.\r\n"
    async with temporary_archive(tmp_path, policy=Policy(headers=(rule,))) as archive:
        await archive.add(Mail(raw=raw), Mail(raw=raw.replace(b"GEHEIM", b"offen")))
        assert len(await shown(archive)) == 1


async def test_names_that_the_archive_does_not_have_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with temporary_archive(tmp_path) as archive:
        await archive.add(Mail())
        await archive.apply_policy(Policy(accounts=("local", "wrok"), mailboxes=("Inbox", "Privat")))
    assert [record.getMessage() for record in caplog.records] == [
        "the policy denies the account wrok, which the archive does not have",
        "the policy denies the mailbox Privat, which the archive does not have",
    ]
