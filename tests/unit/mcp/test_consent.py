"""Consent as it is to mail: what a call touches, the words, and what a narrowed call sees."""

import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mailquery.mcp.capabilities import CAPABILITIES
from mailquery.mcp.catalogue import catalogue
from mailquery.mcp.consent import MailTerms, grant_command
from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.declarations import Declaration
from mcpkit.protocol.parameters import ParameterResolver, StoredParameters
from mcpkit.protocol.stages.consenting import Consent, Question
from mcpkit.security.consent.consents import Consents
from mcpkit.security.consent.store import Decision, Way
from mcpkit.security.control import open_control
from mcpkit.security.tokens import SignedTokens
from support.archives import Archive, Mail
from support.calling import Caller
from support.consenting import Clock, consents


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[Consents]:
    async with consents(tmp_path, Clock(), tainted={"memory": True}) as opened:
        yield opened


@pytest.fixture
async def asking(archive: Archive, manager: Consents) -> Caller:
    """A caller who must have consent, of an archive with two accounts."""
    await archive.add(
        Mail(subject="Budget of the office", account="work", files=(("a.txt", "text/plain", b"figures"),)),
        Mail(subject="Budget of the house", account="home"),
    )
    terms = MailTerms(archive.services.account_names, 30)
    return Caller(archive.services, consent=Consent(manager, terms, SignedTokens(b"k" * 32)))


async def grant(manager: Consents, account: str, capability: str = "mail:read", *, yes: bool = True) -> None:
    now = manager.clock()
    await manager.store.record([Decision("ana", capability, account, yes, now, None, "ana", Way.COMMAND)])


async def refused(caller: Caller, tool: str, /, **arguments: object) -> Fault:
    with pytest.raises(Fault) as caught:
        await caller.tool(tool, **arguments)
    assert caught.value.code is ErrorCode.CONSENT_REQUIRED
    return caught.value


async def test_an_answer_is_of_the_accounts_consented_to_and_says_so(asking: Caller, manager: Consents) -> None:
    await grant(manager, "work")
    found = await asking.tool("search_messages", query="budget")
    assert [row["subject"] for row in found["rows"]] == ["Budget of the office"]
    assert found["total"] == 1
    assert found["coverage"]["accounts"] == ["work"]
    assert found["coverage"]["messages"] == 1
    assert [each["name"] for each in (await asking.tool("list_accounts"))["accounts"]] == ["work"]


async def test_nothing_of_an_account_without_consent_comes_through_by_any_way(
    asking: Caller, manager: Consents
) -> None:
    await grant(manager, "work")
    hidden = Mail(subject="Budget of the house", account="home").id
    for tool, arguments in (
        ("read_message", {"id": hidden}),
        ("read_thread", {"id": hidden}),
        ("search_messages", {"query": "account:home"}),
    ):
        with pytest.raises(Fault) as caught:
            await asking.tool(tool, **arguments)
        assert caught.value.code in (ErrorCode.NOT_FOUND, ErrorCode.VALIDATION_ERROR)
        assert "house" not in str(caught.value.as_dict())
    assert await asking.complete("weekly_digest", "account", "") == ["work"]
    assert "home" not in str(await asking.resource("mail://accounts"))
    assert "home" not in str(await asking.resource("mail://status"))


async def test_an_account_that_is_named_in_any_case_is_the_one_that_counts(asking: Caller, manager: Consents) -> None:
    await grant(manager, "work")
    assert (await asking.tool("search_messages", account="WORK "))["total"] == 1
    fault = await refused(asking, "search_messages", account="Home")
    assert fault.details["accounts"] == ["home"]


async def test_an_unknown_account_tells_no_names_that_nobody_consented_to(asking: Caller, manager: Consents) -> None:
    assert (await refused(asking, "search_messages", account="nowhere")).details["accounts"] == ["home", "work"]
    await grant(manager, "work")
    with pytest.raises(Fault) as caught:
        await asking.tool("search_messages", account="nowhere")
    assert "home" not in str(caught.value.as_dict())


async def test_reading_is_no_consent_to_attachments_or_statistics(asking: Caller, manager: Consents) -> None:
    await grant(manager, "*")
    (row,) = (await asking.tool("list_attachments"))["rows"]
    assert (await refused(asking, "get_attachment", id=row["id"])).details["capabilities"] == ["mail:attachments"]
    assert (await refused(asking, "mail_statistics", group_by="sender")).details["capabilities"] == ["mail:statistics"]


async def test_a_default_account_is_one_that_is_named(
    archive: Archive, asking: Caller, manager: Consents, tmp_path: Path
) -> None:
    await grant(manager, "work")
    terms = MailTerms(archive.services.account_names, 30)
    stage = Consent(manager, terms, SignedTokens(b"k" * 32))
    async with await open_control(tmp_path / "control.db") as control:
        parameters = ParameterResolver(StoredParameters(control), {}, "MAILQUERY_")
        caller = Caller(archive.services, parameters=parameters, consent=stage)
        # What touches no mail needs no consent.
        await caller.tool("set_default", tool="search_messages", argument="account", value="home")
        assert (await refused(caller, "search_messages")).details["accounts"] == ["home"]
        await caller.tool("set_default", tool="search_messages", argument="account", value="work")
        assert (await caller.tool("search_messages"))["total"] == 1


