"""Arguments as they were sent become what the handler takes, or a fault that says what each should have been."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from mcpkit.errors import ErrorCode, Fault
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Arguments, Completion, Prompt, Resource, Tool
from mcpkit.protocol.explaining import did_you_mean, invalid_arguments
from mcpkit.protocol.schemas import Schema, input_schema
from mcpkit.protocol.stages import Proceed, Reply
from mcpkit.protocol.uris import uri_variables


class Validate:
    def __init__(self) -> None:
        self._schemas: dict[str, Schema] = {}

    async def __call__(self, call: Call, proceed: Proceed) -> Reply:
        match call.declaration:
            case Tool() as tool:
                call.given = self._tool_arguments(tool, call.arguments if call.resolved is None else call.resolved)
            case Prompt() as prompt:
                call.given = _prompt_arguments(prompt, call.arguments)
            case Resource() as resource:
                call.given = uri_variables(resource.uri, call.name)
            case Completion() as completion:
                call.given = str(call.arguments.get(completion.argument, ""))
        return await proceed(call)

    def _tool_arguments(self, tool: Tool[Any, Any], sent: Mapping[str, object]) -> Arguments:
        try:
            # As JSON, since strict validation of Python objects would refuse an enum's value or a date's text.
            text = to_json(dict(sent))
        except PydanticSerializationError:  # half of a surrogate pair
            raise Fault(ErrorCode.VALIDATION_ERROR, "An argument is no valid Unicode text.") from None
        model: type[Arguments] = tool.arguments
        try:
            return model.model_validate_json(text, by_alias=True, by_name=False)
        except ValidationError as error:
            schema = self._schemas.get(tool.name)
            if schema is None:
                schema = self._schemas[tool.name] = input_schema(model)
            raise invalid_arguments(tool.name, schema, error) from None


def _prompt_arguments(prompt: Prompt, sent: Mapping[str, object]) -> Mapping[str, str]:
    known = [argument.name for argument in prompt.arguments]
    for name in sent:
        if name not in known:
            raise Fault(
                ErrorCode.VALIDATION_ERROR,
                f"The prompt {prompt.name} has no such argument{did_you_mean(name, known) or '.'}",
                details={"allowed": known},
            )
    missing = [argument.name for argument in prompt.arguments if argument.required and not sent.get(argument.name)]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise Fault(
            ErrorCode.VALIDATION_ERROR, f"The prompt {prompt.name} needs {names}.", details={"missing": missing}
        )
    return {name: str(value) for name, value in sent.items()}
