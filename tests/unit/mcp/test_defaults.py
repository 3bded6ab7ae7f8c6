from collections.abc import Mapping
from typing import Any

import pytest

from mailquery.mcp.allowed import AllowedTools
from mailquery.settings import load_settings
from mcpkit.database.sqlite import Database
from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.parameters import ParameterResolver, StoredParameters
from support.archives import Archive, Mail
from support.calling import Caller


def resolver(control: Database, environ: Mapping[str, str] | None = None) -> ParameterResolver:
    return ParameterResolver(StoredParameters(control), environ or {}, "MAILQUERY_")


@pytest.fixture
async def filled(archive: Archive) -> Archive:
    await archive.add(*(Mail(subject=f"Report {number}") for number in range(5)))
    await archive.add(Mail(subject="Report of home", account="home"))
    return archive


async def rows(caller: Caller, **arguments: Any) -> int:
    return len((await caller.tool("search_messages", query="subject:report", **arguments))["rows"])


async def test_an_argument_goes_before_what_is_stored_before_the_environment_before_the_declaration(
    filled: Archive, control: Database
) -> None:
    plain = Caller(filled.services, parameters=resolver(control))
    assert await rows(plain) == 6
    caller = Caller(filled.services, parameters=resolver(control, {"MAILQUERY_SEARCH_MESSAGES_LIMIT": "4"}))
    assert await rows(caller) == 4
    await caller.tool("set_default", tool="search_messages", argument="limit", value=3)
    assert await rows(caller) == 3
    assert await rows(caller, limit=2) == 2
    await caller.tool("set_default", tool="search_messages", argument="limit")
    assert await rows(caller) == 4


async def test_one_users_defaults_are_nobody_elses(filled: Archive, control: Database) -> None:
    ana, ben = (Caller(filled.services, user=user, parameters=resolver(control)) for user in ("ana", "ben"))
    await ana.tool("set_default", tool="search_messages", argument="limit", value=1)
    assert (await rows(ana), await rows(ben)) == (1, 6)
    listed = (await ben.tool("get_defaults", tool="search_messages"))["defaults"]
    assert {each["argument"]: each["from"] for each in listed}["limit"] == "default"


async def test_the_account_can_be_set_where_there_are_several(filled: Archive, control: Database) -> None:
    caller = Caller(filled.services, parameters=resolver(control))
    await caller.tool("set_default", tool="search_messages", argument="account", value="home")
    assert await rows(caller) == 1


async def test_an_explained_call_says_where_each_value_came_from(filled: Archive, control: Database) -> None:
    caller = Caller(filled.services, parameters=resolver(control, {"MAILQUERY_SEARCH_MESSAGES_MAX_CHARS": "5000"}))
    await caller.tool("set_default", tool="search_messages", argument="limit", value=3)
    reply = await caller.reply("search_messages", query="report", sort="oldest", explain=True)
    assert reply.meta is not None
    assert reply.meta["parameters"] == {
        "account": {"value": None, "from": "default"},
        "limit": {"value": 3, "from": "stored"},
        "sort": {"value": "oldest", "from": "argument"},
        "max_chars": {"value": 5000, "from": "environment"},
    }
    assert (await caller.reply("search_messages", query="report")).meta is None


async def test_nobody_is_told_of_tools_that_are_not_there_for_them(filled: Archive, control: Database) -> None:
    lacking = Caller(filled.services, parameters=resolver(control), scopes=["mail:read"])
    denied = Caller(
        filled.services, parameters=resolver(control), allowed=AllowedTools(["get_defaults", "set_default"])
    )
    assert {each["tool"] for each in (await lacking.tool("get_defaults"))["defaults"]} > {"search_messages"}
    assert (await denied.tool("get_defaults"))["defaults"] == []
    for caller in (lacking, denied):
        assert "mail_statistics" not in await caller.text("get_defaults")
        for name in ("mail_statistics", "mail_statistic", "qqqqq"):
            with pytest.raises(Fault) as caught:
                await caller.reply("set_default", tool=name, argument="limit", value=5)
            assert "mail_statistics" not in caught.value.message
            assert caught.value.message.startswith("There is no tool of that name that takes presets")


