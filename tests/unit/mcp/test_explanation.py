import re

from support.archives import Archive, Mail
from support.calling import Caller


async def test_an_explanation_says_how_the_query_was_read_what_served_it_and_what_took_how_long(
    archive: Archive, caller: Caller
) -> None:
    await archive.add(Mail(text="The boat leaves."))
    result = await caller.tool("search_messages", query="boat (from:ana OR -is:read)", sort="newest", explain=True)
    explanation = result["explanation"]
    assert [(part["level"], part["words"]) for part in explanation["read_as"]] == [
        (0, "all of"),
        (1, '"boat"'),
        (1, "any of"),
        (2, 'from "ana"'),
        (2, "not"),
        (3, "read"),
    ]
    assert explanation["read_as"][1]["index"] == "full-text index"
    assert explanation["read_as"][1]["use"] == "drives the search"
    assert explanation["driven_by"] == "full-text index"
    assert [step["step"] for step in explanation["steps"]] == [
        "reading the query",
        "names of accounts and mailboxes",
        "compiling",
        "finding and counting",
        "reading the rows",
        "looking for other spellings",
        "reading the texts",
        "snippets",
    ]
    assert 0 < sum(step["ms"] for step in explanation["steps"]) <= explanation["total_ms"] + 0.1
    text = await caller.text("search_messages", query="boat (from:ana OR -is:read)", explain=True)
    assert '\n    "boat"  [full-text index; drives the search]\n' in text
    assert "\n      from" in text
    assert re.search(r"\ntook [\d.]+ ms: reading the query [\d.]+ ms, ", text)


async def test_steps_of_relevance_are_its_own(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail(text="The boat leaves."))
    result = await caller.tool("search_messages", query="boat", sort="relevance", explain=True)
    assert "finding and ranking" in [step["step"] for step in result["explanation"]["steps"]]


async def test_nothing_is_explained_unless_asked_for(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail())
    assert "explanation" not in await caller.tool("search_messages", query="hello")


async def test_what_was_read_as_text_is_said(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail(subject="A zero:sum game, what's more on a 5\" disk"))
    result = await caller.tool("search_messages", query="zero:sum what's 5\"", explain=True)
    assert result["total"] == 1
    notes = " ".join(result["coverage"]["notes"])
    assert '"zero:sum" is read as text' in notes
    assert '5" is read as text' in notes


async def test_a_long_explanation_says_what_it_leaves_out(archive: Archive, caller: Caller) -> None:
    await archive.add(Mail())
    query = " OR ".join(f"word{number}" for number in range(90))
    result = await caller.tool("search_messages", query=query, explain=True)
    explanation = result["explanation"]
    assert len(explanation["read_as"]) + explanation["omitted"] == 91
    assert await caller.size("search_messages", query=f"hello OR {query}", explain=True, max_chars=1_000) <= 1_000
    small = await caller.tool("search_messages", query=f"hello OR {query}", explain=True, max_chars=1_000)
    assert small["rows"]
    assert small["explanation"]["omitted"] == 92
    text = await caller.text("search_messages", query=f"hello OR {query}", explain=True, max_chars=1_000)
    assert "92 parts of the explanation left out" in text