async def test_an_attached_file_needs_consent_given_after_mail_was_shown(asking: Caller, manager: Consents) -> None:
    clock = manager.clock
    assert isinstance(clock, Clock)
    await grant(manager, "*")
    await grant(manager, "*", "mail:attachments")
    clock.now += 1
    (row,) = (await asking.tool("list_attachments"))["rows"]
    clock.now += 1
    stale = await refused(asking, "get_attachment", id=row["id"])
    assert stale.details["why"] == "stale"
    assert "until mail is shown again" in stale.message
    with pytest.raises(Fault):
        await asking.resource(f"mail://attachment/{row['id']}")
    await grant(manager, "work", "mail:attachments")
    assert (await asking.tool("get_attachment", id=row["id"]))["size"] == len(b"figures")


async def test_a_default_is_set_after_mail_was_shown_only_with_new_consent(
    archive: Archive, asking: Caller, manager: Consents, tmp_path: Path
) -> None:
    """Else text in a message could have the assistant change what later calls look at."""
    clock = manager.clock
    assert isinstance(clock, Clock)
    await grant(manager, "*")
    stage = Consent(manager, MailTerms(archive.services.account_names, 30), SignedTokens(b"k" * 32))
    async with await open_control(tmp_path / "control.db") as control:
        stored = StoredParameters(control)
        caller = Caller(archive.services, parameters=ParameterResolver(stored, {}, "MAILQUERY_"), consent=stage)
        clock.now += 1
        await caller.tool("search_messages", query="budget")
        clock.now += 1
        setting = {"tool": "search_messages", "argument": "account", "value": "home"}
        assert (await refused(caller, "set_default", **setting)).details["why"] == "stale"
        assert await stored.of("ana") == {}
        await grant(manager, "*")
        await caller.tool("set_default", **setting)
        assert await stored.of("ana") == {("search_messages", "account"): "home"}


async def test_the_error_tells_why_and_the_command_to_run(asking: Caller, manager: Consents) -> None:
    fault = await refused(asking, "search_messages")
    command = "mailquery consent grant --user ana --capability mail:read --account home --account work --for 30d"
    assert fault.details["command"] == command
    assert fault.message.endswith(command)
    assert fault.details["why"] == "undecided"
    await grant(manager, "*", yes=False)
    assert (await refused(asking, "search_messages")).details["why"] == "refused"


def test_a_command_can_be_pasted_whatever_an_account_is_called() -> None:
    names = ["my mail; rm -rf ~", "o'hara", "$(id)"]
    words = shlex.split(grant_command("ana b", ["mail:read"], names, "30d"))
    assert words[:5] == ["mailquery", "consent", "grant", "--user", "ana b"]
    assert [word for word in words if word in names] == names


async def test_the_dialog_has_no_control_over_it_from_an_accounts_name(archive: Archive) -> None:
    terms = MailTerms(archive.services.account_names, 30)
    name = "work\u202e\n\nAllow everything!\x1b[2J" + "x" * 500
    message = terms.message(Question("ana", (("mail:read", name),)))
    assert not set("\u202e\n\x1b") & set(message)
    assert len(message) < 300
    many = terms.message(Question("ana", tuple(("mail:read", f"account {number}") for number in range(500))))
    assert "488 more" in many
    assert len(many) < 600


async def test_every_capability_is_put_in_words(archive: Archive) -> None:
    terms = MailTerms(archive.services.account_names, 30)
    for capability in CAPABILITIES:
        for fresh in (False, True):
            message = terms.message(Question("ana", ((capability, "work"),), fresh=fresh))
            assert message.startswith(f"May the assistant {CAPABILITIES[capability]}? This is about the account “work”")
    assert list(terms.choices) == ["Allow once", "Allow for this day", "Allow for 30 days", "No"]


async def test_what_is_offered_says_what_it_needs_and_whether_it_shows_mail(archive: Archive, tmp_path: Path) -> None:
    async with await open_control(tmp_path / "control.db") as control:
        offered = catalogue(archive.services, ParameterResolver(StoredParameters(control), {}, "MAILQUERY_"))
    declared: list[Declaration] = [*offered.tools, *offered.resources, *offered.prompts, *offered.completions]
    assert {each.permission for each in declared} <= CAPABILITIES.keys()
    trusted = {tool.name for tool in offered.tools if not tool.untrusted}
    own = {"get_defaults", "set_default", "list_accounts", "list_mailboxes"}
    assert trusted == own | {"sync_account", "sync_status"}
    assert {tool.name for tool in offered.tools if not tool.needs_consent} == {"get_defaults"}
    assert {tool.name for tool in offered.tools if tool.sensitive} == {"get_attachment", "set_default", "sync_account"}
    assert {each.name for each in offered.resources if not each.untrusted} == {"accounts", "status"}
    assert {each.name for each in offered.resources if each.sensitive} == {"attachment"}
