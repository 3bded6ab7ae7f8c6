"""Arguments of a tool from its own JSON Schema, and what is wrong with them."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailbench.fuzzing.documents import anything
from mailbench.fuzzing.strings import hostile

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Known:
    """What the archive has, so that some of what is asked for is there."""

    tools: Mapping[str, Schema]  # input schemas
    texts: Mapping[str, Sequence[str]]  # right values of arguments, by name
    uris: Sequence[str]
    prompts: Mapping[str, Sequence[str]]  # names of arguments


def right_arguments(rng: random.Random, schema: Schema, known: Known) -> dict[str, Any]:
    """What is required, and some of the rest."""
    required = schema.get("required", ())
    return {
        name: _right_value(rng, name, field, known)
        for name, field in schema.get("properties", {}).items()
        if name in required or rng.random() < 0.3
    }


def hostile_arguments(rng: random.Random, schema: Schema, known: Known) -> dict[str, Any]:
    """Of the right types, with text that may mean something to what lies behind."""
    arguments = right_arguments(rng, schema, known)
    texts = [name for name, field in schema.get("properties", {}).items() if "string" in _types(field)]
    for name in rng.sample(texts, min(len(texts), rng.randrange(1, 3))):
        value = hostile(rng)
        longest = schema["properties"][name].get("maxLength")
        arguments[name] = value[:longest] if longest and rng.random() < 0.8 else value
    return arguments


def broken_arguments(rng: random.Random, schema: Schema, known: Known) -> Any:
    """With one to three things that the schema does not allow, or no object at all."""
    if rng.random() < 0.05:
        return anything(rng)
    arguments = right_arguments(rng, schema, known)
    properties = schema.get("properties", {})
    for _ in range(rng.randrange(1, 4)):
        name = rng.choice([*properties, ""])
        field = properties.get(name)
        if field is None or rng.random() < 0.15:
            arguments[rng.choice(("user", "principal", "tenant", "accounts", "__class__", hostile(rng)[:200]))] = (
                anything(rng)
            )
        elif rng.random() < 0.15:
            arguments.pop(name, None)
        else:
            arguments[name] = _wrong_value(rng, field)
    return arguments


def _types(field: Schema) -> set[str]:
    alternatives = field.get("anyOf", (field,))
    return {kind for each in alternatives if isinstance(kind := each.get("type"), str)}


def _right_value(rng: random.Random, name: str, field: Schema, known: Known) -> Any:
    if "enum" in field:
        return rng.choice(field["enum"])
    types = _types(field)
    if name in known.texts and "string" in types:
        return rng.choice(known.texts[name])
    if "boolean" in types:
        return rng.random() < 0.5
    if "integer" in types:
        lowest = field.get("minimum", 0)
        return rng.randint(lowest, min(field.get("maximum", lowest + 50), lowest + 50_000))
    return rng.choice(known.texts[""])


def _wrong_value(rng: random.Random, field: Schema) -> Any:
    bounds = [field[bound] + step for bound, step in (("minimum", -1), ("maximum", 1)) if bound in field]
    if bounds and rng.random() < 0.5:
        return rng.choice(bounds)
    if "maxLength" in field and rng.random() < 0.3:
        return "a" * (field["maxLength"] + rng.choice((0, 1, 100_000)))
    return anything(rng)
