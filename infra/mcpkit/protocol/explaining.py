"""Validation errors as sentences a model can act on: the argument, what it must be, never what it was."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.untrusted import clean_line

_LONGEST_NAME = 64  # characters of an unknown argument's name that are repeated
_ALLOWED_KEYWORDS = (
    "type",
    "enum",
    "const",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "pattern",
    "format",
)
_NOUNS = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def invalid_arguments(
    name: str, schema: Mapping[str, Any], error: ValidationError, *, argument: str | None = None
) -> Fault:
    """VALIDATION_ERROR for the arguments of a tool; its details hold each argument, its problem and what is allowed.
    `argument` is the one that was validated, where it was one alone."""
    only = () if argument is None else (argument,)
    problems: dict[str, dict[str, object]] = {}
    for detail in error.errors(include_url=False, include_input=False):
        at_fault, problem, allowed = _problem(name, schema, (*only, *detail["loc"]), detail)
        if at_fault not in problems:  # a union reports each of its branches
            problems[at_fault] = {"argument": at_fault, "problem": problem} | ({"allowed": allowed} if allowed else {})
    message = " ".join(str(problem["problem"]) for problem in problems.values())
    return Fault(ErrorCode.VALIDATION_ERROR, message, details={"arguments": list(problems.values())})


def malformed_parameters(error: ValidationError) -> str:
    """What is wrong with the `params` of a request, as one line that repeats none of their values."""
    places: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        names = [str(step) for step in detail["loc"] if isinstance(step, str) and step.isidentifier()]
        place = clean_line(".".join(name for name in names[:3] if name != "params"), _LONGEST_NAME) or "params"
        places.setdefault(place, "is required" if detail["type"] == "missing" else "is malformed")
    return "Invalid params: " + ", ".join(f"`{place}` {problem}" for place, problem in list(places.items())[:5])


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name that was probably meant."""
    close = get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(name: str, known: Sequence[str]) -> str:
    close = nearest(name, known)
    return f", did you mean `{close}`?" if close else ""


def _problem(
    tool: str, schema: Mapping[str, Any], location: Sequence[int | str], detail: ErrorDetails
) -> tuple[str, str, dict[str, Any]]:
    first = clean_line(str(location[0]), _LONGEST_NAME) if location else ""
    indices = "".join(f"[{step}]" for step in location[1:] if isinstance(step, int))
    argument = f"{first}{indices}"
    if detail["type"] == "extra_forbidden":
        known = list(schema.get("properties", {}))
        hint = did_you_mean(first, known) or (f"; it takes {_listed(known)}." if known else "; it takes none.")
        return argument, f"`{argument}` is not an argument of {tool}{hint}", {}
    declared = schema.get("properties", {}).get(first, {})
    allowed = {keyword: declared[keyword] for keyword in _ALLOWED_KEYWORDS if keyword in declared}
    if detail["type"] == "missing":
        return argument, f"`{argument}` is required.", allowed
    if detail["type"] == "value_error":  # raised by a validator of ours, which says what is right
        reason = detail["msg"].removeprefix("Value error, ").rstrip(".")
        return argument, f"`{argument}`: {reason}.", allowed
    return argument, f"`{argument}` must be {_requirement(declared, detail)}.", allowed


def _requirement(declared: Mapping[str, Any], detail: ErrorDetails) -> str:
    if "enum" in declared:
        return f"one of {_listed([str(value) for value in declared['enum']])}"
    if "const" in declared:
        return f"`{declared['const']}`"
    kinds = declared.get("type")
    if not isinstance(kinds, str):
        branches = [branch.get("type", "") for branch in declared.get("anyOf", ())]
        return " or ".join(_NOUNS[kind] for kind in branches if kind in _NOUNS) or _plain(detail["msg"])
    return _NOUNS[kinds] + _bounds(declared)


def _bounds(declared: Mapping[str, Any]) -> str:
    low, high = declared.get("minimum"), declared.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" of at least {low}"
    if high is not None:
        return f" of at most {high}"
    parts = []
    if "minLength" in declared and "maxLength" in declared:
        parts.append(f"{declared['minLength']} to {declared['maxLength']} characters")
    elif "minLength" in declared:
        parts.append(f"at least {declared['minLength']} characters")
    elif "maxLength" in declared:
        parts.append(f"at most {declared['maxLength']} characters")
    if "maxItems" in declared:
        parts.append(f"at most {declared['maxItems']} items")
    if "pattern" in declared:
        parts.append(f"the form {declared['pattern']}")
    return f" of {' and '.join(parts)}" if parts else ""


def _plain(message: str) -> str:
    return message.removeprefix("Input should be ").rstrip(".")


def _listed(values: Sequence[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)
