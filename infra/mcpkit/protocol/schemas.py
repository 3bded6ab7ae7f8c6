"""JSON Schemas of tools, from their pydantic models: what a client needs to call a tool, without pydantic's noise.

Dialect 2020-12, with an object at the root (a listing with any other root is refused by clients of the handshake era).
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

_INLINE_BELOW = 400  # characters; what is larger and used twice stays in $defs
_SCHEMA_VALUES = ("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else")
_SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SCHEMA_MAPS = ("properties", "patternProperties", "$defs")
_NULL: Schema = {"type": "null"}

ERROR_SCHEMA: Schema = {
    "type": "object",
    "description": "Instead of a result, where isError is true.",
    "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
    "required": ["code", "message"],
}


def input_schema(model: type[BaseModel]) -> Schema:
    """The schema of arguments as they are sent. An optional argument is left out, so null is not offered."""
    schema = _compact(model.model_json_schema(by_alias=True, mode="validation"))
    schema.setdefault("properties", {})
    schema["additionalProperties"] = False
    return schema


def output_schema(model: type[BaseModel]) -> Schema:
    """The schema of `structuredContent`: the model as dumped without its Nones, or `error`.

    Some clients hold the structured content of an `isError` result against this schema too, so it covers both.

    Raises:
        TypeError: the model has a field called `error`, or is not an object.
    """
    schema = _compact(model.model_json_schema(by_alias=True, mode="serialization"))
    if schema.get("type") != "object":
        raise TypeError(f"{model.__name__} is not an object")
    properties = schema.setdefault("properties", {})
    if "error" in properties:
        raise TypeError(f"{model.__name__}.error is kept for errors")
    properties["error"] = deepcopy(ERROR_SCHEMA)
    if required := schema.pop("required", None):
        schema["anyOf"] = [{"required": required}, {"required": ["error"]}]
    return schema


def _compact(schema: Schema) -> Schema:
    definitions: dict[str, Schema] = schema.pop("$defs", {})
    cleaned = {name: _clean(definition) for name, definition in definitions.items()}
    kept: dict[str, Schema] = {}
    root = _inline(_clean(schema), cleaned, kept)
    if kept:
        root["$defs"] = kept
    return root


def _clean(schema: Schema) -> Schema:
    """Without titles, class docstrings, null alternatives and defaults that say nothing."""
    clean: Schema = {}
    for keyword, value in schema.items():
        if keyword in ("title", "$defs") or (keyword == "default" and not value):
            continue  # an empty text, no and none are what an argument that is left out stands for anyway
        if keyword == "description" and "properties" in schema:
            continue  # the docstring of a class, which is written for programmers
        if keyword in _SCHEMA_MAPS:
            clean[keyword] = {name: _clean(sub) for name, sub in value.items()}
        elif keyword in _SCHEMA_LISTS:
            clean[keyword] = [_clean(sub) for sub in value]
        elif keyword in _SCHEMA_VALUES and isinstance(value, dict):
            clean[keyword] = _clean(value)
        else:
            clean[keyword] = value
    if "properties" in clean:
        _drop_nulls(clean)
    return clean


def _drop_nulls(schema: Schema) -> None:
    """Properties that may be null become properties that may be absent, as both directions of the wire have it."""
    for name, sub in schema["properties"].items():
        alternatives = sub.get("anyOf")
        if alternatives is None or _NULL not in alternatives:
            continue
        rest = [alternative for alternative in alternatives if alternative != _NULL]
        del sub["anyOf"]
        sub.update({**rest[0], **sub} if len(rest) == 1 else {"anyOf": rest, **sub})
        if name in schema.get("required", ()):
            schema["required"] = [other for other in schema["required"] if other != name]
    if schema.get("required") == []:
        del schema["required"]


def _inline(schema: Schema, definitions: Mapping[str, Schema], kept: dict[str, Schema]) -> Schema:
    """Replace each `$ref` by what it names, unless that is recursive or large; such definitions are put into `kept`."""
    if reference := schema.get("$ref"):
        name = reference.removeprefix("#/$defs/")
        siblings = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
        if _is_recursive(name, definitions) or len(json.dumps(definitions[name])) > _INLINE_BELOW:
            if name not in kept:
                kept[name] = {}  # before descending, so that recursion ends
                kept[name] = _inline(definitions[name], definitions, kept)
            return schema
        return {**_inline(definitions[name], definitions, kept), **siblings}
    result: Schema = {}
    for keyword, value in schema.items():
        if keyword in _SCHEMA_MAPS:
            result[keyword] = {name: _inline(sub, definitions, kept) for name, sub in value.items()}
        elif keyword in _SCHEMA_LISTS:
            result[keyword] = [_inline(sub, definitions, kept) for sub in value]
        elif keyword in _SCHEMA_VALUES and isinstance(value, dict):
            result[keyword] = _inline(value, definitions, kept)
        else:
            result[keyword] = value
    return result


def _is_recursive(name: str, definitions: Mapping[str, Schema]) -> bool:
    seen: set[str] = set()
    pending = [definitions[name]]
    while pending:
        text = json.dumps(pending.pop())
        for other in definitions:
            if f'"#/$defs/{other}"' in text:
                if other == name:
                    return True
                if other not in seen:
                    seen.add(other)
                    pending.append(definitions[other])
    return False
