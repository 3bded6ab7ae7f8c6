import json
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # has no stubs
from pydantic import BaseModel, Field

from mcpkit.protocol.declarations import Arguments, Result
from mcpkit.protocol.schemas import input_schema, output_schema


class Sort(StrEnum):
    """Written for programmers."""

    NEWEST = "newest"
    OLDEST = "oldest"


class Search(Arguments):
    """Written for programmers."""

    query: Annotated[str, Field(description="What to look for.", min_length=1)]
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    sort: Annotated[Sort, Field(description="The order.")] = Sort.NEWEST
    part: Literal["text", "html"] = "text"
    from_: Annotated[str | None, Field(alias="from", description="Of whom.")] = None
    title: str | None = None
    either: str | list[str] | None = None


class Person(BaseModel):
    name: str | None
    address: str


class Tree(BaseModel):
    name: str
    children: list["Tree"] = []


class Found(Result):
    title: str
    people: list[Person]
    first: Person | None = None
    total: int | None


class Forest(Result):
    trees: list[Tree]


def test_an_input_schema_is_what_a_client_needs_and_no_more() -> None:
    assert input_schema(Search) == {
        "type": "object",
        "additionalProperties": False,
        "required": ["query"],
        "properties": {
            "query": {"type": "string", "minLength": 1, "description": "What to look for."},
            "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
            "sort": {
                "type": "string",
                "enum": ["newest", "oldest"],
                "default": "newest",
                "description": "The order.",
            },
            "part": {"type": "string", "enum": ["text", "html"], "default": "text"},
            "from": {"type": "string", "description": "Of whom."},
            "title": {"type": "string"},
            "either": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        },
    }


def test_a_tool_without_arguments_takes_none() -> None:
    class Nothing(Arguments):
        pass

    assert input_schema(Nothing) == {"type": "object", "properties": {}, "additionalProperties": False}


@pytest.mark.parametrize(
    "result",
    [
        Found(title="t", people=[Person(name=None, address="a")], total=None),
        Found(title="t", people=[], first=Person(name="n", address="a"), total=3),
        Forest(trees=[Tree(name="a", children=[Tree(name="b")])]),
    ],
)
def test_what_is_dumped_is_what_the_output_schema_says(result: Result) -> None:
    schema = output_schema(type(result))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(result.model_dump(mode="json", by_alias=True, exclude_none=True))


def test_an_output_schema_covers_errors_and_refuses_anything_else() -> None:
    validator = Draft202012Validator(output_schema(Found))
    assert validator.is_valid({"error": {"code": "NOT_FOUND", "message": "m", "number": 3001}})
    assert not validator.is_valid({})
    assert not validator.is_valid({"title": "t", "people": "nobody"})


def test_nothing_of_pydantic_is_left() -> None:
    text = json.dumps([input_schema(Search), output_schema(Found)])
    assert "Written for programmers" not in text
    assert "null" not in text
    assert "$defs" not in text


def test_a_recursive_model_keeps_its_definition() -> None:
    schema = output_schema(Forest)
    assert list(schema["$defs"]) == ["Tree"]


def test_a_result_cannot_have_a_field_called_error() -> None:
    class Wrong(Result):
        error: str

    with pytest.raises(TypeError, match="error"):
        output_schema(Wrong)


def test_schemas_of_different_calls_share_nothing() -> None:
    first: dict[str, Any] = output_schema(Found)
    first["properties"]["error"]["properties"].clear()
    assert output_schema(Found)["properties"]["error"]["properties"]
