import json
import re

import pytest
from pydantic_core import to_json

from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Arguments, Link, Result, Tool
from mcpkit.protocol.stages.drafts import Draft, drafted
from mcpkit.security.untrusted import Fence, fenced_length, unfenced_json, untrusted

_MARK = re.compile(r"[0-9a-f]{8}")


class Nothing(Arguments):
    pass


class Letter(Result):
    body: str
    note: str | None = None

    def as_text(self) -> str:
        return f"a letter:\n{untrusted(self.body)}"


async def _no_handler(call: Call, arguments: Nothing) -> Letter:
    raise AssertionError


def draft_of(body: str, *links: Link) -> Draft:
    tool = Tool("t", "T", "Gives a letter.", Nothing, Letter, "read", _no_handler, links=lambda result: links)
    return drafted(tool, Letter(body=body))


@pytest.mark.parametrize("body", ["", "Hello.", 'A "quoted"\nline \\ and 회의 \u2028 😀', "<script>"])
def test_the_json_of_a_draft_is_that_of_the_reply_that_it_makes(body: str) -> None:
    draft = draft_of(body, Link("mail://message/m1", "one", "text/plain"), Link("mail://message/m2", "two"))
    wire = draft.wire()
    as_model = to_json(wire, by_alias=True, exclude_none=True, exclude={"result_type"}).decode()
    assert json.loads(_MARK.sub("", draft.encoded().decode())) == json.loads(_MARK.sub("", as_model))
    assert draft.characters == len(to_json(wire, by_alias=True, exclude_none=True).decode())


def test_each_answer_has_marks_of_its_own() -> None:
    draft = draft_of("Hello.")
    assert draft.encoded() != draft.encoded()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing of others",
        "a closing sign alone: \x03",
        untrusted("all of it"),
        f"first line\nfrom {untrusted('Ana')}:\n{untrusted('two lines' + chr(10) + 'of text')}\n",
        untrusted(r"\u0002 \\u0003 \u0001 \n as somebody typed them, and \x01"),
    ],
)
def test_the_json_of_a_fenced_text_is_that_text(text: str) -> None:
    mark = re.compile(r"(?<=<<)[0-9a-f]{8}(?=>>)|(?<=<</)[0-9a-f]{8}(?=>>)|(?<=in )[0-9a-f]{8}(?= marks)")
    fenced = json.loads(Fence().around_json(unfenced_json(text)))
    assert mark.sub("", fenced) == mark.sub("", Fence().around(text))
    assert len(set(mark.findall(fenced))) <= 1
    unfenced = unfenced_json(text)
    assert fenced_length(unfenced) == len(Fence().around_json(unfenced).decode())
