"""The consent stage, as the official client of either era meets it."""

from dataclasses import replace
from typing import Any

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CallToolResult,
    ElicitResult,
    PromptReference,
    TextContent,
    TextResourceContents,
)

from mcpkit.errors import ErrorCode
from mcpkit.protocol.calls import Asking
from mcpkit.protocol.server import build_server
from mcpkit.security.consent.consents import Mode
from support.consent_world import CATALOGUE, Person, World, call, looked
from support.consenting import Clock


async def test_a_person_is_asked_once_for_all_accounts_and_remembered(world: World, era: str) -> None:
    person = Person("Today")
    async with world.client(person, era) as client:
        assert await looked(client) == ["home", "work"]
        assert await looked(client) == ["home", "work"]
        assert await looked(client, account="work") == ["home", "work"]
    assert person.asked == ["read of home, work?"]


async def test_the_form_is_one_choice_of_the_servers_words(world: World, era: str) -> None:
    seen: list[Any] = []

    async def keep(context: Any, params: Any) -> ElicitResult:
        seen.append(params.requested_schema)
        return ElicitResult(action="cancel")

    async with Client(build_server(CATALOGUE, world.pipeline), mode=era, elicitation_callback=keep) as client:
        await looked(client)
    assert seen == [
        {
            "type": "object",
            "properties": {
                "answer": {"type": "string", "title": "Your answer", "enum": ["Once", "Today", "Long", "No"]}
            },
            "required": ["answer"],
        }
    ]


async def test_once_is_for_one_call(world: World, era: str) -> None:
    person = Person("Once")
    async with world.client(person, era) as client:
        assert await looked(client, account="work") == ["work"]
        assert await looked(client, account="work") == ["work"]
    assert person.asked == ["read of work?"] * 2


@pytest.mark.parametrize("answer", ["No", "decline"])
async def test_a_no_is_not_asked_again_for_a_while(world: World, clock: Clock, era: str, answer: str) -> None:
    person = Person(answer)
    async with world.client(person, era) as client:
        for _ in range(3):
            error = await looked(client)
            assert error["code"] == "CONSENT_REQUIRED"
            assert error["details"]["refused"] is True
        clock.now += 3601
        await looked(client)
    assert len(person.asked) == 2


@pytest.mark.parametrize(
    "answer",
    ["cancel", "Perhaps", "today", {}, {"answer": "Long", "also": "x"}, {"answer": ["Long"]}, {"other": "Long"}],
)
async def test_what_is_no_answer_grants_nothing_and_is_not_remembered(world: World, era: str, answer: object) -> None:
    person = Person(answer, "Today")
    async with world.client(person, era) as client:
        error = await looked(client)
        assert (error["code"], error["details"]["refused"]) == ("CONSENT_REQUIRED", False)
        assert await looked(client) == ["home", "work"]


async def test_without_dialogs_the_error_says_what_is_missing(world: World, era: str) -> None:
    async with world.client(None, era) as client:
        error = await looked(client, account="work")
        assert (error["code"], error["number"]) == ("CONSENT_REQUIRED", 1003)
        assert error["details"]["resources"] == ["work"]
        await world.grant("work")
        assert await looked(client, account="work") == ["work"], "the next call sees what was granted meanwhile"


async def test_a_call_goes_on_with_the_accounts_that_are_allowed(world: World, era: str) -> None:
    await world.grant("work")
    await world.grant("home", yes=False)
    person = Person("Long")
    async with world.client(person, era) as client:
        assert await looked(client) == ["work"]
        assert (await looked(client, account="home"))["details"] == {
            "resources": ["home"],
            "refused": True,
            "fresh": False,
        }
    assert person.asked == []


async def test_only_for_what_is_missing_a_person_is_asked(world: World, era: str) -> None:
    await world.grant("work")
    person = Person("No")
    async with world.client(person, era) as client:
        assert await looked(client) == ["work"], "what was consented to before stays"
    assert person.asked == ["read of home?"]


async def test_what_is_granted_for_everything_is_not_narrowed(world: World, era: str) -> None:
    await world.grant("*")
    async with world.client(None, era) as client:
        assert await looked(client) == ["everything"]


async def test_arguments_can_need_further_consent(world: World, era: str) -> None:
    await world.grant("*")
    person = Person("Once")
    async with world.client(person, era) as client:
        assert await looked(client, account="work") == ["everything"]
        assert await looked(client, account="work", secrets=True) == ["work"]
    assert person.asked == ["codes of work anew?"]


async def test_what_is_no_capability_needs_no_consent(world: World, era: str) -> None:
    async with world.client(None, era) as client:
        assert await looked(client, "clock") == ["everything"]


async def test_resources_and_prompts_ask_too(world: World, era: str) -> None:
    person = Person("Once")
    async with world.client(person, era) as client:
        content = (await client.read_resource("test://all")).contents[0]
        assert isinstance(content, TextResourceContents)
        assert content.text == "home, work"
        block = (await client.get_prompt("tell", {"account": "work"})).messages[0].content
        assert isinstance(block, TextContent)
        assert block.text == "work"
    assert person.asked == ["read of home, work?", "read of work?"]


async def test_resources_and_prompts_without_consent_are_errors(world: World, era: str) -> None:
    async with world.client(None, era) as client:
        for attempt in (client.read_resource("test://all"), client.get_prompt("tell", {})):
            with pytest.raises(MCPError) as caught:
                await attempt
            assert caught.value.error.code == ErrorCode.CONSENT_REQUIRED.number
            assert caught.value.error.data["code"] == "CONSENT_REQUIRED"


async def test_a_completion_is_empty_without_consent_and_never_asks(world: World, era: str) -> None:
    person = Person("Long")
    async with world.client(person, era) as client:
        reference, argument = PromptReference(name="tell"), {"name": "account", "value": ""}
        assert (await client.complete(reference, argument)).completion.values == []
        await world.grant("work")
        assert (await client.complete(reference, argument)).completion.values == ["work"]
    assert person.asked == []
    assert (world.audit.kept[0].decision, world.audit.kept[0].reason) == ("denied", "no consent to read")


async def test_where_the_operator_denies_nobody_is_asked(world: World, era: str) -> None:
    await world.grant("*")
    world.manager.rules = replace(world.manager.rules, modes={"memory": Mode.DENY})
    person = Person("Long")
    async with world.client(person, era) as client:
        assert (await looked(client))["code"] == "FORBIDDEN"
    assert person.asked == []


async def test_a_question_is_in_the_audit_as_one(world: World) -> None:
    async with world.client(Person("Today"), "auto") as client:
        await looked(client)
    assert [record.decision for record in world.audit.kept] == ["asked", "allowed"]
    assert world.audit.kept[0].reason == "consent to read is asked for"


async def test_an_archive_without_accounts_needs_no_consent_and_shows_nothing(world: World) -> None:
    world.terms.accounts = ()
    reply = await world.pipeline.run(call(Asking()))
    assert isinstance(reply.result(), CallToolResult)
    assert world.audit.kept[0].decision == "allowed"