async def test_nobody_is_told_of_an_account_in_the_environment_that_they_may_not_see(
    filled: Archive, control: Database
) -> None:
    environ = {"MAILQUERY_SEARCH_MESSAGES_ACCOUNT": "Home"}
    stranger = Caller(filled.services, parameters=resolver(control, environ), accounts=frozenset({"local"}))
    owner = Caller(filled.services, parameters=resolver(control, environ), accounts=frozenset({"home"}))

    async def told(caller: Caller) -> Any:
        return {
            each["argument"]: each for each in (await caller.tool("get_defaults", tool="search_messages"))["defaults"]
        }

    assert (await told(owner))["account"] == {
        "tool": "search_messages",
        "argument": "account",
        "value": "Home",
        "from": "environment",
    }
    assert "home" not in str(await told(stranger)).lower()
    assert "home" not in (await stranger.text("set_default", tool="search_messages", argument="account")).lower()


@pytest.mark.parametrize(
    ("tool", "argument", "value", "said"),
    [
        ("search_messages", "limit", 0, "from 1 to"),
        ("search_messages", "limit", "many", "an integer"),
        ("search_messages", "limt", 5, "did you mean `limit`?"),
        ("search_mesages", "limit", 5, "did you mean `search_messages`?"),
        ("search_messages", "sort", "sideways", "one of `relevance`"),
        ("search_messages", "query", "in:junk", "no such argument"),
        ("search_messages", "user", "ben", "no such argument"),
    ],
)
async def test_what_cannot_be_set_is_refused_with_what_can(
    caller: Caller, tool: str, argument: str, value: object, said: str
) -> None:
    with pytest.raises(Fault) as caught:
        await caller.reply("set_default", tool=tool, argument=argument, value=value)
    assert caught.value.code is ErrorCode.VALIDATION_ERROR
    assert said in caught.value.message


async def test_a_stored_value_that_no_longer_holds_is_named_as_stored(archive: Archive, control: Database) -> None:
    await StoredParameters(control).store("ana", "search_messages", "limit", 100_000)
    caller = Caller(archive.services, parameters=resolver(control))
    with pytest.raises(Fault) as caught:
        await caller.reply("search_messages", query="report")
    assert "`limit` was not given: it is the value stored for this user." in caught.value.message
    assert caught.value.details["origins"] == {"limit": "stored"}


async def test_an_account_that_is_gone_is_named_as_stored(filled: Archive, control: Database) -> None:
    await StoredParameters(control).store("ana", "search_messages", "account", "office")
    caller = Caller(filled.services, parameters=resolver(control))
    with pytest.raises(Fault) as caught:
        await caller.reply("search_messages", query="report")
    assert "`account` was not given: it is the value stored for this user." in caught.value.message


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MAILQUERY_SEARCH_MESSAGES_LIMIT", "many", "an integer"),
        ("MAILQUERY_SEARCH_MESSAGES_LIMTI", "5", "did you mean `limit`?"),
        ("MAILQUERY_READ_THREAD_ORDER", "sideways", "one of `oldest`, `newest`"),
    ],
)
async def test_a_variable_that_is_wrong_stops_the_start(
    archive: Archive, control: Database, variable: str, value: str, said: str
) -> None:
    with pytest.raises(Fault) as caught:
        Caller(archive.services, parameters=resolver(control, {variable: value}))
    assert caught.value.code is ErrorCode.CONFIGURATION
    assert variable in caught.value.message
    assert said in caught.value.message


def test_variables_of_tools_are_no_unknown_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILQUERY_SEARCH_MESSAGES_LIMIT", "5")
    load_settings()


async def test_no_tool_lets_who_calls_be_set(caller: Caller) -> None:
    identity = {"user", "principal", "scopes", "accounts", "client"}
    for tool in caller.offered.tools:
        assert not identity & set(tool.preset), tool.name
        assert "user" not in {field.alias or name for name, field in tool.arguments.model_fields.items()}
