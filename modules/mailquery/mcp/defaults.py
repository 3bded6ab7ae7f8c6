"""The tools for what a user has set beforehand for calls that leave it out."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from mailquery.mcp.arguments import READ, SizedArguments
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Result, Tool
from mcpkit.protocol.parameters import Origin, ParameterResolver, Preset

_MOST_VALUE_CHARS = 1_000

Value = Annotated[StrictBool | StrictInt | Annotated[StrictStr, Field(max_length=_MOST_VALUE_CHARS)], Field()]


class GetDefaultsArguments(SizedArguments):
    tool: str | None = Field(default=None, max_length=64, description="Only those of this tool.")


class SetDefaultArguments(SizedArguments):
    tool: str = Field(max_length=64, description="Such as search_messages.")
    argument: str = Field(max_length=64, description="Such as limit.")
    value: Value | None = Field(default=None, description="Left out: forget what is stored.")


class DefaultShown(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)

    tool: str
    argument: str
    value: str | int | bool | None = None
    from_: Origin = Field(serialization_alias="from")

    @classmethod
    def of(cls, preset: Preset) -> "DefaultShown":
        value = preset.value
        shown = value if isinstance(value, str | int | bool) or value is None else str(value)
        return cls(tool=preset.tool, argument=preset.argument, value=shown, from_=preset.origin)

    def as_text(self) -> str:
        return f"{self.tool}.{self.argument} = {'(not set)' if self.value is None else self.value} ({self.from_})"


class DefaultList(Result):
    defaults: list[DefaultShown]

    def as_text(self) -> str:
        return "\n".join(default.as_text() for default in self.defaults)


def get_defaults(parameters: ParameterResolver) -> Tool[GetDefaultsArguments, DefaultList]:
    async def handler(call: Call, arguments: GetDefaultsArguments) -> DefaultList:
        presets = await parameters.presets(call.caller.user, arguments.tool)
        return DefaultList(defaults=[DefaultShown.of(preset) for preset in presets])

    return Tool(
        name="get_defaults",
        title="Get defaults",
        description="What calls get for arguments that they leave out, and where each value comes from.",
        arguments=GetDefaultsArguments,
        result=DefaultList,
        permission=READ,
        handler=handler,
        needs_consent=False,
    )


def set_default(parameters: ParameterResolver) -> Tool[SetDefaultArguments, DefaultList]:
    async def handler(call: Call, arguments: SetDefaultArguments) -> DefaultList:
        user, tool, argument = call.caller.user, arguments.tool, arguments.argument
        if arguments.value is None:
            await parameters.forget(user, tool, argument)
        else:
            await parameters.store(user, tool, argument, arguments.value)
        presets = await parameters.presets(user, tool)
        return DefaultList(defaults=[DefaultShown.of(preset) for preset in presets if preset.argument == argument])

    return Tool(
        name="set_default",
        title="Set a default",
        description=(
            "Store for this user what later calls get for an argument that they leave out. Only where the user asks "
            "for it; get_defaults lists what can be set."
        ),
        arguments=SetDefaultArguments,
        result=DefaultList,
        permission=READ,
        handler=handler,
        sensitive=True,  # so that no mail can have it done behind its reader's back
        read_only=False,
    )
