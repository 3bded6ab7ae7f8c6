"""The tools for what a user has set beforehand for calls that leave it out."""

from collections.abc import Set
from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from mailquery.mcp.arguments import READ, SizedArguments, visibility
from mailquery.services.directory import AccountNames
from mcpkit.protocol.calls import Call
from mcpkit.protocol.declarations import Result, Tool
from mcpkit.protocol.parameters import Origin, ParameterResolver, Preset
from mcpkit.protocol.stages.permitting import Allowed

_MOST_VALUE_CHARS = 1_000
_ACCOUNT = "account"  # the argument that names one

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


class _Presets:
    """The values that can be preset, as a caller may know of them: of the tools that there are for them, and without an
    account of the server's environment that they may not see."""

    def __init__(self, parameters: ParameterResolver, account_names: AccountNames, allowed: Allowed) -> None:
        self._parameters = parameters
        self._account_names = account_names
        self._allowed = allowed

    def check(self, call: Call, tool: str) -> None:
        """Raises Fault VALIDATION_ERROR where there is no such tool for the caller."""
        self._parameters.check(tool, self._tools(call))

    async def shown(self, call: Call, only: str | None) -> list[DefaultShown]:
        """Raises as `check`."""
        if only is not None:
            self.check(call, only)
        tools = self._tools(call)
        presets = [each for each in await self._parameters.presets(call.caller.user, only) if each.tool in tools]
        accounts = {name.casefold() for name in await self._account_names(visibility(call))}
        return [DefaultShown.of(_without_others(preset, accounts)) for preset in presets]

    def _tools(self, call: Call) -> list[str]:
        caller = call.caller
        return [
            tool.name for tool in self._parameters.tools if caller.may(tool.permission) and self._allowed(caller, tool)
        ]


def _without_others(preset: Preset, accounts: Set[str]) -> Preset:
    foreign = preset.argument == _ACCOUNT and preset.origin is Origin.ENVIRONMENT
    return replace(preset, value=None) if foreign and str(preset.value).casefold() not in accounts else preset


def get_defaults(
    parameters: ParameterResolver, account_names: AccountNames, allowed: Allowed
) -> Tool[GetDefaultsArguments, DefaultList]:
    presets = _Presets(parameters, account_names, allowed)

    async def handler(call: Call, arguments: GetDefaultsArguments) -> DefaultList:
        return DefaultList(defaults=await presets.shown(call, arguments.tool))

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


def set_default(
    parameters: ParameterResolver, account_names: AccountNames, allowed: Allowed
) -> Tool[SetDefaultArguments, DefaultList]:
    presets = _Presets(parameters, account_names, allowed)

    async def handler(call: Call, arguments: SetDefaultArguments) -> DefaultList:
        user, tool, argument = call.caller.user, arguments.tool, arguments.argument
        presets.check(call, tool)
        if arguments.value is None:
            await parameters.forget(user, tool, argument)
        else:
            await parameters.store(user, tool, argument, arguments.value)
        shown = await presets.shown(call, tool)
        return DefaultList(defaults=[default for default in shown if default.argument == argument])

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
