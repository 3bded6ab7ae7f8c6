from typing import Annotated, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Arguments, Embedded, Link, Result, Tool, Truncated
from mcpkit.protocol.stages import Reply
from mcpkit.protocol.stages.shaping import cut_to


class Nothing(Arguments):
    pass


class Row(BaseModel):
    text: str


class Rows(Result):
    rows: list[Row]
    truncated: Annotated[Truncated | None, Field()] = None

    def as_text(self) -> str:
        return "\n".join(row.text for row in self.rows) + (self.truncated.next if self.truncated else "")

    def units(self) -> int:
        return len(self.rows)

    def keep(self, units: int) -> Self:
        if units >= len(self.rows):
            return self
        left_out = len(self.rows) - units
        cut = Truncated(unit="rows", returned=units, omitted=left_out, next=f"offset={units}")
        return self.model_copy(update={"rows": self.rows[:units], "truncated": cut})


async def no_handler(call: Call, arguments: Nothing) -> Rows:
    raise AssertionError


def tool(**more: object) -> Tool[Nothing, Rows]:
    return Tool("t", "T", "Gives rows.", Nothing, Rows, "read", no_handler, **more)  # type: ignore[arg-type] # optional ones


def rows(*texts: str) -> Rows:
    return Rows(rows=[Row(text=text) for text in texts])


def size(reply: object) -> int:
    """Of what goes out, as a client counts it."""
    assert isinstance(reply, Reply)
    return len(reply.result().model_dump_json(by_alias=True, exclude_none=True))


@given(st.lists(st.text(max_size=200), max_size=40), st.integers(400, 12_000))
def test_an_answer_is_within_its_limit_or_the_fault_names_one_that_does(texts: list[str], limit: int) -> None:
    whole = rows(*texts)
    fault: Fault | None = None
    try:
        reply = cut_to(tool(), whole, limit)
    except Fault as caught:
        fault = caught
    if fault is not None:
        assert fault.code is ErrorCode.TOO_LARGE
        enough = fault.details["needed"]
        assert isinstance(enough, int)
        assert enough > limit
        assert size(cut_to(tool(), whole, enough)) <= enough
        return
    assert size(reply) <= limit
    shown = reply.value
    assert isinstance(shown, Rows)
    assert shown.rows == whole.rows[: len(shown.rows)]
    if shown.truncated is None:
        assert shown.rows == whole.rows
    else:
        assert shown.truncated.omitted == len(whole.rows) - len(shown.rows)
        assert shown.rows


@given(st.lists(st.text(min_size=1, max_size=60), min_size=2, max_size=30), st.integers(500, 4000))
def test_no_more_is_cut_than_needed(texts: list[str], limit: int) -> None:
    whole = rows(*texts)
    try:
        shown = cut_to(tool(), whole, limit).value
    except Fault:
        return
    assert isinstance(shown, Rows)
    if shown.truncated is not None and len(shown.rows) + 1 < len(whole.rows):
        one_more = whole.keep(len(shown.rows) + 1)
        assert cut_to(tool(), one_more, 10**9).characters + 400 > limit


def test_links_count_and_follow_what_was_kept() -> None:
    linked = tool(links=lambda result: [Link(f"x://{row.text}", row.text) for row in result.rows])
    reply = cut_to(linked, rows(*(f"row{number}" for number in range(100))), 2000)
    assert size(reply) <= 2000
    assert isinstance(reply.value, Rows)
    content = reply.result().model_dump()["content"]
    assert len(content) == 1 + len(reply.value.rows)


def test_embedded_resources_are_not_counted() -> None:
    attached = tool(embedded=lambda result: [Embedded("x://y", "text/plain", text="z" * 50_000)])
    reply = cut_to(attached, rows("a"), 1000)
    assert size(reply) > 50_000


def test_what_has_no_parts_is_too_large_as_a_whole() -> None:
    with pytest.raises(Fault) as caught:
        cut_to(tool(), rows("x" * 5000), 1000)
    assert caught.value.code is ErrorCode.TOO_LARGE
    assert "max_chars" in caught.value.message
